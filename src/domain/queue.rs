//! Queues: reference data of the PBX, read through `/pbx/app/queues`, written by import.

use serde::Serialize;

use super::fields::Fields;
use super::id::Id;

/// `{ "_id", "customer", "name", "number" }`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Queue {
    #[serde(rename = "_id")]
    pub id: Id,
    pub customer: Id,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

impl Queue {
    /// Reads a queue of an import; `None` when it names no customer or has no id.
    pub fn read(fields: &mut Fields) -> Option<Queue> {
        fields.require(&["_id", "customer", "name"]);
        let (id, customer) = (fields.id("_id"), fields.id("customer"));
        let mut queue = Queue { id: id?, customer: customer?, name: String::new(), number: None };
        queue.apply(fields);
        Some(queue)
    }

    /// Takes over the properties that are given; the rest stays.
    pub fn apply(&mut self, fields: &mut Fields) {
        fields.required_text("name", 1, 200, &mut self.name);
        fields.text_within("number", 1, 50, &mut self.number);
    }
}
