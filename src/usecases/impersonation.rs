//! Sessions as another employee (api:auth:impersonate).

use super::employees::owner;
use super::login::account_disabled;
use super::session_answer::SessionAnswer;
use crate::auth::authorization;
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{Actor, Level};
use crate::domain::audit::{Action, Hash};
use crate::domain::customer::CustomerState;
use crate::domain::employee::EmployeeState;
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::sessions::Parent;
use crate::store::{customers, employees, sessions, tokens};

/// Opens a session as another employee, which `ip` binds to that address. 403 `access_denied`, 403 `account` when the
/// employee could not log in, 404 `employee`.
pub fn impersonate(
    tx: &mut WriteTx,
    actor: &Actor,
    id: Id,
    token_hash: &Hash,
    ip: Option<String>,
    address: String,
    persist: bool,
) -> Result<SessionAnswer> {
    let employee = employees::get(tx, id)?;
    let (action, subject) = (Action::Impersonate, employees::subject(&employee));
    if !authorization::may_impersonate(tx, actor, owner(&employee), employee.access_level)? {
        return Err(tx.refuse(Error::access_denied(), action, subject));
    }
    let customer = customers::get(tx, employee.customer)?;
    let may_log_in = employee.state == EmployeeState::Enabled
        && customer.state == CustomerState::Active
        && employee.access_level != Level::NoLogin;
    if !may_log_in {
        return Err(tx.refuse(account_disabled(), action, subject));
    }
    let parent = parent_of(tx, tx.author.token)?;
    let session = sessions::Session {
        employee: id,
        impersonator: Some(actor.impersonator.unwrap_or(actor.employee)),
        parent: Some(parent),
        ip,
        login_ip: address,
        persist,
        last_used_at: tx.now,
    };
    sessions::insert(tx, token_hash, &session)?;
    employees::record_event(tx, &employee, action, "Session opened as this employee")?;
    SessionAnswer::of(tx, &employee, &customer, persist)
}

/// How many sessions may be opened one with the other.
const LENT_ON_MAX: usize = 8;

/// The token that asks for an impersonated session. 409 `employee` when it is itself at the end of many.
fn parent_of(tx: &ReadTx, token: Option<Hash>) -> Result<Parent> {
    let no_token = || Error::internal("a session was asked for without a token");
    let token = token.ok_or_else(no_token)?;
    let Some(mut session) = sessions::find(tx, &token)? else {
        // A session ends with what it was opened with, and of a token of the platform's nobody says here when it ends.
        let message = "A token of the platform opens no session as somebody else here: log in to this server first";
        let is_ours = tokens::find(tx, &token)?.is_some();
        return if is_ours { Ok(Parent::Token(token)) } else { Err(Error::conflict("platform", message)) };
    };
    for _ in 1..LENT_ON_MAX {
        session = match session.parent {
            Some(Parent::Session(above)) => sessions::find(tx, &above)?.ok_or_else(no_token)?,
            Some(Parent::Token(_)) | None => return Ok(Parent::Session(token)),
        };
    }
    Err(Error::conflict(
        "employee",
        "Too many sessions were opened one with the other: impersonate from an earlier one",
    ))
}
