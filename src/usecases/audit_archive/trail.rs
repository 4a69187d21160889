//! The database of a trail: one that a server has open, or one that a command has to itself.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::bail;
use tokio::runtime::Handle;

use crate::db::{Author, Db, Exclusive, ReadTx, WriteTx};
use crate::error::Result;

/// Between two steps others write.
const PAUSE: Duration = Duration::from_millis(5);

/// A database whose trail is archived.
pub trait Trail {
    fn read<T>(&self, work: impl FnOnce(&ReadTx) -> Result<T>) -> Result<T>;

    fn write<T: Send + 'static>(&self, work: impl FnOnce(&mut WriteTx) -> Result<T> + Send + 'static) -> Result<T>;

    /// Lets others write. An error once the archive is to stop: the next one goes on.
    fn pause(&self) -> anyhow::Result<()>;
}

impl Trail for Exclusive {
    fn read<T>(&self, work: impl FnOnce(&ReadTx) -> Result<T>) -> Result<T> {
        Exclusive::read(self, work)
    }

    fn write<T: Send + 'static>(&self, work: impl FnOnce(&mut WriteTx) -> Result<T> + Send + 'static) -> Result<T> {
        Exclusive::write(self, "command line", work)
    }

    fn pause(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// The database of a running server, on a thread that may wait.
pub struct Served {
    pub db: Arc<Db>,
    pub runtime: Handle,
    /// Disconnected once the archive is to stop.
    pub until_stopped: Receiver<()>,
}

impl Trail for Served {
    fn read<T>(&self, work: impl FnOnce(&ReadTx) -> Result<T>) -> Result<T> {
        self.db.read(work)
    }

    fn write<T: Send + 'static>(&self, work: impl FnOnce(&mut WriteTx) -> Result<T> + Send + 'static) -> Result<T> {
        self.runtime.block_on(self.db.write(Author::system("system"), work))
    }

    fn pause(&self) -> anyhow::Result<()> {
        match self.until_stopped.recv_timeout(PAUSE) {
            Err(RecvTimeoutError::Disconnected) => bail!("the server stops"),
            _ => Ok(()),
        }
    }
}
