//! Addresses of a customer (api:customer:address-list, :address-get, :address-create, :address-update, :address-delete).

use serde_json::{Map, Value};

use super::customers::{judge, save};
use super::intents;
use crate::auth::authorization::{Owner, allow, allow_change};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{ADDRESS, Actor, CUSTOMER_UPDATE, Permission};
use crate::domain::address::{ADDRESSES_MAX, Address, settle_primary, too_many_addresses};
use crate::domain::audit::Action;
use crate::domain::customer::Customer;
use crate::domain::fields::read_body;
use crate::domain::id::Id;
use crate::error::{Check, Error, Result};
use crate::store::customers;

fn position(customer: &Customer, address: Id) -> Result<usize> {
    let position = customer.addresses.iter().position(|known| known.id == address);
    position.ok_or_else(|| Error::not_found("address", "Address not found"))
}

fn changeable(tx: &mut WriteTx, actor: &Actor, id: Id, permission: Permission) -> Result<Customer> {
    let customer = customers::get(tx, id)?;
    allow_change(tx, actor, permission, Owner::to_customer(id), Action::Update, customers::subject(id))?;
    Ok(customer)
}

/// The customer, to read its addresses. 403 `access_denied`, 404 `customer`.
pub fn list(tx: &ReadTx, actor: &Actor, id: Id) -> Result<Customer> {
    let customer = customers::get(tx, id)?;
    allow(tx, actor, ADDRESS, Owner::to_customer(id))?;
    Ok(customer)
}

/// One address, and the customer's rev. 403 `access_denied`, 404 `customer`, 404 `address`.
pub fn get(tx: &ReadTx, actor: &Actor, id: Id, address: Id) -> Result<(Address, i64)> {
    let customer = list(tx, actor, id)?;
    let found = customer.addresses.into_iter().find(|known| known.id == address);
    // The page's own spelling.
    let found = found.ok_or_else(|| Error::not_found("address", "Addresss not found"))?;
    Ok((found, customer.rev))
}

/// Adds an address; returns it and the customer's new rev. 403 `access_denied`, 404 `customer`, 422 `addresses`.
pub fn create(
    tx: &mut WriteTx,
    actor: &Actor,
    id: Id,
    body: &Map<String, Value>,
    accept: impl FnOnce(&Customer) -> Result<()>,
) -> Result<(Address, i64)> {
    let old = changeable(tx, actor, id, ADDRESS)?;
    accept(&old)?;
    if old.addresses.len() >= ADDRESSES_MAX {
        return Err(Error::invalid("addresses", Check::Max, too_many_addresses()));
    }
    let address = read_body(body, |fields| Address::read(fields, tx.now, false))?;
    let mut new = old.clone();
    new.addresses.push(address);
    store(tx, actor, new, &old, old.addresses.len())
}

/// Changes what the body gives of an address; the rest stays. 403 `access_denied`, 404 `customer`, 404 `address`.
pub fn update(
    tx: &mut WriteTx,
    actor: &Actor,
    id: Id,
    address: Id,
    body: &Map<String, Value>,
    accept: impl FnOnce(&Customer) -> Result<()>,
) -> Result<(Address, i64)> {
    let old = changeable(tx, actor, id, ADDRESS)?;
    let position = position(&old, address)?;
    accept(&old)?;
    let mut new = old.clone();
    read_body(body, |fields| new.addresses[position].apply(fields))?;
    store(tx, actor, new, &old, position)
}

/// Stores the customer with the address at `position` new or changed, and returns that address.
fn store(
    tx: &mut WriteTx,
    actor: &Actor,
    mut new: Customer,
    old: &Customer,
    position: usize,
) -> Result<(Address, i64)> {
    let changed = &new.addresses[position];
    let preferred = changed.primary.then_some(changed.id);
    settle_primary(&mut new.addresses, preferred);
    let mut stored = save(tx, actor, new, old)?;
    Ok((stored.addresses.swap_remove(position), stored.rev))
}

/// Removes an address. 403 `access_denied`, 404 `customer`, 404 `address`, 409 `address` while an employee has it,
/// 422 `addresses` for the last one.
pub fn delete(
    tx: &mut WriteTx,
    actor: &Actor,
    id: Id,
    address: Id,
    accept: impl FnOnce(&Customer) -> Result<()>,
) -> Result<()> {
    let old = changeable(tx, actor, id, CUSTOMER_UPDATE)?;
    let position = position(&old, address)?;
    accept(&old)?;
    let mut new = old.clone();
    new.addresses.remove(position);
    settle_primary(&mut new.addresses, None);
    judge(tx, actor, &new, &old)?;
    if new.addresses.is_empty() {
        return Err(Error::invalid("addresses", Check::Min, "At least one address must be present"));
    }
    let saved = customers::upsert(tx, new, Some(&old))?;
    intents::customer_saved(tx, Some(&old), &saved)
}
