//! Switches and variables of the PBX (api:pbx:switch:list, api:pbx:variable:set): named values that a dial plan reads.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::fields::Fields;
use crate::domain::id::Id;
use crate::domain::text::composed;
use crate::error::Check;

/// Whose a switch or a variable is; its name says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of the PBX; MANAGER and up change it.
    System,
    /// `SHARED:…`: everybody of the customer changes it.
    Shared,
    /// `EMPLOYEE_ID:…`: the employee changes it.
    Personal(Id),
}

impl Scope {
    pub fn of(name: &str) -> Scope {
        match name.split_once(':') {
            Some(("SHARED", _)) => Scope::Shared,
            Some((owner, _)) => owner.parse().map_or(Scope::System, Scope::Personal),
            None => Scope::System,
        }
    }

    /// As the API names it.
    pub fn name(self) -> &'static str {
        match self {
            Scope::System => "SYSTEM",
            Scope::Shared => "SHARED",
            Scope::Personal(_) => "PERSONAL",
        }
    }

    pub fn employee(self) -> Option<Id> {
        match self {
            Scope::Personal(employee) => Some(employee),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Switch {
    #[serde(rename = "_id")]
    pub id: Id,
    pub customer: Id,
    pub name: String,
    pub value: bool,
}

impl Switch {
    /// The names of its properties besides id, kind and customer, and of those that are stored as given.
    pub const PROPERTIES: &'static [&'static str] = &["name", "value"];
    pub const AS_GIVEN: &'static [&'static str] = &[];
    pub const REQUIRED: &'static [&'static str] = &["name", "value"];

    pub fn new(id: Id, customer: Id) -> Switch {
        Switch { id, customer, name: String::new(), value: false }
    }

    pub fn apply(&mut self, fields: &mut Fields) {
        apply_name(fields, &mut self.name);
        fields.flag("value", &mut self.value);
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    #[serde(rename = "_id")]
    pub id: Id,
    pub customer: Id,
    pub name: String,
    pub value: String,
}

impl Variable {
    /// The names of its properties besides id, kind and customer, and of those that are stored as given.
    pub const PROPERTIES: &'static [&'static str] = &["name", "value"];
    pub const AS_GIVEN: &'static [&'static str] = &[];
    pub const REQUIRED: &'static [&'static str] = &["name", "value"];

    pub fn new(id: Id, customer: Id) -> Variable {
        Variable { id, customer, name: String::new(), value: String::new() }
    }

    pub fn apply(&mut self, fields: &mut Fields) {
        apply_name(fields, &mut self.name);
        fields.required_lines("value", 0, 1_000, &mut self.value);
    }
}

/// The name of a switch or a variable as it is stored: in Unicode's form NFC, without blanks around it, and an id in front of it in
/// lower case.
pub fn stored_name(name: &str) -> Cow<'_, str> {
    let name = composed(name.trim());
    match (Scope::of(&name), name.split_once(':')) {
        (Scope::Personal(employee), Some((_, rest))) => format!("{employee}:{rest}").into(),
        _ => name,
    }
}

fn apply_name(fields: &mut Fields, target: &mut String) {
    fields.required_text("name", 1, 200, target);
    if target.contains(char::REPLACEMENT_CHARACTER) {
        fields.fault("name", Check::Format, "name must be text in UTF-8");
    }
    *target = stored_name(target).into_owned();
    // It is part of a path.
    if target.contains('/') {
        fields.fault("name", Check::Format, "name may not hold a slash");
    } else if Scope::of(target) != Scope::System
        && target.split_once(':').is_some_and(|(_, rest)| rest.trim().is_empty())
    {
        fields.fault("name", Check::Min, "name must have a name behind the colon");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whose_it_is() {
        let employee = "E00000000000000000000404";
        for (name, stored, scope) in [
            ("night", "night", Scope::System),
            ("shared:night", "shared:night", Scope::System),
            ("EMPLOYEE:night", "EMPLOYEE:night", Scope::System),
            ("SHARED:night", "SHARED:night", Scope::Shared),
            (
                &format!("{employee}:Night:2"),
                "e00000000000000000000404:Night:2",
                Scope::Personal(employee.parse().unwrap()),
            ),
            (employee, employee, Scope::System),
            (" SHARED:a b ", "SHARED:a b", Scope::Shared),
            ("a\u{30a}ben", "\u{e5}ben", Scope::System),
        ] {
            let found = stored_name(name);
            assert_eq!((&*found, Scope::of(&found)), (stored, scope), "{name}");
        }
    }
}
