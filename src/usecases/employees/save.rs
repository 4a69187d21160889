//! Writing an employee, and what follows from it: sessions end, mobile configs take over a new name or lose an entry.

use super::login_change::is_of_equal;
use crate::db::WriteTx;
use crate::domain::access::Level;
use crate::domain::audit::Action;
use crate::domain::employee::{Employee, EmployeeState};
use crate::domain::id::Id;
use crate::domain::mobile_config::{Event, Kind};
use crate::error::Result;
use crate::store::{credentials, employees, mobile_configs, password_resets, sessions, tokens};
use crate::usecases::mobile_configs::propagate;
use crate::usecases::pbx;

/// Writes an employee whose values have been checked. Returns it with its new rev.
pub fn save(tx: &mut WriteTx, new: Employee, old: Option<&Employee>) -> Result<Employee> {
    if let Some(old) = old.filter(|old| old.customer != new.customer) {
        return save_moved(tx, new, old);
    }
    let saved = employees::upsert(tx, new, old)?;
    if let Some(old) = old {
        revoke_unfit_sessions(tx, old, &saved)?;
        if old.name != saved.name {
            propagate(tx, saved.customer, Kind::Colleagues, saved.id, Event::Renamed(&saved.name))?;
        }
    }
    Ok(saved)
}

/// Writes an employee that moves to another customer. Its mobile config goes, which holds names and ids of the customer before,
/// and so do the entries for it in the configs there. Sessions and tokens end: they were given for the data of that customer.
fn save_moved(tx: &mut WriteTx, new: Employee, old: &Employee) -> Result<Employee> {
    mobile_configs::delete(tx, old.id)?;
    pbx::part_from(tx, old, false)?;
    let saved = employees::upsert(tx, new, Some(old))?;
    sessions::delete_of(tx, old.id)?;
    revoke_tokens(tx, &saved)?;
    propagate(tx, old.customer, Kind::Colleagues, old.id, Event::Moved)?;
    Ok(saved)
}

/// Revokes sessions that could no longer be opened: all of an employee that may not log in (or might not until now); of one
/// that must log in in another way from now on, all but the session that makes the change. Machine-to-machine tokens of one
/// that may not log in are revoked too, and those of a new administrator, who may have none.
fn revoke_unfit_sessions(tx: &mut WriteTx, old: &Employee, new: &Employee) -> Result<()> {
    let may_log_in = |it: &Employee| it.state == EmployeeState::Enabled && it.access_level != Level::NoLogin;
    if !may_log_in(new) || new.access_level == Level::Admin && old.access_level != Level::Admin {
        revoke_tokens(tx, new)?;
    }
    if !may_log_in(new) || old.email_address != new.email_address || old.sms_number != new.sms_number {
        password_resets::delete_of(tx, new.id)?;
    }
    let is_same_way = (&old.ip_restriction, old.authenticator_validation, old.sms_validation)
        == (&new.ip_restriction, new.authenticator_validation, new.sms_validation);
    match may_log_in(old) && may_log_in(new) {
        false => sessions::delete_of(tx, new.id),
        true if is_same_way => Ok(()),
        true => sessions::delete_others_of(tx, new.id),
    }
}

/// Revokes all machine-to-machine tokens of an employee, and records it.
pub fn revoke_tokens(tx: &mut WriteTx, employee: &Employee) -> Result<()> {
    let description = match tokens::delete_of(tx, employee.id)? {
        0 => return Ok(()),
        1 => "Machine-to-machine token deleted".to_owned(),
        count => format!("{count} machine-to-machine tokens deleted"),
    };
    employees::record_event(tx, employee, Action::DeleteToken, &description)
}

/// Gives an employee a password. Where it had one, the sessions opened with it are revoked, and the audit trail says so.
pub fn set_password(tx: &mut WriteTx, employee: Id, hash: &str, is_new: bool) -> Result<()> {
    if !is_new {
        if credentials::get(tx, employee)?.password_hash.as_deref() == Some(hash) {
            return Ok(());
        }
        sessions::delete_of(tx, employee)?;
        password_resets::delete_of(tx, employee)?;
        let changed = employees::get(tx, employee)?;
        let is_of_equal = tx.author.actor.as_ref().is_some_and(|actor| is_of_equal(actor, &changed));
        let description = if is_of_equal { "Password of an equal changed by an ADMIN" } else { "Password changed" };
        employees::record_event(tx, &changed, Action::Update, description)?;
    }
    credentials::set_password(tx, employee, hash)
}

/// Deletes an employee (softly): login and tokens end at once, the mobile config is removed, and the entries for it leave
/// the configs of its colleagues. Its extensions stay with the PBX, without an employee. Returns what is left.
pub fn remove(tx: &mut WriteTx, employee: Employee) -> Result<Employee> {
    remove_with(tx, employee, false)
}

/// As [`remove`]; `with_extensions`: its extensions are deleted too.
pub fn remove_with(tx: &mut WriteTx, employee: Employee, with_extensions: bool) -> Result<Employee> {
    let deleted = remove_alone(tx, &employee, with_extensions)?;
    propagate(tx, employee.customer, Kind::Colleagues, employee.id, Event::Deleted)?;
    Ok(deleted)
}

/// Deletes all employees of a customer that is itself being deleted: no config is left that names them.
pub fn remove_all_of(tx: &mut WriteTx, customer: Id) -> Result<()> {
    for employee in employees::live_of_customer(tx, customer)? {
        remove_alone(tx, &employee, false)?;
    }
    Ok(())
}

fn remove_alone(tx: &mut WriteTx, employee: &Employee, with_extensions: bool) -> Result<Employee> {
    let deleted = Employee { state: EmployeeState::Deleted, delete_date: None, ..employee.clone() };
    let deleted = save(tx, deleted, Some(employee))?;
    credentials::delete(tx, employee.id)?;
    mobile_configs::delete(tx, employee.id)?;
    pbx::part_from(tx, employee, with_extensions)?;
    Ok(deleted)
}
