//! How we talk to SQLite; knows no entity. [`Db::read`] and [`Db::write`] are the only two doors.

pub mod checkpoint;
pub mod commits;
mod durability;
pub mod examiner;
mod give_back;
mod identity;
mod job;
pub mod lock;
mod migrations;
mod notices;
mod once;
mod open;
mod read_only;
mod reserve;
pub mod scratch;
mod text;
mod tx;
pub mod types;
mod under_way;
pub mod upgrade;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use anyhow::Context as _;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags};
use scheduled_thread_pool::{OnPoolDropBehavior, ScheduledThreadPool};

pub use migrations::{APPLICATION_ID, VERSION as SCHEMA_VERSION, schema_difference};
pub use notices::{ChangeNotice, NoticeBoard, Notices, Subject};
pub use open::{check_no_log, check_not_lost, open_writable};
pub use read_only::ReadOnly;
pub use tx::{Author, ReadTx, WriteTx};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::files::free_bytes;
use checkpoint::Checkpointer;
use commits::CommitHealth;
use examiner::{Damage, Examiner};
use identity::FileIdentity;
use lock::FileLock;
use open::{open_exclusive, prepare_reader};
use reserve::Reserve;
use tx::snapshot;
use types::cannot_be;
use under_way::UnderWay;
use writer::{OnChange, Shared, Writer};

/// Snapshots that may be open at once: the HTTP workers and the threads that answer lists.
const READERS_MAX: u32 = 16;
/// Page cache of the writer: what it writes over and over. Readers keep SQLite's 2 MB each.
const WRITER_CACHE_KIB: i64 = 8 * 1024;
/// Page cache of a tool that has the database to itself.
const EXCLUSIVE_CACHE_KIB: i64 = 32 * 1024;

/// An open database with its one writer.
pub struct Db {
    readers: r2d2::Pool<SqliteConnectionManager>,
    // Declared before the lock: the last write is done when the lock is let go.
    writer: Writer,
    clock: Clock,
    on_change: OnChange,
    notices: Arc<NoticeBoard>,
    identities: Arc<AtomicU64>,
    reserve: Arc<Reserve>,
    commits: Arc<CommitHealth>,
    path: PathBuf,
    file: FileIdentity,
    damage: Damage,
    _lock: FileLock,
}

/// Makes a change that takes access away: the first one that finds the disk full frees the room that is kept back, and is made
/// again. Its author says [`Author::takes_access_away`].
pub async fn with_kept_room<T>(change: impl AsyncFn() -> Result<T>) -> Result<T> {
    match change().await {
        Err(Error::StorageFull) => change().await,
        done => done,
    }
}

/// Less than this is no room for a write: a page of the log and its header.
const NO_ROOM_BYTES: u64 = 8 << 10;

impl Db {
    /// Opens the database for serving, makes or migrates it where needed, and locks it against a second server.
    pub fn open(path: &Path, clock: Clock) -> anyhow::Result<Db> {
        let (mut conn, lock) = open_exclusive(path)?;
        migrations::migrate(&mut conn, path, clock.now())?;
        conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB).map_err(|error| cannot_be("opened", path, error))?;
        let cannot_be_opened = || format!("{} cannot be opened", path.display());
        let identities = Arc::new(AtomicU64::new(0));
        let checkpointer = Checkpointer::start(open_writable(path)?).with_context(cannot_be_opened)?;
        let on_change = OnChange::default();
        let reserve = Arc::new(Reserve::of(path));
        let notices = Arc::new(NoticeBoard::default());
        let commits = Arc::new(CommitHealth::default());
        let shared = Shared {
            clock: clock.clone(),
            identities: identities.clone(),
            on_change: on_change.clone(),
            notices: notices.clone(),
            reserve: reserve.clone(),
            commits: commits.clone(),
        };
        let writer = Writer::start(conn, shared, checkpointer).with_context(cannot_be_opened)?;
        let manager = SqliteConnectionManager::file(path)
            .with_flags(OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .with_init(prepare_reader);
        // The pool's own default keeps three threads for half a minute after the pool is gone.
        let threads = ScheduledThreadPool::builder()
            .num_threads(1)
            .thread_name_pattern("readers-{}")
            .on_drop_behavior(OnPoolDropBehavior::DiscardPendingScheduled)
            .build();
        let readers = r2d2::Pool::builder()
            .thread_pool(Arc::new(threads))
            .max_size(READERS_MAX)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .build(manager)
            .with_context(cannot_be_opened)?;
        let file = FileIdentity::of(path);
        Ok(Db {
            readers,
            writer,
            on_change,
            notices,
            clock,
            identities,
            reserve,
            commits,
            path: path.to_owned(),
            file,
            damage: Damage::default(),
            _lock: lock,
        })
    }

    /// Runs `work` on one snapshot, on the calling thread. 503 once the file is no longer under its name.
    pub fn read<T>(&self, work: impl FnOnce(&ReadTx) -> Result<T>) -> Result<T> {
        self.file.check_last()?;
        let conn = self.readers.get().map_err(|error| match self.readers.state().connections {
            READERS_MAX => Error::Busy,
            // None was made in time: what the file system says about that is the cause.
            _ => Error::Internal(Box::new(error)),
        })?;
        snapshot(&conn, &self.clock, work)
    }

    /// Has the writer thread run `work` in a shared transaction; returns when it is on disk. 503 when the file is no longer
    /// under its name.
    pub async fn write<T: Send + 'static>(
        &self,
        author: Author,
        work: impl FnOnce(&mut WriteTx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.file.check()?;
        self.writer.submit(author, work)?.await.map_err(|_| Error::Busy)?
    }

    /// Has the writer thread commit an empty transaction, and fails when it cannot, or when the last commit that had something to
    /// write has failed for another reason than a full disk. Wears no disk. Does not return while the writer hangs.
    pub async fn check_writer(&self) -> Result<()> {
        self.commits.check(self.write(Author::system("watchdog"), |_| Ok(())).await)
    }

    /// Puts the content of the database at `source`, of the same schema, in the place of all that is here: every read sees the one or
    /// the other. For a mock; what was there is lost.
    pub async fn replace_with(&self, source: &Path) -> Result<()> {
        self.writer.replace(source.to_owned())?.await.map_err(|_| Error::Busy)?
    }

    /// Rises whenever a committed write has changed who may log in, or as what.
    pub fn identities_version(&self) -> u64 {
        self.identities.load(Ordering::Acquire)
    }

    /// Has `wake` called after every commit that changed mirrored rows.
    pub fn on_change(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.on_change.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(wake));
    }

    /// Where the changes of each commit are told.
    pub fn notices(&self) -> &Arc<NoticeBoard> {
        &self.notices
    }

    /// Keeps room back on the disk, for what must go on when it is full; tried again where there was none. While that room
    /// is in use, by this process or the one before it, changes that callers ask for are refused as
    /// [`Error::StorageFull`].
    ///
    /// Whether there is such room.
    pub fn keep_reserve(&self) -> bool {
        self.reserve.keep()
    }

    /// The disk is full: callers' changes are refused, or fail where no room could be kept back.
    pub fn is_full(&self) -> bool {
        self.reserve.is_given_up() || free_bytes(&self.path).is_some_and(|free| free < NO_ROOM_BYTES)
    }

    /// For looking at all that is in the file, beside what is served.
    pub fn examiner(&self) -> Examiner {
        Examiner::of(&self.path, self.clock.clone(), self.damage.clone())
    }

    /// What the last examination found wrong.
    pub fn damage(&self) -> Vec<String> {
        self.damage.found()
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A database that the command line has to itself: refused while a server runs on it.
pub struct Exclusive {
    conn: Connection,
    under_way: UnderWay,
    clock: Clock,
    _lock: FileLock,
}

impl Exclusive {
    /// Opens the database for one tool, makes or migrates it where needed; one of an older schema is copied first.
    pub fn open(path: &Path, clock: Clock) -> anyhow::Result<Exclusive> {
        let (mut conn, lock) = open_exclusive(path)?;
        migrations::migrate(&mut conn, path, clock.now())?;
        Exclusive::of(conn, lock, path, clock)
    }

    /// The same of a file that is itself a copy: none is made of it.
    pub fn open_copy(path: &Path, clock: Clock) -> anyhow::Result<Exclusive> {
        let (mut conn, lock) = open_exclusive(path)?;
        migrations::migrate_uncopied(&mut conn, path)?;
        Exclusive::of(conn, lock, path, clock)
    }

    fn of(conn: Connection, lock: FileLock, path: &Path, clock: Clock) -> anyhow::Result<Exclusive> {
        // A tool makes one large transaction, and nobody else writes: with a rollback journal each new page is written
        // once, to its place. While a reader keeps the write-ahead log open, SQLite refuses the change: the log is used.
        let tuned = conn
            .pragma_update(None, "cache_size", -EXCLUSIVE_CACHE_KIB)
            .and_then(|()| conn.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(())));
        tuned.or_else(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Ok(()),
            _ => Err(cannot_be("written", path, error)),
        })?;
        let under_way = UnderWay::on(&conn).map_err(|error| cannot_be("opened", path, error))?;
        once::keep_newest(&conn);
        Ok(Exclusive { conn, under_way, clock, _lock: lock })
    }

    pub fn read<T>(&self, work: impl FnOnce(&ReadTx) -> Result<T>) -> Result<T> {
        snapshot(&self.conn, &self.clock, work)
    }

    /// Runs `work` in one transaction: all or nothing.
    pub fn write<T>(&self, source: &str, work: impl FnOnce(&mut WriteTx) -> Result<T>) -> Result<T> {
        once::write_once(&self.conn, &self.under_way, self.clock.now(), Author::system(source), work)
    }

    /// Creates again the triggers that are missing; returns their names.
    pub fn put_back_triggers(&self) -> Result<Vec<String>> {
        migrations::put_back_triggers(&self.conn)
    }

    /// Checkpoints the write-ahead log into the file, so that no log is left when the tool ends.
    pub fn close(self) -> Result<()> {
        self.fold()
    }

    /// Checkpoints, and keeps the database open.
    pub fn fold(&self) -> Result<()> {
        self.conn.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
        Ok(())
    }
}
