//! Copies of a database from before an upgrade, beside it, and the way back to one. For the database of a server and for the store
//! of a hub.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::lock::FileLock;
use super::text;
use super::tx::{ReadTx, snapshot};
use super::types::cannot_be;
use crate::clock::Clock;
use crate::domain::time::Time;
use crate::error::Result as StoreResult;
use crate::files::{Part, beside, cannot_be_written, exchange_files, folder_of, free_bytes, is_database, move_file};

/// In the name of a copy, before the schema that it has.
const COPY: &str = ".schema-";
/// In the name of a database that a rollback has replaced, before the time of that.
const REPLACED: &str = "-replaced-";
/// Room that must be left besides the copy, for the upgrade itself to begin.
const BESIDE: u64 = 1 << 20;
const STEP_PAGES: i32 = 1_000;

/// A database that an upgrade or a rollback has left beside the one in use.
#[derive(Clone, Debug, PartialEq)]
pub struct OldCopy {
    pub path: PathBuf,
    /// Of its content, whatever its name says.
    pub schema: i32,
    pub bytes: u64,
}

/// Those beside the database at `path`, the newest schema first.
pub fn copies(path: &Path) -> Vec<OldCopy> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return vec![] };
    let entries = std::fs::read_dir(folder_of(path)).into_iter().flatten().flatten();
    let mut copies: Vec<OldCopy> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(|found| is_copy(found, name)))
        .filter_map(|entry| {
            let bytes = entry.metadata().ok()?.len();
            Some(OldCopy { schema: schema_of(&entry.path())?, path: entry.path(), bytes })
        })
        .collect();
    copies.sort_by(|one, other| (other.schema, &other.path).cmp(&(one.schema, &one.path)));
    copies
}

/// Whether `found` is the name of a copy, made before an upgrade or replaced by a rollback, of the database called `name`.
fn is_copy(found: &str, name: &str) -> bool {
    let rest = found.strip_prefix(name).and_then(|rest| rest.strip_prefix(COPY));
    let (schema, rest) = rest.map_or(("", ""), |rest| rest.split_once(REPLACED).unwrap_or((rest, "")));
    let is_number = !schema.is_empty() && schema.bytes().all(|byte| byte.is_ascii_digit());
    is_number && !rest.ends_with("-journal")
}

/// The schema that a whole database has, from its first page (<https://sqlite.org/fileformat.html>, section 1.3).
fn schema_of(path: &Path) -> Option<i32> {
    let mut begin = [0; 64];
    File::open(path).and_then(|mut file| file.read_exact(&mut begin)).ok()?;
    let version = begin.last_chunk::<4>()?;
    is_database(path).then(|| i32::from_be_bytes(*version))
}

fn copy_path(path: &Path, schema: i32) -> PathBuf {
    beside(path, &format!("{COPY}{schema}"))
}

/// Copies the database behind `conn`, at `path` and of `schema`, before it is upgraded: whole and on disk under its name when this
/// returns, or not there at all. One from an earlier try is replaced.
pub fn copy_before(conn: &Connection, path: &Path, schema: i32, now: Time) -> Result<()> {
    let target = copy_path(path, schema);
    free_the_name(path, schema, now)?;
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let length = number("page_count").and_then(|pages| Ok(pages * number("page_size")?));
    // The copy, the upgrade's write-ahead log, and what the file grows by: none of the two is longer than the database.
    let needed = 3 * length.map_err(|error| cannot_be("read", path, error))?.unsigned_abs() + BESIDE;
    let free = free_bytes(folder_of(path)).unwrap_or(u64::MAX);
    ensure!(
        needed <= free,
        "{} has the older schema {schema}, and is copied before it is upgraded: both need {needed} bytes, and its disk has {free} \
         left; nothing was changed; make room and start again, or use the program of before",
        path.display()
    );
    let written = |error| cannot_be_written(&target, error, "nothing was upgraded: check the folder's rights");
    let part = Part::of(&target).map_err(written)?;
    copy_pages(conn, part.path()).map_err(|error| cannot_be("copied before its upgrade", path, error))?;
    part.finish().map_err(written)?;
    tracing::info!("{} is copied to {} before it is upgraded", path.display(), target.display());
    Ok(())
}

fn copy_pages(conn: &Connection, target: &Path) -> rusqlite::Result<()> {
    let mut copy = Connection::open(target)?;
    let backup = Backup::new(conn, &mut copy)?;
    while backup.step(STEP_PAGES)? != StepResult::Done {}
    drop(backup);
    // One file, without a write-ahead log.
    copy.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
    let report: String = copy.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
    match report.as_str() {
        "ok" => copy.close().map_err(|(_, error)| error),
        wrong => Err(rusqlite::Error::ToSqlConversionFailure(format!("the copy is not sound: {wrong}").into())),
    }
}

/// A rollback that was cut off right after the exchange has left the replaced database under the copy's name: it gets its own.
fn free_the_name(path: &Path, schema: i32, now: Time) -> Result<()> {
    let name = copy_path(path, schema);
    match schema_of(&name) {
        Some(found) if found != schema => {
            let replaced = replaced_path(path, found, now);
            move_file(&name, &replaced)
                .map_err(|error| cannot_be_written(&replaced, error, "check the folder's rights"))
        }
        _ => Ok(()),
    }
}

fn replaced_path(path: &Path, schema: i32, now: Time) -> PathBuf {
    beside(path, &format!("{COPY}{schema}{REPLACED}{}", now.to_string().replace(':', "-")))
}

/// A rollback that can be done: nothing is changed yet, and no server can start.
pub struct Rollback {
    path: PathBuf,
    /// Of the database as it is; `None` when an earlier rollback was cut off and it has no name at the moment.
    pub schema: Option<i32>,
    pub copy: OldCopy,
    _lock: FileLock,
}

impl Rollback {
    /// Chooses the copy: of the schema `to`, else the newest one from before the database's. `flag`: by which the database was named.
    pub fn prepare(path: &Path, flag: &str, to: Option<i32>) -> Result<Rollback> {
        let shown = path.display();
        let lock = FileLock::take(path, flag)?;
        let schema = if path.exists() { Some(fold(path)?) } else { None };
        let is_older = |copy: &&OldCopy| schema.is_none_or(|schema| copy.schema < schema);
        let all = copies(path);
        // The copies that upgrades have made, before those that rollbacks have replaced.
        let made = |copy: &&OldCopy| copy.path == copy_path(path, copy.schema);
        let found = all.iter().filter(made).find(|copy| to.map_or_else(|| is_older(copy), |to| copy.schema == to));
        let Some(copy) = found else {
            let which = to.map_or_else(|| "from before an upgrade".to_owned(), |to| format!("of the schema {to}"));
            bail!("there is no copy of {shown} {which}: nothing was changed; restore has a backup in its place");
        };
        ensure!(
            is_older(&copy),
            "{shown} has the schema {}, and {} is not older: nothing was changed",
            schema.unwrap_or_default(),
            copy.path.display()
        );
        examine(&copy.path)?;
        Ok(Rollback { path: path.to_owned(), schema, copy: copy.clone(), _lock: lock })
    }

    /// Reads the database as it is; `None` when it has no name at the moment.
    pub fn read_current<T>(&self, work: impl FnOnce(&ReadTx) -> StoreResult<T>) -> Result<Option<T>> {
        self.schema.map(|_| read(&self.path, work)).transpose()
    }

    /// Reads the copy.
    pub fn read_copy<T>(&self, work: impl FnOnce(&ReadTx) -> StoreResult<T>) -> Result<T> {
        read(&self.copy.path, work)
    }

    /// Puts the copy in the place of the database, in one step where the file system can do that. Returns where the replaced database
    /// is kept.
    pub fn run(&self, now: Time) -> Result<Option<PathBuf>> {
        let cannot = |error| cannot_be_written(&self.path, error, "check the folder's rights");
        let Some(schema) = self.schema else {
            move_file(&self.copy.path, &self.path).map_err(cannot)?;
            return Ok(None);
        };
        let replaced = replaced_path(&self.path, schema, now);
        ensure!(!replaced.exists(), "{} exists already: try again", replaced.display());
        if exchange_files(&self.path, &self.copy.path).map_err(cannot)? {
            move_file(&self.copy.path, &replaced).map_err(cannot)?;
        } else {
            move_file(&self.path, &replaced).map_err(cannot)?;
            move_file(&self.copy.path, &self.path).map_err(cannot)?;
        }
        Ok(Some(replaced))
    }
}

/// Checkpoints the log into the file, so that it is whole without one. Returns its schema.
fn fold(path: &Path) -> Result<i32> {
    let folded = || {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        conn.pragma_update(None, "synchronous", super::durability::synchronous())?;
        let mode: String = conn.pragma_update_and_check(None, "journal_mode", "delete", |row| row.get(0))?;
        let schema = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok::<(String, i32), rusqlite::Error>((mode, schema))
    };
    let (mode, schema) = folded().map_err(|error| cannot_be("rolled back", path, error))?;
    ensure!(mode == "delete", "{} is in use by another program: end it first; nothing was changed", path.display());
    Ok(schema)
}

fn examine(copy: &Path) -> Result<()> {
    let wrong = read(copy, |tx| {
        let report: String = tx.conn.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
        Ok((report != "ok").then_some(report))
    });
    match wrong? {
        None => Ok(()),
        Some(wrong) => {
            let wrong = wrong.split_whitespace().collect::<Vec<_>>().join(" ");
            Err(anyhow!("{} is damaged ({wrong}): nothing was changed; restore a backup", copy.display()))
        }
    }
}

/// Reads a database of any schema.
fn read<T>(path: &Path, work: impl FnOnce(&ReadTx) -> StoreResult<T>) -> Result<T> {
    let cannot_be_read = || format!("{} cannot be read", path.display());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).with_context(cannot_be_read)?;
    text::add_to(&conn).and_then(|()| conn.pragma_update(None, "query_only", true)).with_context(cannot_be_read)?;
    snapshot(&conn, &Clock::default(), work).with_context(cannot_be_read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_known_by_its_name() {
        for name in ["a.db.schema-7", "a.db.schema-12", "a.db.schema-8-replaced-2026-11-29T15-49-38.123Z"] {
            assert!(is_copy(name, "a.db"), "{name}");
        }
        for name in ["a.db", "a.db.schema-", "a.db.schema-7.12.part", "b.db.schema-7", "a.db.schema-x", "a.db-wal"] {
            assert!(!is_copy(name, "a.db"), "{name}");
        }
    }
}
