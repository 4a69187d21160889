//! The thread that keeps an edge's mirror up to date: each write wakes it, and the hub sets its pace. No request of the API
//! waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result as AnyResult, anyhow};
use tokio::sync::{oneshot, watch};

use super::driver::{SyncDriver, random_fraction};
use super::metrics::Counts;
use super::settings::HubSettings;
use super::tasks;
use super::verify::Proof;
use crate::auth::secrets::Sealer;
use crate::db::{Author, Db};
use crate::domain::time::Time;
use crate::error::{Error, Result, in_one_line};

/// How long the server waits for a running call when it stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);
/// How often both sides are compared; the first time is a random part of an hour after the start.
const PROOF_EVERY_MS: i64 = 24 * 3_600_000;
const FIRST_PROOF_MS: i64 = 3_600_000;

enum Command {
    /// Something was written.
    Wake,
    /// Exchange now, and send the result.
    Sync(oneshot::Sender<AnyResult<()>>),
    /// Prove that the hub has exactly what this edge has, and send the result.
    Verify(oneshot::Sender<AnyResult<Proof>>),
    /// Replace the token for the hub on behalf of this author, and send the id that this server has there.
    Rotate(Author, oneshot::Sender<AnyResult<String>>),
    Stop,
}

/// The mirror of a running server.
pub struct Worker {
    commands: Mutex<Sender<Command>>,
    /// Ends the wait of requests that wait for the hub.
    is_stopping: watch::Sender<bool>,
    /// Closed when the thread has ended.
    ended: Mutex<Receiver<()>>,
    counts: Arc<Counts>,
    last_error: Arc<Mutex<Option<String>>>,
}

impl Worker {
    pub fn start(db: Arc<Db>, sealer: Arc<Sealer>, settings: HubSettings) -> Result<Worker> {
        let (commands, received) = channel();
        let (wake, is_woken) = (Mutex::new(commands.clone()), Arc::new(AtomicBool::new(false)));
        let waking = is_woken.clone();
        db.on_change(move || {
            // One command is enough, however many writes there are before the thread receives it.
            if !waking.swap(true, Ordering::AcqRel) {
                let _ = lock(&wake).send(Command::Wake);
            }
        });
        let (running, ended) = channel();
        let driver = SyncDriver::new(db, sealer, settings);
        let (counts, last_error) = (driver.counts.clone(), driver.last_error.clone());
        std::thread::Builder::new()
            .name("mirror".into())
            .spawn(move || {
                let _running: Sender<()> = running;
                SyncLoop::new(driver).run(&received, &is_woken);
            })
            .map_err(|error| Error::Internal(Box::new(error)))?;
        let is_stopping = watch::Sender::new(false);
        Ok(Worker { commands: Mutex::new(commands), is_stopping, ended: Mutex::new(ended), counts, last_error })
    }

    /// What was sent and received so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The error of the last exchange, if it failed.
    pub fn last_error(&self) -> Option<String> {
        lock(&self.last_error).clone()
    }

    /// Exchanges with the hub now.
    pub async fn sync(&self) -> AnyResult<()> {
        self.ask(Command::Sync).await
    }

    /// Exchanges with the hub, and proves that it then has exactly what this edge has.
    pub async fn verify(&self) -> AnyResult<Proof> {
        self.ask(Command::Verify).await
    }

    /// Replaces this server's token for its hub: on the thread of the mirror, so that no exchange uses the one before
    /// meanwhile. Gives the id that this server has there.
    pub async fn rotate_token(&self, author: Author) -> AnyResult<String> {
        self.ask(|reply| Command::Rotate(author, reply)).await
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<AnyResult<T>>) -> Command) -> AnyResult<T> {
        let (reply, answer) = oneshot::channel();
        let _ = lock(&self.commands).send(command(reply));
        let mut is_stopping = self.is_stopping.subscribe();
        let result = tokio::select! {
            result = answer => result.ok(),
            _ = is_stopping.wait_for(|is_stopping| *is_stopping) => None,
        };
        result.unwrap_or_else(|| Err(anyhow!("the server is stopping")))
    }

    /// Stops: no exchange begins any more, and no request waits for one.
    pub fn stop(&self) {
        let _ = lock(&self.commands).send(Command::Stop);
        self.is_stopping.send_replace(true);
    }

    /// Waits briefly for the thread. A call that the hub does not answer ends with the process, which does no harm: it is as
    /// if the process had been killed.
    pub fn end(&self) {
        let _ = lock(&self.ended).recv_timeout(STOP_TIMEOUT);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The loop of the thread.
struct SyncLoop {
    driver: SyncDriver,
    /// When both sides are compared next.
    proof_at: Time,
}

impl SyncLoop {
    fn new(driver: SyncDriver) -> SyncLoop {
        let proof_at = driver.db.clock().now().plus_ms(random_part_of(FIRST_PROOF_MS));
        SyncLoop { driver, proof_at }
    }

    fn run(&mut self, commands: &Receiver<Command>, is_woken: &AtomicBool) {
        // At a random time: edges that get their power back together must not come to the hub together.
        let mut due =
            Instant::now() + Duration::from_millis(self.driver.backoff.pace.spread_ms).mul_f64(random_fraction());
        loop {
            match commands.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Command::Wake) => {
                    // From here on a write wakes the thread again: it may come too late for this exchange.
                    is_woken.store(false, Ordering::Release);
                    if self.driver.backoff.is_ready() {
                        let (next, _) = self.driver.sync();
                        due = Instant::now() + next;
                        tasks::run(&mut self.driver);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    let (next, result) = self.driver.sync();
                    due = Instant::now() + next;
                    if result.is_ok() {
                        tasks::run(&mut self.driver);
                        self.prove_if_due();
                    }
                }
                Ok(Command::Sync(reply)) => {
                    let (next, result) = self.driver.sync();
                    due = Instant::now() + next;
                    tasks::run(&mut self.driver);
                    let _ = reply.send(result);
                }
                Ok(Command::Rotate(author, reply)) => {
                    let _ = reply.send(self.driver.rotate_token(author));
                }
                Ok(Command::Verify(reply)) => {
                    let _ = reply.send(self.driver.verify());
                }
            }
        }
    }

    /// Compares both sides about once a day. A difference is reported, for an operator to look at.
    fn prove_if_due(&mut self) {
        if self.driver.db.clock().now() < self.proof_at {
            return;
        }
        self.proof_at = self.driver.db.clock().now().plus_ms(PROOF_EVERY_MS + random_part_of(FIRST_PROOF_MS));
        match self.driver.verify() {
            Ok(proof) if proof.equal => tracing::info!(rows = proof.rows, "the hub has exactly what this server has"),
            // The driver has logged and stored the difference.
            Ok(_) => {}
            Err(error) => {
                let error = in_one_line(error.as_ref());
                tracing::warn!(error, "the comparison failed: the next one is tomorrow");
            }
        }
    }
}

/// A random part of a time.
fn random_part_of(millis: i64) -> i64 {
    (millis as f64 * random_fraction()) as i64
}
