//! Groups, and what their controllers may do (api:pbx:group:list, :get, api:pbx:app:permissions, :grouppermissions).

use std::collections::BTreeMap;

use super::extensions;
use crate::auth::authorization::{Owner, allow};
use crate::db::ReadTx;
use crate::domain::access::{Actor, GROUP_GET, GROUP_LIST, Level};
use crate::domain::id::Id;
use crate::domain::pbx::{Group, Kind, PbxObject, Rights};
use crate::error::{Check, Error, Result};
use crate::store::pbx::{Order, PbxFilter};
use crate::store::{Page, Window, customers, pbx};

/// A page of a customer's groups; PERSONAL sees those that it controls. 403 `access_denied`, 404 `customer`.
pub fn list(
    tx: &ReadTx,
    actor: &Actor,
    customer: Option<Id>,
    text: Option<String>,
    order: Order,
    window: Window,
) -> Result<Page<Group>> {
    let customer = customer.unwrap_or(actor.customer);
    customers::get(tx, customer)?;
    let is_narrowed = customer == actor.customer && actor.level < Level::Viewer;
    let controller = is_narrowed.then_some(actor.employee);
    allow(tx, actor, GROUP_LIST, Owner { customer, employee: controller })?;
    let filter = PbxFilter { customer, kind: Kind::Group, employee: None, controller, text, order };
    let page = pbx::page(tx, &filter, window)?;
    Ok(Page { total: page.total, rows: page.rows.into_iter().filter_map(PbxObject::downcast::<Group>).collect() })
}

/// 403 `access_denied`, 404 `id`.
pub fn get(tx: &ReadTx, actor: &Actor, id: Id) -> Result<Group> {
    let found = pbx::find(tx, id)?
        .and_then(PbxObject::downcast::<Group>)
        .ok_or_else(|| Error::not_found("id", "Group not found"))?;
    allow(tx, actor, GROUP_GET, Owner::to_customer(found.customer))?;
    Ok(found)
}

/// The customer's groups that one of these extensions controls.
pub fn controlled(tx: &ReadTx, customer: Id, controllers: &[Id]) -> Result<Vec<Group>> {
    if controllers.is_empty() {
        return Ok(vec![]);
    }
    let groups = pbx::list(tx, customer, Kind::Group)?.into_iter().filter_map(PbxObject::downcast::<Group>);
    Ok(groups.filter(|group| group.controllers.iter().any(|id| controllers.contains(id))).collect())
}

/// What the caller may do with each extension that is a member of a group which one of its own extensions controls.
pub fn permissions(tx: &ReadTx, actor: &Actor) -> Result<BTreeMap<Id, Rights>> {
    let own = extensions::own(tx, actor)?;
    let mut found: BTreeMap<Id, Rights> = BTreeMap::new();
    for group in controlled(tx, actor.customer, &own)? {
        let rights = group.rights();
        for member in &group.members {
            let known = found.entry(*member).or_default();
            *known = known.or(rights);
        }
    }
    Ok(found)
}

/// What the caller may do with one extension of its customer. 422 `target`.
pub fn permissions_on(tx: &ReadTx, actor: &Actor, target: Option<Id>) -> Result<Rights> {
    let target = target.map(|id| extensions::find(tx, id)).transpose()?.flatten();
    let target = target.filter(|extension| extension.customer == actor.customer);
    let target = target.ok_or_else(|| Error::invalid("target", Check::Format, "target must be an extension"))?;
    Ok(permissions(tx, actor)?.get(&target.id).copied().unwrap_or_default())
}
