//! Machine-to-machine tokens (api:employee:createtoken, :deletetoken).

use super::employees::may_manage;
use crate::auth::authorization::deny_impersonation;
use crate::db::WriteTx;
use crate::domain::access::{Actor, Level};
use crate::domain::audit::{Action, Hash};
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::{employees, tokens};

/// As the pages on an employee's secrets have it.
pub fn no_employee() -> Error {
    Error::not_found("id", "Employee not found")
}

/// The employee, if the actor may manage it: 404 `id`, 403 `access_denied`.
pub(super) fn managed(tx: &mut WriteTx, actor: &Actor, id: Id, action: Action) -> Result<Employee> {
    let employee = employees::find_live(tx, id)?.ok_or_else(no_employee)?;
    if may_manage(tx, actor, &employee)? {
        return Ok(employee);
    }
    Err(tx.refuse(Error::access_denied(), action, employees::subject(&employee)))
}

/// Creates a token of which `hash` is the SHA-256. 404 `id`, 403 `access_denied`, 403 `id` for an administrator's.
pub fn create(tx: &mut WriteTx, actor: &Actor, id: Id, hash: &Hash) -> Result<()> {
    let employee = managed(tx, actor, id, Action::CreateToken)?;
    deny_impersonation(tx, actor, Action::CreateToken, employees::subject(&employee))?;
    if employee.access_level == Level::Admin {
        let error = Error::Forbidden { code: "id", message: "Tokens are not allowed for admins".into() };
        return Err(tx.refuse(error, Action::CreateToken, employees::subject(&employee)));
    }
    tokens::insert(tx, hash, id)?;
    employees::record_event(tx, &employee, Action::CreateToken, "Machine-to-machine token created")
}

/// Deletes the token of which `hash` is the SHA-256; `None`: what was given is no token. 404 `id`, 404 `token`, 403.
pub fn delete(tx: &mut WriteTx, actor: &Actor, id: Id, hash: Option<&Hash>) -> Result<()> {
    let employee = managed(tx, actor, id, Action::DeleteToken)?;
    let is_deleted = match hash {
        Some(hash) => tokens::delete(tx, hash, id)?,
        None => false,
    };
    if !is_deleted {
        return Err(Error::not_found("token", "Token not found"));
    }
    employees::record_event(tx, &employee, Action::DeleteToken, "Machine-to-machine token deleted")
}
