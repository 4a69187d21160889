//! Mobile configs.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::domain::id::Id;

/// A colleague or a queue.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct MobileConfigEntry {
    /// The employee or queue.
    #[schemars(rename = "_id")]
    pub id: Id,
    /// Its name.
    #[schemars(length(max = 200), example = "Emma Counter")]
    pub name: String,
}

/// One kind of content, told apart by its `type`.
pub struct MobileConfigSection;

impl JsonSchema for MobileConfigSection {
    fn schema_name() -> Cow<'static, str> {
        "MobileConfigSection".into()
    }

    /// The documented types. What is stored as given has no form of its own: a third one, open to any `type`, would keep generated
    /// clients from telling the two apart.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "One kind of content, told apart by its `type`. A section of another type than these two is stored and \
                answered as it was given: skip what you do not know.",
            "oneOf": [generator.subschema_for::<ColleaguesSection>(), generator.subschema_for::<QueuesSection>()],
            "discriminator": {
                "propertyName": "type",
                "mapping": {
                    "COLLEAGUES": "#/components/schemas/ColleaguesSection",
                    "QUEUES": "#/components/schemas/QueuesSection",
                },
            },
        })
    }
}

/// Employees of the customer.
#[derive(JsonSchema)]
pub struct ColleaguesSection {
    /// What the entries are.
    #[schemars(rename = "type", extend("enum" = ["COLLEAGUES"]), example = &"COLLEAGUES")]
    pub kind: String,
    /// Entries that the app shows, in order.
    pub items: Vec<MobileConfigEntry>,
    /// The remaining entries there are to choose from.
    pub others: Vec<MobileConfigEntry>,
}

/// Queues of the customer.
#[derive(JsonSchema)]
pub struct QueuesSection {
    /// What the entries are.
    #[schemars(rename = "type", extend("enum" = ["QUEUES"]), example = &"QUEUES")]
    pub kind: String,
    /// Entries that the app shows, in order.
    pub items: Vec<MobileConfigEntry>,
    /// The remaining entries there are to choose from.
    pub others: Vec<MobileConfigEntry>,
}

/// Which colleagues and queues the mobile app of an employee shows.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({
    "_id": "e00000000000000000000404", "customer": "c00000000000000000000004", "configs": example_configs()
}))]
pub struct MobileConfig {
    /// Id of the config: that of the employee it belongs to.
    #[schemars(rename = "_id")]
    pub id: Id,
    /// The employee's customer.
    pub customer: Id,
    /// The content, in the order it was stored in.
    pub configs: Vec<MobileConfigSection>,
}

/// Mobile configs.
#[derive(JsonSchema)]
pub struct MobileConfigs(pub Vec<MobileConfig>);

/// The content of a mobile config: replaces what is there. Without a body the default content is made, and a config
/// that exists stays as it is.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({ "configs": example_configs() }))]
pub struct MobileConfigWrite {
    /// The content. All sections together may refer to at most 20000 employees and queues.
    pub configs: Vec<MobileConfigSection>,
}

/// Which mobile config is copied over which. Both must exist and be of one customer.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({"_id": "e00000000000000000000402", "copyTo": "e00000000000000000000404"}))]
pub struct Copy {
    /// The mobile config, and employee, to copy from.
    #[schemars(rename = "_id")]
    pub id: Id,
    /// The employee whose mobile config is overwritten.
    pub copy_to: Id,
}

/// The content of an example.
fn example_configs() -> Value {
    json!([
        {
            "type": "COLLEAGUES",
            "items": [{ "_id": "e00000000000000000000405", "name": "Emma Counter" }],
            "others": [{ "_id": "e00000000000000000000402", "name": "Anna Manager" }],
        },
        {
            "type": "QUEUES",
            "items": [{ "_id": "a00000000000000000000401", "name": "Orders" }],
            "others": [{ "_id": "a00000000000000000000403", "name": "Wholesale" }],
        },
    ])
}
