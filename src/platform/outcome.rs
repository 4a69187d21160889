//! What comes of an operation, written in one transaction: the queue, what the platform holds, and the row here.

use serde_json::{Map, Value};

use super::objects::id_of;
use super::sender::Outcome;
use super::take::{remove, take};
use crate::db::{ReadTx, WriteTx};
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::domain::platform::{Call, Change, Conflicts, Operation, OperationState};
use crate::error::{Error, Result};
use crate::store::platform::{bases, operations};
use crate::store::{customers, employees};
use crate::usecases::{from_platform, new_ids};

/// Stores the outcome. An operation that is no longer there, or has been changed meanwhile, is left alone.
pub fn apply(tx: &mut WriteTx, operation: &Operation, outcome: &Outcome, conflicts: Conflicts) -> Result<()> {
    let seq = operation.seq;
    let Some(now) = operations::find(tx, seq)? else { return Ok(()) };
    if now.state != OperationState::Waiting {
        return Ok(());
    }
    match outcome {
        Outcome::Done { theirs } => {
            let target =
                match theirs.as_deref().filter(|_| now.call.is_create()).map(|text| adopt(tx, &now, id_of(text), true))
                {
                    None => now.target,
                    Some(Ok(target)) => target,
                    Some(Err(Error::Conflict { message, .. })) => return operations::set_error(tx, seq, &message),
                    Some(Err(error)) => return Err(error),
                };
            follow(tx, &now, target, theirs.as_deref())?;
            operations::remove(tx, seq)?;
            if now.secret.is_some() { from_platform::password_taken(tx, target) } else { Ok(()) }
        }
        Outcome::Conflict { theirs } => {
            operations::set_state(tx, seq, OperationState::Conflict, Some(theirs.as_deref().unwrap_or("null")), None)?;
            match conflicts {
                Conflicts::Ask => Ok(()),
                Conflicts::Mine => decide(tx, seq, true),
                Conflicts::Theirs => decide(tx, seq, false),
            }
        }
        Outcome::Refused { error, theirs } => {
            operations::set_state(tx, seq, OperationState::Refused, None, Some(error))?;
            put_back(tx, &now, theirs.as_deref())
        }
        Outcome::Later(why) => operations::set_error(tx, seq, why),
    }
}

/// Gives an object that was created here the id that it has at the platform. `is_same`: it is as it was to be created.
fn adopt(tx: &mut WriteTx, operation: &Operation, there: Id, is_same: bool) -> Result<Id> {
    let here = operation.target;
    if here != there {
        if is_taken(tx, operation.call.table(), there)? {
            let message = format!("the platform gives it the id {there}, which another object has here");
            return Err(Error::conflict("operation", message));
        }
        match operation.call.table() {
            Table::Customer => new_ids::replace_customer(tx, here, there)?,
            _ => new_ids::replace_employee(tx, here, there, is_same)?,
        }
    }
    Ok(there)
}

/// Whether an object that is here alone has an id.
fn is_taken(tx: &ReadTx, kind: Table, id: Id) -> Result<bool> {
    let is_here = match kind {
        Table::Customer => customers::find(tx, id)?.is_some(),
        _ => employees::find_live(tx, id)?.is_some(),
    };
    Ok(is_here && !bases::exists(tx, kind, id)?)
}

/// The row here becomes what the platform holds, but for what other operations are to change yet.
fn follow(tx: &mut WriteTx, operation: &Operation, target: Id, theirs: Option<&str>) -> Result<()> {
    let kind = operation.call.table();
    match theirs {
        Some(theirs) => {
            let customer = if kind == Table::Customer { target } else { operation.customer };
            take(tx, kind, customer, theirs, Some(operation.seq))
        }
        None => remove(tx, kind, target),
    }
}

/// Undoes here what the platform did not take.
fn put_back(tx: &mut WriteTx, operation: &Operation, theirs: Option<&str>) -> Result<()> {
    let (kind, target) = (operation.call.table(), operation.target);
    match theirs {
        // Whether it is gone is found by reading, which does not delete very many at once.
        None if bases::exists(tx, kind, target)? => bases::forget(tx, kind, target)?,
        _ => follow(tx, operation, target, theirs)?,
    }
    forget_what_followed(tx, operation)
}

/// What has changed here together with an operation that is given up is taken again as the platform has it.
fn forget_what_followed(tx: &mut WriteTx, operation: &Operation) -> Result<()> {
    // A name that changed, or somebody who left, is in the configs of others too: each is taken again as the platform has it.
    match operation.call.table() {
        Table::Employee => bases::forget_configs(tx, operation.customer),
        // Its employees were deleted with it.
        Table::Customer if operation.call == Call::DeleteCustomer => bases::forget_objects(tx, operation.target),
        _ => Ok(()),
    }
}

/// A person's decision on a conflict: the change made here is sent all the same, or given up. 404 `conflict`.
pub fn decide(tx: &mut WriteTx, seq: i64, is_mine: bool) -> Result<()> {
    let found = operations::find(tx, seq)?.filter(|found| found.state == OperationState::Conflict);
    let operation = found.ok_or_else(|| Error::not_found("conflict", "There is no such conflict"))?;
    let theirs = operation.theirs.clone().filter(|theirs| theirs != "null");
    let target = match theirs.as_deref().filter(|_| operation.call.is_create()) {
        Some(theirs) => adopt(tx, &operation, id_of(theirs), false)?,
        None => operation.target,
    };
    if !is_mine {
        operations::remove(tx, seq)?;
        if theirs.is_some() || !operation.call.is_create() {
            follow(tx, &operation, target, theirs.as_deref())?;
        }
        return forget_what_followed(tx, &operation);
    }
    if let Some(theirs) = theirs.as_deref().filter(|_| operation.call.is_create()) {
        // Somebody has created it there meanwhile: what is left to do is to change it.
        take_as_base(tx, &operation, target, theirs)?;
        let call = if operation.call == Call::CreateCustomer { Call::UpdateCustomer } else { Call::UpdateEmployee };
        operations::set_call(tx, seq, call)?;
    }
    let change = operations::find(tx, seq)?.map(|found| found.change).unwrap_or_default();
    operations::set_change(tx, seq, &Change { is_decided: true, ..change })?;
    operations::set_state(tx, seq, OperationState::Waiting, None, None)
}

/// What the platform holds becomes the base, and the row here stays as it is.
fn take_as_base(tx: &mut WriteTx, operation: &Operation, id: Id, theirs: &str) -> Result<()> {
    let customer = if operation.call == Call::CreateCustomer { id } else { operation.customer };
    let hash = super::objects::hash_of(theirs);
    let base = bases::Base { customer, hash, object: Some(theirs.to_owned()), aside: None };
    bases::put(tx, operation.call.table(), id, &base)
}

/// Has a refused operation sent again; the change is made here again once the platform has taken it. 404 `operation`.
pub fn retry(tx: &mut WriteTx, seq: i64) -> Result<()> {
    let found = operations::find(tx, seq)?.ok_or_else(no_operation)?;
    match found.state {
        OperationState::Refused => operations::set_state(tx, seq, OperationState::Waiting, None, None),
        OperationState::Waiting => Ok(()),
        OperationState::Conflict => Err(Error::conflict("operation", "It is in conflict: decide with mine or theirs")),
        OperationState::Local => Err(Error::conflict("operation", "The platform has no call for it")),
    }
}

/// Gives up an operation. What it changed here is put back to what the platform holds, with the next reading. 404 `operation`.
pub fn drop_operation(tx: &mut WriteTx, seq: i64) -> Result<()> {
    let found = operations::find(tx, seq)?.ok_or_else(no_operation)?;
    operations::remove(tx, seq)?;
    if found.state == OperationState::Refused {
        return Ok(());
    }
    if found.call.is_create() {
        return remove(tx, found.call.table(), found.target);
    }
    bases::forget(tx, found.call.table(), found.target)?;
    forget_what_followed(tx, &found)
}

fn no_operation() -> Error {
    Error::not_found("operation", "There is no such operation")
}

/// What is shown of a conflict: what it was, what it is here, and what it is at the platform, of the fields in question.
pub fn sides(operation: &Operation) -> (Map<String, Value>, Map<String, Value>, Value) {
    let theirs: Value =
        operation.theirs.as_deref().and_then(|theirs| serde_json::from_str(theirs).ok()).unwrap_or_default();
    let names: Vec<&String> = operation.change.was.keys().chain(operation.change.to.keys()).collect();
    let of_theirs = match &theirs {
        Value::Object(theirs) if operation.call.table() != Table::MobileConfig => {
            let of = theirs.iter().filter(|(name, _)| names.contains(name));
            Value::Object(of.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    };
    (operation.change.was.clone(), operation.change.to.clone(), of_theirs)
}
