//! What waits in the writer's queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::tx::{Author, WriteTx};
use crate::error::{Error, Result};

/// A request in the queue: run inside the shared transaction, answered after its commit.
pub trait Job: Send {
    fn author(&mut self) -> Author;
    fn run(&mut self, tx: &mut WriteTx) -> JobResult;
    /// In the place of running it.
    fn refuse(&mut self, error: Error);
    /// `failure`: why nothing was committed after all.
    fn answer(self: Box<Self>, failure: Option<Error>);
}

/// What a job did, as far as the writer needs to know.
#[derive(Clone, Copy, PartialEq)]
pub enum JobResult {
    Done,
    Failed,
}

pub struct Request<T, F> {
    author: Option<Author>,
    work: Option<F>,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Request<T, F> {
    /// `reply`: where the result goes, after the commit.
    pub fn new(author: Author, work: F, reply: oneshot::Sender<Result<T>>) -> Request<T, F> {
        Request { author: Some(author), work: Some(work), result: None, reply }
    }
}

impl<T: Send, F: FnOnce(&mut WriteTx) -> Result<T> + Send> Job for Request<T, F> {
    fn author(&mut self) -> Author {
        self.author.take().unwrap_or_else(|| Author::system("system"))
    }

    fn run(&mut self, tx: &mut WriteTx) -> JobResult {
        let Some(work) = self.work.take() else { return JobResult::Failed };
        let result = catch_unwind(AssertUnwindSafe(|| work(tx)))
            .unwrap_or_else(|_| Err(Error::internal("a write panicked; see the line above in the log")));
        let outcome = if result.is_ok() { JobResult::Done } else { JobResult::Failed };
        self.result = Some(result);
        outcome
    }

    fn refuse(&mut self, error: Error) {
        self.result = Some(Err(error));
    }

    fn answer(self: Box<Self>, failure: Option<Error>) {
        let result = match (failure, self.result) {
            // A request that failed by itself keeps its own error: nothing of it was to be committed.
            (Some(failure), Some(Ok(_)) | None) => Err(failure),
            (_, Some(result)) => result,
            (None, None) => Err(Error::internal("a write was answered without having been run")),
        };
        // The caller may have gone away; what was committed stays.
        let _ = self.reply.send(result);
    }
}

/// Puts the content of another database in the place of all that is there: outside of any transaction, so alone.
pub struct Replacement {
    pub source: PathBuf,
    pub reply: oneshot::Sender<Result<()>>,
}

impl Replacement {
    pub fn run(&self, conn: &mut Connection) -> Result<()> {
        let source = Connection::open_with_flags(&self.source, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let backup = Backup::new(&source, conn)?;
        // All pages at once: every reader sees the old content or the new one.
        match backup.step(-1)? {
            StepResult::Done => Ok(()),
            _ => Err(Error::Busy),
        }
    }
}
