//! Orphaned rows: rows that a hub had and its edge, after a restore or a clone, has not. And what a removal deletes.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::domain::mirror::Table;
use crate::domain::time::Time;
use crate::error::{Error, Result};

/// A row that a reset took out of the mirror because the edge no longer has it (table `lost_tail`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrphanedRow {
    /// A number that this store gave it.
    #[serde(skip)]
    pub n: i64,
    pub lost_at: Time,
    /// Number of the epoch that it was written in.
    pub epoch: i64,
    pub table: Table,
    pub id: String,
    pub rev: i64,
    pub chg: i64,
    pub v: Box<RawValue>,
}

impl OrphanedRow {
    /// Its position in a list, the newest first: each row's is smaller than that of the row before.
    pub fn cursor(&self) -> (Time, i64) {
        (self.lost_at, self.n)
    }
}

/// The text of an orphaned row. One that is damaged comes as a JSON string.
pub fn orphaned_text(text: &str) -> Result<Box<RawValue>> {
    let text = serde_json::from_str::<&RawValue>(text).map(ToOwned::to_owned).or_else(|_| to_raw_value(text));
    text.map_err(|error| Error::Internal(Box::new(error)))
}

/// Greater than every [`OrphanedRow::cursor`]: a list begins here.
pub const NEWEST: (Time, i64) = (Time::from_millis(i64::MAX), i64::MAX);

/// How much of an origin a removal deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedOrigin {
    pub name: String,
    /// Mirrored rows.
    pub rows: i64,
    pub quarantined: i64,
    pub proposals: i64,
    /// Staged rows.
    pub staged: i64,
    pub orphaned: i64,
}

impl std::fmt::Display for RemovedOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let RemovedOrigin { name, rows, quarantined, proposals, staged, orphaned } = self;
        write!(
            f,
            "{name} is removed: {rows} rows, {quarantined} in quarantine, {proposals} proposals, {staged} staged, {orphaned} in lost_tail"
        )
    }
}
