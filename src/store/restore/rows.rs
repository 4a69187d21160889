//! Writing the rows of a snapshot, one by one, as they are.

use super::report::{SkippedRow, Stub, record_as};
use super::stubs::References;
use crate::db::{Subject, WriteTx};
use crate::domain::audit::Action;
use crate::domain::customer::Customer;
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::domain::mirror::{Row, Table};
use crate::domain::mobile_config::MobileConfig;
use crate::domain::pbx::PbxObject;
use crate::domain::queue::Queue;
use crate::error::{Error, Result};
use crate::store::{broken_constraint, customers, employees, mobile_configs, pbx, queues, to_json};

/// What the trail says of a row that was restored.
const RESTORED: &str = "Restored from the hub";

/// What a restore has written, and what it could not.
#[derive(Debug, Default)]
pub struct RestoreReport {
    /// Rows that were written, in the order of [`Table::ALL`]; stubs do not count.
    pub restored: [usize; Table::ALL.len()],
    pub skipped: Vec<SkippedRow>,
    pub stubs: Vec<Stub>,
}

/// Why a row was not written.
pub enum RowError {
    /// What it holds is at fault: the row is skipped.
    Content(String),
    /// The database is at fault: the restore ends.
    Database(Error),
}

impl From<Error> for RowError {
    fn from(error: Error) -> RowError {
        match broken_constraint(&error) {
            Some(_) => RowError::Content(error.to_string()),
            None => RowError::Database(error),
        }
    }
}

pub fn count(counts: &mut [usize], table: Table) {
    let place = Table::ALL.into_iter().position(|known| known == table);
    if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
        *count += 1;
    }
}

pub fn skipped(row: &Row, reason: String) -> SkippedRow {
    SkippedRow { table: row.t, id: row.id.clone(), rev: row.rev, reason }
}

/// Reads and writes one row. A constraint that it breaks undoes its statement alone, so no savepoint is needed.
pub fn restore_row(tx: &mut WriteTx, row: &Row, references: &mut References) -> Result<(), RowError> {
    let text = row.v.as_ref().map(|v| v.get()).ok_or_else(|| RowError::Content("the hub cannot read it".into()))?;
    let text = &*text;
    let rev = row.rev.max(1);
    match row.t {
        Table::Customer => {
            let customer = Customer { rev, ..read(text)? };
            check_id(row, customer.id)?;
            customers::write_row(tx, &customer)?;
            record(tx, customers::subject(customer.id), &to_json(&customer)?)?;
            references.add_customer(&customer);
        }
        Table::Queue => {
            let queue: Queue = read(text)?;
            check_id(row, queue.id)?;
            queues::write_row(tx, &queue, Some(rev))?;
            record(tx, queues::subject(&queue), &to_json(&queue)?)?;
            references.add_queue(&queue);
        }
        Table::Employee => {
            let employee = Employee { rev, ..read(text)? };
            check_id(row, employee.id)?;
            employees::write_row(tx, &employee).map_err(describe_login_name)?;
            record(tx, employees::subject(&employee), &to_json(&employee)?)?;
            references.add_employee(&employee);
        }
        Table::MobileConfig => {
            let config = MobileConfig::from_json(text).map_err(|error| RowError::Content(error.to_string()))?;
            let config = MobileConfig { rev, ..config };
            check_id(row, config.id)?;
            // One of an older rev may be there: see `merge`.
            mobile_configs::clear_row(tx, config.id)?;
            let content = mobile_configs::insert_row(tx, &config)?;
            let subject = mobile_configs::subject(&config);
            mobile_configs::record_found(tx, subject, content, Action::Create, RESTORED)?;
            references.add_config(&config);
        }
        Table::PbxObject => {
            let object = PbxObject::from_value(read(text)?).map_err(|error| RowError::Content(error.to_string()))?;
            check_id(row, object.id())?;
            pbx::write_row(tx, &object, Some(rev))?;
            record(tx, pbx::subject(&object), &pbx::render(&object)?)?;
            references.add_pbx_object(&object);
        }
        Table::Other => {}
    }
    Ok(())
}

fn read<'t, T: serde::Deserialize<'t>>(text: &'t str) -> Result<T, RowError> {
    serde_json::from_str(text).map_err(|error| RowError::Content(error.to_string()))
}

/// The row must be the one that the hub lists it as.
fn check_id(row: &Row, id: Id) -> Result<(), RowError> {
    if id.with_str(|text| text == row.id) {
        return Ok(());
    }
    Err(RowError::Content(format!("its _id is {id}")))
}

/// The only unique column that employees have besides their id is the login name.
fn describe_login_name(error: Error) -> RowError {
    match broken_constraint(&error) {
        Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE) => {
            RowError::Content("another employee that is not deleted has the same login name".into())
        }
        _ => error.into(),
    }
}

fn record(tx: &mut WriteTx, subject: Subject, after: &str) -> Result<()> {
    record_as(tx, subject, RESTORED, after)
}
