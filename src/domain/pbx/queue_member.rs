//! Members of queues (api:pbx:queue:members).

use serde::{Deserialize, Serialize};

use crate::domain::fields::Fields;
use crate::domain::id::Id;
use crate::domain::json::is_default;
use crate::domain::text::dialled;
use crate::error::Check;

/// The first priorities are called first.
pub const PRIORITIES: std::ops::RangeInclusive<i64> = 1..=20;

/// Who answers the calls of a queue: an extension, or a number outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueMember {
    #[serde(rename = "_id")]
    pub id: Id,
    pub customer: Id,
    pub queue: Id,
    #[serde(default, skip_serializing_if = "is_default")]
    pub extension: Option<Id>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub number: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    pub priority: i64,
    /// It stays a member until somebody with the right to takes it out; others leave by themselves.
    #[serde(default, skip_serializing_if = "is_default")]
    pub permanent: bool,
}

impl QueueMember {
    /// The names of its properties besides id, kind and customer, and of those that are stored as given.
    pub const PROPERTIES: &'static [&'static str] = &["queue", "extension", "number", "name", "priority", "permanent"];
    pub const AS_GIVEN: &'static [&'static str] = &[];
    pub const REQUIRED: &'static [&'static str] = &["queue"];

    pub fn new(id: Id, customer: Id) -> QueueMember {
        QueueMember {
            id,
            customer,
            queue: id,
            extension: None,
            number: None,
            name: String::new(),
            priority: 1,
            permanent: false,
        }
    }

    /// Takes over the properties of an import.
    pub fn apply(&mut self, fields: &mut Fields) {
        self.queue = fields.id("queue").unwrap_or(self.queue);
        fields.optional_id("extension", &mut self.extension);
        fields.text_within("number", 1, 50, &mut self.number);
        fields.required_text("name", 0, 200, &mut self.name);
        self.apply_update(fields);
        self.number = self.number.as_deref().map(dialled);
        match (self.extension, &self.number) {
            (None, None) => fields.require(&["extension"]),
            (Some(_), Some(_)) => fields.fault("number", Check::Format, "Give extension or number, not both"),
            _ => {}
        }
    }

    /// Takes over what api:pbx:queue:member-update changes: `priority` and `permanent`.
    pub fn apply_update(&mut self, fields: &mut Fields) {
        fields.number_within("priority", PRIORITIES, &mut self.priority);
        fields.flag("permanent", &mut self.permanent);
    }
}
