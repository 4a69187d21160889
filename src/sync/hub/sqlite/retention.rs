//! What is forgotten in time.

use rusqlite::{Connection, params};

use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::retention::{CODE_MS, RETENTION_MS, open_stages, reached};

pub fn prune(tx: &Connection, now: Time) -> Result<()> {
    let (known, newest) = tx.query_row("select reached, (select max(last_seen) from origins) from hub", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let Some(reached) = reached(known, newest, now) else { return Ok(()) };
    tx.execute("update hub set reached = ?1", [reached])?;
    // Made by a clock that was wrong: it may wait from now on.
    tx.execute("update enrolment_codes set created_at = ?1 where created_at > ?1", [now])?;
    tx.execute("delete from enrolment_codes where created_at < ?1", [reached.plus_ms(-CODE_MS)])?;
    let over = params![reached.plus_ms(-RETENTION_MS)];
    tx.execute("delete from texts where n in (select text from lost_tail where lost_at < ?1)", over)?;
    tx.execute("delete from lost_tail where lost_at < ?1", over)?;
    // Not the newest: the numbers go on behind it.
    tx.execute(
        "delete from proposals where answered_at < ?1
            and seq < (select max(seq) from proposals newest where newest.origin = proposals.origin)",
        over,
    )?;
    let stages = open_stages(reached, now);
    const OVER: &str = "(origin, stage) not in
        (select origin, stage from staged_parts where staged_at between ?1 and ?2)";
    tx.execute(&format!("delete from texts where n in (select text from staged where {OVER})"), stages)?;
    tx.execute(&format!("delete from staged where {OVER}"), stages)?;
    tx.execute(&format!("delete from staged_parts where {OVER}"), stages)?;
    Ok(())
}
