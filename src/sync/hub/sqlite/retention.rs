//! Deletes what is past its retention.

use rusqlite::{Connection, params};

use super::texts;
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::retention::{CODE_MS, RETENTION_MS, effective_now, open_stages};

pub fn prune(tx: &Connection, now: Time) -> Result<()> {
    let (known, newest) = tx.query_row("select reached, (select max(last_seen) from origins) from hub", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let Some(effective_now) = effective_now(known, newest, now) else { return Ok(()) };
    tx.execute("update hub set reached = ?1", [effective_now])?;
    // A code from the future was made by a wrong clock: it is valid from now on.
    tx.execute("update enrolment_codes set created_at = ?1 where created_at > ?1", [now])?;
    tx.execute("delete from enrolment_codes where created_at < ?1", [effective_now.plus_ms(-CODE_MS)])?;
    let expired = params![effective_now.plus_ms(-RETENTION_MS)];
    tx.execute("delete from texts where n in (select text from lost_tail where lost_at < ?1)", expired)?;
    tx.execute("delete from lost_tail where lost_at < ?1", expired)?;
    // Never the newest proposal: the next number is one more than its number.
    tx.execute(
        "delete from proposals where answered_at < ?1
            and seq < (select max(seq) from proposals newest where newest.origin = proposals.origin)",
        expired,
    )?;
    let stages = open_stages(effective_now, now);
    const EXPIRED: &str = "(origin, stage) not in
        (select origin, stage from staged_parts where staged_at between ?1 and ?2)";
    tx.execute(&format!("delete from texts where n in (select text from staged where {EXPIRED})"), stages)?;
    tx.execute(&format!("delete from staged where {EXPIRED}"), stages)?;
    tx.execute(&format!("delete from staged_parts where {EXPIRED}"), stages)?;
    texts::sweep(tx)
}
