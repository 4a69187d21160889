//! The number of the write under way: what the triggers of the mirrored tables ask for.
//!
//! It is a function of the writing connection and in no table: a table would have to be written with every write. Another program
//! does not have the function, so that its edits of mirrored rows fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

/// What the triggers call it: where it is missing, SQLite's message has this name.
const FUNCTION: &str = "written_by_telecomx_local_only";
/// Writes are numbered from 1.
const NONE: i64 = 0;

/// The number of the write under way on one connection.
#[derive(Clone, Default)]
pub struct UnderWay(Arc<AtomicI64>);

impl UnderWay {
    /// Adds the function to a connection; it gives null until a write has begun.
    pub fn on(conn: &Connection) -> rusqlite::Result<UnderWay> {
        let under_way = UnderWay::default();
        let number = under_way.0.clone();
        // Not deterministic: each write has another number.
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
        conn.create_scalar_function(FUNCTION, 0, flags, move |_| {
            let number = number.load(Relaxed);
            Ok((number != NONE).then_some(number))
        })?;
        Ok(under_way)
    }

    pub(super) fn begin(&self, change: i64) {
        self.0.store(change, Relaxed);
    }

    pub(super) fn end(&self) {
        self.0.store(NONE, Relaxed);
    }
}
