//! The thread that keeps an edge's mirror up to date: each write wakes it, and the hub sets its pace. No request of the API
//! waits for it.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result as AnyResult;
use tokio::sync::oneshot;

use super::driver::{SyncDriver, random_fraction};
use super::metrics::Counts;
use super::settings::HubSettings;
use super::tasks;
use super::verify::Proof;
use crate::auth::secrets::Sealer;
use crate::db::{Author, Db};
use crate::domain::time::Time;
use crate::error::{Result, in_one_line};
use crate::sync::background::{Background, Woken, lock};

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
    thread: Background<Command>,
    counts: Arc<Counts>,
    last_error: Arc<Mutex<Option<String>>>,
}

impl Worker {
    pub fn start(db: Arc<Db>, sealer: Arc<Sealer>, settings: HubSettings) -> Result<Worker> {
        let driver = SyncDriver::new(db.clone(), sealer, settings);
        let (counts, last_error) = (driver.counts.clone(), driver.last_error.clone());
        let run = move |commands: &Receiver<Command>, woken: &Woken| SyncLoop::new(driver).run(commands, woken);
        let thread = Background::start("mirror", &db, || Command::Wake, run)?;
        Ok(Worker { thread, counts, last_error })
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
        self.thread.ask(Command::Sync).await
    }

    /// Exchanges with the hub, and proves that it then has exactly what this edge has.
    pub async fn verify(&self) -> AnyResult<Proof> {
        self.thread.ask(Command::Verify).await
    }

    /// Replaces this server's token for its hub: on the thread of the mirror, so that no exchange uses the one before
    /// meanwhile. Gives the id that this server has there.
    pub async fn rotate_token(&self, author: Author) -> AnyResult<String> {
        self.thread.ask(|reply| Command::Rotate(author, reply)).await
    }

    /// Stops: no exchange begins any more, and no request waits for one.
    pub fn stop(&self) {
        self.thread.stop(Command::Stop);
    }

    /// Waits briefly for the thread.
    pub fn end(&self) {
        self.thread.end();
    }
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

    fn run(&mut self, commands: &Receiver<Command>, woken: &Woken) {
        // At a random time: edges that get their power back together must not come to the hub together.
        let mut due =
            Instant::now() + Duration::from_millis(self.driver.backoff.pace.spread_ms).mul_f64(random_fraction());
        loop {
            match commands.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Command::Wake) => {
                    woken.seen();
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
