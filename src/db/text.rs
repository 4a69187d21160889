//! How SQL compares texts: as [`crate::domain::text`] does. Used in queries and migrations alone, so that the file can be read
//! with other programs.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use crate::domain::audit::digest;
use crate::domain::text::{compare, folded};

/// Adds the functions `folded(text)` and `sha256(value)`, and the collation `danish`, to a connection.
pub fn add_to(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    conn.create_scalar_function("folded", 1, flags, |context| {
        context.get::<Option<String>>(0).map(|text| text.map(|text| folded(&text)))
    })?;
    conn.create_scalar_function("sha256", 1, flags, |context| {
        let value = context.get_raw(0);
        Ok(value.as_bytes_or_null()?.map(|bytes| digest(bytes).to_vec()))
    })?;
    conn.create_collation("danish", compare)
}
