//! Employees, their tokens and keys.

use schemars::JsonSchema;
use serde_json::json;

use super::{PageHead, summary};
use crate::domain::access::Level;
use crate::domain::employee::{Employee, EmployeeState, Language};
use crate::domain::id::Id;
use crate::domain::schema::Nullable;
use crate::domain::time::Time;
use crate::store::tokens::MachineToken;

/// An employee in a list: a summary, or with `full` complete.
#[derive(JsonSchema)]
#[schemars(transform = summary)]
#[schemars(example = json!({
    "_id": "e00000000000000000000402", "accessLevel": "MANAGER", "state": "ENABLED", "name": "Anna Manager"
}))]
pub struct EmployeeRow {
    #[schemars(flatten)]
    pub complete: Employee,
}

/// A page of employees, by name.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct EmployeePage {
    #[schemars(flatten)]
    pub page: PageHead,
    #[schemars(length(max = 500))]
    pub employees: Vec<EmployeeRow>,
}

/// An employee to be created, which needs `customer`, `accessLevel` and `name`, or the properties of one to be
/// changed: the rest stays, null clears a value. PERSONAL and VIEWER may change `language`, `password` and `title`
/// of themselves. Other properties are ignored.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({"customer": "c00000000000000000000004", "accessLevel": "PERSONAL", "name": "Lars Newcomer", "emailAddress": "lars@bakery.example.com"}))]
pub struct EmployeeWrite {
    /// The customer it is to belong to; another one moves it, for those who may change employees of both.
    pub customer: Option<Id>,
    /// Not above the caller's own.
    pub access_level: Option<Level>,
    /// DISABLED: cannot log in. DELETED: as by DELETE, and not in a create.
    #[schemars(example = &"ENABLED")]
    pub state: Option<EmployeeState>,
    /// Name.
    #[schemars(length(min = 1, max = 200), example = "Anna Manager")]
    pub name: Option<String>,
    /// Job title.
    #[schemars(length(max = 1000), example = "Shop manager")]
    pub title: Option<Nullable<String>>,
    /// Department.
    #[schemars(length(max = 1000), example = &"Shop")]
    pub department: Option<Nullable<String>>,
    /// One of the customer's addresses; null: the customer's own.
    pub address: Option<Nullable<Id>>,
    /// Language; `en` when it is never given.
    #[schemars(extend("enum" = Language::NAMES), example = &"en")]
    pub language: Option<String>,
    /// The customer's first contact.
    pub primary_contact: Option<bool>,
    /// E-mail address, and the login name: no other employee may have it, in whatever case. With `noEmail` a username
    /// of at least 8 characters.
    #[schemars(length(min = 1, max = 254), example = "manager@bakery.example.com")]
    pub email_address: Option<Nullable<String>>,
    /// `emailAddress` is only a username.
    pub no_email: Option<bool>,
    /// At least 8 characters with upper case, lower case and digits. On create only with `noEmail`; later with
    /// `noEmail` or on oneself.
    #[schemars(length(min = 8, max = 200), extend("format" = "password", "writeOnly" = true), example = "Demo-Passw0rd")]
    pub password: Option<String>,
    /// With `password`, on an update: also revoke the employee's machine-to-machine tokens.
    pub revoke_tokens: Option<bool>,
    /// Login needs a code sent as a text message, which this server cannot send.
    pub sms_validation: Option<bool>,
    /// Where such a code is sent.
    #[schemars(length(max = 1000), example = "+4500000402")]
    pub sms_number: Option<Nullable<String>>,
    /// Login needs a code from an authenticator app.
    pub authenticator_validation: Option<bool>,
    /// The IP addresses the employee may log in from, comma-separated; null: any.
    #[schemars(length(max = 1000), example = "192.0.2.10, 2001:db8::10")]
    pub ip_restriction: Option<Nullable<String>>,
    /// Resellers that the employee may manage: replaces those there are. Needs RESELLER_ADMIN, and the ORGANIZATION
    /// feature.
    pub organization_resellers: Option<Vec<Id>>,
    /// Send an e-mail when an account nears or reaches its limit.
    pub notify_on_general_usage_limit: Option<bool>,
    /// The same, for accounts of a reseller's customers.
    pub notify_on_general_usage_limit_reseller: Option<bool>,
    /// Date of birth.
    #[schemars(extend("anyOf" = [{ "format": "date" }, { "format": "date-time" }]), example = "1984-02-29")]
    pub birthdate: Option<Nullable<String>>,
    /// Null calls off a delete that was asked for a later day; anything else is ignored.
    #[schemars(example = ())]
    pub delete_date: Option<Nullable<String>>,
}

/// It was deleted, or will be.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct Deleted {
    #[schemars(extend("const" = true))]
    pub success: bool,
    /// When it will be deleted; only when a later day was asked for.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub delete_date: Option<Time>,
}

/// A token for a machine was made.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct Token {
    #[schemars(extend("const" = true))]
    pub success: bool,
    /// The token, valid until it is deleted. Shown once, and only to the employee it belongs to.
    #[schemars(
        regex(pattern = r"^[0-9a-f]{64}$"),
        example = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    )]
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A new key for an authenticator app. It replaces the one before.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct AuthenticatorKey {
    #[schemars(extend("const" = true))]
    pub success: bool,
    /// The key in base32.
    #[schemars(regex(pattern = r"^[A-Z2-7]+=*$"), example = &"JBSWY3DPEHPK3PXP")]
    pub key: String,
    /// The same key as a link for an authenticator app.
    #[schemars(example = "otpauth://totp/TelecomX:manager@bakery.example.com?secret=JBSWY3DPEHPK3PXP&issuer=TelecomX")]
    pub totp: String,
}

/// A page of machine-to-machine tokens, the oldest first.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct MachineTokens {
    #[schemars(flatten)]
    pub page: PageHead,
    #[schemars(length(max = 500))]
    pub tokens: Vec<MachineToken>,
}
