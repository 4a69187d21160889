//! Employees (api:employee:create, :get, :update).

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::Level;
pub use super::employee_choices::{EmployeeState, Language};
use super::fields::{Fields, element_id};
use super::id::Id;
use super::login_rules::is_email_address;
pub use super::login_rules::{ip_list, password};
use super::schema::Nullable;
use super::time::Time;
use crate::error::Check;

/// An employee. Most properties without a value are left out; the password never comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Employee {
    #[serde(rename = "_id")]
    pub id: Id,
    /// The customer it belongs to.
    pub customer: Id,
    #[serde(default)]
    pub access_level: Level,
    /// DISABLED: cannot log in. DELETED: shown only when asked for.
    #[schemars(example = &"ENABLED")]
    #[serde(default)]
    pub state: EmployeeState,
    /// Name.
    #[schemars(example = "Anna Manager")]
    pub name: String,
    /// Job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "Shop manager")]
    pub title: Option<String>,
    /// Department.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Shop")]
    pub department: Option<String>,
    /// One of the customer's addresses; null: the customer's own.
    #[schemars(with = "Nullable<Id>")]
    pub address: Option<Id>,
    /// Language.
    #[schemars(example = &"en")]
    #[serde(default)]
    pub language: Language,
    /// The customer's first contact.
    #[serde(default)]
    pub primary_contact: bool,
    /// E-mail address, and the login name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "manager@bakery.example.com")]
    pub email_address: Option<String>,
    /// `emailAddress` is only a username.
    #[serde(default)]
    pub no_email: bool,
    /// Login needs a code sent as a text message, which this server cannot send.
    #[serde(default)]
    pub sms_validation: bool,
    /// Where such a code is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "+4500000402")]
    pub sms_number: Option<String>,
    /// Login needs a code from an authenticator app.
    #[serde(default)]
    pub authenticator_validation: bool,
    /// The IP addresses the employee may log in from, comma-separated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "192.0.2.10, 2001:db8::10")]
    pub ip_restriction: Option<String>,
    /// Resellers that the employee may manage; needs the ORGANIZATION feature.
    #[serde(default)]
    pub organization_resellers: Vec<Id>,
    /// Send an e-mail when an account nears or reaches its limit.
    #[serde(default)]
    pub notify_on_general_usage_limit: bool,
    /// The same, for accounts of a reseller's customers.
    #[serde(default)]
    pub notify_on_general_usage_limit_reseller: bool,
    /// Date of birth.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "1984-02-29")]
    pub birthdate: Option<String>,
    /// When a delete asked for a later day falls due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_date: Option<Time>,
    #[serde(skip)]
    pub rev: i64,
}

/// What PERSONAL and VIEWER may change on themselves.
pub const HARMLESS: [&str; 3] = ["language", "password", "title"];

/// Every property that an update understands; others are ignored.
const PROPERTIES: [&str; 20] = [
    "accessLevel",
    "state",
    "name",
    "title",
    "department",
    "address",
    "language",
    "primaryContact",
    "emailAddress",
    "noEmail",
    "password",
    "smsValidation",
    "smsNumber",
    "authenticatorValidation",
    "ipRestriction",
    "organizationResellers",
    "notifyOnGeneralUsageLimit",
    "notifyOnGeneralUsageLimitReseller",
    "birthdate",
    "deleteDate",
];

/// Whether a body changes nothing but harmless properties.
pub fn only_harmless(fields: &Fields) -> bool {
    !PROPERTIES.iter().any(|name| fields.is_given(name) && !HARMLESS.contains(name))
}

impl Employee {
    pub fn new(id: Id, customer: Id) -> Employee {
        Employee {
            id,
            customer,
            access_level: Level::NoLogin,
            state: EmployeeState::Enabled,
            name: String::new(),
            title: None,
            department: None,
            address: None,
            language: Language::default(),
            primary_contact: false,
            email_address: None,
            no_email: false,
            sms_validation: false,
            sms_number: None,
            authenticator_validation: false,
            ip_restriction: None,
            organization_resellers: vec![],
            notify_on_general_usage_limit: false,
            notify_on_general_usage_limit_reseller: false,
            birthdate: None,
            delete_date: None,
            rev: 0,
        }
    }

    /// Takes over the properties that are given; the rest stays. The password is read by [`password`].
    pub fn apply(&mut self, fields: &mut Fields) {
        fields.choice("accessLevel", Level::parse, Level::NAMES, &mut self.access_level);
        fields.choice("state", EmployeeState::parse, EmployeeState::NAMES, &mut self.state);
        fields.required_text("name", 1, 200, &mut self.name);
        fields.text("title", &mut self.title);
        fields.text("department", &mut self.department);
        fields.optional_id("address", &mut self.address);
        fields.choice("language", Language::parse, Language::NAMES, &mut self.language);
        fields.flag("primaryContact", &mut self.primary_contact);
        fields.flag("noEmail", &mut self.no_email);
        fields.text_within("emailAddress", 1, 254, &mut self.email_address);
        if fields.is_given("emailAddress") || fields.is_given("noEmail") {
            self.check_login_name(fields);
        }
        fields.flag("smsValidation", &mut self.sms_validation);
        fields.text("smsNumber", &mut self.sms_number);
        fields.flag("authenticatorValidation", &mut self.authenticator_validation);
        fields.text("ipRestriction", &mut self.ip_restriction);
        if let Some(text) = &mut self.ip_restriction {
            match ip_list(text) {
                Some(list) => *text = list.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", "),
                None => fields.fault(
                    "ipRestriction",
                    Check::Format,
                    "ipRestriction must be one IP address, or several comma-separated",
                ),
            }
        }
        if let Some(resellers) = fields.each("organizationResellers", element_id) {
            self.organization_resellers = resellers;
        }
        fields.flag("notifyOnGeneralUsageLimit", &mut self.notify_on_general_usage_limit);
        fields.flag("notifyOnGeneralUsageLimitReseller", &mut self.notify_on_general_usage_limit_reseller);
        fields.text("birthdate", &mut self.birthdate);
        if self.birthdate.as_deref().is_some_and(|date| Time::parse(date).is_none()) {
            fields.fault("birthdate", Check::Format, "birthdate must be a date (YYYY-MM-DD)");
        }
        // A scheduled delete is made by DELETE; here it can only be called off.
        if fields.value("deleteDate").is_some_and(serde_json::Value::is_null) {
            self.delete_date = None;
        }
    }

    /// Notes a fault when the state is DELETED: a new employee cannot have it.
    pub fn refuse_deleted(&self, fields: &mut Fields) {
        if self.state == EmployeeState::Deleted {
            fields.fault("state", Check::Enum, "state of a new employee must be one of ENABLED, DISABLED");
        }
    }

    /// Takes over the customer that is given. What belongs to the customer before goes: the address, and the resellers that
    /// could be managed from there.
    pub fn move_to(&mut self, customer: Id) {
        if customer != self.customer {
            self.customer = customer;
            self.address = None;
            self.organization_resellers = vec![];
        }
    }

    fn check_login_name(&self, fields: &mut Fields) {
        match &self.email_address {
            None if self.no_email => {
                fields.fault("emailAddress", Check::Required, "emailAddress is required: it is the username");
            }
            Some(name) if self.no_email && name.chars().count() < 8 => {
                fields.fault("emailAddress", Check::Min, "The username must be at least 8 characters");
            }
            Some(address) if !self.no_email && !is_email_address(address) => {
                fields.fault("emailAddress", Check::Format, "emailAddress must be an e-mail address");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fields::read_body;
    use serde_json::json;

    #[test]
    fn a_password_needs_8_characters_of_three_kinds() {
        let accepted = |text: &str| {
            read_body(json!({ "password": text }).as_object().unwrap(), password).is_ok_and(|p| p.is_some())
        };
        assert!(accepted("Passw0rd") && accepted("Pæssw0rÅd"));
        for weak in ["", "secret", "Passw0r", "passw0rd", "PASSW0RD", "Password"] {
            assert!(!accepted(weak), "{weak}");
        }
    }

    #[test]
    fn login_names_follow_no_email() {
        let accepted = |name: &str, no_email: bool| {
            let body = json!({ "emailAddress": name, "noEmail": no_email });
            let id = Id::from_number(1);
            read_body(body.as_object().unwrap(), |f| Employee::new(id, id).apply(f)).is_ok()
        };
        assert!(accepted("a@b.dk", false) && accepted("reception", true));
        for (name, no_email) in
            [("reception", false), ("a b@c.dk", false), ("a@b", false), ("@b.dk", false), ("short", true)]
        {
            assert!(!accepted(name, no_email), "{name}");
        }
    }

    #[test]
    fn an_ip_restriction_is_a_list_of_addresses() {
        assert_eq!(ip_list("10.0.0.1, ::1").unwrap().len(), 2);
        assert!(ip_list("10.0.0.1,host").is_none() && ip_list("10.0.0.0/8").is_none());
    }
}
