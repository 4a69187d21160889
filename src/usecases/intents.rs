//! What a change made here asks of the platform: an operation in the queue, written in the transaction of the change.
//!
//! Nothing is asked while no platform is connected, for objects that the platform does not have, and for what the platform
//! itself has changed.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::db::{Author, ReadTx, WriteTx};
use crate::domain::customer::Customer;
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::domain::mobile_config::{ConfigHead, MobileConfig, structure_digest};
use crate::domain::platform::{Call, Change, Mode, OperationState, differing};
use crate::error::{Error, Result};
use crate::store::platform::operations::{self, NewOperation};
use crate::store::platform::{self, Rules, bases};
use crate::store::{contents, credentials};

/// The source of changes that were read from the platform.
pub const PLATFORM: &str = "platform";

/// The author of what was read from the platform.
pub fn author() -> Author {
    Author { called: Some("Platform".into()), ..Author::system(PLATFORM) }
}

/// An object as the API renders it.
pub fn fields_of<T: Serialize>(object: &T) -> Result<Map<String, Value>> {
    match serde_json::to_value(object).map_err(|error| Error::Internal(Box::new(error)))? {
        Value::Object(fields) => Ok(fields),
        _ => Err(Error::internal("an object that is rendered as something else")),
    }
}

/// Somebody changes a customer: `None` for one that is new.
pub fn customer_saved(tx: &mut WriteTx, old: Option<&Customer>, new: &Customer) -> Result<()> {
    let Some(rules) = asked(tx)? else { return Ok(()) };
    match old {
        None => {
            // Below a reseller that is here alone it is here alone too.
            let is_shared = match new.parent_reseller {
                Some(parent) => has(tx, Table::Customer, parent)?,
                None => true,
            };
            let change = Change { to: without_id(fields_of(new)?), ..Change::default() };
            if is_shared { queue(tx, rules, Call::CreateCustomer, new.id, new.id, &change, None) } else { Ok(()) }
        }
        Some(old) => {
            let change = changed(fields_of(old)?, fields_of(new)?);
            if change.to.is_empty() || !has(tx, Table::Customer, new.id)? {
                return Ok(());
            }
            queue(tx, rules, Call::UpdateCustomer, new.id, new.id, &change, None)
        }
    }
}

/// Somebody deletes a customer.
pub fn customer_deleted(tx: &mut WriteTx, old: &Customer) -> Result<()> {
    let Some(rules) = asked(tx)? else { return Ok(()) };
    if !has(tx, Table::Customer, old.id)? {
        return Ok(());
    }
    let change = Change { was: without_id(fields_of(old)?), ..Change::default() };
    queue(tx, rules, Call::DeleteCustomer, old.id, old.id, &change, None)
}

/// Somebody changes an employee, `None` for one that is new, or gives it a password, which is sealed.
pub fn employee_saved(tx: &mut WriteTx, old: Option<&Employee>, new: &Employee, password: Option<&[u8]>) -> Result<()> {
    let Some(rules) = asked(tx)? else { return Ok(()) };
    match old {
        None => {
            if !has(tx, Table::Customer, new.customer)? {
                return Ok(());
            }
            let change = Change { to: without_id(fields_of(new)?), ..Change::default() };
            queue(tx, rules, Call::CreateEmployee, new.customer, new.id, &change, password)
        }
        Some(old) => {
            let change = changed(fields_of(old)?, fields_of(new)?);
            if change.to.is_empty() && password.is_none() || !has(tx, Table::Employee, new.id)? {
                return Ok(());
            }
            if !has(tx, Table::Customer, new.customer)? {
                return Err(refused("the platform does not have the customer that the employee would move to"));
            }
            if password.is_some() && !new.no_email {
                // The platform takes it from the employee alone (api:employee:update), and this server asks as its account.
                return Err(refused("it takes a new password from its owner alone: change it there"));
            }
            queue(tx, rules, Call::UpdateEmployee, old.customer, new.id, &change, password)
        }
    }
}

/// Somebody deletes an employee, or asks for it on a later day; `with_extensions`: its extensions too.
pub fn employee_deleted(tx: &mut WriteTx, old: &Employee, date: Option<&str>, with_extensions: bool) -> Result<()> {
    let Some(rules) = asked(tx)? else { return Ok(()) };
    if !has(tx, Table::Employee, old.id)? {
        return Ok(());
    }
    let (was, date) = (without_id(fields_of(old)?), date.map(str::to_owned));
    let change = Change { was, date, with_extensions, ..Change::default() };
    queue(tx, rules, Call::DeleteEmployee, old.customer, old.id, &change, None)
}

/// Somebody copies the config of `source` onto `target`, which is given as it was before.
pub fn config_copied(tx: &mut WriteTx, source: &MobileConfig, target: &ConfigHead) -> Result<()> {
    let Some(rules) = asked(tx)? else { return Ok(()) };
    if !has(tx, Table::Employee, target.id)? {
        return Ok(());
    }
    if !has(tx, Table::Employee, source.id)? {
        return local_only(
            tx,
            rules,
            Call::CopyConfig,
            target.customer,
            target.id,
            "the platform does not have the source",
        );
    }
    let was = Map::from_iter([("configs".to_owned(), structure_digest(&contents::text(tx, target.content)?).into())]);
    let change = Change { was, from: Some(source.id), ..Change::default() };
    queue(tx, rules, Call::CopyConfig, target.customer, target.id, &change, None)
}

/// Somebody creates the config of an employee. `is_given`: with a content of its own, for which the platform has no call.
pub fn config_created(tx: &mut WriteTx, config: &MobileConfig, is_given: bool) -> Result<()> {
    let Some(rules) = asked(tx)? else { return Ok(()) };
    if !has(tx, Table::Employee, config.id)? {
        return Ok(());
    }
    let (call, customer) = (Call::CreateConfig, config.customer);
    if is_given {
        return local_only(
            tx,
            rules,
            call,
            customer,
            config.id,
            "the platform has no call for the content of a mobile config: copy one",
        );
    }
    queue(tx, rules, call, customer, config.id, &Change::default(), None)
}

pub fn is_connected(tx: &ReadTx) -> Result<bool> {
    platform::is_connected(tx)
}

/// 409 `platform` while a platform is connected: `what` is nothing that the platform has a call for.
pub fn refuse_while_connected(tx: &ReadTx, what: &str) -> Result<()> {
    match platform::rules(tx)? {
        Some(_) => Err(refused(what)),
        None => Ok(()),
    }
}

/// Whether an employee logs in by what the platform says. Before the employees have been read once, that is everybody without a
/// password here: the database may hold what was pulled earlier.
pub fn is_of_platform(tx: &ReadTx, employee: Id) -> Result<bool> {
    if !platform::is_connected(tx)? {
        return Ok(false);
    }
    if bases::exists(tx, Table::Employee, employee)? {
        return Ok(true);
    }
    let has_password = credentials::get(tx, employee)?.password_hash.is_some();
    Ok(!has_password && !platform::has_read(tx, Table::Employee)?)
}

fn refused(why: &str) -> Error {
    Error::conflict(PLATFORM, format!("This server works with the platform, and {why}"))
}

/// How the platform is worked with, if this change is one that it is to hear of. The system's own changes it is not: what falls
/// due with time falls due there too, and what is done on the machine is for this server alone.
fn asked(tx: &WriteTx) -> Result<Option<Rules>> {
    let author = &tx.author;
    let is_somebody = author.actor.is_some() || author.called.is_some();
    if !is_somebody || author.source == PLATFORM {
        return Ok(None);
    }
    platform::rules(tx)
}

/// Whether the platform has the object, or will when the queue has been sent.
fn has(tx: &ReadTx, kind: Table, id: Id) -> Result<bool> {
    Ok(bases::exists(tx, kind, id)? || operations::is_to_be_created(tx, kind, id)?)
}

fn without_id(mut fields: Map<String, Value>) -> Map<String, Value> {
    fields.remove("_id");
    fields
}

/// The fields that changed, as they were and as they are to be; `null` for one without a value.
fn changed(old: Map<String, Value>, new: Map<String, Value>) -> Change {
    let names = differing(&old, &new);
    let of = |object: &Map<String, Value>| -> Map<String, Value> {
        names.iter().map(|name| (name.clone(), object.get(name).cloned().unwrap_or_default())).collect()
    };
    Change { was: of(&old), to: of(&new), ..Change::default() }
}

/// Puts an operation at the end of the queue. 409 `platform` when this server only follows, 507 `platform_queue` when the queue
/// is full.
fn queue(
    tx: &mut WriteTx,
    rules: Rules,
    call: Call,
    customer: Id,
    target: Id,
    change: &Change,
    secret: Option<&[u8]>,
) -> Result<()> {
    if rules.mode == Mode::Follow {
        return Err(refused("only reads from it: make the change there"));
    }
    if operations::count(tx, OperationState::Waiting)? >= rules.queue_max {
        let message = format!(
            "{} changes wait for the platform, more are not taken: see GET /sync/status, and platform.queue_max",
            rules.queue_max
        );
        return Err(Error::OverLimit { code: "platform_queue", message });
    }
    operations::insert(tx, &NewOperation { call, customer, target, change, secret, state: OperationState::Waiting })
}

/// A change that the platform has no call for: refused, or taken and listed.
fn local_only(tx: &mut WriteTx, rules: Rules, call: Call, customer: Id, target: Id, why: &str) -> Result<()> {
    if !rules.allows_local_only || rules.mode == Mode::Follow {
        return Err(refused(why));
    }
    let change = &Change::default();
    operations::insert(tx, &NewOperation { call, customer, target, change, secret: None, state: OperationState::Local })
}
