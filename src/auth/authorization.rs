//! How far a caller reaches: its stand to an object, and whether that is enough.

use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::access::{Actor, IMPERSONATE, Level, Permission, Relation};
use crate::domain::audit::Action;
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::{actors, customers};

/// Whose object it is: a customer's, or that of one of its employees.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    pub customer: Id,
    pub employee: Option<Id>,
}

impl Owner {
    pub fn to_customer(customer: Id) -> Owner {
        Owner { customer, employee: None }
    }

    pub fn to_employee(employee: Id, customer: Id) -> Owner {
        Owner { customer, employee: Some(employee) }
    }
}

pub fn relation(tx: &ReadTx, actor: &Actor, owner: Owner) -> Result<Relation> {
    if owner.employee == Some(actor.employee) {
        return Ok(Relation::Myself);
    }
    if owner.customer == actor.customer {
        return Ok(Relation::Own);
    }
    // Only for a reseller does the tree of customers make a difference.
    if actor.level == Level::Reseller && customers::is_below(tx, owner.customer, actor.customer)? {
        return Ok(Relation::Below);
    }
    Ok(Relation::Elsewhere)
}

pub fn is_allowed(tx: &ReadTx, actor: &Actor, permission: Permission, owner: Owner) -> Result<bool> {
    Ok(permission.allows(actor.level, relation(tx, actor, owner)?))
}

/// 403 `access_denied` unless `permission` allows it.
pub fn allow(tx: &ReadTx, actor: &Actor, permission: Permission, owner: Owner) -> Result<()> {
    if is_allowed(tx, actor, permission, owner)? { Ok(()) } else { Err(Error::access_denied()) }
}

/// As [`allow`], for a change of an existing object: a refusal is recorded.
pub fn allow_change(
    tx: &mut WriteTx,
    actor: &Actor,
    permission: Permission,
    owner: Owner,
    action: Action,
    subject: Subject,
) -> Result<()> {
    if is_allowed(tx, actor, permission, owner)? {
        return Ok(());
    }
    Err(tx.refuse(Error::access_denied(), action, subject))
}

/// Who calls, as of this transaction; `None` when it may not call (any more), or its impersonator may not act as it (any
/// more): a session that was lent ends with the right to lend it.
pub fn caller(tx: &ReadTx, employee: Id, impersonator: Option<Id>) -> Result<Option<Actor>> {
    let Some(actor) = actors::find(tx, employee)? else { return Ok(None) };
    if let Some(impersonator) = impersonator {
        let Some(impersonator) = actors::find(tx, impersonator)? else { return Ok(None) };
        if !may_impersonate(tx, &impersonator, Owner::to_employee(employee, actor.customer), actor.level)? {
            return Ok(None);
        }
    }
    Ok(Some(Actor { impersonator, ..actor }))
}

/// Whether `actor` may act as an employee of this level (api:auth:impersonate): nobody above itself.
pub fn may_impersonate(tx: &ReadTx, actor: &Actor, employee: Owner, level: Level) -> Result<bool> {
    Ok(level <= actor.level && is_allowed(tx, actor, IMPERSONATE, employee)?)
}

/// 403 `access_denied`, recorded, for an impersonator: what lets somebody in is the employee's own to make and know, and
/// would outlive the session that was lent.
pub fn deny_impersonation(tx: &mut WriteTx, actor: &Actor, action: Action, subject: Subject) -> Result<()> {
    if actor.impersonator.is_none() { Ok(()) } else { Err(tx.refuse(Error::access_denied(), action, subject)) }
}
