//! A restore: the rows of a hub's snapshot, written as they are.
//!
//! No rule is asked, because what was once accepted must always come back. A row that cannot be read is skipped, and a
//! row that others refer to but that is missing gets a stub in its place: a fault of one row costs no other.

mod earlier;
mod merge;
mod report;
mod rows;

mod stubs;

pub use merge::merge;
pub use report::{SkippedRow, Stub};
pub use stubs::STUB_DESCRIPTION;

use crate::db::WriteTx;
use crate::domain::mirror::{Row, Table};
use crate::error::Result;
use earlier::EarlierRun;
pub use rows::RestoreReport;
use rows::{RowError, count, restore_row, skipped};
use stubs::References;

/// Writes `rows`, which may come in any order, each with its rev. What an earlier run has written is replaced.
pub fn run(tx: &mut WriteTx, rows: &[Row]) -> Result<RestoreReport> {
    tx.defer_foreign_keys()?;
    let earlier = EarlierRun::clear(tx)?;
    let mut report = RestoreReport::default();
    let mut references = References::default();
    for table in Table::ALL {
        for row in rows.iter().filter(|row| row.t == table) {
            match restore_row(tx, row, &mut references) {
                Ok(()) => count(&mut report.restored, table),
                Err(RowError::Content(reason)) => report.skipped.push(skipped(row, reason)),
                Err(RowError::Database(error)) => return Err(error),
            }
        }
    }
    for row in rows.iter().filter(|row| row.t == Table::Other) {
        report.skipped.push(skipped(row, "this program does not know its table".into()));
    }
    report.stubs = references.write_stubs(tx, &report.skipped)?;
    earlier.record_removed(tx)?;
    Ok(report)
}
