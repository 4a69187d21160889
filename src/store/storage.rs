//! How much room the audit trail takes in the database. It alone grows for ever, unless its older part is archived.

use rusqlite::OptionalExtension;

use super::audit_index::count_since;
use super::audit_segments;
use crate::db::ReadTx;
use crate::domain::time::Time;
use crate::error::Result;

const DAY_MS: i64 = 24 * 3_600_000;
/// Growth is measured over so many days.
const DAYS: i64 = 7;
/// So many of the newest entries say how long one is.
const SAMPLE: i64 = 10_000;
/// What an entry takes beside what the object held before and the words: hashes, ids, and its places in the indexes.
const ENTRY_BYTES: f64 = 375.0;

/// Size and growth of the audit trail, by its own times and the length of its newest entries.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrailSize {
    pub entries: i64,
    /// About how many bytes it takes.
    pub bytes: i64,
    /// About how many bytes are added in a day, in the mean of the last seven, or since the first entry.
    pub bytes_per_day: i64,
}

pub fn trail_size(tx: &ReadTx) -> Result<TrailSize> {
    let first: Option<Time> = tx
        .conn
        .prepare_cached("select at from audit order by seq limit 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let Some(first) = first else { return Ok(TrailSize::default()) };
    let (archived, _) = audit_segments::start(tx)?;
    let newest: i64 = tx.conn.prepare_cached("select max(seq) from audit")?.query_row([], |row| row.get(0))?;
    let entries = newest - archived;
    let texts: f64 = tx
        .conn
        .prepare_cached(
            "select avg(coalesce(octet_length(before), 0) + octet_length(description))
             from (select before, description from audit order by seq desc limit ?1)",
        )?
        .query_row([SAMPLE], |row| row.get(0))?;
    let since = tx.now.plus_ms(-DAYS * DAY_MS);
    let newer = count_since(tx, since)?;
    let each = texts + ENTRY_BYTES;
    // The first day counts as a whole one: what a server begins with is not what it grows by.
    let days = ((tx.now.millis() - first.millis()) as f64 / DAY_MS as f64).clamp(1.0, DAYS as f64);
    Ok(TrailSize { entries, bytes: (entries as f64 * each) as i64, bytes_per_day: (newer as f64 * each / days) as i64 })
}
