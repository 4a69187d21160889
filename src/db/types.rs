//! How our types are stored, and how SQLite's errors become ours.

use std::path::Path;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, ffi};

use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::{Error, advised};
use crate::files::no_room_for;

impl ToSql for Id {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.to_string()))
    }
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Id> {
        // Stored in lower case, always: anything else was not written by us.
        let text = value.as_str()?;
        let id = text.parse().map_err(|_| FromSqlError::InvalidType)?;
        if text.bytes().any(|c| c.is_ascii_uppercase()) { Err(FromSqlError::InvalidType) } else { Ok(id) }
    }
}

impl ToSql for Time {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.millis()))
    }
}

impl FromSql for Time {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Time> {
        value.as_i64().map(Time::from_millis)
    }
}

/// Also when it is the index of the write-ahead log that finds no room.
pub fn is_disk_full(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    matches!(extended, Some(ffi::SQLITE_FULL | ffi::SQLITE_IOERR_SHMSIZE))
}

/// The error of a file with which SQLite cannot do something.
pub fn cannot_be(done: &str, path: &Path, error: rusqlite::Error) -> anyhow::Error {
    if is_disk_full(&error) {
        return no_room_for(path);
    }
    advised(error, format_args!("{} cannot be {done}", path.display()), "check its rights and the folder's")
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Error {
        match error.sqlite_error_code() {
            _ if is_disk_full(&error) => Error::StorageFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                // Its answer is logged as any refusal is.
                tracing::error!("another program holds the database: {error}");
                Error::Busy
            }
            _ => Error::Internal(Box::new(error)),
        }
    }
}

/// JSON text of a column, read back as what it was made from.
pub fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error)))
}

/// A stored name that must be one of a closed set.
pub fn known<T>(name: &str, parse: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    parse(name).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(
            0,
            rusqlite::types::Type::Text,
            format!("unknown name {name:?}").into(),
        )
    })
}
