//! Who may listen to what, and who may broadcast (pages realtime and tools:realtime:proxy).

use crate::auth::authorization::{Owner, allow};
use crate::db::ReadTx;
use crate::domain::access::{Actor, REALTIME, REALTIME_ADMIN, REALTIME_BROADCAST, Relation};
use crate::domain::realtime::{EVENT_TYPES, Event, Scope};
use crate::error::{Check, Error, Result};
use crate::store::customers;

/// 403 `access_denied` unless the actor may hear the events of this scope; 404 `customer`.
pub fn allow_listening(tx: &ReadTx, actor: &Actor, scope: Scope) -> Result<()> {
    match scope {
        Scope::Customer(customer) => {
            // One's own is there.
            if customer != actor.customer {
                customers::get(tx, customer)?;
            }
            allow(tx, actor, REALTIME, Owner::to_customer(customer))
        }
        Scope::Everywhere if REALTIME_ADMIN.allows(actor.level, Relation::Elsewhere) => Ok(()),
        Scope::Everywhere => Err(Error::access_denied()),
    }
}

/// 403 `access_denied` unless the actor may broadcast.
pub fn allow_broadcasts(actor: &Actor) -> Result<()> {
    if REALTIME_BROADCAST.allows(actor.level, Relation::Elsewhere) { Ok(()) } else { Err(Error::access_denied()) }
}

/// Whether an event of kind CONFIG can be broadcast: 422 `eventType`, 404 `customer`.
pub fn check_event(tx: &ReadTx, event: &Event) -> Result<()> {
    if !EVENT_TYPES.contains(&&*event.name) {
        return Err(Error::invalid("eventType", Check::Enum, "Event type is not registered"));
    }
    if let Some(customer) = event.customer {
        customers::get(tx, customer)?;
    }
    Ok(())
}
