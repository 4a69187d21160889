//! What the app asks for.

use schemars::JsonSchema;
use serde_json::json;

use crate::domain::id::Id;

/// Which employees are asked for.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({"ids": ["e00000000000000000000402", "e00000000000000000000404"]}))]
pub struct AppEmployeesQuery {
    /// Only these; left out: all.
    pub ids: Option<Vec<Id>>,
    /// Also the extensions that belong to no employee.
    pub standalone: Option<bool>,
}
