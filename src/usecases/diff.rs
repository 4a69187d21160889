//! What differs between two worlds, each a database or a document.
//!
//! Objects are compared as they are rendered, properties at their defaults included. Passwords and authenticator keys are not
//! compared: a database does not show them, and nobody should see them printed.

use std::io::Read;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::import::{List, Raw, Sink, read_lists};
use crate::db::ReadTx;
use crate::domain::customer::Customer;
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::domain::pbx::PbxObject;
use crate::domain::queue::Queue;
use crate::error::{Check, Error, Fault, Result};
use crate::store::compared::{Compared, Pair};
use crate::store::{customers, employees, mobile_configs, pbx, queues};

pub use crate::store::compared::Side;

const SECRETS: [&str; 3] = ["password", "passwordHash", "authenticatorKey"];

/// A property with another value on each side; `None`: it has none there.
#[derive(Debug, PartialEq, Serialize)]
pub struct Field {
    /// Such as `addresses[0].zip`.
    pub path: String,
    pub a: Option<Value>,
    pub b: Option<Value>,
}

#[derive(Debug, PartialEq)]
pub enum Change {
    /// Only B has it.
    New(Value),
    /// Only A has it.
    Gone(Value),
    Changed(Vec<Field>),
}

pub struct Difference {
    pub list: List,
    pub id: Id,
    pub name: Option<String>,
    pub change: Change,
}

/// How many objects of a list differ, and how.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    pub new: usize,
    pub gone: usize,
    pub changed: usize,
    pub equal: usize,
}

impl Counts {
    pub fn differ(&self) -> bool {
        self.new + self.gone + self.changed > 0
    }
}

pub struct Worlds {
    compared: Compared,
}

impl Worlds {
    pub fn new() -> Result<Worlds> {
        Ok(Worlds { compared: Compared::new()? })
    }

    pub fn add_database(&self, side: Side, tx: &ReadTx) -> Result<()> {
        let add = |list, id, value: Value| self.compared.add(side, list as usize, id, &value.to_string()).map(drop);
        customers::all(tx, |customer| add(List::Customers, customer.id, rendered(&customer)?))?;
        queues::all(tx, |queue| add(List::Queues, queue.id, rendered(&queue)?))?;
        employees::all(tx, |employee| add(List::Employees, employee.id, rendered(&employee)?))?;
        mobile_configs::all(tx, |config| {
            let value = serde_json::from_slice(&config.to_json()).map_err(|error| Error::Internal(Box::new(error)))?;
            add(List::MobileConfigs, config.id, normal(List::MobileConfigs, value))
        })?;
        pbx::all(tx, |object| {
            let value = object.to_value().map_err(|error| Error::Internal(Box::new(error)))?;
            add(List::PbxObjects, object.id(), value)
        })
    }

    /// 422 with the first fault of a text that is no document, or that has an object without an id or with that of another.
    pub fn add_document(&self, side: Side, document: impl Read) -> Result<()> {
        read_lists(document, &mut Adding { compared: &self.compared, side })
    }

    /// Calls `each` with every difference, list by list in the order of the ids; gives the counts of each list.
    pub fn differences(&self, mut each: impl FnMut(&Difference) -> Result<()>) -> Result<[Counts; List::ALL.len()]> {
        let mut counts = [Counts::default(); List::ALL.len()];
        for list in List::ALL {
            let counts = &mut counts[list as usize];
            self.compared.each(list as usize, |id, pair| {
                let Some((name, change)) = change_of(pair)? else {
                    counts.equal += 1;
                    return Ok(());
                };
                let counter = match change {
                    Change::New(_) => &mut counts.new,
                    Change::Gone(_) => &mut counts.gone,
                    Change::Changed(_) => &mut counts.changed,
                };
                *counter += 1;
                each(&Difference { list, id, name, change })
            })?;
        }
        Ok(counts)
    }
}

struct Adding<'w> {
    compared: &'w Compared,
    side: Side,
}

impl Sink for Adding<'_> {
    fn object(&mut self, raw: Raw) -> Result<()> {
        let Raw { list, place, text } = raw;
        let path = format!("{}[{place}]", list.name());
        let value: Value = serde_json::from_str(text.get())
            .map_err(|error| Error::invalid(&path, Check::Format, error.to_string()))?;
        let Some(Ok(id)) = value["_id"].as_str().map(str::parse::<Id>) else {
            return Err(Error::invalid(&format!("{path}._id"), Check::Format, "_id must be 24 hex characters"));
        };
        match self.compared.add(self.side, list as usize, id, &normal(list, value).to_string())? {
            true => Ok(()),
            false => Err(Error::invalid(&format!("{path}._id"), Check::Unique, "The id stands twice in the document")),
        }
    }

    fn fault(&mut self, fault: Fault) -> Result<()> {
        Err(Error::Invalid(vec![fault]))
    }
}

/// An object as an export renders it, as far as it can be read: with the defaults, and with what is not known. Without secrets.
fn normal(list: List, given: Value) -> Value {
    let mut object = match list {
        List::Customers => read_and_rendered::<Customer>(&given),
        List::Queues => read_and_rendered::<Queue>(&given),
        List::Employees => read_and_rendered::<Employee>(&given),
        List::MobileConfigs => Map::new(),
        List::PbxObjects => pbx_object(&given),
    };
    let Value::Object(given) = &given else { return given };
    for (name, value) in given {
        // The customer of a config follows from its employee, and need not be given.
        let is_left_out = SECRETS.contains(&name.as_str()) || list == List::MobileConfigs && name == "customer";
        if !is_left_out && !value.is_null() && !object.contains_key(name) {
            object.insert(name.clone(), value.clone());
        }
    }
    if let Some(id) = object.get("_id").and_then(Value::as_str).map(str::to_ascii_lowercase) {
        object.insert("_id".into(), id.into());
    }
    Value::Object(object)
}

fn pbx_object(value: &Value) -> Map<String, Value> {
    let known = PbxObject::from_value(value.clone()).and_then(|object| object.to_value());
    known.ok().and_then(|value| value.as_object().cloned()).unwrap_or_default()
}

/// Nothing of what cannot be read: that is compared as it was given.
fn read_and_rendered<T: DeserializeOwned + Serialize>(value: &Value) -> Map<String, Value> {
    let known = T::deserialize(value).and_then(|object| serde_json::to_value(object));
    known.ok().and_then(|value| value.as_object().cloned()).unwrap_or_default()
}

fn rendered(object: &impl Serialize) -> Result<Value> {
    serde_json::to_value(object).map_err(|error| Error::Internal(Box::new(error)))
}

/// The change with the object's name; `None` when there is none.
fn change_of(pair: Pair) -> Result<Option<(Option<String>, Change)>> {
    if pair.a == pair.b {
        return Ok(None);
    }
    let read = |text: String| serde_json::from_str::<Value>(&text).map_err(|error| Error::Internal(Box::new(error)));
    let (a, b) = (pair.a.map(read).transpose()?, pair.b.map(read).transpose()?);
    let name_in = |value: &Option<Value>| value.as_ref()?.get("name")?.as_str().map(str::to_owned);
    let name = name_in(&b).or_else(|| name_in(&a));
    let change = match (a, b) {
        (None, Some(b)) => Change::New(b),
        (Some(a), None) => Change::Gone(a),
        (a, b) => {
            let mut fields = vec![];
            collect("", a.as_ref(), b.as_ref(), &mut fields);
            // The same properties in another order.
            if fields.is_empty() {
                return Ok(None);
            }
            Change::Changed(fields)
        }
    };
    Ok(Some((name, change)))
}

/// Notes where two values differ, as deep as they have the same form. Null is no value.
fn collect(path: &str, a: Option<&Value>, b: Option<&Value>, found: &mut Vec<Field>) {
    let (a, b) = (a.filter(|value| !value.is_null()), b.filter(|value| !value.is_null()));
    match (a, b) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let names = a.keys().chain(b.keys().filter(|name| !a.contains_key(*name)));
            for name in names {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(&path, a.get(name), b.get(name), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                collect(&format!("{path}[{i}]"), Some(a), Some(b), found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(Field { path: path.into(), a: a.cloned(), b: b.cloned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(a: Value, b: Value) -> Vec<String> {
        let mut found = vec![];
        collect("", Some(&a), Some(&b), &mut found);
        found.into_iter().map(|field| field.path).collect()
    }

    #[test]
    fn fields_are_named_as_deep_as_both_sides_have_the_same_form() {
        let a = json!({ "name": "A", "list": [{ "x": 1 }, { "x": 2 }], "same": [1], "gone": 1, "null": null });
        let b = json!({ "same": [1], "list": [{ "x": 1 }, { "x": 3 }], "name": "B", "more": {} });
        assert_eq!(fields(a, b), ["name", "list[1].x", "gone", "more"]);
        assert_eq!(fields(json!({ "list": [1] }), json!({ "list": [1, 2] })), ["list"]);
    }

    #[test]
    fn defaults_and_secrets_make_no_difference() {
        let short = json!({ "_id": "E00000000000000000000001", "customer": "c00000000000000000000001", "name": "A",
            "accessLevel": "PERSONAL", "password": "Secret-1234", "title": null });
        let long = json!({ "_id": "e00000000000000000000001", "customer": "c00000000000000000000001", "name": "A",
            "accessLevel": "PERSONAL", "state": "ENABLED", "noEmail": false, "later": 1 });
        let (short, long) = (normal(List::Employees, short), normal(List::Employees, long));
        assert_eq!(fields(short, long), ["later"]);
    }
}
