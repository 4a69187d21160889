//! Import: one document into the database, all or nothing: JSON, or a list as CSV.
//!
//! `{ "customers": [...], "queues": [...], "employees": [...], "mobileConfigs": [...], "pbxObjects": [...] }` in the API's own shapes. What
//! the database holds under an id is overwritten. The document is read as a stream and staged in a temporary file; everything
//! is judged before anything is written. Memory does not grow with the document.

mod csv_document;
mod document;
mod elements;
mod file;
mod judged;
mod judging;
mod preview;
mod progress;
mod reading;
mod secrets;
mod source;
mod unknown;

pub use csv_document::CsvDocument;
pub use document::Document;
pub use file::{DocumentFile, is_csv, name_of};
pub use judged::Options;
pub use preview::{Effect, Effects, preview};
pub use progress::{Progress, Stage};
pub use source::{List, Raw, Sink, read as read_lists};

use judged::{Judged, completed, completed_queue, judged};
use reading::Counts;
use secrets::{Secrets, hash_passwords, write_secrets};

use super::{queues as queue_rules, whole_objects};
use crate::auth::secrets::Sealer;
use crate::db::WriteTx;
use crate::domain::customer::Customer;
use crate::domain::employee::{Employee, EmployeeState};
use crate::error::{Error, Result};
use crate::store::staged::{Staged, StagedConfig};
use crate::store::{customers, employees, mobile_configs, pbx, queues};

/// Reads `document` and writes it. Gives `3 customers, 8 queues, …`.
///
/// Rows that are there already and equal are left alone. Errors: 422 with the faults and their places; whatever the
/// error, the transaction is to be undone. 409 `platform` while a platform is connected.
pub fn run<D: Document>(
    tx: &mut WriteTx,
    sealer: &Sealer,
    mut document: D,
    options: Options,
    progress: impl Progress,
) -> Result<String> {
    let Judged { staged, counts, is_first } = judged(tx, sealer, &mut document, options, &progress)?;
    // No time is spent on hashing before all of the document is known to be faultless.
    hash_passwords(&staged, sealer, &progress)?;
    let mut writing = Writing { done: 0, total: counts.total(), progress: &progress, is_first };
    writing.run::<D>(tx, sealer, &staged)?;
    Ok(summary(&counts))
}

fn summary(counts: &Counts) -> String {
    let pbx_objects = match counts.of(List::PbxObjects) {
        0 => String::new(),
        count => format!(", {count} objects of the PBX"),
    };
    format!(
        "{} customers, {} queues, {} employees, {} mobile configs{pbx_objects}",
        counts.of(List::Customers),
        counts.of(List::Queues),
        counts.of(List::Employees),
        counts.of(List::MobileConfigs)
    )
}

/// Writes what has been judged, and counts it.
struct Writing<'p, P> {
    done: usize,
    total: usize,
    progress: &'p P,
    is_first: bool,
}

impl<P: Progress> Writing<'_, P> {
    fn step(&mut self) {
        self.done += 1;
        (self.progress)(Stage::Writing, self.done, self.total);
    }

    fn run<D: Document>(&mut self, tx: &mut WriteTx, sealer: &Sealer, staged: &Staged) -> Result<()> {
        // Resellers and their customers may stand in any order.
        tx.defer_foreign_keys()?;
        staged.each_customer(|_, customer| {
            self.step();
            write_customer(tx, customer, self.is_first)
        })?;
        staged.each_queue(|_, queue| {
            self.step();
            let old = if self.is_first { None } else { queues::find(tx, queue.id)? };
            queue_rules::save(tx, &completed_queue::<D>(queue, old.as_ref()), old.as_ref())
        })?;
        staged.each_employee(|_, employee, secrets| {
            self.step();
            let secrets = secrets.map(|sealed| Secrets::unsealed(&sealed, sealer, employee.id)).transpose()?;
            let old = if self.is_first { None } else { employees::find(tx, employee.id)? };
            write_employee(tx, sealer, completed::<D>(employee, old.as_ref()), old, secrets)
        })?;
        staged.each_config(|_, config| {
            self.step();
            write_config(tx, config, self.is_first)
        })?;
        staged.each_pbx_object(|_, object| {
            self.step();
            let old = if self.is_first { None } else { pbx::find(tx, object.id())? };
            pbx::upsert(tx, &object, old.as_ref())
        })
    }
}

fn write_customer(tx: &mut WriteTx, new: Customer, is_first: bool) -> Result<()> {
    let old = if is_first { None } else { customers::find(tx, new.id)? };
    whole_objects::write_customer(tx, new, old)
}

fn write_employee(
    tx: &mut WriteTx,
    sealer: &Sealer,
    new: Employee,
    old: Option<Employee>,
    secrets: Option<Secrets>,
) -> Result<()> {
    let (id, is_new, is_deleted) = (new.id, old.is_none(), new.state == EmployeeState::Deleted);
    whole_objects::write_employee(tx, new, old)?;
    match secrets {
        Some(secrets) if !is_deleted => write_secrets(tx, sealer, id, secrets, is_new),
        _ => Ok(()),
    }
}

fn write_config(tx: &mut WriteTx, config: StagedConfig, is_first: bool) -> Result<()> {
    let StagedConfig { id, customer, content } = config;
    let customer = customer.ok_or_else(|| Error::internal("a config was not judged"))?;
    let old = if is_first { None } else { mobile_configs::find(tx, id)? };
    whole_objects::write_config(tx, id, customer, content, old, "Mobile config imported")
}
