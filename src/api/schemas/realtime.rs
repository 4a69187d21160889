//! What is broadcast.

use schemars::JsonSchema;
use serde_json::{Value, json};

use crate::domain::id::Id;
use crate::domain::realtime::EVENT_TYPES;

/// An event for whoever has subscribed to the configs of a customer.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({"eventType": "EMPLOYEE_PRESENCE_CHANGED", "customer": "c00000000000000000000004"}))]
pub struct RealtimeEvent {
    /// What has happened.
    #[schemars(extend("enum" = EVENT_TYPES))]
    pub event_type: String,
    /// Whose configs it is about.
    pub customer: Id,
    /// The object that it is about.
    pub id: Option<Id>,
    /// Whatever is to come along.
    pub data: Option<Value>,
    /// Who caused it.
    pub employee: Option<Id>,
}
