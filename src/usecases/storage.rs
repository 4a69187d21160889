//! How much room a database takes, and when its disk is full: for the console, `doctor` and `/metrics` alike.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::db::ReadTx;
use crate::error::Result;
use crate::files::{beside, free_bytes};
use crate::store::storage::{TrailSize, trail_size};

/// How much room the database takes, and when the disk is full.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// The database file.
    #[schemars(range(min = 0), example = 1_048_576)]
    pub database_bytes: u64,
    /// The write-ahead log beside it.
    #[schemars(range(min = 0), example = 65_536)]
    pub log_bytes: u64,
    /// About how much of the database is the audit trail.
    #[schemars(range(min = 0), example = 262_144)]
    pub audit_bytes: i64,
    #[schemars(range(min = 0), example = 1234)]
    pub audit_entries: i64,
    /// About how much the audit trail grows in a day, in the mean of the last seven. Nothing goes from it unless it is archived.
    #[schemars(range(min = 0), example = 4096)]
    pub growth_bytes_per_day: i64,
    /// Free on the disk of the database; null where that is not known.
    pub free_bytes: Option<u64>,
    /// Days until the disk is full at this rate; null when nothing grows.
    pub days_until_full: Option<f64>,
}

impl Storage {
    /// In words, for a person.
    pub fn describe(&self) -> String {
        let bytes = |bytes: i64| size(bytes.unsigned_abs());
        let until_full = match self.days_until_full {
            Some(days) => format!("; at that rate the disk is full in {days} days"),
            None => String::new(),
        };
        format!(
            "database {}, log {}, of it about {} the audit trail ({} entries), which grows by {} a day{until_full}",
            size(self.database_bytes),
            size(self.log_bytes),
            bytes(self.audit_bytes),
            self.audit_entries,
            bytes(self.growth_bytes_per_day),
        )
    }
}

/// Measures the database at `path`.
pub fn measure(tx: &ReadTx, path: &Path) -> Result<Storage> {
    let TrailSize { entries, bytes, bytes_per_day } = trail_size(tx)?;
    let (database_bytes, log_bytes) = lengths(path);
    let free = free_bytes(path);
    let days = free.filter(|_| bytes_per_day > 0).map(|free| free as f64 / bytes_per_day as f64);
    Ok(Storage {
        database_bytes,
        log_bytes,
        audit_bytes: bytes,
        audit_entries: entries,
        growth_bytes_per_day: bytes_per_day,
        free_bytes: free,
        days_until_full: days.map(|days| (days * 10.0).round() / 10.0),
    })
}

/// The lengths in bytes of the database file at `path` and of the write-ahead log beside it.
pub fn lengths(path: &Path) -> (u64, u64) {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |data| data.len());
    (length(path), length(&beside(path, "-wal")))
}

/// Bytes in words: `12.4 MB`.
pub fn size(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, "B");
    for larger in ["kB", "MB", "GB", "TB"] {
        if value < 1_000.0 {
            break;
        }
        (value, unit) = (value / 1_000.0, larger);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}
