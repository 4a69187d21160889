//! Writing an employee, and what follows from it: sessions end, mobile configs take over a new name or lose an entry.

use crate::db::WriteTx;
use crate::domain::access::Level;
use crate::domain::employee::{Employee, EmployeeState};
use crate::domain::id::Id;
use crate::domain::mobile_config::{Event, Kind};
use crate::error::Result;
use crate::store::{credentials, employees, mobile_configs, sessions, tokens};
use crate::usecases::mobile_configs::propagate;

/// Writes an employee whose values have been checked. Returns it with its new rev.
pub fn save(tx: &mut WriteTx, new: Employee, old: Option<&Employee>) -> Result<Employee> {
    let saved = employees::upsert(tx, new, old)?;
    if let Some(old) = old {
        revoke_unfit_sessions(tx, old, &saved)?;
        if old.name != saved.name {
            propagate(tx, saved.customer, Kind::Colleagues, saved.id, Event::Renamed(&saved.name))?;
        }
    }
    Ok(saved)
}

/// Revokes sessions that could no longer be opened: all of an employee that may not log in (or might not until now); of one
/// that must log in in another way from now on, all but the session that makes the change.
fn revoke_unfit_sessions(tx: &mut WriteTx, old: &Employee, new: &Employee) -> Result<()> {
    let may_log_in = |it: &Employee| it.state == EmployeeState::Enabled && it.access_level != Level::NoLogin;
    let is_same_way = (&old.ip_restriction, old.authenticator_validation, old.sms_validation)
        == (&new.ip_restriction, new.authenticator_validation, new.sms_validation);
    match may_log_in(old) && may_log_in(new) {
        false => sessions::delete_of(tx, new.id),
        true if is_same_way => Ok(()),
        true => sessions::delete_others_of(tx, new.id),
    }
}

/// Gives an employee a new password; sessions that were opened with the old one are revoked.
pub fn set_password(tx: &mut WriteTx, employee: Id, hash: &str, is_new: bool) -> Result<()> {
    if !is_new {
        sessions::delete_of(tx, employee)?;
    }
    credentials::set_password(tx, employee, hash)
}

/// Deletes an employee (softly): login and tokens end at once, the mobile config is removed, and the entries for it leave
/// the configs of its colleagues.
pub fn remove(tx: &mut WriteTx, employee: Employee) -> Result<()> {
    remove_alone(tx, &employee)?;
    propagate(tx, employee.customer, Kind::Colleagues, employee.id, Event::Deleted)
}

/// Deletes all employees of a customer that is itself being deleted: no config is left that names them.
pub fn remove_all_of(tx: &mut WriteTx, customer: Id) -> Result<()> {
    for employee in employees::live_of_customer(tx, customer)? {
        remove_alone(tx, &employee)?;
    }
    Ok(())
}

fn remove_alone(tx: &mut WriteTx, employee: &Employee) -> Result<()> {
    let deleted = Employee { state: EmployeeState::Deleted, delete_date: None, ..employee.clone() };
    save(tx, deleted, Some(employee))?;
    sessions::delete_of(tx, employee.id)?;
    tokens::delete_of(tx, employee.id)?;
    credentials::delete(tx, employee.id)?;
    mobile_configs::delete(tx, employee.id)
}
