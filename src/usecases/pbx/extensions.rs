//! Extensions (api:pbx:extension:list, :get).

use crate::auth::authorization::{Owner, allow, is_allowed};
use crate::db::ReadTx;
use crate::domain::access::{Actor, EXTENSION, Level};
use crate::domain::id::Id;
use crate::domain::pbx::{Extension, Kind, PbxObject};
use crate::error::{Error, Result};
use crate::store::pbx::{Order, PbxFilter};
use crate::store::{Page, Window, customers, employees, pbx};

/// Which extensions are asked for.
pub struct Query {
    pub customer: Option<Id>,
    pub employee: Option<Id>,
    pub text: Option<String>,
    pub order: Order,
}

/// How much of an extension the caller sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    Whole,
    /// `_id`, `type`, `customer`, `name` and `number`.
    Public,
}

/// The extension of this id, if there is one.
pub fn find(tx: &ReadTx, id: Id) -> Result<Option<Extension>> {
    Ok(pbx::find(tx, id)?.and_then(PbxObject::downcast))
}

/// The extension of this number at the customer, if there is one.
pub fn find_by_number(tx: &ReadTx, customer: Id, number: &str) -> Result<Option<Extension>> {
    let key = PbxObject::key_of(Kind::Extension, customer, number);
    Ok(pbx::find_by_key(tx, &key)?.and_then(PbxObject::downcast))
}

/// The customer's extensions, by name.
pub fn of_customer(tx: &ReadTx, customer: Id) -> Result<Vec<Extension>> {
    Ok(pbx::list(tx, customer, Kind::Extension)?.into_iter().filter_map(PbxObject::downcast).collect())
}

/// The caller's own extensions.
pub fn own(tx: &ReadTx, actor: &Actor) -> Result<Vec<Id>> {
    let found = pbx::of_employee(tx, actor.employee, Some(Kind::Extension))?;
    Ok(found.iter().filter(|object| object.customer() == actor.customer).map(PbxObject::id).collect())
}

/// A page of a customer's extensions, or of one employee's; PERSONAL only of its own. 403 `access_denied`, 404 `customer`, 404
/// `employee`.
pub fn list(tx: &ReadTx, actor: &Actor, query: Query, window: Window) -> Result<Page<Extension>> {
    let employee = query.employee.map(|id| employees::get(tx, id)).transpose()?;
    let customer = query.customer.or(employee.as_ref().map(|employee| employee.customer)).unwrap_or(actor.customer);
    customers::get(tx, customer)?;
    let owner = Owner { customer, employee: query.employee };
    allow(tx, actor, EXTENSION, owner)?;
    if employee.is_some_and(|employee| employee.customer != customer) {
        return Err(Error::not_found("employee", "Employee not found"));
    }
    let Query { employee, text, order, .. } = query;
    let filter = PbxFilter { customer, kind: Kind::Extension, employee, controller: None, text, order };
    let page = pbx::page(tx, &filter, window)?;
    Ok(Page { total: page.total, rows: page.rows.into_iter().filter_map(PbxObject::downcast).collect() })
}

/// One extension, and how much of it the caller sees: PERSONAL sees of its colleagues' what everybody dials. 403 `access_denied`, 404
/// `id`.
pub fn get(tx: &ReadTx, actor: &Actor, id: Id) -> Result<(Extension, Sight)> {
    let found = find(tx, id)?.ok_or_else(|| Error::not_found("id", "Extension not found"))?;
    let owner = Owner { customer: found.customer, employee: found.employee };
    if is_allowed(tx, actor, EXTENSION, owner)? {
        return Ok((found, Sight::Whole));
    }
    if found.customer == actor.customer && actor.level >= Level::Personal {
        return Ok((found, Sight::Public));
    }
    Err(Error::access_denied())
}
