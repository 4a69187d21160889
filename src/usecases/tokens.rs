//! Machine-to-machine tokens (api:employee:createtoken, :deletetoken).

use super::employees::{may_manage, revoke_tokens};
use super::login::account_disabled;
use crate::auth::authorization::{deny_impersonation, deny_machine};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{Actor, Level};
use crate::domain::audit::{Action, Hash};
use crate::domain::employee::{Employee, EmployeeState};
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::tokens::{MachineToken, TokenFilter};
use crate::store::{Page, Window, employees, tokens};

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

/// Creates a token of which `hash` is the SHA-256. 404 `id`, 403 `access_denied`, 403 `id` for an administrator's, 403
/// `account` for that of an employee who may not log in.
pub fn create(tx: &mut WriteTx, actor: &Actor, id: Id, hash: &Hash) -> Result<()> {
    let action = Action::CreateToken;
    let employee = managed(tx, actor, id, action)?;
    let subject = employees::subject(&employee);
    deny_impersonation(tx, actor, action, subject)?;
    deny_machine(tx, actor, action, subject)?;
    if employee.access_level == Level::Admin {
        let error = Error::Forbidden { code: "id", message: "Tokens are not allowed for admins".into() };
        return Err(tx.refuse(error, action, subject));
    }
    // It would come to life when the employee is enabled.
    if employee.state != EmployeeState::Enabled || employee.access_level == Level::NoLogin {
        return Err(tx.refuse(account_disabled(), action, subject));
    }
    tokens::insert(tx, hash, id)?;
    let description = format!("Machine-to-machine token {} created", tokens::id_of(hash));
    employees::record_event(tx, &employee, action, &description)
}

/// Deletes the token of which `hash` is the SHA-256; `None`: what was given is no token. 404 `id`, 404 `token`, 403.
pub fn delete(tx: &mut WriteTx, actor: &Actor, id: Id, hash: Option<&Hash>) -> Result<()> {
    let employee = managed(tx, actor, id, Action::DeleteToken)?;
    let deleted = match hash {
        Some(hash) if tokens::delete(tx, hash, id)? => hash,
        _ => return Err(no_token()),
    };
    record_delete(tx, &employee, deleted)
}

fn no_token() -> Error {
    Error::not_found("token", "Token not found")
}

fn record_delete(tx: &mut WriteTx, employee: &Employee, hash: &Hash) -> Result<()> {
    let description = format!("Machine-to-machine token {} deleted", tokens::id_of(hash));
    employees::record_event(tx, employee, Action::DeleteToken, &description)
}

/// All tokens there are, for an ADMIN. 403 `access_denied`.
pub fn list(tx: &ReadTx, actor: &Actor, filter: TokenFilter, window: Window) -> Result<Page<MachineToken>> {
    check_administrator(actor)?;
    tokens::list(tx, filter, window)
}

/// Revokes the token of this id, for an ADMIN; `None`: what was given is no id. 403 `access_denied`, 404 `token`.
pub fn revoke(tx: &mut WriteTx, actor: &Actor, id: Option<Id>) -> Result<()> {
    let found = id.map(|id| tokens::find_by_id(tx, id)).transpose()?.flatten();
    let Some((hash, employee)) = found else { return Err(check_administrator(actor).err().unwrap_or_else(no_token)) };
    let employee = employees::find(tx, employee)?.ok_or_else(no_token)?;
    check_administrator(actor).map_err(|error| tx.refuse(error, Action::DeleteToken, employees::subject(&employee)))?;
    tokens::delete(tx, &hash, employee.id)?;
    record_delete(tx, &employee, &hash)
}

/// Revokes all tokens of an employee, for an ADMIN; how many there were. 403 `access_denied`, 404 `id`.
pub fn revoke_all(tx: &mut WriteTx, actor: &Actor, employee: Id) -> Result<i64> {
    check_administrator(actor)?;
    let employee = employees::find(tx, employee)?.ok_or_else(no_employee)?;
    let filter = TokenFilter { employee: Some(employee.id), ..TokenFilter::default() };
    let count = tokens::list(tx, filter, Window { offset: 0, limit: 1 })?.total;
    revoke_tokens(tx, &employee)?;
    Ok(count)
}

fn check_administrator(actor: &Actor) -> Result<()> {
    if actor.level == Level::Admin { Ok(()) } else { Err(Error::access_denied()) }
}
