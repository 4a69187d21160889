//! Bodies of `/local`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use std::borrow::Cow;

use crate::domain::access::Level;
use crate::domain::id::Id;
use crate::usecases::storage::Storage;

/// Which config is copied onto whose.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({ "_id": "e00000000000000000000402", "copyTo": ["e00000000000000000000404"], "dryRun": true }))]
#[schemars(example = json!({ "_id": "e00000000000000000000402", "copyTo": { "department": "Shop" }, "dryRun": true }))]
pub struct CopyToMany {
    /// The mobile config, and employee, to copy from.
    #[schemars(rename = "_id")]
    pub id: Id,
    /// Whose configs are overwritten.
    pub copy_to: CopyTargets,
    /// Only say what would change.
    #[schemars(default)]
    pub dry_run: bool,
}

/// Employees by their ids, or those of the customer in a department, with an access level, or all.
pub struct CopyTargets;

impl JsonSchema for CopyTargets {
    fn schema_name() -> Cow<'static, str> {
        "CopyTargets".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let id = generator.subschema_for::<Id>();
        let level = generator.subschema_for::<Level>();
        json_schema!({
            "description": "Employees by their ids, or those of the customer in a department, with an access level, or all. \
                Of a selection, employees without a mobile config are left out.",
            "oneOf": [
                { "type": "array", "minItems": 1, "maxItems": 10_000, "items": id },
                {
                    "type": "object", "required": ["department"], "additionalProperties": false,
                    "properties": { "department": { "type": "string", "minLength": 1, "pattern": r"\S" } },
                },
                {
                    "type": "object", "required": ["accessLevel"], "additionalProperties": false,
                    "properties": { "accessLevel": level },
                },
                {
                    "type": "object", "required": ["all"], "additionalProperties": false,
                    "properties": { "all": { "type": "boolean", "enum": [true] } },
                },
            ],
        })
    }
}

/// What is offered to whose configs.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({ "employees": ["e00000000000000000000404"], "dryRun": true }))]
#[schemars(example = json!({ "employees": "all", "queues": "all", "offerTo": { "department": "Shop" }, "dryRun": true }))]
pub struct OfferToMany {
    /// Whose employees, queues and configs are meant; left out: the caller's customer's.
    #[schemars(default)]
    pub customer: Option<Id>,
    /// The employees that are offered.
    #[schemars(default)]
    pub employees: Option<Offered>,
    /// The queues that are offered.
    #[schemars(default)]
    pub queues: Option<Offered>,
    /// Whose configs offer them; left out: those of all employees.
    #[schemars(default)]
    pub offer_to: Option<CopyTargets>,
    /// Only say what would change.
    #[schemars(default)]
    pub dry_run: bool,
}

/// Employees or queues by their ids, or all that the customer has.
pub struct Offered;

impl JsonSchema for Offered {
    fn schema_name() -> Cow<'static, str> {
        "Offered".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let id = generator.subschema_for::<Id>();
        json_schema!({
            "description": "Employees or queues by their ids, or all that the customer has.",
            "oneOf": [{ "type": "array", "items": id }, { "type": "string", "enum": ["all"] }],
        })
    }
}

/// How an operation is taken back.
#[derive(JsonSchema)]
pub struct Undo {
    /// Also where somebody has changed a config since: that is overwritten. Takes MANAGER.
    #[schemars(default)]
    pub force: bool,
}

/// What the command `status` shows, and how much room is taken.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct ServerStatus {
    /// The program.
    pub program: ProgramStatus,
    /// The process.
    pub server: ProcessStatus,
    /// The file.
    pub database: DatabaseStatus,
    /// The disk that it is on; left out where that is not known.
    #[schemars(with = "Value", skip_serializing_if = "Option::is_none")]
    pub disk: Option<Value>,
    /// As `/sync/status` has it, but for `platform`.
    #[schemars(with = "Value")]
    pub hub: Value,
    /// As `/sync/status` has it under `platform`.
    #[schemars(with = "Value")]
    pub platform: Value,
    /// What time it is here.
    #[schemars(with = "Value")]
    pub clock: Value,
    /// The newest backup that the server itself has made; null without one.
    #[schemars(with = "Value")]
    pub backup: Value,
    /// Its last day; left out without TLS.
    #[schemars(with = "Value", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Value>,
    /// The key file: its path, how many values are sealed with it, and how many it does not open.
    #[schemars(with = "Value")]
    pub key: Value,
    /// Databases that upgrades and rollbacks have left beside it: how many, their bytes, the newest; left out without any.
    #[schemars(with = "Value", skip_serializing_if = "Option::is_none")]
    pub copies: Option<Value>,
    /// What somebody should look at, in words.
    pub alarms: Vec<String>,
    pub storage: Storage,
}

/// The program.
#[derive(JsonSchema)]
pub struct ProgramStatus {
    #[schemars(example = "0.1.0")]
    pub version: String,
    /// Of the database.
    #[schemars(example = 12)]
    pub schema: i64,
}

/// The process that serves.
#[derive(JsonSchema)]
pub struct ProcessStatus {
    /// Its number; null while none runs.
    #[schemars(with = "Value")]
    pub process: Value,
    /// Where it listens.
    #[schemars(example = "127.0.0.1:8080")]
    pub listen: String,
}

/// The database file.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct DatabaseStatus {
    #[schemars(example = "/var/lib/telecomx-local/telecomx.db")]
    pub path: String,
    #[schemars(range(min = 0), example = 1_048_576)]
    pub bytes: u64,
    /// Of the write-ahead log beside it.
    #[schemars(range(min = 0), example = 65_536)]
    pub log_bytes: u64,
    /// What is in it, in words.
    pub contents: String,
}
