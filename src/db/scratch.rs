//! A database for one task, in a temporary file without a name: what is too much for memory.

use rusqlite::Connection;

use super::types::is_disk_full;
use crate::error::{Error, Result};

const CACHE_KIB: i64 = 8 * 1024;
const STATEMENTS: usize = 64;

/// Gone when dropped, also when the process is killed. Nothing secret may be put into it in clear: it may reach a disk.
pub struct Scratch {
    conn: Connection,
}

impl Scratch {
    pub fn with_schema(schema: &str) -> Result<Scratch> {
        // To SQLite, the empty name is a file of its own in the temporary folder (https://sqlite.org/inmemorydb.html).
        let conn = Connection::open("")?;
        let scratch = Scratch { conn };
        scratch.run(|conn| {
            conn.set_prepared_statement_cache_capacity(STATEMENTS);
            conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
            // Nobody else sees it, and after an error nobody reads it again.
            conn.pragma_update_and_check(None, "journal_mode", "off", |_| Ok(()))?;
            conn.pragma_update(None, "synchronous", "off")?;
            conn.execute_batch(schema)?;
            conn.execute_batch("begin")
        })?;
        Ok(scratch)
    }

    /// Has `work` use it. 503 when the temporary folder has no room.
    pub fn run<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        work(&self.conn).map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::SystemIoFailure) => no_room(),
            _ if is_disk_full(&error) => no_room(),
            _ => error.into(),
        })
    }
}

fn no_room() -> Error {
    Error::Unavailable(
        "The temporary folder has no room, or cannot be written: make room, or set SQLITE_TMPDIR to another folder",
    )
}
