//! What a server keeps of the platform that it works with: how it works with it, and what is to be done there.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr};

use super::id::Id;
use super::mirror::Table;
use super::time::Time;

/// How a server works with the platform.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schemars(inline)]
pub enum Mode {
    /// It reads only: what the platform has cannot be changed here.
    Follow,
    /// It reads, and sends what was changed here.
    #[default]
    Work,
}

impl Mode {
    pub fn parse(name: &str) -> Option<Mode> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What is done where both sides have changed the same thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Conflicts {
    /// A person decides.
    #[default]
    Ask,
    /// The change made here is sent all the same.
    Mine,
    /// The change made here is given up.
    Theirs,
}

impl Conflicts {
    pub fn parse(name: &str) -> Option<Conflicts> {
        name.parse().ok()
    }
}

/// The documented call that an operation is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schemars(inline)]
pub enum Call {
    /// `POST /customer`
    CreateCustomer,
    /// `POST /customer/ID`
    UpdateCustomer,
    /// `DELETE /customer/ID`
    DeleteCustomer,
    /// `POST /employee`
    CreateEmployee,
    /// `POST /employee/ID`
    UpdateEmployee,
    /// `DELETE /employee/ID`
    DeleteEmployee,
    /// `POST /pbx/app/mobileconfig/ID`
    CreateConfig,
    /// `POST /pbx/app/mobileconfig/`
    CopyConfig,
}

impl Call {
    /// Whether a call makes a new object, whose id the platform gives.
    pub fn is_create(self) -> bool {
        matches!(self, Call::CreateCustomer | Call::CreateEmployee)
    }

    pub fn parse(name: &str) -> Option<Call> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The kind of object that it changes.
    pub fn table(self) -> Table {
        match self {
            Call::CreateCustomer | Call::UpdateCustomer | Call::DeleteCustomer => Table::Customer,
            Call::CreateEmployee | Call::UpdateEmployee | Call::DeleteEmployee => Table::Employee,
            Call::CreateConfig | Call::CopyConfig => Table::MobileConfig,
        }
    }
}

/// Where an operation stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schemars(inline)]
pub enum OperationState {
    /// It is to be sent.
    Waiting,
    /// Both sides changed the same: a person decides.
    Conflict,
    /// The platform has refused it, and this server holds what the platform holds.
    Refused,
    /// The platform has no call for it: only this server has it.
    Local,
}

impl OperationState {
    pub fn parse(name: &str) -> Option<OperationState> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What an operation changes. Only what its call needs is there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The changed fields as they were here, of a delete all of them. Of a copy, `configs` is the digest of the target's content.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub was: Map<String, Value>,
    /// The changed fields as they are to be; of a create all of them.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub to: Map<String, Value>,
    /// Of a copy: whose config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Id>,
    /// Of a delete on a later day, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Of a delete of an employee: its extensions too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_extensions: bool,
    /// Both sides changed it, and a person has decided: it is sent whatever the platform holds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_decided: bool,
}

/// A change made here that is to be made at the platform.
#[derive(Clone, Debug)]
pub struct Operation {
    pub seq: i64,
    /// Uuid that the audit trail has for the change.
    pub operation: String,
    pub call: Call,
    pub customer: Id,
    pub target: Id,
    pub change: Change,
    /// A password to be set, sealed.
    pub secret: Option<Vec<u8>>,
    pub state: OperationState,
    /// Of a conflict: what the platform holds, as JSON; `null` when the object is not there.
    pub theirs: Option<String>,
    /// The last answer that was no success: the platform's own error as JSON, or a text.
    pub error: Option<String>,
    pub tries: i64,
    pub created_at: Time,
    pub first_tried: Option<Time>,
    pub last_tried: Option<Time>,
}

/// The kinds of objects that are read from the platform.
pub const KINDS: [Table; 4] = [Table::Customer, Table::Queue, Table::Employee, Table::MobileConfig];

/// Whether two values of a property mean the same: properties without a value may be left out (api:customer:get, api:employee:get).
pub fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    let is_nothing = |value: Option<&Value>| match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::Object(object)) => object.values().all(|value| is_same(Some(value), None)),
        Some(_) => false,
    };
    match (one, other) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            one.keys().chain(other.keys()).all(|name| is_same(one.get(name), other.get(name)))
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(Some(one), Some(other)))
        }
        _ => one == other || is_nothing(one) && is_nothing(other),
    }
}

/// The fields in which two objects differ, those of both.
pub fn differing(one: &Map<String, Value>, other: &Map<String, Value>) -> Vec<String> {
    let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let differs = |name: &&String| !is_same(one.get(*name), other.get(*name));
    names.into_iter().filter(differs).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_property_that_is_left_out_is_one_without_a_value() {
        let same = |one: Value, other: Value| is_same(one.get("x"), other.get("x"));
        for empty in [json!({}), json!({ "x": null }), json!({ "x": "" }), json!({ "x": [] }), json!({ "x": false })] {
            assert!(same(empty.clone(), json!({})) && same(json!({}), empty));
        }
        assert!(
            same(json!({ "x": { "a": null } }), json!({}))
                && same(json!({ "x": { "a": 1 } }), json!({ "x": { "a": 1, "b": "" } }))
        );
        assert!(!same(json!({ "x": 0 }), json!({})) && !same(json!({ "x": [1] }), json!({ "x": [] })));
        assert_eq!(
            differing(
                json!({ "a": 1, "b": null, "c": 2 }).as_object().unwrap(),
                json!({ "c": 3, "a": 1 }).as_object().unwrap()
            ),
            ["c"]
        );
    }
}
