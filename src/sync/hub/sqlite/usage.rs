//! How much is stored of an origin.

use rusqlite::{Connection, params};

use crate::error::Result;
use crate::sync::hub::limits::{OriginLimits, OverLimit, Usage, UsageOfPush};
use crate::sync::hub::origin::Origin;
use crate::sync::protocol::wire::Push;

/// As [`crate::sync::hub::retention::bytes_of`] counts: each row takes 100 bytes besides its id and its text, and a content counts
/// once.
const COUNT: &str = "
    select count(*), coalesce(sum(100 + octet_length(id) + coalesce(octet_length(v), 0) + coalesce(octet_length(tail), 0)), 0)
        + (select coalesce(sum(octet_length(v)), 0) from contents where origin = ?1)
    from (
        select id, v, tail from mirror join texts on n = text where origin = ?1
        union all select id, v, tail from lost_tail join texts on n = text where origin = ?1
        union all select id, v, tail from quarantine where origin = ?1)";
const STAGED: &str = "
    select (select count(*) from staged where origin = ?1 and stage = ?2),
        (select coalesce(sum(bytes), 0) from staged_parts where origin = ?1 and stage = ?2)";

/// A usage before a push that is to be applied.
pub struct BeforePush(UsageOfPush);

/// What is stored before a push, and what it adds at most. Counts only where that comes near a limit, or was never counted.
pub fn before_push(tx: &Connection, before: &Origin, push: &Push, limits: &OriginLimits) -> Result<BeforePush> {
    let mut added = Usage::of(&push.rows);
    if let Some(staged) = push.staged {
        let of_stage = params![before.origin, staged.stage.to_string()];
        added = added.plus(tx.query_row(STAGED, of_stage, from_row)?);
    }
    let known = match limits.must_count_before(before.used, added) {
        None => before.used.unwrap_or_default(),
        Some(()) => count(tx, &before.origin)?,
    };
    Ok(BeforePush(UsageOfPush { known, added }))
}

impl BeforePush {
    /// What is stored once the push is applied; 507 when that is too much.
    pub fn after_push(&self, tx: &Connection, origin: &str, limits: &OriginLimits) -> Result<Usage> {
        match self.0.must_count_after(limits) {
            false => Ok(self.0.estimate()),
            true => self.0.check(count(tx, origin)?, limits),
        }
    }
}

fn count(tx: &Connection, origin: &str) -> Result<Usage> {
    Ok(tx.query_row(COUNT, [origin], from_row)?)
}

fn from_row(row: &rusqlite::Row) -> rusqlite::Result<Usage> {
    Ok(Usage { rows: row.get(0)?, bytes: row.get(1)? })
}

/// Notes that a call was refused because of a limit.
pub fn note_over_limit(tx: &Connection, origin: &str, over: &OverLimit) -> Result<()> {
    tx.execute("update origins set over_limit = ?2 where origin = ?1", params![origin, text(over)])?;
    Ok(())
}

/// As it is stored.
pub fn text(over: &OverLimit) -> String {
    serde_json::to_string(over).unwrap_or_default()
}
