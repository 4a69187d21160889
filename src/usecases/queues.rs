//! Queues: reference data of the PBX, written by import and by proposals of the hub.

use serde_json::{Map, Value};

use super::intents;
use super::known::Known;
use super::mobile_configs::{offer_new, propagate};
use crate::auth::authorization::{Owner, allow};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{Actor, CUSTOMER_UPDATE};
use crate::domain::fields::read_body;
use crate::domain::id::Id;
use crate::domain::mobile_config::{Event, Kind, NewColleagues};
use crate::domain::queue::Queue;
use crate::error::{Check, Fault, Faults, Result};
use crate::store::queues;

/// Judges `new`, in the place of `old` if there is one: 404 `customer`, 422 `customer` for a move.
pub fn check(tx: &ReadTx, known: &mut Known, new: &Queue, old: Option<&Queue>) -> Result<()> {
    let mut faults = Faults::default();
    let mut fault = |check, message: &str| {
        faults.push(Fault { path: "customer".into(), check, message: message.into() });
    };
    if known.customer(tx, new.customer)?.is_none() {
        fault(Check::Exists, "Customer not found");
    }
    if old.is_some_and(|old| old.customer != new.customer) {
        fault(Check::Enum, "A queue cannot move to another customer");
    }
    faults.or(())
}

/// Creates the queue `id`, and offers it to the customer's mobile configs if `new_colleagues` says so; or changes what the body gives of
/// it. 403 `access_denied`, 409 `platform` while a platform is
/// connected, and as [`check`].
pub fn write(
    tx: &mut WriteTx,
    actor: &Actor,
    id: Id,
    body: &Map<String, Value>,
    new_colleagues: NewColleagues,
) -> Result<Queue> {
    let old = queues::find(tx, id)?;
    let new = read_body(body, |fields| {
        if old.is_none() {
            fields.require(&["customer", "name"]);
        }
        let customer = fields.id("customer").or(old.as_ref().map(|old| old.customer));
        let customer = customer.unwrap_or(id);
        let mut queue = Queue { customer, ..old.clone().unwrap_or_else(|| Queue::new(id, customer, "")) };
        queue.apply(fields);
        queue
    })?;
    allow(tx, actor, CUSTOMER_UPDATE, Owner::to_customer(new.customer))?;
    check(tx, &mut Known::default(), &new, old.as_ref())?;
    intents::refuse_while_connected(tx, "the platform has no documented call for all of a queue: change it there")?;
    save(tx, &new, old.as_ref())?;
    if old.is_none() {
        offer_new(tx, new_colleagues, Kind::Queues, new.customer, (new.id, &new.name))?;
    }
    Ok(new)
}

/// Writes a queue whose values have been checked; mobile configs take over a new name.
pub fn save(tx: &mut WriteTx, new: &Queue, old: Option<&Queue>) -> Result<()> {
    if old == Some(new) {
        return Ok(());
    }
    queues::upsert(tx, new, old)?;
    match old {
        Some(old) if old.name != new.name => {
            propagate(tx, new.customer, Kind::Queues, new.id, Event::Renamed(&new.name))
        }
        _ => Ok(()),
    }
}
