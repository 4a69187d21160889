//! How far a caller reaches: its stand to an object, and whether that is enough.

use std::net::IpAddr;

use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::access::{Actor, IMPERSONATE, Level, Permission, Relation};
use crate::domain::audit::{Action, Hash};
use crate::domain::employee::ip_list;
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::store::platform::tokens::PlatformToken;
use crate::store::sessions::{Parent, Session};
use crate::store::{actors, customers, employees, platform, sessions, tokens};

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

/// Who calls, and with what.
pub struct Caller {
    pub actor: Actor,
    pub credential: Credential,
}

/// What a token stands for.
pub enum Credential {
    Session(Session),
    Machine {
        /// The only addresses that the token is valid from; empty: any.
        addresses: Vec<IpAddr>,
        last_used_at: Option<Time>,
    },
    /// A token of the platform's, which stands for the employee itself. Whether the platform has confirmed it lately enough is for
    /// the caller to see.
    Platform(PlatformToken),
}

impl Caller {
    /// What an impersonated session was opened with.
    pub fn parent(&self) -> Option<Parent> {
        match &self.credential {
            Credential::Session(session) => session.parent,
            Credential::Machine { .. } | Credential::Platform(_) => None,
        }
    }
}

/// Who calls with the token of this SHA-256, as of this transaction. `None` when it stands for nobody who may call (any
/// more), or its impersonator may not act as the employee (any more): a session that was lent ends with the right to lend
/// it, and with what it was opened with. Whether a session has expired is for the caller to see.
pub fn caller(tx: &ReadTx, token: &Hash) -> Result<Option<Caller>> {
    let Some(session) = sessions::find(tx, token)? else { return machine(tx, token) };
    let Some(actor) = actors::find(tx, session.employee)? else { return Ok(None) };
    let mut is_machine = false;
    if let Some(impersonator) = session.impersonator {
        let Some(impersonator) = actors::find(tx, impersonator)? else { return Ok(None) };
        if !may_impersonate(tx, &impersonator, Owner::to_employee(session.employee, actor.customer), actor.level)? {
            return Ok(None);
        }
        let parent = session.parent.map(|parent| caller(tx, parent.token())).transpose()?.flatten();
        let Some(parent) = parent else { return Ok(None) };
        is_machine = parent.actor.is_machine;
    }
    let actor = Actor { impersonator: session.impersonator, is_machine, ..actor };
    Ok(Some(Caller { actor, credential: Credential::Session(session) }))
}

fn machine(tx: &ReadTx, token: &Hash) -> Result<Option<Caller>> {
    let Some((employee, last_used_at)) = tokens::find(tx, token)? else { return of_platform(tx, token) };
    let Some(actor) = actors::find(tx, employee)? else { return Ok(None) };
    // An administrator has none: see `usecases::tokens`.
    if actor.level == Level::Admin {
        return Ok(None);
    }
    let restriction = employees::find(tx, employee)?.and_then(|employee| employee.ip_restriction);
    let addresses = restriction.as_deref().and_then(ip_list).unwrap_or_default();
    let actor = Actor { is_machine: true, ..actor };
    Ok(Some(Caller { actor, credential: Credential::Machine { addresses, last_used_at } }))
}

fn of_platform(tx: &ReadTx, token: &Hash) -> Result<Option<Caller>> {
    let Some(token) = platform::tokens::find(tx, token)? else { return Ok(None) };
    let Some(actor) = actors::find(tx, token.employee)? else { return Ok(None) };
    Ok(Some(Caller { actor, credential: Credential::Platform(token) }))
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

/// 403 `access_denied`, recorded, for a machine-to-machine token: it would leave ways in that outlive it.
pub fn deny_machine(tx: &mut WriteTx, actor: &Actor, action: Action, subject: Subject) -> Result<()> {
    if !actor.is_machine {
        return Ok(());
    }
    let message = "A machine-to-machine token cannot change how somebody logs in".into();
    Err(tx.refuse(Error::Forbidden { code: "access_denied", message }, action, subject))
}
