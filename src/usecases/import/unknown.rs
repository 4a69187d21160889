//! Properties that an import does not know: what they say would be lost without a word.
//!
//! What customers and employees know follows from the schemas of the types that an export is written from.

use std::collections::HashMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::source::List;
use crate::domain::customer::Customer;
use crate::domain::employee::Employee;
use crate::domain::pbx::Kind;
use crate::domain::queue::Queue;

/// What an employee may carry beside its own properties.
const SECRETS: [&str; 3] = ["password", "passwordHash", "authenticatorKey"];

static KNOWN: LazyLock<HashMap<&'static str, Value>> = LazyLock::new(|| {
    let mut employee = schema::<Employee>();
    for secret in SECRETS {
        employee["properties"][secret] = json!({});
    }
    let queue = named(&Queue::properties());
    // What a config's sections hold is stored as given.
    let config = json!({ "properties": { "_id": {}, "customer": {}, "configs": {} } });
    HashMap::from([
        (List::Customers.name(), schema::<Customer>()),
        (List::Queues.name(), queue),
        (List::Employees.name(), employee),
        (List::MobileConfigs.name(), config),
    ])
});

/// A schema with properties of these names, in which anything may stand.
fn named(names: &[&str]) -> Value {
    let properties: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    json!({ "properties": properties })
}

/// A schema that refers to no other.
fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Paths below the object of what is not known, such as `addresses[0].floor`, in order.
pub fn properties(list: List, object: &Value) -> Vec<String> {
    let mut found = vec![];
    if list == List::PbxObjects {
        let kind: Option<Kind> = object.get("kind").and_then(Value::as_str).and_then(|kind| kind.parse().ok());
        // One of no known kind has a fault already.
        kind.iter().for_each(|kind| collect(&named(&kind.properties()), object, "", &mut found));
    } else if let Some(schema) = KNOWN.get(list.name()) {
        collect(schema, object, "", &mut found);
    }
    found
}

fn collect(schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            // Without properties, anything goes.
            let Some(known) = schema.get("properties").and_then(Value::as_object) else { return };
            for (name, value) in object {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match known.get(name) {
                    Some(schema) => collect(schema, value, &path, found),
                    None => found.push(path),
                }
            }
        }
        Value::Array(values) => {
            let Some(schema) = schema.get("items") else { return };
            values.iter().enumerate().for_each(|(i, value)| collect(schema, value, &format!("{path}[{i}]"), found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(list: List, object: Value) -> Vec<String> {
        properties(list, &object)
    }

    #[test]
    fn what_is_not_known_is_named_at_any_depth() {
        let customer = json!({
            "_id": "x", "name": "x", "colour": "red", "finance": { "vatNumber": "1", "iban": "2" },
            "addresses": [{ "zip": "8000" }, { "zip": "8000", "floor": 3 }],
            "integrations": { "billing": { "economic": { "enabled": true, "agreement": 1 } } },
        });
        let expected = ["colour", "finance.iban", "addresses[1].floor", "integrations.billing.economic.agreement"];
        assert_eq!(unknown(List::Customers, customer), expected);
        assert_eq!(unknown(List::Queues, json!({ "_id": "x", "members": [] })), ["members"]);
        assert_eq!(unknown(List::Employees, json!({ "passwordHash": "x", "picture": null })), ["picture"]);
        assert_eq!(unknown(List::MobileConfigs, json!({ "_id": "x", "configs": [{ "later": 1 }], "rev": 1 })), ["rev"]);
    }

    #[test]
    fn what_an_export_writes_is_known() {
        let seed: Value = serde_json::from_str(include_str!("../../../sql/seed/demo.json")).unwrap();
        for list in List::ALL {
            for object in seed[list.name()].as_array().into_iter().flatten() {
                assert_eq!(unknown(list, object.clone()), [""; 0], "{object}");
            }
        }
    }
}
