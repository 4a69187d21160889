//! The platform's objects as ours. The platform has accepted what it sends, so no rule is asked; what this server cannot hold (an
//! unknown level, an id that is none, a missing name) is said in words.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::domain::audit::{Hash, digest};
use crate::domain::customer::Customer;
use crate::domain::employee::{Employee, ip_list};
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::domain::mobile_config;
use crate::domain::queue::{AS_GIVEN, Queue};
use crate::error::{Faults, Result};
use crate::usecases::intents::fields_of;

/// The longest object that is read.
pub const OBJECT_MAX_BYTES: usize = 8 << 20;

/// An object of the platform's.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    Customer(Box<Customer>),
    Employee(Box<Employee>),
    Queue(Queue),
    Config {
        id: Id,
        /// JSON text of the array.
        content: String,
    },
}

impl Object {
    /// Itself, if it may stand in this customer's list. An error says whose it is.
    pub fn of(self, customer: Id) -> Result<Object, String> {
        let owner = match &self {
            Object::Employee(employee) => employee.customer,
            Object::Queue(queue) => queue.customer,
            Object::Customer(_) | Object::Config { .. } => customer,
        };
        match owner == customer {
            true => Ok(self),
            false => Err(format!("the list of customer {customer} has it, and it says that it is of customer {owner}")),
        }
    }

    /// Its fields as the API of this server renders them; none of a mobile config.
    pub fn fields(&self) -> Result<Map<String, Value>> {
        match self {
            Object::Customer(customer) => fields_of(customer),
            Object::Employee(employee) => fields_of(employee),
            Object::Queue(queue) => fields_of(queue),
            Object::Config { .. } => Ok(Map::new()),
        }
    }
}

/// SHA-256 of an object as it was sent.
pub fn hash_of(text: &str) -> Hash {
    digest(text.as_bytes())
}

/// The id of an object as it was sent; an object without one gets an id from its hash, to be shown under.
pub fn id_of(text: &str) -> Id {
    #[derive(Deserialize)]
    struct Head<'t> {
        #[serde(rename = "_id", borrow)]
        id: &'t RawValue,
    }
    let head: Option<Head> = serde_json::from_str(text).ok();
    head.and_then(|head| head.id.get().trim_matches('"').parse().ok()).unwrap_or_else(|| Id::of_hash(&hash_of(text)))
}

/// Lists, which must not be null: nobody knows whether they are empty then.
const LISTS: [&str; 6] = ["addresses", "features", "organizationResellers", "configs", "items", "others"];

/// Reads an object of a customer's. An error says why it cannot be held here.
pub fn read(kind: Table, text: &str, customer: Id) -> Result<Object, String> {
    if text.len() > OBJECT_MAX_BYTES {
        return Err(format!("it is longer than {OBJECT_MAX_BYTES} bytes"));
    }
    let mut value: Value = serde_json::from_str(text).map_err(|error| format!("it cannot be read: {error}"))?;
    let Some(object) = value.as_object_mut() else { return Err("it is no object".into()) };
    if let Some(list) = LISTS.iter().find(|list| object.get(**list).is_some_and(Value::is_null)) {
        return Err(format!("{list} is null, where a list should be"));
    }
    match kind {
        Table::Customer => {
            let customer: Customer = typed(value)?;
            named(&customer.name).and_then(|()| without_controls(Object::Customer(customer.into())))
        }
        Table::Employee => {
            object.entry("customer").or_insert_with(|| customer.to_string().into());
            if object.get("accessLevel").is_none_or(Value::is_null) {
                return Err("accessLevel is missing".into());
            }
            let employee: Employee = typed(value)?;
            if employee.ip_restriction.as_deref().is_some_and(|list| ip_list(list).is_none()) {
                return Err("ipRestriction is no list of IP addresses".into());
            }
            named(&employee.name).and_then(|()| without_controls(Object::Employee(employee.into())))
        }
        Table::Queue => {
            object.entry("customer").or_insert_with(|| customer.to_string().into());
            let is_known =
                |name: &str| ["_id", "customer", "name", "number"].contains(&name) || AS_GIVEN.contains(&name);
            object.retain(|name, value| is_known(name) && !value.is_null());
            let queue: Queue = typed(value)?;
            named(&queue.name).and_then(|()| without_controls(Object::Queue(queue)))
        }
        Table::MobileConfig => {
            let id = object.get("_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
            let id = id.ok_or("_id is no id of 24 hex characters")?;
            let configs = object.get("configs").ok_or("configs is missing")?.to_string();
            if configs.len() > mobile_config::CONTENT_MAX_BYTES {
                return Err(format!("configs is longer than {} bytes", mobile_config::CONTENT_MAX_BYTES));
            }
            let mut faults = Faults::default();
            let read = mobile_config::read(&configs, "configs", &mut faults);
            let (content, _) = faults.or(read).map_err(|error| error.to_string())?.ok_or("configs cannot be read")?;
            Ok(Object::Config { id, content })
        }
        Table::PbxObject | Table::Other => Err("its kind is not known".into()),
    }
}

/// Control characters have no place in any text of the API: neither an import nor a terminal takes them.
fn without_controls(object: Object) -> Result<Object, String> {
    fn has_control(value: &Value) -> bool {
        match value {
            Value::String(text) => text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')),
            Value::Array(list) => list.iter().any(has_control),
            Value::Object(object) => object.values().any(has_control),
            _ => false,
        }
    }
    let fields = object.fields().map_err(|error| error.to_string())?;
    match fields.into_iter().find(|(_, value)| has_control(value)) {
        Some((name, _)) => Err(format!("{name} has control characters")),
        None => Ok(object),
    }
}

fn named(name: &str) -> Result<(), String> {
    if name.trim().is_empty() { Err("name is missing".into()) } else { Ok(()) }
}

/// A property that is null is one without a value.
fn typed<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(without_nulls(value)).map_err(|error| error.to_string())
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let given = object.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(given.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// Reads what an earlier base holds; `None` where it cannot be held here.
pub fn base_fields(kind: Table, text: &str, customer: Id) -> Option<Map<String, Value>> {
    read(kind, text, customer).ok()?.fields().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CUSTOMER: &str = "c00000000000000000000001";

    fn employee(change: impl Fn(&mut Value)) -> Result<Object, String> {
        let mut value = json!({
            "_id": "E00000000000000000000001", "customer": CUSTOMER, "accessLevel": "MANAGER", "name": "Anna",
            "state": "ENABLED", "somethingNew": { "deep": [1] },
        });
        change(&mut value);
        read(Table::Employee, &value.to_string(), CUSTOMER.parse().unwrap())
    }

    #[test]
    fn odd_objects_are_read_as_far_as_they_can_be_held() {
        let Ok(Object::Employee(anna)) = employee(|_| {}) else { panic!("it is sound") };
        assert_eq!(anna.id.to_string(), "e00000000000000000000001");
        let sparse = |value: &mut Value| {
            *value =
                json!({ "_id": "e00000000000000000000001", "accessLevel": "PERSONAL", "name": "A", "title": null });
        };
        assert!(employee(sparse).is_ok(), "what is optional may be missing, or null");
        for (change, said) in [
            (json!({ "accessLevel": "EMPEROR" }), "EMPEROR"),
            (json!({ "accessLevel": null }), "accessLevel"),
            (json!({ "name": "" }), "name"),
            (json!({ "_id": "123" }), "24 hex"),
            (json!({ "organizationResellers": null }), "organizationResellers"),
            (json!({ "primaryContact": "maybe" }), "boolean"),
            (json!({ "ipRestriction": "the office" }), "ipRestriction"),
        ] {
            let wrong = employee(|value| {
                for (name, given) in change.as_object().unwrap() {
                    value[name] = given.clone();
                }
            });
            assert!(wrong.as_ref().is_err_and(|wrong| wrong.contains(said)), "{change}: {wrong:?}");
        }
    }

    #[test]
    fn an_object_without_an_id_can_be_shown_all_the_same() {
        assert_eq!(id_of(r#"{"name":"x","_id":"E00000000000000000000001"}"#).to_string(), "e00000000000000000000001");
        assert_eq!(id_of(r#"{"name":"x"}"#), id_of(r#"{"name":"x"}"#));
        assert_ne!(id_of(r#"{"name":"x"}"#), id_of(r#"{"name":"y"}"#));
    }
}
