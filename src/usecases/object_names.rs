//! What the objects of the audit trail are called today.

use crate::auth::authorization::{Owner, is_allowed};
use crate::db::ReadTx;
use crate::domain::access::{Actor, CHANGE_LOG};
use crate::domain::audit::{CUSTOMERS, EMPLOYEES, MOBILE_CONFIGS, QUEUES};
use crate::domain::customer::CustomerState;
use crate::domain::id::Id;
use crate::domain::pbx::{self, Kind, PbxObject};
use crate::error::Result;
use crate::store::{customers, employees, pbx as pbx_objects, queues};

/// The name of an object as it is now; of a mobile config that of its employee. `None` when the object is gone, has no name, or belongs by
/// now to a customer whose entries `actor` may not read.
pub fn find(tx: &ReadTx, actor: &Actor, section: &str, object: Id) -> Result<Option<String>> {
    let Some((customer, name)) = named(tx, actor, section, object)? else { return Ok(None) };
    let is_shown = !name.is_empty() && is_allowed(tx, actor, CHANGE_LOG, Owner::to_customer(customer))?;
    Ok(is_shown.then_some(name))
}

/// Whose the object is, and what it is called.
fn named(tx: &ReadTx, actor: &Actor, section: &str, object: Id) -> Result<Option<(Id, String)>> {
    Ok(match section {
        CUSTOMERS => {
            let found = customers::find(tx, object)?.filter(|found| found.state != CustomerState::Deleted);
            found.map(|found| (found.id, found.name))
        }
        EMPLOYEES | MOBILE_CONFIGS => employees::find_live(tx, object)?.map(|found| (found.customer, found.name)),
        QUEUES => queues::find(tx, object)?.map(|found| (found.customer, found.name)),
        section if pbx::SECTIONS.contains(&section) => {
            let found = pbx_objects::find(tx, object)?.filter(|found| !is_private(actor, found));
            found.map(|found| (found.customer(), found.name().to_owned()))
        }
        _ => None,
    })
}

/// Of a contact of somebody's own others learn only that there is one.
fn is_private(actor: &Actor, object: &PbxObject) -> bool {
    object.kind() == Kind::Contact && object.references().employee.is_some_and(|owner| owner != actor.employee)
}
