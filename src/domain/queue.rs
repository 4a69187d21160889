//! Queues: reference data of the PBX, read through `/pbx/app/queues`, written by import.

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use super::id::Id;

/// `{ "_id", "customer", "name", "number" }`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    #[serde(rename = "_id")]
    pub id: Id,
    pub customer: Id,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

impl Queue {
    /// Reads a queue of an import; `None` when a fault was found.
    pub fn read(fields: &mut Fields) -> Option<Queue> {
        fields.require(&["_id", "customer", "name"]);
        let (id, customer) = (fields.id("_id"), fields.id("customer"));
        let mut queue = Queue { id: id?, customer: customer?, name: String::new(), number: None };
        fields.required_text("name", 1, 200, &mut queue.name);
        fields.text_within("number", 1, 50, &mut queue.number);
        Some(queue)
    }
}
