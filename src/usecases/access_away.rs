//! Which updates do nothing but take access away: those are made on a full disk too, so that somebody can be locked out.

use serde_json::{Map, Value};

use crate::db::Db;
use crate::domain::access::Level;
use crate::domain::employee::EmployeeState;
use crate::domain::id::Id;
use crate::error::Result;
use crate::store::employees;

/// Disables, deletes or demotes the employee, and changes nothing else.
pub fn of_employee(db: &Db, id: Id, body: &Map<String, Value>) -> Result<bool> {
    if body.is_empty() || !body.keys().all(|name| ["state", "accessLevel"].contains(&name.as_str())) {
        return Ok(false);
    }
    let Some(old) = db.read(|tx| employees::find_live(tx, id))? else { return Ok(false) };
    let text = |name: &str| body.get(name).map(|value| value.as_str().unwrap_or_default());
    let is_no_promotion =
        text("accessLevel").is_none_or(|level| Level::parse(level).is_some_and(|level| level <= old.access_level));
    let is_not_enabled = match text("state").map(EmployeeState::parse) {
        None => true,
        Some(state) => matches!(state, Some(EmployeeState::Disabled | EmployeeState::Deleted)),
    };
    Ok(is_no_promotion && is_not_enabled)
}

/// Blocks the customer, and changes nothing else.
pub fn of_customer(body: &Map<String, Value>) -> bool {
    body.len() == 1 && body.get("state").is_some_and(|state| state == "BLOCKED")
}
