//! The one writer thread: group commit.
//!
//! It drains its queue, runs each request in a savepoint of one shared transaction, commits once, and answers all of them
//! only when the commit is on disk (`durability.rs`). A request that fails is rolled back alone and leaves no trace in the
//! numbers, the feed or the chain, but for what it has asked to write after its rollback (the audit entry of a refused
//! attempt).

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::checkpoint::{Checkpointer, passive};
use super::commits::{CommitHealth, note_in_log};
use super::give_back;
use super::job::{Job, JobResult, Replacement, Request};
use super::notices::{NoticeBoard, Notices};
use super::once::{keep_newest, read_counters};
use super::reserve::Reserve;
use super::tx::{Author, Counters, WriteTx};
use super::under_way::UnderWay;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::files::mutants::{Mutant, is_on};

/// Requests that may wait for the writer; more get 503 `busy`.
const QUEUE_MAX: usize = 4096;
/// Requests that share one commit at most: bounds how long the first of them waits.
const GROUP_MAX: usize = 256;
/// Write-ahead log length, in pages of 4 KiB, from which the checkpoint thread is woken.
const WAL_CHECKPOINT_PAGES: i32 = 8_000;
/// Length at which the writer finishes the checkpoint itself, so that the log starts over.
const WAL_MAX_PAGES: i32 = 24_000;
/// The same on a full disk, where the log must not grow beyond the room kept back.
const WAL_MAX_PAGES_FULL: i32 = 250;

/// Called after a commit that changed mirrored rows: those who take changes elsewhere.
pub type OnChange = Arc<RwLock<Vec<Box<dyn Fn() + Send + Sync>>>>;

thread_local! {
    /// Length of the write-ahead log after this thread's last commit, as SQLite's hook reports it.
    static WAL_PAGES: Cell<i32> = const { Cell::new(0) };
}

/// What waits for the writer.
enum Queued {
    Job(Box<dyn Job>),
    Replacement(Replacement),
}

/// The queue in front of the writer thread.
pub struct Writer {
    queue: Option<SyncSender<Queued>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread on its own connection.
    pub fn start(conn: Connection, shared: Shared, checkpointer: Checkpointer) -> Result<Writer> {
        conn.wal_hook(Some(|_, pages| {
            WAL_PAGES.set(pages);
            note_in_log();
            Ok(())
        }));
        let under_way = UnderWay::on(&conn)?;
        keep_newest(&conn);
        let counters = read_counters(&conn)?;
        let (queue, jobs) = sync_channel(QUEUE_MAX);
        let state = WriterLoop { conn, under_way, shared, counters, checkpointer };
        let thread = std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || state.run(&jobs))
            .map_err(|error| Error::Internal(Box::new(error)))?;
        Ok(Writer { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues a replacement of all that is in the database by the content of `source`.
    pub fn replace(&self, source: PathBuf) -> Result<oneshot::Receiver<Result<()>>> {
        let (reply, answer) = oneshot::channel();
        self.send(Queued::Replacement(Replacement { source, reply }))?;
        Ok(answer)
    }

    fn send(&self, queued: Queued) -> Result<()> {
        self.queue.as_ref().ok_or(Error::Busy)?.try_send(queued).map_err(|_| Error::Busy)
    }

    /// Queues `work`; the answer arrives after its commit.
    pub fn submit<T: Send + 'static>(
        &self,
        author: Author,
        work: impl FnOnce(&mut WriteTx) -> Result<T> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T>>> {
        let (reply, answer) = oneshot::channel();
        self.send(Queued::Job(Box::new(Request::new(author, work, reply))))?;
        Ok(answer)
    }
}

impl Drop for Writer {
    /// Lets what is queued finish.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the writer has in common with the rest of the program.
pub struct Shared {
    pub clock: Clock,
    /// Counts changes of who may log in, or as what.
    pub identities: Arc<AtomicU64>,
    pub on_change: OnChange,
    pub notices: Arc<NoticeBoard>,
    pub reserve: Arc<Reserve>,
    pub commits: Arc<CommitHealth>,
}

/// What the requests of a group have changed that others are to know once it is committed.
#[derive(Default)]
struct Effects {
    identities_changed: bool,
    notices: Notices,
}

struct WriterLoop {
    conn: Connection,
    under_way: UnderWay,
    shared: Shared,
    counters: Counters,
    checkpointer: Checkpointer,
}

impl WriterLoop {
    fn run(mut self, queue: &Receiver<Queued>) {
        let mut held = None;
        while let Some(queued) = held.take().or_else(|| give_back::next(queue, || self.give_back())) {
            let first = match queued {
                Queued::Job(job) => job,
                Queued::Replacement(replacement) => {
                    self.replace(replacement);
                    continue;
                }
            };
            let mut group = Vec::with_capacity(64);
            let failure = self.commit_group(first, queue, &mut group, &mut held).err();
            self.shared.commits.record(failure.as_ref());
            if let Some(failure) = &failure {
                self.abandon_transaction();
                if matches!(failure, Error::StorageFull) && self.shared.reserve.give_up() {
                    tracing::error!("the disk is full: changes are refused until there is room, the mirror goes on");
                    let _ = passive(&self.conn);
                }
            }
            for job in group {
                job.answer(failure.as_ref().map(Error::repeat));
            }
            self.checkpoint_if_due();
        }
    }

    /// Runs `first` and what else waits, and commits. On an error nothing of the group is in the database.
    fn commit_group(
        &mut self,
        first: Box<dyn Job>,
        queue: &Receiver<Queued>,
        group: &mut Vec<Box<dyn Job>>,
        held: &mut Option<Queued>,
    ) -> Result<()> {
        let before = self.counters;
        let mut effects = Effects::default();
        let mut next = Some(first);
        // The first job is in the group before anything can fail, so that it is answered.
        let mut begun = Ok(());
        while let Some(mut job) = next.take() {
            if group.is_empty() {
                begun = self.execute("begin immediate");
            }
            if begun.is_ok() {
                begun = self.run_job(job.as_mut(), &mut effects);
            }
            group.push(job);
            if begun.is_ok() && group.len() < GROUP_MAX {
                match queue.try_recv() {
                    Ok(Queued::Job(job)) => next = Some(job),
                    // What is done alone comes after this group.
                    Ok(alone) => *held = Some(alone),
                    Err(_) => {}
                }
            }
        }
        begun?;
        if is_on(Mutant::AnswerBeforeCommit) {
            group.drain(..).for_each(|job| job.answer(None));
        }
        self.execute("commit")?;
        if self.counters.high != before.high {
            let woken = self.shared.on_change.read().unwrap_or_else(PoisonError::into_inner);
            woken.iter().for_each(|wake| wake());
        }
        if effects.identities_changed {
            self.shared.identities.fetch_add(1, Ordering::Release);
        }
        // Behind the identities: whoever may listen no longer is known before the change is told.
        self.shared.notices.publish(effects.notices);
        Ok(())
    }

    /// Replaces what is in the database: what is counted in memory is read again.
    fn replace(&mut self, replacement: Replacement) {
        let replaced = replacement.run(&mut self.conn);
        self.abandon_transaction();
        self.shared.identities.fetch_add(1, Ordering::Release);
        self.shared.notices.publish(Notices::of_everything());
        // The caller may have gone away.
        let _ = replacement.reply.send(replaced);
        self.checkpoint_if_due();
    }

    /// Runs one job in its savepoint. An error means that the whole transaction is lost.
    fn run_job(&mut self, job: &mut dyn Job, effects: &mut Effects) -> Result<()> {
        let author = job.author();
        if author.needs_free_room() && !self.shared.reserve.has_room() {
            job.refuse(Error::StorageFull);
            return Ok(());
        }
        self.execute("savepoint request")?;
        let before = self.counters;
        let mut tx = WriteTx::new(&self.conn, &self.under_way, self.shared.clock.now(), author, before);
        tx.notices = self.shared.notices.is_wanted().then(Notices::default);
        let outcome = job.run(&mut tx);
        // A full disk makes SQLite roll back everything, not only the savepoint.
        if self.conn.is_autocommit() {
            return Err(Error::StorageFull);
        }
        match outcome {
            JobResult::Done => {
                self.counters = tx.counters;
                effects.identities_changed |= tx.identities_changed;
                if let Some(notices) = tx.notices.take() {
                    effects.notices.append(notices);
                }
            }
            JobResult::Failed => {
                let after_rollback = tx.after_rollback.take();
                let author = tx.author.clone();
                self.execute("rollback to request")?;
                if let Some(work) = after_rollback {
                    let mut tx = WriteTx::new(&self.conn, &self.under_way, self.shared.clock.now(), author, before);
                    work(&mut tx)?;
                    self.counters = tx.counters;
                }
            }
        }
        self.execute("release request")
    }

    fn execute(&self, sql: &str) -> Result<()> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    fn abandon_transaction(&mut self) {
        if !self.conn.is_autocommit() {
            let _ = self.execute("rollback");
        }
        match read_counters(&self.conn) {
            Ok(counters) => self.counters = counters,
            Err(error) => tracing::error!(%error, "the counters cannot be read after a failed commit"),
        }
    }

    /// A step of what is due while nobody writes; when the next is.
    fn give_back(&self) -> rusqlite::Result<Option<Duration>> {
        if self.shared.reserve.is_given_up() { Ok(None) } else { give_back::step(&self.conn, WAL_PAGES.get()) }
    }

    fn checkpoint_if_due(&self) {
        let pages = WAL_PAGES.get();
        let most = if self.shared.reserve.is_given_up() { WAL_MAX_PAGES_FULL } else { WAL_MAX_PAGES };
        if pages > most {
            // The thread has written nearly all of it back: what is left is short, and then the log starts over.
            let _ = passive(&self.conn);
        } else if pages > WAL_CHECKPOINT_PAGES {
            self.checkpointer.wake();
        }
    }
}
