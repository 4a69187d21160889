//! What an employee's values must satisfy towards other rows, whatever way the change comes in.

use crate::db::ReadTx;
use crate::domain::access::{Actor, Level};
use crate::domain::employee::{Employee, EmployeeState};
use crate::domain::id::Id;
use crate::error::{Check, Error, Fault, Faults, Result};
use crate::store::credentials;
use crate::usecases::known::{Known, is_administrator};

/// The feature of a customer whose employees may manage other resellers (api:employee:create).
pub const ORGANIZATION: &str = "ORGANIZATION";

/// Judges `new`, in the place of `old` if there is one. References of a deleted employee may lead nowhere.
///
/// 403 `access_denied` for what the actor may not give; else every fault: 404 `customer`, `address` and
/// `organizationResellers[i]`, 409 `emailAddress` and `noEmail`, 422 `customer` and `organizationResellers`.
pub fn check(tx: &ReadTx, known: &mut Known, actor: &Actor, new: &Employee, old: Option<&Employee>) -> Result<()> {
    if new.access_level > actor.level {
        return Err(Error::access_denied());
    }
    let mut faults = Faults::default();
    if let Some(old) = old.filter(|old| is_administrator(old) && !is_administrator(new)) {
        let path = match new.state {
            _ if new.access_level != old.access_level => "accessLevel",
            EmployeeState::Enabled if new.sms_validation => "smsValidation",
            EmployeeState::Enabled => "deleteDate",
            _ => "state",
        };
        faults.collect(check_administrator_left(tx, known, path, |id, _| id == old.id))?;
    }
    faults.collect(check_move(tx, known, new, old))?;
    if new.state != EmployeeState::Deleted {
        let was = old.filter(|old| old.state != EmployeeState::Deleted);
        let was_here = was.filter(|old| old.customer == new.customer);
        faults.collect(check_customer(tx, known, new))?;
        faults.collect(check_organization_resellers(tx, known, actor, new, was_here))?;
        faults.collect(check_address(tx, known, new, was_here))?;
        faults.collect(check_login_name(tx, known, new, was))?;
        faults.collect(check_own_login(tx, new, was))?;
    } else if known.customer(tx, new.customer)?.is_none() {
        faults.collect(Err(no_customer()))?;
    }
    faults.or(())
}

/// A move to a customer whose employees cannot log in is not for the last administrator.
fn check_move(tx: &ReadTx, known: &mut Known, new: &Employee, old: Option<&Employee>) -> Result<()> {
    let Some(old) = old.filter(|old| old.customer != new.customer && is_administrator(old)) else { return Ok(()) };
    let to = known.live_customer(tx, new.customer)?;
    match to.is_some_and(|to| !to.lets_log_in()) {
        true => check_administrator_left(tx, known, "customer", |id, _| id == old.id),
        false => Ok(()),
    }
}

/// 409 at `path` when nobody would be left who administers this server, once those have gone that `is_leaving` says by id and
/// customer.
pub fn check_administrator_left(
    tx: &ReadTx,
    known: &Known,
    path: &str,
    is_leaving: impl Fn(Id, Id) -> bool,
) -> Result<()> {
    if known.may_leave_no_administrator || known.is_administrator_left(tx, is_leaving)? {
        return Ok(());
    }
    let message = "The last administrator cannot be deleted, disabled or demoted, nor lose the way to log in: make another \
                   employee ADMIN first";
    Err(Error::invalid(path, Check::Unique, message))
}

fn no_customer() -> Error {
    Error::invalid("customer", Check::Exists, "Customer not found")
}

fn check_customer(tx: &ReadTx, known: &mut Known, new: &Employee) -> Result<()> {
    known.live_customer(tx, new.customer)?.map(drop).ok_or_else(no_customer)
}

/// Only RESELLER_ADMIN and up give them, to employees of a customer with the feature; the customers named must exist.
fn check_organization_resellers(
    tx: &ReadTx,
    known: &mut Known,
    actor: &Actor,
    new: &Employee,
    old: Option<&Employee>,
) -> Result<()> {
    let is_same = old.is_some_and(|old| old.organization_resellers == new.organization_resellers);
    if is_same || new.organization_resellers.is_empty() {
        return Ok(());
    }
    if actor.level < Level::ResellerAdmin {
        return Err(Error::access_denied());
    }
    let Some(customer) = known.customer(tx, new.customer)? else { return Ok(()) };
    if !customer.has_feature(ORGANIZATION) {
        let message = "The customer does not have the ORGANIZATION feature";
        return Err(Error::invalid("organizationResellers", Check::Enum, message));
    }
    let mut faults = Faults::default();
    for (i, reseller) in new.organization_resellers.iter().enumerate() {
        if known.customer(tx, *reseller)?.is_none() {
            let path = format!("organizationResellers[{i}]");
            faults.push(Fault { path, check: Check::Exists, message: "Reseller not found".into() });
        }
    }
    faults.or(())
}

/// An address that stays is still there: removing one that a live employee has is refused.
fn check_address(tx: &ReadTx, known: &mut Known, new: &Employee, old: Option<&Employee>) -> Result<()> {
    let Some(address) = new.address else { return Ok(()) };
    if old.is_some_and(|old| old.address == new.address) {
        return Ok(());
    }
    let Some(customer) = known.customer(tx, new.customer)? else { return Ok(()) };
    if customer.addresses.iter().any(|found| found.id == address) {
        return Ok(());
    }
    Err(Error::invalid("address", Check::Exists, "Address not found"))
}

fn check_login_name(tx: &ReadTx, known: &mut Known, new: &Employee, old: Option<&Employee>) -> Result<()> {
    if old.is_some_and(|old| old.email_address == new.email_address) {
        return Ok(());
    }
    if known.is_login_taken(tx, new)? {
        return Err(Error::invalid("emailAddress", Check::Unique, "The e-mail address is used by another employee"));
    }
    Ok(())
}

/// Whoever has a password of their own keeps it: with `noEmail` others could set it.
fn check_own_login(tx: &ReadTx, new: &Employee, old: Option<&Employee>) -> Result<()> {
    if !new.no_email || old.is_none_or(|old| old.no_email) || credentials::get(tx, new.id)?.password_hash.is_none() {
        return Ok(());
    }
    let message = "noEmail cannot be switched on for an employee with a password of their own";
    Err(Error::invalid("noEmail", Check::Conflict, message))
}
