//! What is asked about a customer as a whole: how much it has (api:customer:overview), where its calls are reported to
//! (api:customer:callnotify-list), and who its reseller is (api:pbx:app:reseller).

use crate::auth::authorization::{Owner, allow};
use crate::db::ReadTx;
use crate::domain::access::{Actor, CUSTOMER_OVERVIEW};
use crate::domain::customer::Customer;
use crate::domain::id::Id;
use crate::domain::pbx::{CallNotify, Kind, PbxObject};
use crate::error::Result;
use crate::store::{customers, employees, pbx};

/// A customer, and how many employees it has.
pub struct Overview {
    pub customer: Customer,
    pub is_reseller: bool,
    pub employees: i64,
    pub disabled_employees: i64,
}

/// The customer, if the actor may see how much it has. 403 `access_denied`, 404 `customer`.
fn readable(tx: &ReadTx, actor: &Actor, id: Id) -> Result<Customer> {
    let customer = customers::get(tx, id)?;
    allow(tx, actor, CUSTOMER_OVERVIEW, Owner::to_customer(id))?;
    Ok(customer)
}

/// How much a customer has; without an id the actor's own. 403 `access_denied`, 404 `customer`.
pub fn overview(tx: &ReadTx, actor: &Actor, id: Option<Id>) -> Result<Overview> {
    let customer = readable(tx, actor, id.unwrap_or(actor.customer))?;
    let is_reseller = customers::is_reseller(tx, customer.id)?;
    let (employees, disabled_employees) = employees::count(tx, customer.id)?;
    Ok(Overview { customer, is_reseller, employees, disabled_employees })
}

/// Where a customer's calls are reported to. 403 `access_denied`, 404 `customer`.
pub fn call_notify(tx: &ReadTx, actor: &Actor, id: Id) -> Result<Vec<CallNotify>> {
    readable(tx, actor, id)?;
    Ok(pbx::list(tx, id, Kind::CallNotify)?.into_iter().filter_map(PbxObject::downcast).collect())
}

/// The reseller of the actor's customer. A customer without one is a reseller itself: it is its own.
pub fn reseller(tx: &ReadTx, actor: &Actor) -> Result<Customer> {
    let own = customers::get(tx, actor.customer)?;
    own.parent_reseller.map_or(Ok(own), |reseller| customers::get(tx, reseller))
}
