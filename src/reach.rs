//! How far a caller reaches: its stand to an object, and whether that is enough.

use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::access::{Actor, Level, Permission, Relation};
use crate::domain::audit::Action;
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::customers;

/// Whose object it is: a customer's, or that of one of its employees.
#[derive(Clone, Copy, Debug)]
pub struct Belongs {
    pub customer: Id,
    pub employee: Option<Id>,
}

impl Belongs {
    pub fn to_customer(customer: Id) -> Belongs {
        Belongs { customer, employee: None }
    }

    pub fn to_employee(employee: Id, customer: Id) -> Belongs {
        Belongs { customer, employee: Some(employee) }
    }
}

pub fn relation(tx: &ReadTx, actor: &Actor, belongs: Belongs) -> Result<Relation> {
    if belongs.employee == Some(actor.employee) {
        return Ok(Relation::Myself);
    }
    if belongs.customer == actor.customer {
        return Ok(Relation::Own);
    }
    // Only for a reseller does the tree of customers make a difference.
    if actor.level == Level::Reseller && customers::is_below(tx, belongs.customer, actor.customer)? {
        return Ok(Relation::Below);
    }
    Ok(Relation::Elsewhere)
}

pub fn is_allowed(tx: &ReadTx, actor: &Actor, permission: Permission, belongs: Belongs) -> Result<bool> {
    Ok(permission.allows(actor.level, relation(tx, actor, belongs)?))
}

/// 403 `access_denied` unless `permission` allows it.
pub fn allow(tx: &ReadTx, actor: &Actor, permission: Permission, belongs: Belongs) -> Result<()> {
    if is_allowed(tx, actor, permission, belongs)? { Ok(()) } else { Err(Error::access_denied()) }
}

/// As [`allow`], for a change of an existing object: a refusal is recorded.
pub fn allow_change(
    tx: &mut WriteTx,
    actor: &Actor,
    permission: Permission,
    belongs: Belongs,
    action: Action,
    subject: Subject,
) -> Result<()> {
    if is_allowed(tx, actor, permission, belongs)? {
        return Ok(());
    }
    Err(tx.refuse(Error::access_denied(), action, subject))
}
