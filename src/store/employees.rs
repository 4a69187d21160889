//! Employees.

use rusqlite::{OptionalExtension, Row, named_params, params};

use super::employee_trail::{record, record_move};
pub use super::employee_trail::{record_event, subject};
use super::{Page, Window, to_json};
use crate::db::types::{from_json, known};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::Level;
use crate::domain::audit::Action;
use crate::domain::employee::{Employee, EmployeeState, Language};
use crate::domain::id::Id;
use crate::domain::text::folded;
use crate::domain::time::Time;
use crate::error::{Error, Result};

pub(super) const COLUMNS: &str =
    "id, customer, access_level, state, name, title, department, address, language, primary_contact,
    email_address, no_email, sms_validation, sms_number, authenticator_validation, ip_restriction,
    organization_resellers, notify_usage_limit, notify_usage_limit_reseller, birthdate, delete_at, rev";

pub(super) fn from_row(row: &Row) -> rusqlite::Result<Employee> {
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    Ok(Employee {
        id: row.get(0)?,
        customer: row.get(1)?,
        access_level: known(text(2)?, Level::parse)?,
        state: known(text(3)?, EmployeeState::parse)?,
        name: row.get(4)?,
        title: row.get(5)?,
        department: row.get(6)?,
        address: row.get(7)?,
        language: known(text(8)?, Language::parse)?,
        primary_contact: row.get(9)?,
        email_address: row.get(10)?,
        no_email: row.get(11)?,
        sms_validation: row.get(12)?,
        sms_number: row.get(13)?,
        authenticator_validation: row.get(14)?,
        ip_restriction: row.get(15)?,
        organization_resellers: from_json(text(16)?)?,
        notify_on_general_usage_limit: row.get(17)?,
        notify_on_general_usage_limit_reseller: row.get(18)?,
        birthdate: row.get(19)?,
        delete_date: row.get(20)?,
        rev: row.get(21)?,
    })
}

/// The employee, deleted or not.
pub fn find(tx: &ReadTx, id: Id) -> Result<Option<Employee>> {
    let mut statement = tx.conn.prepare_cached(&format!("select {COLUMNS} from employees where id = ?1"))?;
    Ok(statement.query_row([id], from_row).optional()?)
}

/// The employee, unless it is absent or deleted.
pub fn find_live(tx: &ReadTx, id: Id) -> Result<Option<Employee>> {
    Ok(find(tx, id)?.filter(|employee| employee.state != EmployeeState::Deleted))
}

/// The employee, unless it is absent or deleted: 404 `employee`.
pub fn get(tx: &ReadTx, id: Id) -> Result<Employee> {
    find_live(tx, id)?.ok_or_else(|| Error::not_found("employee", "Employee not found"))
}

/// The employee who may log in under a name: not deleted, e-mail address compared without regard to case.
pub fn find_by_login(tx: &ReadTx, name: &str) -> Result<Option<Employee>> {
    let name = folded(name);
    // The index ignores the case of ASCII alone; addresses with other letters are few.
    let condition = match name.is_ascii() {
        true => "email_address = ?1 collate nocase",
        false => "email_address glob '*[^ -~]*' and folded(email_address) = ?1",
    };
    let sql = format!("select {COLUMNS} from employees where {condition} and state <> 'DELETED' order by id limit 1");
    Ok(tx.conn.prepare_cached(&sql)?.query_row([name], from_row).optional()?)
}

/// Which employees a list holds.
#[derive(Clone, Debug)]
pub struct EmployeeFilter {
    pub customer: Id,
    pub include_deleted: bool,
    /// Free text in name, e-mail address, title or department.
    pub text: Option<String>,
}

/// The employees that `filter` lets through, by name.
pub fn list(tx: &ReadTx, filter: &EmployeeFilter, window: Window) -> Result<Page<Employee>> {
    let source = "from employees
         where customer = :customer
           and (state <> 'DELETED' or :deleted and not exists (select 1 from platform_ids where here = employees.id))
           and (:text is null or instr(folded(name), :text) or instr(folded(email_address), :text)
                or instr(folded(title), :text) or instr(folded(department), :text))";
    let text = filter.text.as_deref().map(folded);
    let conditions = named_params! {
        ":customer": filter.customer, ":deleted": filter.include_deleted, ":text": text
    };
    let total =
        tx.conn.prepare_cached(&format!("select count(*) {source}"))?.query_row(conditions, |row| row.get(0))?;
    let sql = format!(
        "select {COLUMNS} {source} order by name collate danish, id limit {} offset {}",
        window.limit, window.offset
    );
    let rows = tx.conn.prepare(&sql)?.query_map(conditions, from_row)?.collect::<rusqlite::Result<_>>()?;
    Ok(Page { total, rows })
}

/// The first enabled employee with this level, by id.
pub fn first_with_level(tx: &ReadTx, level: Level) -> Result<Option<Employee>> {
    let sql =
        format!("select {COLUMNS} from employees where access_level = ?1 and state = 'ENABLED' order by id limit 1");
    Ok(tx.conn.prepare_cached(&sql)?.query_row([level.name()], from_row).optional()?)
}

/// Ids and names of the customer's enabled employees, by name.
pub fn names(tx: &ReadTx, customer: Id) -> Result<Vec<(Id, String)>> {
    let mut statement = tx.conn.prepare_cached(
        "select id, name from employees where customer = ?1 and state = 'ENABLED' order by name collate danish, id",
    )?;
    let rows = statement.query_map([customer], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The customer's enabled employees by name.
pub fn enabled(tx: &ReadTx, customer: Id) -> Result<Vec<Employee>> {
    let sql = format!(
        "select {COLUMNS} from employees where customer = ?1 and state = 'ENABLED' order by name collate danish, id"
    );
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let rows = statement.query_map([customer], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many employees the customer has, deleted ones left out, and how many of them are disabled.
pub fn count(tx: &ReadTx, customer: Id) -> Result<(i64, i64)> {
    let sql = "select count(*), count(*) filter (where state = 'DISABLED') from employees
         where customer = ?1 and state <> 'DELETED'";
    Ok(tx.conn.prepare_cached(sql)?.query_row([customer], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Calls `each` with every employee, deleted ones too, in the order of their ids.
pub fn all(tx: &ReadTx, mut each: impl FnMut(Employee) -> Result<()>) -> Result<()> {
    let mut statement = tx.conn.prepare(&format!("select {COLUMNS} from employees order by id"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(from_row(row)?)?;
    }
    Ok(())
}

/// Inserts the employee, or overwrites the one of that id, and records it. Returns it with its new rev.
/// 409 `emailAddress` when another employee has the address.
pub fn upsert(tx: &mut WriteTx, employee: Employee, old: Option<&Employee>) -> Result<Employee> {
    if let Some(old) = old.filter(|old| **old == Employee { rev: old.rev, ..employee.clone() }) {
        return Ok(old.clone());
    }
    let employee = Employee { rev: old.map_or(0, |old| old.rev) + 1, ..employee };
    write_row(tx, &employee).map_err(on_duplicate_address)?;
    tx.identities_change();
    let (action, description) = match old {
        None => (Action::Create, "Employee created"),
        Some(_) if employee.state == EmployeeState::Deleted => (Action::Delete, "Employee deleted"),
        Some(_) => (Action::Update, "Employee updated"),
    };
    match old.filter(|old| old.customer != employee.customer) {
        Some(old) => record_move(tx, &employee, old)?,
        None => record(tx, &employee, old, action, description)?,
    }
    Ok(employee)
}

/// Writes the row as it is, with its rev; the audit entry is for the caller.
pub(super) fn write_row(tx: &mut WriteTx, employee: &Employee) -> Result<()> {
    let change = tx.change()?;
    tx.conn
        .prepare_cached(
            "insert into employees (id, customer, access_level, state, name, title, department, address, language,
                primary_contact, email_address, no_email, sms_validation, sms_number, authenticator_validation,
                ip_restriction, organization_resellers, notify_usage_limit, notify_usage_limit_reseller, birthdate,
                delete_at, rev, chg)
             values (:id, :customer, :access_level, :state, :name, :title, :department, :address, :language,
                :primary_contact, :email_address, :no_email, :sms_validation, :sms_number, :authenticator_validation,
                :ip_restriction, :organization_resellers, :notify_usage_limit, :notify_usage_limit_reseller, :birthdate,
                :delete_at, :rev, :chg)
             on conflict (id) do update set customer = :customer, access_level = :access_level, state = :state, name = :name,
                title = :title, department = :department, address = :address, language = :language,
                primary_contact = :primary_contact, email_address = :email_address, no_email = :no_email,
                sms_validation = :sms_validation, sms_number = :sms_number,
                authenticator_validation = :authenticator_validation, ip_restriction = :ip_restriction,
                organization_resellers = :organization_resellers, notify_usage_limit = :notify_usage_limit,
                notify_usage_limit_reseller = :notify_usage_limit_reseller, birthdate = :birthdate,
                delete_at = :delete_at, rev = :rev, chg = :chg",
        )?
        .execute(named_params! {
            ":id": employee.id,
            ":customer": employee.customer,
            ":access_level": employee.access_level.name(),
            ":state": employee.state.name(),
            ":name": employee.name,
            ":title": employee.title,
            ":department": employee.department,
            ":address": employee.address,
            ":language": employee.language.name(),
            ":primary_contact": employee.primary_contact,
            ":email_address": employee.email_address,
            ":no_email": employee.no_email,
            ":sms_validation": employee.sms_validation,
            ":sms_number": employee.sms_number,
            ":authenticator_validation": employee.authenticator_validation,
            ":ip_restriction": employee.ip_restriction,
            ":organization_resellers": to_json(&employee.organization_resellers)?,
            ":notify_usage_limit": employee.notify_on_general_usage_limit,
            ":notify_usage_limit_reseller": employee.notify_on_general_usage_limit_reseller,
            ":birthdate": employee.birthdate,
            ":delete_at": employee.delete_date,
            ":rev": employee.rev,
            ":chg": change,
        })?;
    Ok(())
}

/// The only constraint of the table that a valid employee can break is the login name's.
fn on_duplicate_address(error: Error) -> Error {
    if super::broken_constraint(&error) == Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE) {
        let message = "The e-mail address is used by another employee";
        return Error::invalid("emailAddress", crate::error::Check::Unique, message);
    }
    error
}

/// The customer's employees that are not deleted, in the order of their ids.
pub fn live_of_customer(tx: &ReadTx, customer: Id) -> Result<Vec<Employee>> {
    let sql = format!("select {COLUMNS} from employees where customer = ?1 and state <> 'DELETED' order by id");
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let rows = statement.query_map([customer], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Ids of the customer's live employees whose address is one of these.
pub fn ids_with_address(tx: &ReadTx, customer: Id, addresses: &[Id]) -> Result<Vec<Id>> {
    let sql = "select id from employees where customer = ?1 and state <> 'DELETED'
        and address in (select value from json_each(?2))";
    let mut statement = tx.conn.prepare_cached(sql)?;
    let rows = statement.query_map(params![customer, to_json(&addresses)?], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Ids of the customer's live employees that have organization resellers.
pub fn ids_with_organization_resellers(tx: &ReadTx, customer: Id) -> Result<Vec<Id>> {
    let sql = "select id from employees
        where customer = ?1 and state <> 'DELETED' and organization_resellers <> '[]'";
    let mut statement = tx.conn.prepare_cached(sql)?;
    let rows = statement.query_map([customer], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Ids of the employees who may manage this reseller.
pub fn ids_managing(tx: &ReadTx, reseller: Id) -> Result<Vec<Id>> {
    let sql = "select id from employees where instr(organization_resellers, ?1)";
    let mut statement = tx.conn.prepare_cached(sql)?;
    let rows = statement.query_map([reseller], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Employees whose delete has fallen due.
pub fn due_for_delete(tx: &ReadTx, now: Time) -> Result<Vec<Employee>> {
    let sql = format!(
        "select {COLUMNS} from employees where delete_at is not null and delete_at <= ?1 and state <> 'DELETED'
         order by id limit 100"
    );
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let rows = statement.query_map([now], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether the database holds nobody at all.
pub fn is_empty(tx: &ReadTx) -> Result<bool> {
    Ok(tx.conn.query_row(
        "select not exists (select 1 from employees) and not exists (select 1 from customers)",
        [],
        |row| row.get(0),
    )?)
}
