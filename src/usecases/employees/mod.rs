//! Employees (api:employee:list, :get, :create, :update, :delete).

mod check;
mod login_change;
mod save;

use serde_json::{Map, Value};

pub use check::{ORGANIZATION, check, check_administrator_left};
use login_change::{allow as allow_login_change, may_set_password};
pub use login_change::{is_of_equal, may_reset};
pub use save::{remove, remove_all_of, remove_with, revoke_tokens, save, set_password};

use super::intents;
use super::known::{Known, is_administrator};
use super::mobile_configs::offer_new;
use crate::auth::authorization::{Owner, allow, allow_change, deny_machine, is_allowed};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{
    Actor, EMPLOYEE_CREATE, EMPLOYEE_GET, EMPLOYEE_LIST, EMPLOYEE_MANAGE, EMPLOYEE_UPDATE, EMPLOYEE_UPDATE_SELF, Level,
};
use crate::domain::audit::Action;
use crate::domain::employee::{Employee, EmployeeState, only_harmless, password};
use crate::domain::fields::{Fields, read_body};
use crate::domain::id::Id;
use crate::domain::mobile_config::{Kind, NewColleagues};
use crate::domain::time::Time;
use crate::error::{Check, Error, Faults, Result};
use crate::store::employees::EmployeeFilter;
use crate::store::{Page, Window, customers, employees};

/// The furthest ahead that a delete may be scheduled.
const DELETE_AHEAD_MAX_MS: i64 = 366 * 24 * 3_600_000;

/// Whose object an employee is.
pub fn owner(employee: &Employee) -> Owner {
    Owner::to_employee(employee.id, employee.customer)
}

/// A page of a customer's employees. 403 `access_denied`, 404 `customer`.
pub fn list(tx: &ReadTx, actor: &Actor, filter: &EmployeeFilter, window: Window) -> Result<Page<Employee>> {
    customers::get(tx, filter.customer)?;
    allow(tx, actor, EMPLOYEE_LIST, Owner::to_customer(filter.customer))?;
    employees::list(tx, filter, window)
}

/// 403 `access_denied`, 404 `employee`.
pub fn get(tx: &ReadTx, actor: &Actor, id: Id) -> Result<Employee> {
    let employee = employees::get(tx, id)?;
    allow(tx, actor, EMPLOYEE_GET, owner(&employee))?;
    Ok(employee)
}

/// What became of the password in a body before the write.
#[derive(Clone)]
pub enum GivenPassword {
    /// There is none, or none that is acceptable: that is reported with the body's other faults.
    None,
    Hashed {
        hash: String,
        /// The password, sealed, for the platform to be told.
        sealed: Vec<u8>,
    },
    /// The caller was not allowed to write when the password was to be hashed.
    Unhashed,
}

impl GivenPassword {
    /// The hash and the sealed password, now that the caller turned out to be allowed to write.
    fn hash(self) -> Result<Option<(String, Vec<u8>)>> {
        match self {
            GivenPassword::None => Ok(None),
            GivenPassword::Hashed { hash, sealed } => Ok(Some((hash, sealed))),
            GivenPassword::Unhashed => Err(Error::Unavailable("Your rights have just changed: try again")),
        }
    }
}

/// The customer that a new employee is to belong to: it decides the access, before anything else of the body is read.
fn customer_of(body: &Map<String, Value>) -> Option<Id> {
    Fields::new(body, "", &mut Faults::default()).id("customer")
}

/// Whether the actor may create the employee in the body with its password.
pub fn may_create(tx: &ReadTx, actor: &Actor, body: &Map<String, Value>) -> Result<bool> {
    match customer_of(body) {
        Some(_) if actor.is_machine => Ok(false),
        Some(customer) => is_allowed(tx, actor, EMPLOYEE_CREATE, Owner::to_customer(customer)),
        None => Ok(false),
    }
}

/// Creates an employee, under `id` when one is given, and offers it to the customer's mobile configs if `new_colleagues` says so. `password`
/// only with `noEmail`. 403 `access_denied` (also for a level
/// above the actor's own), 404 `customer`, and as [`check`].
pub fn create(
    tx: &mut WriteTx,
    actor: &Actor,
    id: Option<Id>,
    body: &Map<String, Value>,
    password_hash: GivenPassword,
    new_colleagues: NewColleagues,
) -> Result<Employee> {
    let customer = customer_of(body);
    if let Some(customer) = customer {
        customers::get(tx, customer)?;
        let subject = customers::subject(customer);
        allow_change(tx, actor, EMPLOYEE_CREATE, Owner::to_customer(customer), Action::Create, subject)?;
    } else if actor.level < Level::Viewer {
        return Err(Error::access_denied());
    }
    let id = id.unwrap_or_else(|| Id::new(tx.now));
    if body.contains_key("password") {
        deny_machine(tx, actor, Action::Create, customers::subject(customer.unwrap_or(actor.customer)))?;
    }
    let new = read_body(body, |fields| {
        let employee = read_new(fields, id, customer.unwrap_or(id));
        if password(fields).is_some() && !employee.no_email {
            fields.fault("password", Check::Format, "password can be given only with noEmail: true");
        }
        employee
    })?;
    check(tx, &mut Known::default(), actor, &new, None)?;
    let created = save(tx, new, None)?;
    let given = password_hash.hash()?;
    if let Some((hash, _)) = &given {
        set_password(tx, created.id, hash, true)?;
    }
    intents::employee_saved(tx, None, &created, given.as_ref().map(|(_, sealed)| sealed.as_slice()))?;
    offer_new(tx, new_colleagues, Kind::Colleagues, created.customer, (created.id, &created.name))?;
    Ok(created)
}

fn read_new(fields: &mut Fields, id: Id, customer: Id) -> Employee {
    fields.require(&["customer", "accessLevel", "name"]);
    // Read before, for the access; here for its faults.
    fields.id("customer");
    let mut employee = Employee::new(id, customer);
    employee.apply(fields);
    employee.refuse_deleted(fields);
    if employee.no_email && !fields.is_given("emailAddress") {
        fields.require(&["emailAddress"]);
    }
    employee
}

/// Whether the actor may change the employee as the body asks, and give it a new password; nobody may change who is not
/// there.
pub fn may_update(tx: &ReadTx, actor: &Actor, id: Id, body: &Map<String, Value>) -> Result<bool> {
    match employees::find_live(tx, id)? {
        Some(old) => Ok(may_set_password(actor, &old) && may_change(tx, actor, &old, body)?),
        None => Ok(false),
    }
}

/// Whether the actor may change `old` as the body asks: PERSONAL and VIEWER the harmless properties of themselves; nobody an
/// employee of a higher level, whose new password would be a way up.
fn may_change(tx: &ReadTx, actor: &Actor, old: &Employee, body: &Map<String, Value>) -> Result<bool> {
    let is_harmless = only_harmless(&Fields::new(body, "", &mut Faults::default()));
    let moves_to = customer_of(body).filter(|customer| *customer != old.customer);
    if is_delete(body) && !may_manage(tx, actor, old)? {
        return Ok(false);
    }
    if let Some(customer) = moves_to
        && customers::find(tx, customer)?.is_some()
        && !is_allowed(tx, actor, EMPLOYEE_UPDATE, Owner::to_customer(customer))?
    {
        return Ok(false);
    }
    let permission = if is_harmless && moves_to.is_none() { EMPLOYEE_UPDATE_SELF } else { EMPLOYEE_UPDATE };
    Ok(old.access_level <= actor.level && is_allowed(tx, actor, permission, owner(old))?)
}

/// Whether an update is a delete: `state` is DELETED.
pub fn is_delete(body: &Map<String, Value>) -> bool {
    body.get("state").and_then(Value::as_str) == Some(EmployeeState::Deleted.name())
}

/// Changes what the body gives; the rest stays. `state: DELETED` deletes, and `customer` moves the employee to another customer,
/// for those who may change employees of both. `accept` may refuse the employee as it is (`If-Match`).
/// 403 `access_denied`, 404 `employee`, and as [`check`].
pub fn update(
    tx: &mut WriteTx,
    actor: &Actor,
    id: Id,
    body: &Map<String, Value>,
    password_hash: GivenPassword,
    accept: impl FnOnce(&Employee) -> Result<()>,
) -> Result<Employee> {
    let old = employees::get(tx, id)?;
    let subject = employees::subject(&old);
    if !may_change(tx, actor, &old, body)? {
        return Err(tx.refuse(Error::access_denied(), Action::Update, subject));
    }
    accept(&old)?;
    let mut revokes_tokens = false;
    let new = read_body(body, |fields| {
        let mut employee = old.clone();
        employee.move_to(fields.id("customer").unwrap_or(old.customer));
        employee.apply(fields);
        if password(fields).is_some() && !employee.no_email && actor.employee != old.id {
            fields.fault(
                "password",
                Check::Format,
                "password can be set only by the employee, or when noEmail is true",
            );
        }
        fields.flag("revokeTokens", &mut revokes_tokens);
        if revokes_tokens && !fields.is_given("password") {
            fields.fault("revokeTokens", Check::Enum, "revokeTokens goes together with password");
        }
        employee
    })?;
    allow_login_change(tx, actor, &old, &new, body.contains_key("password"))?;
    if let Err(error) = check(tx, &mut Known::default(), actor, &new, Some(&old)) {
        return Err(match error {
            Error::Forbidden { .. } => tx.refuse(error, Action::Update, subject),
            other => other,
        });
    }
    let given = password_hash.hash()?;
    if let Some((hash, _)) = &given {
        set_password(tx, id, hash, false)?;
    }
    if revokes_tokens {
        revoke_tokens(tx, &old)?;
    }
    if new.state == EmployeeState::Deleted {
        let changed = save(tx, Employee { state: old.state, ..new }, Some(&old))?;
        intents::employee_deleted(tx, &old, None, false)?;
        return remove(tx, changed);
    }
    let saved = save(tx, new, Some(&old))?;
    intents::employee_saved(tx, Some(&old), &saved, given.as_ref().map(|(_, sealed)| sealed.as_slice()))?;
    Ok(saved)
}

/// How an employee is to be deleted.
#[derive(Clone, Debug, Default)]
pub struct Delete {
    /// On this day (YYYY-MM-DD).
    pub date: Option<String>,
    /// With its extensions. What is deleted on a later day leaves them to the PBX: nothing remembers this until then.
    pub with_extensions: bool,
}

/// Deletes an employee; a later day, which is then returned, schedules it.
/// 403 `access_denied`, 404 `employee`, 409 `accessLevel` for the last administrator, 422 `deleteDate`.
pub fn delete(
    tx: &mut WriteTx,
    actor: &Actor,
    id: Id,
    delete: &Delete,
    accept: impl FnOnce(&Employee) -> Result<()>,
) -> Result<Option<Time>> {
    let date = delete.date.as_deref();
    let employee = employees::get(tx, id)?;
    let subject = employees::subject(&employee);
    if !may_manage(tx, actor, &employee)? {
        return Err(tx.refuse(Error::access_denied(), Action::Delete, subject));
    }
    accept(&employee)?;
    if is_administrator(&employee) {
        let is_left = check_administrator_left(tx, &Known::default(), "accessLevel", |other, _| other == id);
        is_left.map_err(|error| tx.refuse(error, Action::Delete, subject))?;
    }
    let at = date.map(|date| read_delete_date(date, tx.now)).transpose()?.flatten();
    intents::employee_deleted(tx, &employee, date.filter(|_| at.is_some()), delete.with_extensions)?;
    let Some(at) = at else {
        remove_with(tx, employee, delete.with_extensions)?;
        return Ok(None);
    };
    save(tx, Employee { delete_date: Some(at), ..employee.clone() }, Some(&employee))?;
    Ok(Some(at))
}

/// When the delete falls due; `None`: today, which is now.
fn read_delete_date(text: &str, now: Time) -> Result<Option<Time>> {
    let fault = |check, message: &str| Error::invalid("deleteDate", check, message);
    let date = Time::parse_date(text).ok_or_else(|| fault(Check::Format, "Delete date must be YYYY-MM-DD"))?;
    let day_ms = 24 * 3_600_000;
    if date.plus_ms(day_ms) <= now {
        return Err(fault(Check::Min, "Delete date is in the past"));
    }
    if date > now.plus_ms(DELETE_AHEAD_MAX_MS) {
        return Err(fault(Check::Max, "Delete date is too far in the future"));
    }
    Ok((date > now).then_some(date))
}

/// Whether the actor may manage this employee: delete it, its tokens and its authenticator key.
pub fn may_manage(tx: &ReadTx, actor: &Actor, employee: &Employee) -> Result<bool> {
    Ok(is_allowed(tx, actor, EMPLOYEE_MANAGE, owner(employee))? && employee.access_level <= actor.level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delete_may_be_put_off_by_a_year() {
        let now = Time::parse("2026-03-01T12:00:00Z").unwrap();
        let read = |text| read_delete_date(text, now).map(|at| at.map(|at| at.to_string())).ok();
        assert_eq!(read("2026-03-02"), Some(Some("2026-03-02T00:00:00.000Z".into())));
        assert_eq!(read("2026-03-01"), Some(None));
        for refused in ["", "2026-02-28", "2027-03-03", "2026-3-2", "soon"] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }
}
