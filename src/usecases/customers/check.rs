//! What a customer's values must satisfy towards other rows, whatever way the change comes in.

use std::collections::HashSet;

use crate::auth::authorization::{Owner, allow};
use crate::db::ReadTx;
use crate::domain::access::{Actor, CUSTOMER_CREATE, Level};
use crate::domain::customer::{AuthenticationSecurity, Customer, CustomerState};
use crate::domain::id::Id;
use crate::error::{Check, Error, Faults, Result};
use crate::store::{administrators, customers, employees};
use crate::usecases::employees::{ORGANIZATION, check_administrator_left};
use crate::usecases::known::Known;

/// Judges `new`, in the place of `old` if there is one. References of a deleted customer may lead nowhere.
///
/// 409 `address`, `features`, `parentReseller` and `state` for what others still need, 403 `access_denied` for what the actor may not
/// give; else every fault: 404 and 422 `parentReseller`, 422 `features[i]`.
pub fn check(tx: &ReadTx, known: &mut Known, actor: &Actor, new: &Customer, old: Option<&Customer>) -> Result<()> {
    if new.state == CustomerState::Deleted {
        return check_has_no_customers(tx, known, new.id);
    }
    if let Some(old) = old.filter(|old| old.state != CustomerState::Deleted) {
        check_no_address_in_use_is_gone(tx, known, new, old)?;
        check_organization_is_not_in_use(tx, known, new, old)?;
        check_second_factor(tx, known, actor, new, old)?;
        check_block(tx, known, actor, new, old)?;
    }
    let mut faults = Faults::default();
    if old.is_none_or(|old| old.parent_reseller != new.parent_reseller || old.state == CustomerState::Deleted) {
        faults.collect(check_parent(tx, known, actor, new))?;
    }
    faults.collect(check_features(tx, actor, new, old))?;
    faults.or(())
}

/// The second factor of all employees is lowered by OWNER and above, and changed by no machine-to-machine token. 409
/// `authenticationSecurity` when the last administrator could not log in any more: this server sends no text messages.
fn check_second_factor(tx: &ReadTx, known: &Known, actor: &Actor, new: &Customer, old: &Customer) -> Result<()> {
    let (is, was) = (new.authentication_security, old.authentication_security);
    if is < was && actor.level < Level::Owner || is != was && actor.is_machine {
        return Err(Error::access_denied());
    }
    let is_shut_out = is == AuthenticationSecurity::Sms && was != AuthenticationSecurity::Sms;
    if is_shut_out { check_left_without(tx, known, "authenticationSecurity", new.id) } else { Ok(()) }
}

/// 409 `state` for who would lock themselves out by blocking a customer, or leave nobody who administers this server.
fn check_block(tx: &ReadTx, known: &Known, actor: &Actor, new: &Customer, old: &Customer) -> Result<()> {
    if new.state != CustomerState::Blocked || old.state == CustomerState::Blocked {
        return Ok(());
    }
    if new.id == actor.customer {
        return Err(Error::conflict("state", "Your own customer cannot be blocked: its reseller can"));
    }
    check_nobody_above(tx, actor, new.id)?;
    check_left_without(tx, known, "state", new.id)
}

/// 409 at `path` when the employees of this customer are the last who administer this server.
pub fn check_left_without(tx: &ReadTx, known: &Known, path: &str, customer: Id) -> Result<()> {
    match administrators::all(tx)?.iter().any(|(_, of)| *of == customer) {
        true => check_administrator_left(tx, known, path, |_, of| of == customer),
        false => Ok(()),
    }
}

/// 403 `access_denied` for who would shut out, with their customer, somebody of a higher level than their own.
pub fn check_nobody_above(tx: &ReadTx, actor: &Actor, customer: Id) -> Result<()> {
    match administrators::has_any_above(tx, customer, actor.level)? {
        true => Err(Error::access_denied()),
        false => Ok(()),
    }
}

/// 409 `parentReseller` while a live customer has this reseller.
pub fn check_has_no_customers(tx: &ReadTx, known: &mut Known, id: Id) -> Result<()> {
    if known.has_live_customers(tx, id)? {
        return Err(Error::conflict("parentReseller", "Reseller has customers that must be deleted first"));
    }
    Ok(())
}

fn check_no_address_in_use_is_gone(tx: &ReadTx, known: &mut Known, new: &Customer, old: &Customer) -> Result<()> {
    let kept: HashSet<Id> = new.addresses.iter().map(|address| address.id).collect();
    let gone: Vec<Id> = old.addresses.iter().map(|address| address.id).filter(|id| !kept.contains(id)).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let candidates = employees::ids_with_address(tx, new.id, &gone)?;
    let uses_one = |address: Option<Id>| address.is_some_and(|address| gone.contains(&address));
    if known.any_employee(tx, new.id, candidates, |employee| uses_one(employee.address))? {
        return Err(Error::conflict("address", "Addresses in use, cannot be deleted"));
    }
    Ok(())
}

fn check_organization_is_not_in_use(tx: &ReadTx, known: &mut Known, new: &Customer, old: &Customer) -> Result<()> {
    if new.has_feature(ORGANIZATION) || !old.has_feature(ORGANIZATION) {
        return Ok(());
    }
    let candidates = employees::ids_with_organization_resellers(tx, new.id)?;
    if known.any_employee(tx, new.id, candidates, |employee| employee.has_organization_resellers)? {
        let message = "ORGANIZATION is in use: an employee of the customer has organizationResellers";
        return Err(Error::conflict("features", message));
    }
    Ok(())
}

fn check_parent(tx: &ReadTx, known: &mut Known, actor: &Actor, new: &Customer) -> Result<()> {
    let fault = |check, message: &str| Error::invalid("parentReseller", check, message);
    let Some(parent) = new.parent_reseller else {
        return if actor.level == Level::Admin { Ok(()) } else { Err(Error::access_denied()) };
    };
    if known.live_customer(tx, parent)?.is_none() {
        return Err(fault(Check::Exists, "Reseller not found"));
    }
    allow(tx, actor, CUSTOMER_CREATE, Owner::to_customer(parent))?;
    if is_below_itself(tx, known, new.id, parent)? {
        return Err(fault(Check::Enum, "A customer cannot be below itself"));
    }
    Ok(())
}

/// Whether `parent` is the customer itself, or below it at any depth.
fn is_below_itself(tx: &ReadTx, known: &mut Known, customer: Id, parent: Id) -> Result<bool> {
    let (mut above, mut seen) = (Some(parent), HashSet::new());
    while let Some(id) = above {
        if id == customer {
            return Ok(true);
        }
        // A circle further up is another customer's fault.
        if !seen.insert(id) {
            return Ok(false);
        }
        above = known.customer(tx, id)?.and_then(|found| found.parent_reseller);
    }
    Ok(false)
}

/// A RESELLER gives only features that its own customer has.
fn check_features(tx: &ReadTx, actor: &Actor, new: &Customer, old: Option<&Customer>) -> Result<()> {
    if actor.level != Level::Reseller || old.is_some_and(|old| old.features == new.features) {
        return Ok(());
    }
    let own = customers::get(tx, actor.customer)?;
    let had = |feature: &str| old.is_some_and(|old| old.has_feature(feature)) || feature == "CUSTOMER";
    if let Some(i) = new.features.iter().position(|feature| !own.has_feature(feature) && !had(feature)) {
        let message = "A reseller can only give features it has";
        return Err(Error::invalid(&format!("features[{i}]"), Check::Enum, message));
    }
    Ok(())
}
