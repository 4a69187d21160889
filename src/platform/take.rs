//! Writes what was read from the platform: what changed there is taken, field by field; what cannot be held is put aside.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::compare::may_be;
use super::merge::merge;
use super::objects::{Object, base_fields, hash_of, id_of, read};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::Level;
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::domain::platform::{Call, Operation, OperationState};
use crate::error::{Error, Result};
use crate::store::platform::bases::{self, Base};
use crate::store::platform::operations;
use crate::store::{credentials, customers, employees};
use crate::usecases::from_platform;
use crate::usecases::intents::fields_of;

/// Takes one object as the platform sent it. `except`: the operation that this is the outcome of; then all of it is taken, but for
/// what other operations are to change yet.
pub fn take(tx: &mut WriteTx, kind: Table, customer: Id, text: &str, except: Option<i64>) -> Result<()> {
    let (id, hash) = (id_of(text), hash_of(text));
    let old = bases::find(tx, kind, id)?;
    let is_settled = except.is_some();
    if !is_settled && old.as_ref().is_some_and(|old| old.hash == hash && old.aside.is_none()) {
        return Ok(());
    }
    let object =
        match read(kind, text, customer).and_then(|object| if is_settled { Ok(object) } else { object.of(customer) }) {
            Ok(object) => object,
            Err(why) => return put_aside(tx, kind, id, customer, text, old, why),
        };
    if !is_settled && old.is_none() && is_somebodys_own(tx, kind, id)? {
        let why = "an ADMIN of this server alone has this id here".to_owned();
        return put_aside(tx, kind, id, customer, text, old, why);
    }
    if !is_settled && old.is_none() && is_of_a_create(tx, kind, customer, &object)? {
        // What is to be created, or was: the sender finds it, and gives it its id.
        return Ok(());
    }
    let others: Vec<Operation> =
        operations::pending(tx, kind, id)?.into_iter().filter(|operation| Some(operation.seq) != except).collect();
    for conflict in others.iter().filter(|operation| operation.state == OperationState::Conflict) {
        if conflict.theirs.as_deref() != Some(text) {
            operations::set_state(tx, conflict.seq, OperationState::Conflict, Some(text), None)?;
        }
    }
    if kind == Table::MobileConfig && !others.is_empty() {
        // It keeps what it has until the copy has been sent; what the platform has is read again then.
        return Ok(());
    }
    if others.iter().any(|operation| matches!(operation.call, Call::DeleteCustomer | Call::DeleteEmployee)) {
        // It is gone here, until the delete is settled.
        let base = Base { customer, hash, object: Some(text.to_owned()), aside: None };
        return bases::put(tx, kind, id, &base);
    }
    let known = old.as_ref().filter(|old| !is_settled && old.aside.is_none());
    let base = known.and_then(|old| base_fields(kind, old.object.as_deref()?, old.customer));
    let mut held = operations::pending_fields(tx, kind, id, except)?;
    if leaves_out_state(text) {
        // Whoever may not log in is not let in because a word is missing.
        held.insert("state".into());
    }
    match write(tx, object, base.as_ref(), &held) {
        Ok(owner) => {
            let kept = (kind != Table::MobileConfig).then(|| text.to_owned());
            bases::put(tx, kind, id, &Base { customer: owner.unwrap_or(customer), hash, object: kept, aside: None })
        }
        Err(error @ (Error::Invalid(_) | Error::Conflict { .. } | Error::NotFound { .. })) => {
            put_aside(tx, kind, id, customer, text, old, error.to_string())
        }
        Err(error) => Err(error),
    }
}

fn leaves_out_state(text: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Head<'t> {
        #[serde(borrow)]
        state: Option<&'t serde_json::value::RawValue>,
    }
    serde_json::from_str(text).is_ok_and(|head: Head| head.state.is_none())
}

/// Customers that were here before their reseller stand below it from now on.
pub fn take_resellers(tx: &mut WriteTx) -> Result<()> {
    for (id, text) in bases::customers_without_reseller(tx)? {
        bases::forget(tx, Table::Customer, id)?;
        take(tx, Table::Customer, id, &text, None)?;
    }
    Ok(())
}

/// Writes an object merged with what is here; gives the customer that it belongs to.
fn write(
    tx: &mut WriteTx,
    object: Object,
    base: Option<&Map<String, Value>>,
    held: &HashSet<String>,
) -> Result<Option<Id>> {
    let theirs = object.fields()?;
    match object {
        Object::Customer(customer) => {
            let merged = match customers::find(tx, customer.id)? {
                Some(here) => typed(merge(&fields_of(&here)?, base, &theirs, held))?,
                None => *customer,
            };
            let id = merged.id;
            from_platform::write_customer(tx, merged).map(|()| Some(id))
        }
        Object::Employee(employee) => {
            let merged = match employees::find(tx, employee.id)? {
                Some(here) => typed(merge(&fields_of(&here)?, base, &theirs, held))?,
                None => *employee,
            };
            let owner = merged.customer;
            from_platform::write_employee(tx, merged).map(|()| Some(owner))
        }
        Object::Queue(queue) => from_platform::write_queue(tx, &queue).map(|()| Some(queue.customer)),
        Object::Config { id, content } => from_platform::write_config(tx, id, content).map(|()| None),
    }
}

fn typed<T: serde::de::DeserializeOwned>(fields: Map<String, Value>) -> Result<T> {
    serde_json::from_value(Value::Object(fields)).map_err(|error| Error::Internal(Box::new(error)))
}

/// Whether the id is that of an administrator who is here alone: the platform does not take this server from its operator.
fn is_somebodys_own(tx: &ReadTx, kind: Table, id: Id) -> Result<bool> {
    let is_admin = |employee: Option<Employee>| employee.is_some_and(|found| found.access_level == Level::Admin);
    let has_password = |id| Ok::<_, Error>(credentials::get(tx, id)?.password_hash.is_some());
    Ok(kind == Table::Employee && is_admin(employees::find_live(tx, id)?) && has_password(id)?)
}

/// Whether an object that is new at the platform is one that is to be created there from here.
fn is_of_a_create(tx: &ReadTx, kind: Table, customer: Id, object: &Object) -> Result<bool> {
    let call = match kind {
        Table::Customer => Call::CreateCustomer,
        Table::Employee => Call::CreateEmployee,
        _ => return Ok(false),
    };
    let fields = object.fields()?;
    let to_create = match kind {
        Table::Customer => operations::creates(tx, call, None)?,
        _ => operations::creates(tx, call, Some(customer))?,
    };
    Ok(to_create.iter().any(|operation| may_be(&operation.change.to, &fields)))
}

/// Notes why an object was not taken; what is here of it stays, but for what an employee may do. Nothing is written when that is
/// known.
fn put_aside(
    tx: &mut WriteTx,
    kind: Table,
    id: Id,
    customer: Id,
    text: &str,
    old: Option<Base>,
    why: String,
) -> Result<()> {
    let is_known = old.as_ref().is_some_and(|old| old.customer == customer);
    let base = Base { customer, hash: hash_of(text), object: None, aside: Some(why) };
    if old.as_ref() == Some(&base) {
        return Ok(());
    }
    bases::put(tx, kind, id, &base)?;
    if kind == Table::Employee && is_known { take_rights(tx, id, text) } else { Ok(()) }
}

/// What an employee may do follows the platform where the rest of it cannot.
fn take_rights(tx: &mut WriteTx, id: Id, text: &str) -> Result<()> {
    let (Some(here), Ok(theirs)) = (employees::find_live(tx, id)?, serde_json::from_str::<Map<String, Value>>(text))
    else {
        return Ok(());
    };
    let held = operations::pending_fields(tx, Table::Employee, id, None)?;
    let before = fields_of(&here)?;
    let mut after = before.clone();
    for name in ["state", "accessLevel", "ipRestriction"] {
        let mut next = after.clone();
        let Some(value) = theirs.get(name).filter(|_| !held.contains(name)) else { continue };
        next.insert(name.into(), value.clone());
        // One that cannot be read stays as it is.
        if serde_json::from_value::<Employee>(next.clone().into()).is_ok() {
            after = next;
        }
    }
    if after == before { Ok(()) } else { from_platform::write_employee(tx, typed(after)?) }
}

/// Deletes here what is gone at the platform.
pub fn remove(tx: &mut WriteTx, kind: Table, id: Id) -> Result<()> {
    bases::remove(tx, kind, id)?;
    match kind {
        Table::Customer => bases::forget_customer(tx, id)?,
        Table::Employee => bases::remove(tx, Table::MobileConfig, id)?,
        _ => {}
    }
    from_platform::remove(tx, kind, id)
}
