//! Opening a database file: its rights, its journal mode, and the settings of a connection.

use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use rusqlite::{Connection, OpenFlags};

use super::durability::synchronous;
use super::give_back;
use super::lock::{BUSY_TIMEOUT, FileLock};
use super::migrations;
use super::text;
use super::types::cannot_be;
use crate::error::Advise as _;
use crate::files::{DATABASE_FILES, beside, check_finished, folder_of, make_private, no_room_for, sync_folder};

/// Prepared statements kept on each connection: more than the program has.
const STATEMENTS: usize = 128;

pub fn open_exclusive(path: &Path) -> Result<(Connection, FileLock)> {
    check_finished(path)?;
    check_not_lost(path)?;
    make_folder(path)?;
    let lock = FileLock::take(path, "--db")?;
    make_private(path)?;
    let conn = connect(path)?;
    migrations::check(&conn, path)?;
    check_length(&conn, path)?;
    // Before the first page is written.
    give_back::prepare(&conn).map_err(|error| cannot_be("opened", path, error))?;
    prepare_writer(&conn, path)?;
    Ok((conn, lock))
}

/// Refuses to begin a new database where files of an earlier one are: the disk with the database may not be mounted, and its
/// log holds writes that were acknowledged.
pub fn check_not_lost(path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let left: Vec<String> = DATABASE_FILES
        .iter()
        .filter(|suffix| !["", ".lock"].contains(*suffix))
        .map(|suffix| beside(path, suffix))
        .filter(|file| file.exists())
        .map(|file| file.display().to_string())
        .collect();
    ensure!(
        left.is_empty(),
        "{} is missing, but {} is there: is its disk mounted? Put the database back, or move what is left of it away to begin \
         a new one",
        path.display(),
        left.join(", ")
    );
    Ok(())
}

/// Refuses to put a database where the log of another one is left: SQLite would write that into it.
pub fn check_no_log(path: &Path) -> Result<()> {
    for log in ["-wal", "-journal"].map(|suffix| beside(path, suffix)) {
        if log.exists() {
            bail!(
                "{} is left of another database, and may hold writes that were answered: move it away, with what belongs to it",
                log.display()
            );
        }
    }
    Ok(())
}

/// Opens an existing file for writing, as the database of an edge and the store of a hub both are.
pub fn open_writable(path: &Path) -> Result<Connection> {
    let conn = connect(path)?;
    prepare_writer(&conn, path)?;
    Ok(conn)
}

/// Opens the file as it is: nothing is read yet, nothing written.
fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|error| cannot_be("opened", path, error))
}

/// The settings of every connection that writes, of an edge and of a hub alike.
fn writer_pragmas() -> [(&'static str, i64); 6] {
    [
        // Every acknowledged write survives a power cut.
        ("synchronous", synchronous()),
        ("foreign_keys", 1),
        // A thread of its own makes the checkpoints.
        ("wal_autocheckpoint", 0),
        ("trusted_schema", 0),
        // The rollback data of savepoints is kept in memory, not in a temporary file.
        ("temp_store", 2),
        ("journal_size_limit", 64 << 20),
    ]
}

fn prepare_writer(conn: &Connection, path: &Path) -> Result<()> {
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.busy_timeout(BUSY_TIMEOUT)
        .and_then(|()| text::add_to(conn))
        .and_then(|()| writer_pragmas().iter().try_for_each(|(pragma, value)| conn.pragma_update(None, pragma, value)))
        .map_err(|error| cannot_be("opened", path, error))?;
    let mode: String = conn
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
        .map_err(|error| cannot_be("written", path, error))?;
    ensure!(
        mode == "wal",
        "{} cannot be used with a write-ahead log (journal mode is {mode}): put it on a local disk",
        path.display()
    );
    Ok(())
}

pub fn prepare_reader(conn: &mut Connection) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.busy_timeout(BUSY_TIMEOUT)?;
    text::add_to(conn)?;
    conn.pragma_update(None, "query_only", true)
}

fn make_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    match make_folders(folder) {
        Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            Err(no_room_for(folder))
        }
        made => made.advise(format_args!("the folder {} cannot be made", folder.display()), "choose another --db"),
    }
}

/// Makes the folder, for its owner only, with those above it; each is on disk under its name when this returns.
fn make_folders(folder: &Path) -> std::io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    missing.into_iter().filter(|made| made.file_name().is_some()).try_for_each(|made| sync_folder(folder_of(made)))
}

/// A file cut short would be found out only when a missing page is asked for: look now.
fn check_length(conn: &Connection, path: &Path) -> Result<()> {
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap_or(0);
    let expected = (number("page_count") * number("page_size")).unsigned_abs();
    let length_of = |path: &Path| std::fs::metadata(path).map_or(0, |data| data.len());
    if length_of(&beside(path, "-wal")) == 0 && length_of(path) < expected {
        bail!(
            "{} is cut short ({} of {expected} bytes): the file was left as it is; put a backup in its place",
            path.display(),
            length_of(path)
        );
    }
    Ok(())
}
