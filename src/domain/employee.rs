//! Employees (api:employee:create, :get, :update).

use std::net::IpAddr;

use serde::Serialize;
use strum::{EnumString, IntoStaticStr};

use super::access::Level;
use super::fields::{Fields, element_id};
use super::id::Id;
use super::time::Time;
use crate::error::Check;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum EmployeeState {
    Enabled,
    Disabled,
    Deleted,
}

impl EmployeeState {
    pub fn parse(name: &str) -> Option<EmployeeState> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// An employee in the API's shape. Passwords and keys are kept elsewhere and never part of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Employee {
    #[serde(rename = "_id")]
    pub id: Id,
    pub customer: Id,
    pub access_level: Level,
    pub state: EmployeeState,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Null: the same as the customer's.
    pub address: Option<Id>,
    pub language: &'static str,
    pub primary_contact: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_address: Option<String>,
    pub no_email: bool,
    pub sms_validation: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms_number: Option<String>,
    pub authenticator_validation: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_restriction: Option<String>,
    pub organization_resellers: Vec<Id>,
    pub notify_on_general_usage_limit: bool,
    pub notify_on_general_usage_limit_reseller: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    /// When a delete asked for a later day falls due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_date: Option<Time>,
    #[serde(skip)]
    pub rev: i64,
}

pub const LANGUAGES: [&str; 2] = ["da", "en"];

/// `da` or `en`, as the constant of that name.
pub fn language(name: &str) -> Option<&'static str> {
    LANGUAGES.into_iter().find(|known| *known == name)
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
            language: "en",
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
        fields.choice("state", EmployeeState::parse, &["ENABLED", "DISABLED"], &mut self.state);
        fields.required_text("name", 1, 200, &mut self.name);
        fields.text("title", &mut self.title);
        fields.text("department", &mut self.department);
        fields.optional_id("address", &mut self.address);
        fields.choice("language", language, &LANGUAGES, &mut self.language);
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

    /// Notes a fault when the state was set to DELETED: that is for DELETE to do (and for import).
    pub fn refuse_deleted(&self, fields: &mut Fields) {
        if self.state == EmployeeState::Deleted {
            fields.fault("state", Check::Enum, "state must be one of ENABLED, DISABLED; to delete, use DELETE");
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

/// Reads `password`: at least 8 characters with upper case, lower case and digits (api:auth:setpassword).
pub fn password(fields: &mut Fields) -> Option<String> {
    let mut password = String::new();
    fields.required_text("password", 0, 200, &mut password);
    if password.is_empty() && !fields.is_given("password") {
        return None;
    }
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    let complex = has(char::is_uppercase) && has(char::is_lowercase) && has(|c| c.is_ascii_digit());
    if password.chars().count() < 8 || !complex {
        if fields.value("password").is_some_and(serde_json::Value::is_string) {
            fields.fault("password", Check::Format, "Password does not meet the required complexity.");
        }
        return None;
    }
    Some(password)
}

/// The addresses of an `ipRestriction`, as callers' addresses are written; `None` when one of them is not an address.
pub fn ip_list(text: &str) -> Option<Vec<IpAddr>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok().map(|address: IpAddr| address.to_canonical())).collect()
}

/// One `@` with something before it and a host with a dot, or `localhost`, behind it; no blanks.
fn is_email_address(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let host_is_fine = host == "localhost"
        || host.contains('.')
            && host.split('.').all(|label| !label.is_empty())
            && host.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.');
    !name.is_empty() && host_is_fine && !text.chars().any(|c| c.is_whitespace() || c == ',' || c == ';')
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
