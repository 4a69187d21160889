//! The thread that keeps an edge's mirror up to date: woken by a write, paced by the hub. A request of the API never
//! waits for it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result as AnyResult, anyhow};
use tokio::sync::{oneshot, watch};

use super::driver::{SyncDriver, share};
use super::metrics::Counts;
use super::verify::Proof;
use crate::auth::secrets::Sealer;
use crate::db::Db;
use crate::domain::time::Time;
use crate::error::{Error, Result, in_one_line};

/// How long the end of the server waits for a call under way.
const END: Duration = Duration::from_secs(1);
/// How often both sides are compared, and how far that is spread; the first time so soon after the start.
const PROOF_EVERY_MS: i64 = 24 * 3_600_000;
const FIRST_PROOF_MS: i64 = 3_600_000;

enum Order {
    /// Something was written.
    Woken,
    /// Go now, and say how it went.
    Sync(oneshot::Sender<AnyResult<()>>),
    /// Prove that the hub has exactly what is here.
    Verify(oneshot::Sender<AnyResult<Proof>>),
    Stop,
}

/// The mirror of a running server.
pub struct Worker {
    orders: Mutex<Sender<Order>>,
    /// Ends the waiting of those who wait for the hub.
    is_stopping: watch::Sender<bool>,
    /// Closed when the thread has ended.
    ended: Mutex<Receiver<()>>,
    counts: Arc<Counts>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Worker {
    /// `ca`: certificates to trust in the place of the usual ones, PEM.
    pub fn start(db: Arc<Db>, sealer: Arc<Sealer>, ca: Option<PathBuf>) -> Result<Worker> {
        let (orders, received) = channel();
        let (wake, is_woken) = (Mutex::new(orders.clone()), Arc::new(AtomicBool::new(false)));
        let waking = is_woken.clone();
        db.on_change(move || {
            // One call at a time is waited for, however many writes there are.
            if !waking.swap(true, Ordering::AcqRel) {
                let _ = lock(&wake).send(Order::Woken);
            }
        });
        let (running, ended) = channel();
        let link = SyncDriver::new(db, sealer, ca);
        let (counts, trouble) = (link.counts.clone(), link.trouble.clone());
        std::thread::Builder::new()
            .name("mirror".into())
            .spawn(move || {
                let _running: Sender<()> = running;
                Mirror::new(link).run(&received, &is_woken);
            })
            .map_err(|error| Error::Internal(Box::new(error)))?;
        let is_stopping = watch::Sender::new(false);
        Ok(Worker { orders: Mutex::new(orders), is_stopping, ended: Mutex::new(ended), counts, trouble })
    }

    /// What has gone over the wire so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What has kept it from the hub the last time, if anything.
    pub fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    /// Exchanges with the hub now. The error says what kept it from it.
    pub async fn sync(&self) -> AnyResult<()> {
        self.ask(Order::Sync).await
    }

    /// Exchanges with the hub, and proves that it then has exactly what is here.
    pub async fn verify(&self) -> AnyResult<Proof> {
        self.ask(Order::Verify).await
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<AnyResult<T>>) -> Order) -> AnyResult<T> {
        let (reply, answer) = oneshot::channel();
        let _ = lock(&self.orders).send(order(reply));
        let mut is_stopping = self.is_stopping.subscribe();
        let answered = tokio::select! {
            answered = answer => answered.ok(),
            _ = is_stopping.wait_for(|is_stopping| *is_stopping) => None,
        };
        answered.unwrap_or_else(|| Err(anyhow!("the server is stopping")))
    }

    /// No more exchanges; nobody waits for one any longer.
    pub fn stop(&self) {
        let _ = lock(&self.orders).send(Order::Stop);
        self.is_stopping.send_replace(true);
    }

    /// Waits some moments for the thread. A call of a hub that does not answer is left to end with the process: it is as
    /// if it had been killed, which does no harm.
    pub fn end(&self) {
        let _ = lock(&self.ended).recv_timeout(END);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the thread works with.
struct Mirror {
    link: SyncDriver,
    /// When both sides are to be compared next.
    proof_at: Time,
}

impl Mirror {
    fn new(link: SyncDriver) -> Mirror {
        let proof_at = link.db.clock().now().plus_ms(part_of(FIRST_PROOF_MS));
        Mirror { link, proof_at }
    }

    fn run(&mut self, orders: &Receiver<Order>, is_woken: &AtomicBool) {
        // Spread, so that edges do not all come at once after a power cut.
        let mut due = Instant::now() + Duration::from_millis(self.link.pacing.pace.spread_ms).mul_f64(share());
        loop {
            match orders.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Order::Woken) => {
                    // What is written from here on wakes again: it may come too late for this exchange.
                    is_woken.store(false, Ordering::Release);
                    if self.link.pacing.may_hurry() {
                        let (next, _) = self.link.go();
                        due = Instant::now() + next;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    let (next, result) = self.link.go();
                    due = Instant::now() + next;
                    if result.is_ok() {
                        self.prove_if_due();
                    }
                }
                Ok(Order::Sync(reply)) => {
                    let (next, result) = self.link.go();
                    due = Instant::now() + next;
                    let _ = reply.send(result);
                }
                Ok(Order::Verify(reply)) => {
                    let _ = reply.send(self.link.verify());
                }
            }
        }
    }

    /// Once a day or so, both sides are compared. A difference is told, and left for somebody to look at.
    fn prove_if_due(&mut self) {
        if self.link.db.clock().now() < self.proof_at {
            return;
        }
        self.proof_at = self.link.db.clock().now().plus_ms(PROOF_EVERY_MS + part_of(FIRST_PROOF_MS));
        match self.link.verify() {
            Ok(proof) if proof.equal => tracing::info!(rows = proof.rows, "the hub has exactly what is here"),
            // It is told and noted where both are compared.
            Ok(_) => {}
            Err(error) => {
                let error = in_one_line(error.as_ref());
                tracing::warn!(error, "hub and edge could not be compared; the next day tries again");
            }
        }
    }
}

/// A random part of so much time.
fn part_of(millis: i64) -> i64 {
    (millis as f64 * share()) as i64
}
