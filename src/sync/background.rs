//! A thread beside the server that works with another machine: each write here wakes it, requests send it commands, and no request
//! of the API waits for it longer than for the server to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result as AnyResult, anyhow};
use tokio::sync::{oneshot, watch};

use crate::db::Db;
use crate::error::{Error, Result};

/// How long the server waits for a running call when it stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// The thread, and the way to it. `C`: its commands.
pub struct Background<C> {
    commands: Mutex<Sender<C>>,
    /// Ends the wait of requests.
    is_stopping: watch::Sender<bool>,
    /// Closed when the thread has ended.
    ended: Mutex<Receiver<()>>,
}

/// Whether the thread has been woken by a write that it has not seen yet. One command is enough, however many writes there are before
/// it receives it.
#[derive(Clone, Default)]
pub struct Woken(Arc<AtomicBool>);

impl Woken {
    /// From here on a write wakes the thread again: it may come too late for what is done now.
    pub fn seen(&self) {
        self.0.store(false, Ordering::Release);
    }
}

impl<C: Send + 'static> Background<C> {
    /// Starts a thread called `name`. A write that changes mirrored rows sends it `wake`; `run` ends when it is told to stop.
    pub fn start(
        name: &str,
        db: &Db,
        wake: fn() -> C,
        run: impl FnOnce(&Receiver<C>, &Woken) + Send + 'static,
    ) -> Result<Background<C>> {
        let (commands, received) = channel();
        let (waking, woken) = (Mutex::new(commands.clone()), Woken::default());
        let is_woken = woken.0.clone();
        db.on_change(move || {
            if !is_woken.swap(true, Ordering::AcqRel) {
                let _ = lock(&waking).send(wake());
            }
        });
        let (running, ended) = channel();
        std::thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                let _running: Sender<()> = running;
                run(&received, &woken);
            })
            .map_err(|error| Error::Internal(Box::new(error)))?;
        Ok(Background {
            commands: Mutex::new(commands),
            is_stopping: watch::Sender::new(false),
            ended: Mutex::new(ended),
        })
    }

    pub fn send(&self, command: C) {
        let _ = lock(&self.commands).send(command);
    }

    /// Sends a command, and waits for what comes of it.
    pub async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<AnyResult<T>>) -> C) -> AnyResult<T> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply));
        let mut is_stopping = self.is_stopping.subscribe();
        let result = tokio::select! {
            result = answer => result.ok(),
            _ = is_stopping.wait_for(|is_stopping| *is_stopping) => None,
        };
        result.unwrap_or_else(|| Err(anyhow!("the server is stopping")))
    }

    /// Stops: `command` has the thread begin nothing any more, and no request waits for it.
    pub fn stop(&self, command: C) {
        self.send(command);
        self.is_stopping.send_replace(true);
    }

    /// Waits briefly for the thread. A call that the other machine does not answer ends with the process, which does no harm: it is
    /// as if the process had been killed.
    pub fn end(&self) {
        let _ = lock(&self.ended).recv_timeout(STOP_TIMEOUT);
    }
}

/// What a mutex guards, also after a panic.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
