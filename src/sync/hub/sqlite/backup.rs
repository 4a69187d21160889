//! Backups of the hub, and the writes that they make stable.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::origins;
use crate::domain::mirror::Epoch;
use crate::error::{Error, Result};
use crate::sync::hub::origin::Origin;

/// Pages copied at a time.
const STEP_PAGES: i32 = 1_000;

/// Copies one snapshot to `target` and checks the copy. Gives the origins as the copy has them.
pub fn copy(conn: &Connection, target: &Path) -> Result<Vec<Origin>> {
    let mut copy = Connection::open(target)?;
    // One snapshot for the whole copy: without it, every concurrent write would start the copy over.
    conn.execute_batch("begin; select count(*) from sqlite_schema")?;
    rusqlite::backup::Backup::new(conn, &mut copy)?.run_to_completion(STEP_PAGES, Duration::ZERO, None)?;
    conn.execute_batch("rollback")?;
    // The copy is one file, without a write-ahead log.
    copy.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
    let report: String = copy.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
    if report != "ok" {
        return Err(Error::internal(format!("the copy is not sound: {report}")));
    }
    origins::all(&copy)
}

/// Notes that the writes in a copy are stable, except of origins that have begun a new epoch since.
pub fn note_stable(tx: &Connection, copied: &[Origin]) -> Result<()> {
    for origin in copied {
        let Some(Epoch(n, epoch)) = origin.head.epoch else { continue };
        tx.execute(
            "update origins set stable = ?2 where origin = ?1 and epoch_n = ?3 and epoch = ?4 and acked >= ?2 and stable < ?2",
            params![origin.origin, origin.head.acked, n, epoch.to_string()],
        )?;
    }
    Ok(())
}
