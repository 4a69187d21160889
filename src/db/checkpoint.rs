//! Checkpoints on a thread of their own, so that no request waits for one.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::error::{Error, Result};

/// Wakes the checkpoint thread. Dropping it ends the thread.
pub struct Checkpointer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub fn start(conn: Connection) -> Result<Checkpointer> {
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || {
                while let Ok(()) = woken.recv() {
                    if let Err(error) = passive(&conn) {
                        tracing::warn!(%error, "a checkpoint failed; the next one tries again");
                    }
                }
            })
            .map_err(|error| Error::Internal(Box::new(error)))?;
        Ok(Checkpointer { wake: Some(wake), thread: Some(thread) })
    }

    /// Asks for a checkpoint; one that is asked for already is enough.
    pub fn wake(&self) {
        if let Some(wake) = &self.wake {
            let _ = wake.try_send(());
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Writes back what no reader needs, waiting for nobody.
pub fn passive(conn: &Connection) -> Result<()> {
    conn.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))?;
    Ok(())
}
