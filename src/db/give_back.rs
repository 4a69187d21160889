//! What the files of a database no longer need goes back to the disk.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;

use super::lock::BUSY_TIMEOUT;
use crate::files::free_bytes;

/// Free pages that stay in the file: what is written next goes there.
const KEPT_PAGES: i64 = 1024;
/// Pages given back in one step, which a write that comes meanwhile waits for.
const STEP_PAGES: i64 = 256;
/// Length of the write-ahead log, in pages, up to which it is left as it is.
const LOG_PAGES: i32 = 1024;
/// Nobody has written for so long: a step is done.
const IDLE: Duration = Duration::from_secs(5);
/// From one step to the next.
const BETWEEN_STEPS: Duration = Duration::from_millis(20);
/// `pragma auto_vacuum`: free pages are given back when asked for.
const INCREMENTAL: i64 = 2;

/// Has a new file keep what is needed to give pages back. One of an older program gets it with [`renew`].
pub fn prepare(conn: &Connection) -> rusqlite::Result<()> {
    // In a file that has pages the pragma writes one, even if it is so already: such a file opens on a full disk too.
    match conn.pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0))? {
        0 => conn.pragma_update(None, "auto_vacuum", INCREMENTAL),
        _ => Ok(()),
    }
}

/// Writes a file of an older program anew if a quarter of it is free, as after its migration, and the disk has room for it twice. It
/// stays as it is where that fails: the pages are used again.
pub fn renew(conn: &Connection, path: &Path) {
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap_or(0);
    let (pages, free) = (number("page_count"), number("freelist_count"));
    let bytes = (pages * number("page_size")).unsigned_abs();
    let has_room = free_bytes(path).is_some_and(|room| room > 2 * bytes);
    if number("auto_vacuum") == INCREMENTAL || free < pages / 4 || !has_room {
        return;
    }
    match conn.pragma_update(None, "auto_vacuum", INCREMENTAL).and_then(|()| conn.execute_batch("vacuum")) {
        Ok(()) => tracing::info!("the database was written anew: {free} of its {pages} pages were free"),
        Err(error) => tracing::warn!(%error, "free pages of the database were not given back; they are used again"),
    }
}

/// Does a step of what is due while nobody writes, waiting for nobody; when the next is due, `None` when nothing more is. `log_pages`:
/// length of the write-ahead log.
pub fn step(conn: &Connection, log_pages: i32) -> rusqlite::Result<Option<Duration>> {
    let free: i64 = conn.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    if free > KEPT_PAGES {
        let mut statement = conn.prepare(&format!("pragma incremental_vacuum({STEP_PAGES})"))?;
        let mut rows = statement.query([])?;
        // Each page is a row.
        while rows.next()?.is_some() {}
        drop(rows);
        drop(statement);
        let left: i64 = conn.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        return Ok((left < free).then_some(BETWEEN_STEPS));
    }
    if log_pages > LOG_PAGES {
        conn.busy_timeout(Duration::ZERO)?;
        let is_busy = conn.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get::<_, bool>(0));
        conn.busy_timeout(BUSY_TIMEOUT)?;
        // A reader that is still in the log makes it wait for the next time.
        return Ok(is_busy?.then_some(IDLE));
    }
    Ok(None)
}

/// The next that waits; `None` when there will be none. While nothing waits, `step` is done for as long as there may be more.
pub fn next<T>(queue: &Receiver<T>, mut step: impl FnMut() -> rusqlite::Result<Option<Duration>>) -> Option<T> {
    let mut idle = IDLE;
    loop {
        match queue.recv_timeout(idle) {
            Ok(next) => return Some(next),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {}
        }
        match step() {
            Ok(Some(until_next)) => idle = until_next,
            Ok(None) => return queue.recv().ok(),
            Err(error) => {
                tracing::warn!(%error, "room in the database was not given back; it is tried again");
                return queue.recv().ok();
            }
        }
    }
}
