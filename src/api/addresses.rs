//! `/customer/ID/address`

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
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// The ids in the path; 400 `customer`, 400 `address`.
fn customer_in_path(call: &AuthenticatedRequest) -> Result<Id> {
    let malformed = Error::BadRequest { code: "customer", message: "Customer id not found in request URI".into() };
    call.context.segment("customer").parse().map_err(|_| malformed)
}

fn address_in_path(call: &AuthenticatedRequest) -> Result<Id> {
    let malformed = Error::BadRequest { code: "address", message: "Address id not found in request URI".into() };
    call.context.segment("address").parse().map_err(|_| malformed)
}

fn place_of(customer: &Customer, address: Id) -> Result<usize> {
    let place = customer.addresses.iter().position(|known| known.id == address);
    place.ok_or_else(|| Error::not_found("address", "Address not found"))
}

fn visible(tx: &ReadTx, actor: &Actor, id: Id) -> Result<Customer> {
    let customer = customers::get(tx, id)?;
    allow(tx, actor, ADDRESS, Owner::to_customer(id))?;
    Ok(customer)
}

fn changeable(tx: &mut WriteTx, actor: &Actor, id: Id, permission: Permission) -> Result<Customer> {
    let customer = customers::get(tx, id)?;
    allow_change(tx, actor, permission, Owner::to_customer(id), Action::Update, customers::subject(id))?;
    Ok(customer)
}

/// api:customer:address-list
pub async fn list(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = customer_in_path(&call)?;
    call.read(|tx, actor| {
        let customer = visible(tx, actor, id)?;
        ApiResponse::object(&customer.addresses, customer.rev)
    })
}

/// api:customer:address-get
pub async fn get(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let (id, address) = (customer_in_path(&call)?, address_in_path(&call)?);
    call.read(|tx, actor| {
        let customer = visible(tx, actor, id)?;
        ApiResponse::object(&customer.addresses[place_of(&customer, address)?], customer.rev)
    })
}

/// api:customer:address-create. Answers the new address.
pub async fn create(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = customer_in_path(&call)?;
    let body = call.context.object()?;
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        let old = changeable(tx, actor, id, ADDRESS)?;
        preconditions.check(old.rev)?;
        if old.addresses.len() >= ADDRESSES_MAX {
            return Err(Error::invalid("addresses", Check::Max, too_many_addresses()));
        }
        let address = read_body(&body, |fields| Address::read(fields, tx.now, false))?;
        let mut new = old.clone();
        new.addresses.push(address);
        store(tx, new, &old, old.addresses.len())
    })
    .await
}

/// api:customer:address-update. Partial; an `_id` in the body is ignored.
pub async fn update(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let (id, address) = (customer_in_path(&call)?, address_in_path(&call)?);
    let body = call.context.object()?;
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        let old = changeable(tx, actor, id, ADDRESS)?;
        let place = place_of(&old, address)?;
        preconditions.check(old.rev)?;
        let mut new = old.clone();
        read_body(&body, |fields| new.addresses[place].apply(fields))?;
        store(tx, new, &old, place)
    })
    .await
}

/// Stores the customer with the address at `place` new or changed, and answers that address.
fn store(tx: &mut WriteTx, mut new: Customer, old: &Customer, place: usize) -> Result<ApiResponse> {
    let changed = &new.addresses[place];
    let preferred = changed.primary.then_some(changed.id);
    settle_primary(&mut new.addresses, preferred);
    let stored = customers::upsert(tx, new, Some(old))?;
    ApiResponse::object(&stored.addresses[place], stored.rev)
}

/// api:customer:address-delete. 409 `address` while an employee has it; 422 `addresses` for the last one.
pub async fn delete(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let (id, address) = (customer_in_path(&call)?, address_in_path(&call)?);
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        let old = changeable(tx, actor, id, CUSTOMER_UPDATE)?;
        let place = place_of(&old, address)?;
        preconditions.check(old.rev)?;
        if customers::are_addresses_used(tx, id, [address].into_iter())? {
            let error = Error::conflict("address", "Addresses in use, cannot be deleted");
            return Err(tx.refuse(error, Action::Update, customers::subject(id)));
        }
        if old.addresses.len() == 1 {
            return Err(Error::invalid("addresses", Check::Min, "At least one address must be present"));
        }
        let mut new = old.clone();
        new.addresses.remove(place);
        settle_primary(&mut new.addresses, None);
        customers::upsert(tx, new, Some(&old))?;
        Ok(ApiResponse::success())
    })
    .await
}
