//! How SQL compares texts: as [`crate::domain::text`] does. Used in queries alone, so that the file can be read with other
//! programs.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use crate::domain::text::{compare, folded};

/// Adds the function `folded(text)` and the collation `danish` to a connection.
pub fn add_to(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    conn.create_scalar_function("folded", 1, flags, |context| {
        context.get::<Option<String>>(0).map(|text| text.map(|text| folded(&text)))
    })?;
    conn.create_collation("danish", compare)
}
