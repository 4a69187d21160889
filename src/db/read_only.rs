//! A database that is only read.

use std::path::Path;

use anyhow::{Context as _, bail};
use rusqlite::{Connection, OpenFlags};

use super::SCHEMA_VERSION;
use super::migrations;
use super::open::prepare_reader;
use super::tx::{ReadTx, snapshot};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::files::check_finished;

/// An existing database, for reading beside a running server.
pub struct ReadOnly {
    conn: Connection,
    clock: Clock,
}

impl ReadOnly {
    /// Opens without changing anything.
    pub fn open(path: &Path, clock: Clock) -> anyhow::Result<ReadOnly> {
        check_finished(path)?;
        if !path.exists() {
            bail!("there is no database at {}: choose another --db, or make it with serve or import", path.display());
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn =
            Connection::open_with_flags(path, flags).with_context(|| format!("{} cannot be opened", path.display()))?;
        migrations::check(&conn, path)?;
        let cannot_be_read = || format!("{} cannot be read", path.display());
        let version: i32 =
            conn.pragma_query_value(None, "user_version", |row| row.get(0)).with_context(cannot_be_read)?;
        if version == 0 {
            bail!(
                "{} holds nothing: was its log {}-wal left behind when it was moved? Put the log beside it, or go back to a backup",
                path.display(),
                path.display()
            );
        }
        if version < SCHEMA_VERSION {
            bail!("{} has the older schema {version}: start serve on it once to bring it up to date", path.display());
        }
        prepare_reader(&mut conn).with_context(cannot_be_read)?;
        Ok(ReadOnly { conn, clock })
    }

    pub fn read<T>(&self, work: impl FnOnce(&ReadTx) -> Result<T>) -> Result<T> {
        snapshot(&self.conn, &self.clock, work)
    }

    /// Copies a consistent state of the database to a new file.
    pub fn backup_to(&self, target: &Path, mut progress: impl FnMut(u64, u64)) -> Result<()> {
        let mut copy = Connection::open(target)?;
        // One snapshot for the whole copy: without it, every write meanwhile would start the copy over.
        self.conn.execute_batch("begin; select count(*) from sqlite_schema")?;
        {
            let backup = rusqlite::backup::Backup::new(&self.conn, &mut copy)?;
            while backup.step(1_000)? != rusqlite::backup::StepResult::Done {
                let state = backup.progress();
                let (left, all) = (state.remaining.max(0) as u64, state.pagecount.max(0) as u64);
                progress(all - left.min(all), all);
            }
        }
        self.conn.execute_batch("rollback")?;
        // The copy is one file: it has no write-ahead log.
        copy.pragma_update(None, "journal_mode", "delete")?;
        let report: String = copy.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
        if report != "ok" {
            return Err(Error::internal(format!("the copy is not sound: {report}")));
        }
        Ok(())
    }
}
