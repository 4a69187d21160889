//! Customers (api:customer:list, :get, :create, :update, :delete, :resellers).

mod check;

use serde_json::{Map, Value};

pub use check::check;

use super::intents;
use super::known::Known;
use crate::auth::authorization::{Owner, allow, allow_change, is_allowed};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{
    Actor, CUSTOMER_CREATE, CUSTOMER_DELETE, CUSTOMER_GET, CUSTOMER_LIST, CUSTOMER_UPDATE, Level,
};
use crate::domain::audit::Action;
use crate::domain::customer::{AuthenticationSecurity, Customer, CustomerState};
use crate::domain::fields::read_body;
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::customers::CustomerFilter;
use crate::store::{Page, Window, customers, sessions};
use crate::usecases::employees::remove_all_of;
use crate::usecases::pbx;

/// More than any list of a mock or an appliance holds.
const EVERYTHING: Window = Window { offset: 0, limit: 100_000 };

/// A page of the customers of the actor's reseller; `all` and another reseller are for RESELLER_ADMIN and up, and a list of
/// ids reaches as far as the actor does. 403 `access_denied`.
pub fn list(tx: &ReadTx, actor: &Actor, filter: CustomerFilter, all: bool, window: Window) -> Result<Page<Customer>> {
    allow(tx, actor, CUSTOMER_LIST, Owner::to_customer(actor.customer))?;
    let sees_all = actor.level >= Level::ResellerAdmin;
    let reseller = if sees_all && (all || filter.ids.is_some() && filter.reseller.is_none()) {
        None
    } else {
        Some(filter.reseller.filter(|_| sees_all).unwrap_or(actor.customer))
    };
    let include_subresellers = filter.include_subresellers || filter.ids.is_some();
    let mut features = filter.features;
    // The page gives these to administrators alone.
    features.retain(|feature| sees_all || !["TV", "IPTVPRIVATE"].contains(feature));
    customers::list(tx, &CustomerFilter { reseller, include_subresellers, features, ..filter }, window)
}

/// 403 `access_denied`, 404 `customer`.
pub fn get(tx: &ReadTx, actor: &Actor, id: Id) -> Result<Customer> {
    let customer = customers::get(tx, id)?;
    allow(tx, actor, CUSTOMER_GET, Owner::to_customer(id))?;
    Ok(customer)
}

/// The second factor that the customer's employees log in with, for anybody. 404 `customer`.
pub fn security(tx: &ReadTx, id: Id) -> Result<AuthenticationSecurity> {
    Ok(customers::get(tx, id)?.authentication_security)
}

/// Those of the customers that exist and that the actor may see: the page has no 404. 403 `access_denied`. `ids` is an error
/// where the body had faults: they count only for those who may ask.
pub fn reachable(tx: &ReadTx, actor: &Actor, ids: Result<Vec<Id>>) -> Result<Vec<Customer>> {
    allow(tx, actor, CUSTOMER_LIST, Owner::to_customer(actor.customer))?;
    let mut found = vec![];
    for id in ids? {
        if let Some(customer) = customers::find(tx, id)?
            && customer.state != CustomerState::Deleted
            && is_allowed(tx, actor, CUSTOMER_GET, Owner::to_customer(id))?
        {
            found.push(customer);
        }
    }
    Ok(found)
}

/// The actor's own reseller and those below it; RESELLER_ADMIN and up: all. 403 `access_denied`.
pub fn resellers(tx: &ReadTx, actor: &Actor, feature: Option<&'static str>) -> Result<Vec<Customer>> {
    allow(tx, actor, CUSTOMER_LIST, Owner::to_customer(actor.customer))?;
    let sees_all = actor.level >= Level::ResellerAdmin;
    let reseller = (!sees_all).then_some(actor.customer);
    let filter = CustomerFilter {
        reseller,
        include_subresellers: true,
        features: feature.filter(|_| sees_all).into_iter().collect(),
        only_resellers: true,
        ..CustomerFilter::default()
    };
    let mut found = customers::list(tx, &filter, EVERYTHING)?.rows;
    if reseller.is_some() {
        found.insert(0, customers::get(tx, actor.customer)?);
    }
    Ok(found)
}

/// Creates a customer, under `id` when one is given. Its parent is the actor's own customer unless another in reach is named.
/// 403 `access_denied`, and as [`check`].
pub fn create(tx: &mut WriteTx, actor: &Actor, id: Option<Id>, body: &Map<String, Value>) -> Result<Customer> {
    allow(tx, actor, CUSTOMER_CREATE, Owner::to_customer(actor.customer))?;
    let id = id.unwrap_or_else(|| Id::new(tx.now));
    let new = read_body(body, |fields| {
        fields.require(&["name", "addresses"]);
        let mut customer = Customer::new(id);
        customer.parent_reseller = actor.is_employee().then_some(actor.customer);
        customer.apply(fields, actor.level, tx.now);
        customer.refuse_deleted(fields);
        customer
    })?;
    check(tx, &mut Known::default(), actor, &new, None)?;
    let created = customers::upsert(tx, new, None)?;
    intents::customer_saved(tx, None, &created)?;
    Ok(created)
}

/// Changes what the body gives; the rest stays. `accept` may refuse the customer as it is (`If-Match`).
/// 403 `access_denied`, 404 `customer`, and as [`check`].
pub fn update(
    tx: &mut WriteTx,
    actor: &Actor,
    id: Id,
    body: &Map<String, Value>,
    accept: impl FnOnce(&Customer) -> Result<()>,
) -> Result<Customer> {
    let old = customers::get(tx, id)?;
    allow_change(tx, actor, CUSTOMER_UPDATE, Owner::to_customer(id), Action::Update, customers::subject(id))?;
    accept(&old)?;
    let new = read_body(body, |fields| {
        let mut customer = old.clone();
        customer.apply(fields, actor.level, tx.now);
        customer.refuse_deleted(fields);
        customer
    })?;
    save(tx, actor, new, &old)
}

/// Checks and writes a changed customer.
pub fn save(tx: &mut WriteTx, actor: &Actor, new: Customer, old: &Customer) -> Result<Customer> {
    judge(tx, actor, &new, old)?;
    let saved = write(tx, new, Some(old))?;
    intents::customer_saved(tx, Some(old), &saved)?;
    Ok(saved)
}

/// Writes a customer that has been checked. Sessions of one that is blocked are revoked: they do not come back with it.
pub fn write(tx: &mut WriteTx, new: Customer, old: Option<&Customer>) -> Result<Customer> {
    if new.state == CustomerState::Blocked {
        sessions::delete_of_customer(tx, new.id)?;
    }
    customers::upsert(tx, new, old)
}

/// As [`check`]; a conflict with what others need, and what the actor may not do, are recorded as a refused change.
pub fn judge(tx: &mut WriteTx, actor: &Actor, new: &Customer, old: &Customer) -> Result<()> {
    check(tx, &mut Known::default(), actor, new, Some(old)).map_err(|error| match error {
        Error::Conflict { .. } | Error::Forbidden { .. } => {
            tx.refuse(error, Action::Update, customers::subject(new.id))
        }
        other => other,
    })
}

/// Deletes a customer (softly) and its employees. 403 `access_denied`, 404 `customer`, 409 `parentReseller`, 409 `customer`
/// for the actor's own.
pub fn delete(tx: &mut WriteTx, actor: &Actor, id: Id, accept: impl FnOnce(&Customer) -> Result<()>) -> Result<()> {
    let customer = customers::get(tx, id)?;
    let (action, subject) = (Action::Delete, customers::subject(id));
    allow_change(tx, actor, CUSTOMER_DELETE, Owner::to_customer(id), action, subject)?;
    accept(&customer)?;
    if let Err(error) = check::check_has_no_customers(tx, &mut Known::default(), id) {
        return Err(tx.refuse(error, action, subject));
    }
    if id == actor.customer {
        return Err(tx.refuse(Error::conflict("customer", "Customer cannot be deleted"), action, subject));
    }
    let may_go = check::check_nobody_above(tx, actor, id)
        .and_then(|()| check::check_left_without(tx, &Known::default(), "customer", id));
    may_go.map_err(|error| tx.refuse(error, action, subject))?;
    intents::customer_deleted(tx, &customer)?;
    let deleted = Customer { state: CustomerState::Deleted, ..customer.clone() };
    remove(tx, deleted, &customer)
}

/// Writes a customer that is deleted from now on; its employees, and its objects of the PBX, are deleted with it.
pub fn remove(tx: &mut WriteTx, deleted: Customer, old: &Customer) -> Result<()> {
    remove_all_of(tx, deleted.id)?;
    pbx::delete_all_of(tx, deleted.id)?;
    customers::upsert(tx, deleted, Some(old))?;
    Ok(())
}
