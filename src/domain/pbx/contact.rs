//! Contacts of the phone book (api:pbx:phonebook:get).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{EnumString, VariantNames};

use crate::domain::fields::Fields;
use crate::domain::id::Id;
use crate::domain::json::is_default;
use crate::error::{Check, Fault, Faults};

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, VariantNames, schemars::JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum ContactType {
    #[default]
    Person,
    Company,
}

/// The types of addresses, phone numbers and e-mail addresses.
const ADDRESS_TYPES: &[&str] = &["HOME", "WORK"];
const NUMBER_TYPES: &[&str] = &["HOME", "WORK", "MOBILE", "MAIN", "OTHER"];
const EMAIL_TYPES: &[&str] = &["HOME", "WORK", "MAIN", "OTHER"];
/// A contact has at most so many of each.
const ENTRIES_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    #[serde(rename = "_id")]
    pub id: Id,
    /// Customer.
    pub customer: Id,
    /// Whose contact it is; null: it is shared.
    #[serde(default, skip_serializing_if = "is_default")]
    pub employee: Option<Id>,
    /// Person or company.
    #[serde(rename = "type", default)]
    pub kind: ContactType,
    /// First name.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(example = &"Mette")]
    pub given_name: Option<String>,
    /// Family name.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(example = &"Miller")]
    pub family_name: Option<String>,
    /// Company.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(example = "Flour mill")]
    pub company: Option<String>,
    /// Job title.
    #[serde(default, skip_serializing_if = "is_default")]
    pub title: Option<String>,
    /// Department.
    #[serde(default, skip_serializing_if = "is_default")]
    pub department: Option<String>,
    /// Addresses, each with its `type` (HOME, WORK); the rest of each is stored as given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub addresses: Vec<Map<String, Value>>,
    /// Phone numbers, each with its `type` (HOME, WORK, MOBILE, MAIN, OTHER); the rest of each is stored as given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub phone_numbers: Vec<Map<String, Value>>,
    /// E-mail addresses, each with its `type` (HOME, WORK, MAIN, OTHER); the rest of each is stored as given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub email_addresses: Vec<Map<String, Value>>,
    /// Number of 1 to 7 digits that a shared contact is called by.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(example = &"17")]
    pub short_number: Option<String>,
    /// Notes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub notes: Option<String>,
    /// Id of the contact in another system.
    #[serde(default, skip_serializing_if = "is_default")]
    pub external_id: Option<String>,
}

impl Contact {
    /// The names of its properties besides id, kind and customer, and of those that are stored as given.
    pub const PROPERTIES: &'static [&'static str] = &[
        "employee",
        "type",
        "givenName",
        "familyName",
        "company",
        "title",
        "department",
        "addresses",
        "phoneNumbers",
        "emailAddresses",
        "shortNumber",
        "notes",
        "externalId",
    ];
    pub const AS_GIVEN: &'static [&'static str] = &[];
    pub const REQUIRED: &'static [&'static str] = &[];

    pub fn new(id: Id, customer: Id) -> Contact {
        Contact {
            id,
            customer,
            employee: None,
            kind: ContactType::Person,
            given_name: None,
            family_name: None,
            company: None,
            title: None,
            department: None,
            addresses: vec![],
            phone_numbers: vec![],
            email_addresses: vec![],
            short_number: None,
            notes: None,
            external_id: None,
        }
    }

    /// What it is listed under: the family name of a person, the name of a company.
    pub fn sort_name(&self) -> &str {
        let names = match self.kind {
            ContactType::Person => [&self.family_name, &self.given_name, &self.company],
            ContactType::Company => [&self.company, &self.family_name, &self.given_name],
        };
        names.into_iter().flatten().find(|name| !name.is_empty()).map_or("", String::as_str)
    }

    /// Takes over the properties that are given, arrays as a whole; the rest stays.
    pub fn apply(&mut self, fields: &mut Fields) {
        fields.optional_id("employee", &mut self.employee);
        fields.choice("type", |name| name.parse().ok(), ContactType::VARIANTS, &mut self.kind);
        for (name, text) in [
            ("givenName", &mut self.given_name),
            ("familyName", &mut self.family_name),
            ("company", &mut self.company),
            ("title", &mut self.title),
            ("department", &mut self.department),
            ("externalId", &mut self.external_id),
        ] {
            fields.text(name, text);
        }
        fields.lines("notes", 10_000, &mut self.notes);
        for (name, types, list) in [
            ("addresses", ADDRESS_TYPES, &mut self.addresses),
            ("phoneNumbers", NUMBER_TYPES, &mut self.phone_numbers),
            ("emailAddresses", EMAIL_TYPES, &mut self.email_addresses),
        ] {
            if let Some(entries) = fields.each(name, |value, path, faults| typed(value, path, types, faults)) {
                *list = entries;
            }
            if list.len() > ENTRIES_MAX {
                fields.fault(name, Check::Max, format!("{name} must have at most {ENTRIES_MAX} entries"));
            }
        }
        self.apply_short_number(fields);
    }

    fn apply_short_number(&mut self, fields: &mut Fields) {
        fields.text_within("shortNumber", 1, 7, &mut self.short_number);
        let Some(number) = &self.short_number else { return };
        if !number.bytes().all(|digit| digit.is_ascii_digit()) {
            fields.fault("shortNumber", Check::Format, "shortNumber must be 1 to 7 digits");
        } else if self.employee.is_some() {
            fields.fault("shortNumber", Check::Enum, "shortNumber is for shared contacts only");
        }
    }
}

/// An address, a phone number or an e-mail address: an object of texts with one of `types`.
fn typed(value: &Value, path: &str, types: &[&str], faults: &mut Faults) -> Option<Map<String, Value>> {
    let mut fault = |name: &str, check, message: &str| {
        let path = if name.is_empty() { path.to_owned() } else { format!("{path}.{name}") };
        faults.push(Fault { path, check, message: message.into() });
    };
    let Some(object) = value.as_object() else {
        fault("", Check::Type, "Must be an object");
        return None;
    };
    match object.get("type").and_then(Value::as_str) {
        Some(name) if types.contains(&name) => {}
        Some(_) => fault("type", Check::Enum, &format!("type must be one of {}", types.join(", "))),
        None => fault("type", Check::Required, "type is required"),
    }
    for (name, value) in object {
        if value.as_str().is_some_and(|text| text.len() > 1_000) {
            fault(name, Check::Max, &format!("{name} must be at most 1000 bytes"));
        } else if value.is_array() || value.is_object() {
            fault(name, Check::Type, &format!("{name} must be a string"));
        }
    }
    Some(object.clone())
}
