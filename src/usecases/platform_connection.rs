//! Which platform a server works with, who may decide it, and who may settle what stands open with it.

use super::hub_enrolment;
use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::access::{Actor, Level};
use crate::domain::audit::{Action, PLATFORM};
use crate::domain::id::Id;
use crate::domain::platform::OperationState;
use crate::error::{Error, Result};
use crate::store::audit::{self, Change};
use crate::store::platform::{self, Connection, operations};

/// The platform as the audit trail names it: there is one at most, and it belongs to no customer.
const SUBJECT: Subject = Subject { section: PLATFORM, object: Id::ZERO, customer: None };

/// Checks that `actor` may connect this server, or disconnect it: an ADMIN, in person. 403 `access_denied`, recorded.
pub fn allow(tx: &mut WriteTx, actor: &Actor, action: Action) -> Result<()> {
    hub_enrolment::allow_on(tx, actor, action, SUBJECT)
}

/// Works with the platform from now on, or goes on with it with another credential. 409 `platform` for another URL while changes
/// wait for the one before.
pub fn connect(tx: &mut WriteTx, connection: &Connection) -> Result<()> {
    if let Some(old) = platform::connection(tx)?.filter(|old| old.url != connection.url) {
        let open = count_open(tx)?;
        if open > 0 {
            let message = format!("{open} changes made here have not reached {}: disconnect from it first", old.url);
            return Err(Error::conflict("platform", message));
        }
        platform::disconnect(tx)?;
    }
    platform::connect(tx, connection)?;
    let account = if connection.account.is_empty() { "a token" } else { &connection.account };
    record(tx, Action::Connect, &format!("Works with the platform at {} as {account}", connection.url))
}

/// How many changes are to reach the platform yet.
fn count_open(tx: &ReadTx) -> Result<i64> {
    Ok(operations::count(tx, OperationState::Waiting)? + operations::count(tx, OperationState::Conflict)?)
}

/// Ends the work with the platform; everything stays here as it is. 409 `platform` while there is none, or while changes wait for
/// it, unless `gives_up` them.
pub fn disconnect(tx: &mut WriteTx, gives_up: bool) -> Result<()> {
    let Some(connection) = platform::connection(tx)? else {
        return Err(Error::conflict("platform", "This server works with no platform: see platform connect"));
    };
    let open = count_open(tx)?;
    if open > 0 && !gives_up {
        let message =
            format!("{open} changes made here have not reached the platform: wait, or give them up with force");
        return Err(Error::conflict("platform", message));
    }
    platform::disconnect(tx)?;
    let given_up = if open > 0 { format!("; {open} changes were given up") } else { String::new() };
    record(tx, Action::Disconnect, &format!("Works with the platform at {} no more{given_up}", connection.url))
}

/// Records what somebody has decided on an operation.
pub fn record_decision(tx: &mut WriteTx, seq: i64, decided: &str) -> Result<()> {
    record(tx, Action::Settle, &format!("Operation {seq} for the platform: {decided}"))
}

fn record(tx: &mut WriteTx, action: Action, description: &str) -> Result<()> {
    audit::append(tx, &Change { subject: SUBJECT, action, description, before: None, after: None })
}

/// Who may see and settle what stands open: the operators of this server. 403 `access_denied`.
pub fn allow_operator(actor: &Actor) -> Result<()> {
    if actor.level >= Level::ResellerAdmin { Ok(()) } else { Err(Error::access_denied()) }
}
