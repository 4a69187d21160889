//! What a restore reports of single rows, and its entry in the audit trail for each.

use crate::db::{Subject, WriteTx};
use crate::domain::audit::Action;
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::error::Result;
use crate::store::audit;

/// A row of the snapshot that could not be written.
#[derive(Debug)]
pub struct SkippedRow {
    pub table: Table,
    /// As the hub has it: it may be no id.
    pub id: String,
    pub rev: i64,
    pub reason: String,
}

/// A row that was made up because others refer to it.
#[derive(Debug)]
pub struct Stub {
    pub table: Table,
    pub id: Id,
}

pub fn record_as(tx: &mut WriteTx, subject: Subject, description: &str, after: &str) -> Result<()> {
    audit::append(tx, &audit::Change { subject, action: Action::Create, description, before: None, after: Some(after) })
}
