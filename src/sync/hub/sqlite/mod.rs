//! The hub's store in one SQLite file: for up to some hundreds of edges, and for every test.

mod audit;
mod operators;

mod origins;

mod fleet;

mod rows;
mod texts;

mod quarantine;

mod orphaned_rows;
mod proposals;

mod backup;
mod migration;
mod retention;
mod staged;

mod push;
mod usage;

mod admin;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use rusqlite::{Connection, OpenFlags, Transaction};
use rusqlite_migration::{HookError, M, Migrations};
use uuid::Uuid;

use crate::clock::Clock;
use crate::db::checkpoint::{self, Checkpointer};
use crate::db::commits::{CommitHealth, note_in_log};
use crate::db::upgrade::copy_before;
use crate::db::{check_not_lost, open_writable};
use crate::domain::audit::Hash;
use crate::domain::mirror::{Refused, Row, Table};
use crate::domain::proposal::Proposal;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::files::make_private;
use crate::sync::hub::audit::Caller;
use crate::sync::hub::limits::OriginLimits;
use crate::sync::hub::migration::{Arrival, Delivery, FinishMove, QuarantinedRow};
use crate::sync::hub::origin::{EnrolmentKind, Origin, Phase};
use crate::sync::hub::orphaned_rows::{OrphanedRow, RemovedOrigin};
use crate::sync::hub::proposals::ProposalRecord;
use crate::sync::hub::rules;
use crate::sync::hub::store::{HubStore, PushResult, QUARANTINE_MAX};
use crate::sync::protocol::wire::{Part, Push, StageReply};
use push::PushOutcome;

/// Page cache of the writing connection: what a batch of changed rows touches.
const CACHE_KIB: i64 = 8 * 1024;
/// Write-ahead log length, in pages of 4 KiB, from which the checkpoint thread is woken.
const WAL_CHECKPOINT_PAGES: i32 = 8_000;
/// Length at which a write finishes the checkpoint itself, so that the log starts over.
const WAL_MAX_PAGES: i32 = 24_000;

thread_local! {
    /// Pages in the log after the last commit of this thread.
    static WAL_PAGES: Cell<i32> = const { Cell::new(0) };
}

/// One file and one writing connection: all origins are serial here.
pub struct SqliteHub {
    path: PathBuf,
    conn: Mutex<Connection>,
    checkpointer: Checkpointer,
    commits: CommitHealth,
    limits: OriginLimits,
}

impl SqliteHub {
    /// Opens the file; creates or migrates it where needed.
    pub fn open(path: &Path) -> anyhow::Result<SqliteHub> {
        check_not_lost(path)?;
        make_private(path)?;
        let mut conn = open_writable(path)?;
        SqliteHub::set_up(&mut conn, path).with_context(|| format!("{} cannot be opened", path.display()))?;
        let checkpointer = Checkpointer::start(open_writable(path)?)?;
        let (path, conn, limits) = (path.to_owned(), Mutex::new(conn), OriginLimits::DEFAULT);
        Ok(SqliteHub { path, conn, checkpointer, commits: CommitHealth::default(), limits })
    }

    fn set_up(conn: &mut Connection, path: &Path) -> anyhow::Result<()> {
        conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
        conn.wal_hook(Some(|_, pages| {
            WAL_PAGES.set(pages);
            note_in_log();
            Ok(())
        }));
        let migrations = [
            M::up(include_str!("../../../../sql/hub/sqlite/001_initial.sql")),
            M::up(include_str!("../../../../sql/hub/sqlite/002_proposals.sql")),
            M::up(include_str!("../../../../sql/hub/sqlite/003_operators.sql")),
            M::up(include_str!("../../../../sql/hub/sqlite/010_stages.sql")),
            M::up(include_str!("../../../../sql/hub/sqlite/011_tasks.sql")),
            M::up(include_str!("../../../../sql/hub/sqlite/012_limits.sql")),
            M::up_with_hook(include_str!("../../../../sql/hub/sqlite/013_contents.sql"), |tx: &Transaction| {
                texts::set_apart(tx).map_err(|error| HookError::Hook(error.to_string()))
            }),
        ];
        let schema: i32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if schema > 0 && usize::try_from(schema).is_ok_and(|schema| schema < migrations.len()) {
            copy_before(conn, path, schema, Clock::default().now())?;
        }
        Migrations::from_slice(&migrations).to_latest(conn)?;
        quarantine::name_known_tables(conn)?;
        Ok(())
    }

    /// Copies the file to `target`, also while a hub serves from it, checks the copy, and notes that its writes are stable.
    pub fn back_up(&self, target: &Path) -> Result<()> {
        let copied = backup::copy(&self.reader()?, target)?;
        self.write(|tx| backup::note_stable(tx, &copied))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A separate connection for long reads, so that no write waits for them.
    fn reader(&self) -> Result<Connection> {
        Ok(Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?)
    }

    /// Runs `work` in one transaction.
    fn write<T>(&self, work: impl FnOnce(&Transaction) -> Result<T>) -> Result<T> {
        let mut conn = self.lock();
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let result = work(&tx)?;
        let committed = tx.commit().map_err(Error::from);
        self.commits.record(committed.as_ref().err());
        committed?;
        match WAL_PAGES.get() {
            pages if pages > WAL_MAX_PAGES => {
                // The checkpoint thread has written nearly all of the log back, so this is short.
                let _ = checkpoint::passive(&conn);
            }
            pages if pages > WAL_CHECKPOINT_PAGES => self.checkpointer.wake(),
            _ => {}
        }
        Ok(result)
    }
}

impl HubStore for SqliteHub {
    fn with_limits(self, limits: OriginLimits) -> SqliteHub {
        SqliteHub { limits, ..self }
    }

    async fn add_code(&self, code_hash: [u8; 32], kind: &EnrolmentKind, caller: Caller<'_>) -> Result<()> {
        self.write(|tx| origins::add_code(tx, code_hash, kind, caller))
    }

    async fn enroll(
        &self,
        code: [u8; 32],
        token: [u8; 32],
        origin: &str,
        attempt: Option<Uuid>,
        now: Time,
    ) -> Result<Option<Origin>> {
        self.write(|tx| origins::enroll(tx, code, token, origin, attempt, now))
    }

    async fn origin_of(&self, token_hash: [u8; 32]) -> Result<Option<Origin>> {
        origins::of_token(&self.lock(), token_hash)
    }

    async fn origins(&self) -> Result<Vec<Origin>> {
        origins::all(&self.lock())
    }

    async fn unlock(&self, origin: &str, caller: Caller<'_>) -> Result<bool> {
        self.write(|tx| origins::unlock(tx, origin, caller))
    }

    async fn stage(&self, origin: &str, part: &Part, now: Time) -> Result<()> {
        self.write(|tx| staged::stage(tx, origin, part, &self.limits, now))
    }

    async fn staged(&self, origin: &str) -> Result<StageReply> {
        let mut conn = self.lock();
        let tx = conn.transaction()?;
        let head = origins::get_here(&tx, origin)?.head;
        Ok(StageReply { head, contents: true, staged: staged::state(&tx, origin)? })
    }

    async fn push(&self, origin: &str, token_hash: &Hash, push: &Push, now: Time) -> Result<PushResult> {
        let outcome = self.write(|tx| push::apply(tx, origin, (token_hash, &self.limits), push, now))?;
        let PushOutcome::Answered { accepted, origin } = outcome else { return Err(rules::locked()) };
        let conn = self.lock();
        let is_caught_up = accepted && rules::is_caught_up(push);
        let proposals = if is_caught_up { proposals::offered(&conn, &origin.origin)? } else { vec![] };
        let quarantine = match origin.quarantined {
            0 => vec![],
            _ => quarantine::list(&conn, &origin.origin, QUARANTINE_MAX)?,
        };
        Ok(PushResult { accepted, origin: *origin, quarantine, proposals })
    }

    async fn scan(&self, origin: &str, each: impl FnMut(Table, &str, i64, &str) + Send) -> Result<Origin> {
        let mut conn = self.reader()?;
        let tx = conn.transaction()?;
        rows::scan(&tx, origin, each)
    }

    async fn rows(&self, origin: &str, table: Table, after: &str, limit: i64) -> Result<(Origin, Vec<Row>)> {
        let mut conn = self.reader()?;
        let tx = conn.transaction()?;
        Ok((origins::get(&tx, origin)?, rows::page(&tx, origin, table, after, limit)?))
    }

    async fn quarantine(&self, origin: &str) -> Result<Vec<Refused>> {
        let conn = self.lock();
        origins::get(&conn, origin)?;
        quarantine::list(&conn, origin, i64::MAX)
    }

    async fn file_proposal(&self, origin: &str, proposal: Proposal, now: Time) -> Result<ProposalRecord> {
        self.write(|tx| proposals::file(tx, origin, proposal, now))
    }

    async fn proposals(&self, origin: &str, after: i64, limit: i64) -> Result<Vec<ProposalRecord>> {
        let conn = self.lock();
        origins::get(&conn, origin)?;
        proposals::list(&conn, origin, after, limit)
    }

    async fn quarantined_rows(&self, origin: &str) -> Result<Vec<QuarantinedRow>> {
        let conn = self.lock();
        origins::get(&conn, origin)?;
        migration::quarantined_rows(&conn, origin)
    }

    async fn change_phase(&self, origin: &str, to: &Phase, caller: Caller<'_>) -> Result<Origin> {
        self.write(|tx| migration::change_phase(tx, origin, to, caller))
    }

    async fn arrive(&self, announced: &Origin) -> Result<Arrival> {
        self.write(|tx| migration::arrive(tx, announced))
    }

    async fn deliver(&self, origin: &str, delivery: &Delivery) -> Result<()> {
        self.write(|tx| migration::deliver(tx, origin, delivery))
    }

    async fn finish_move(&self, finish: &FinishMove, caller: Caller<'_>) -> Result<()> {
        self.write(|tx| migration::finish_move(tx, finish, caller))
    }

    async fn orphaned_rows(&self, origin: &str, behind: (Time, i64), limit: i64) -> Result<Vec<OrphanedRow>> {
        let mut conn = self.reader()?;
        let tx = conn.transaction()?;
        origins::get(&tx, origin)?;
        orphaned_rows::page(&tx, origin, behind, limit)
    }

    async fn remove(&self, origin: &str, caller: Caller<'_>) -> Result<RemovedOrigin> {
        self.write(|tx| orphaned_rows::remove(tx, origin, caller))
    }

    async fn prune(&self, now: Time) -> Result<()> {
        self.write(|tx| retention::prune(tx, now))
    }
}
