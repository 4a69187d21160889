//! The schema's versions. Append-only: a released migration is never edited.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{anyhow, bail};
use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::give_back;
use super::text;
use super::types::{cannot_be, is_disk_full};
use super::upgrade::copy_before;
use crate::domain::time::Time;
use crate::error::{Error, Result, advised};
use crate::files::no_room_for;

/// Marks the file as ours (`pragma application_id`): "TxLo".
pub const APPLICATION_ID: i32 = 0x5478_4c6f;

static MIGRATIONS: LazyLock<Migrations<'static>> = LazyLock::new(|| {
    Migrations::new(vec![
        M::up(include_str!("../../sql/migrations/001_initial.sql")),
        M::up(include_str!("../../sql/migrations/002_mirror.sql")),
        M::up(include_str!("../../sql/migrations/003_proposals.sql")),
        M::up(include_str!("../../sql/migrations/004_clock.sql")),
        M::up(include_str!("../../sql/migrations/005_stage.sql")),
        M::up(include_str!("../../sql/migrations/006_credentials.sql")),
        M::up(include_str!("../../sql/migrations/007_platform.sql")),
        M::up(include_str!("../../sql/migrations/008_pbx.sql")),
        M::up(include_str!("../../sql/migrations/009_content.sql")),
        M::up(include_str!("../../sql/migrations/010_archive.sql")),
        M::up(include_str!("../../sql/migrations/011_config_feed.sql")),
    ])
});

/// The schema version this program writes.
pub const VERSION: i32 = 11;

/// Brings a checked database to [`VERSION`], in one transaction, after copying one of an older schema that holds something; writes
/// nothing where it has that version already, so that it can be read on a full disk.
pub fn migrate(conn: &mut Connection, path: &Path, now: Time) -> anyhow::Result<()> {
    let version: i32 = conn
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| cannot_be("read", path, error))?;
    if (1..VERSION).contains(&version) {
        copy_before(conn, path, version, now)?;
    }
    migrate_uncopied(conn, path)
}

/// The same of a file that is itself a copy.
pub fn migrate_uncopied(conn: &mut Connection, path: &Path) -> anyhow::Result<()> {
    let describe = |error: rusqlite::Error| cannot_be("brought up to date", path, error);
    let application: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(describe)?;
    if application != APPLICATION_ID {
        // First: a start that is cut off in the middle must find its own file again.
        conn.pragma_update(None, "application_id", APPLICATION_ID).map_err(describe)?;
    }
    // A row that somebody has made refer to nothing is moved as it is, and told by doctor (https://sqlite.org/lang_altertable.html,
    // section 7).
    conn.pragma_update(None, "foreign_keys", false).map_err(describe)?;
    let migrated = MIGRATIONS.to_latest(conn);
    conn.pragma_update(None, "foreign_keys", true).map_err(describe)?;
    migrated.map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => describe(err),
        other => anyhow!(other).context(format!("{} cannot be brought up to date", path.display())),
    })?;
    give_back::renew(conn, path);
    Ok(())
}

/// Tables, indexes and triggers by kind and name, as the text that made them.
type Schema = BTreeMap<(String, String), String>;

fn schema_of(conn: &Connection) -> rusqlite::Result<Schema> {
    // What SQLite makes for itself has no text, or a name that is reserved.
    let sql =
        "select type, name, sql from sqlite_schema where sql is not null and name not like 'sqlite\\_%' escape '\\'";
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
    rows.collect()
}

/// The schema that the migrations make.
fn schema_as_made() -> Result<Schema> {
    let mut made = Connection::open_in_memory()?;
    text::add_to(&made)?;
    MIGRATIONS.to_latest(&mut made).map_err(|error| Error::Internal(Box::new(error)))?;
    Ok(schema_of(&made)?)
}

/// Re-creates the guard triggers that are missing, since rows can be edited behind the server's back only without them.
/// Returns their names.
pub fn put_back_triggers(conn: &Connection) -> Result<Vec<String>> {
    let (found, expected) = (schema_of(conn)?, schema_as_made()?);
    let missing = expected.into_iter().filter(|(key, _)| key.0 == "trigger" && !found.contains_key(key));
    let put_back = missing.map(|((_, name), sql)| {
        conn.execute_batch(&sql)?;
        Ok(name)
    });
    put_back.collect()
}

/// The first thing in which the schema of `conn` is not the one that the migrations make.
pub fn schema_difference(conn: &Connection) -> Result<Option<String>> {
    let (found, expected) = (schema_of(conn)?, schema_as_made()?);
    let wrong = expected.iter().find_map(|(key, sql)| match found.get(key) {
        None => Some(format!("{} {} is missing", key.0, key.1)),
        Some(found) => (found != sql).then(|| format!("{} {} is not as it was made", key.0, key.1)),
    });
    let stray = || found.keys().find(|key| !expected.contains_key(key));
    Ok(wrong.or_else(|| stray().map(|(kind, name)| format!("{kind} {name} does not belong there"))))
}

/// Refuses a file that this program must not touch. Reads only.
pub fn check(conn: &Connection, path: &Path) -> anyhow::Result<()> {
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let describe = |error| unreadable(path, error);
    let path = path.display();
    let version = number("user_version").map_err(describe)?;
    let application = number("application_id").map_err(describe)?;
    let tables: i64 = conn.query_row("select count(*) from sqlite_schema", [], |row| row.get(0)).map_err(describe)?;
    let fresh = application == 0 && version == 0 && tables == 0;
    if application != APPLICATION_ID && !fresh {
        bail!("{path} is a database of another program: it was left as it is; choose another --db");
    }
    if version > VERSION {
        bail!(
            "{path} was written by a newer telecomx-local (schema {version}, this program knows {VERSION}): it was left as it is; use the newer program"
        );
    }
    Ok(())
}

fn unreadable(path: &Path, error: rusqlite::Error) -> anyhow::Error {
    let file = path.display();
    match error.sqlite_error_code() {
        _ if is_disk_full(&error) => no_room_for(path),
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => advised(
            error,
            format_args!("{file} is not a readable SQLite database"),
            "the file was left as it is: put a backup in its place or choose another --db",
        ),
        // SQLITE_READONLY_ROLLBACK, SQLITE_READONLY_RECOVERY
        _ if matches!(error.sqlite_error().map(|error| error.extended_code), Some(776 | 264)) => advised(
            error,
            format_args!("{file} was left in the middle of a write"),
            "nothing is lost: start serve on it once, which completes or undoes that write",
        ),
        _ => advised(error, format_args!("{file} cannot be read"), "check the folder, its rights and the disk"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_are_valid_and_their_number_is_the_version() {
        let mut conn = Connection::open_in_memory().unwrap();
        text::add_to(&conn).unwrap();
        migrate_uncopied(&mut conn, Path::new("")).unwrap();
        let version: i32 = conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, VERSION);
    }
}
