//! The thread that keeps an edge's mirror up to date: woken by a write, paced by the hub. A request of the API never
//! waits for it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use super::edge::{Edge, Outcome};
use super::metrics::Counts;
use super::pacing::{DELAY_MAX, Pacing};
use super::transport::{CallError, Enrolled, HubClient};
use super::verify::{self, Proof};
use crate::db::{Author, Db};
use crate::domain::mirror::Position;
use crate::error::{Error, Result};
use crate::secrets::Sealer;
use crate::store::sync_state::{self, Enrolment};

/// What the token of the hub is sealed for.
const TOKEN_CONTEXT: &str = "hub token";
/// While there is no hub to go to.
const IDLE: Duration = Duration::from_secs(3_600);
/// How long the end of the server waits for a call under way.
const END: Duration = Duration::from_secs(1);
/// How often a comparison is begun anew because of writes.
const VERIFY_TRIES: usize = 5;

enum Order {
    /// Something was written.
    Woken,
    /// Go now, and say how it went.
    Sync(oneshot::Sender<Result<(), String>>),
    /// Prove that the hub has exactly what is here.
    Verify(oneshot::Sender<Result<Proof, String>>),
    Stop,
}

/// The mirror of a running server.
pub struct Worker {
    orders: Mutex<Sender<Order>>,
    /// Who waits for the hub is told that there is no more waiting.
    is_stopping: watch::Sender<bool>,
    /// Closed when the thread has ended.
    ended: Mutex<Receiver<()>>,
    counts: Arc<Counts>,
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
        let mut mirror = Mirror::new(db, sealer, ca);
        let counts = mirror.counts.clone();
        std::thread::Builder::new()
            .name("mirror".into())
            .spawn(move || {
                let _running: Sender<()> = running;
                mirror.run(&received, &is_woken);
            })
            .map_err(|error| Error::Internal(Box::new(error)))?;
        let is_stopping = watch::Sender::new(false);
        Ok(Worker { orders: Mutex::new(orders), is_stopping, ended: Mutex::new(ended), counts })
    }

    /// What has gone over the wire so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Exchanges with the hub now. The error says what kept it from it.
    pub async fn sync(&self) -> Result<(), String> {
        self.ask(Order::Sync).await
    }

    /// Exchanges with the hub, and proves that it then has exactly what is here.
    pub async fn verify(&self) -> Result<Proof, String> {
        self.ask(Order::Verify).await
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<Result<T, String>>) -> Order) -> Result<T, String> {
        let (reply, answer) = oneshot::channel();
        let _ = lock(&self.orders).send(order(reply));
        let mut is_stopping = self.is_stopping.subscribe();
        let answered = tokio::select! {
            answered = answer => answered.ok(),
            _ = is_stopping.wait_for(|is_stopping| *is_stopping) => None,
        };
        answered.unwrap_or_else(|| Err("the server is stopping".into()))
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

/// Spends a code at `url`, and keeps what it was exchanged for. What another hub had of this edge is its own affair.
pub fn enroll(url: &str, code: &str, ca: Option<&std::path::Path>) -> Result<Enrolled, String> {
    HubClient::new(url, ca, Arc::default())?.enroll(code).map_err(|error| format!("not enrolled: {error}"))
}

/// The rows to be written for an enrolment.
pub fn sealed(url: &str, enrolled: &Enrolled, sealer: &Sealer) -> Result<(Enrolment, Position)> {
    let token = sealer.seal(TOKEN_CONTEXT, enrolled.token.as_bytes())?;
    let enrolment = Enrolment { hub: url.to_owned(), origin: enrolled.origin.clone(), token };
    Ok((enrolment, Position::new(Uuid::new_v4())))
}

/// What the thread, or the command line, works with.
pub struct Mirror {
    db: Arc<Db>,
    sealer: Arc<Sealer>,
    ca: Option<PathBuf>,
    edge: Edge,
    pacing: Pacing,
    /// The hub's URL, and the client for it.
    client: Option<(String, HubClient)>,
    counts: Arc<Counts>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Mirror {
    pub fn new(db: Arc<Db>, sealer: Arc<Sealer>, ca: Option<PathBuf>) -> Mirror {
        let edge = Edge::new(db.clone(), sealer.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().build().ok();
        Mirror { db, sealer, ca, edge, pacing: Pacing::default(), client: None, counts: Arc::default(), runtime }
    }

    fn run(&mut self, orders: &Receiver<Order>, is_woken: &AtomicBool) {
        // Not all at once when a whole town has its power back.
        let mut wait = Duration::from_millis(self.pacing.pace.spread_ms).mul_f64(share());
        loop {
            match orders.recv_timeout(wait) {
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Order::Woken) => {
                    // What is written from here on wakes again: it may come too late for this exchange.
                    is_woken.store(false, Ordering::Release);
                    if self.pacing.may_hurry() {
                        wait = self.go().0;
                    }
                }
                Err(RecvTimeoutError::Timeout) => wait = self.go().0,
                Ok(Order::Sync(reply)) => {
                    let (next, result) = self.go();
                    wait = next;
                    let _ = reply.send(result);
                }
                Ok(Order::Verify(reply)) => {
                    let _ = reply.send(self.verify());
                }
            }
        }
    }

    /// Exchanges until the hub has everything; gives how long to wait then, and what went wrong.
    pub fn go(&mut self) -> (Duration, Result<(), String>) {
        match self.db.read(sync_state::enrolment) {
            Ok(Some(enrolment)) => {
                let result = self.catch_up(&enrolment);
                match result {
                    Ok(()) => (self.pacing.succeeded(self.pacing.pace, share()), Ok(())),
                    Err(error) => {
                        self.edge.failed();
                        let is_alarm = error.is_alarm();
                        let wait = self.pacing.failed(error.retry_after(), error.is_too_much(), share());
                        let wait = if is_alarm { wait.max(DELAY_MAX) } else { wait };
                        match is_alarm {
                            true => tracing::error!(%error, "the mirror stands still: somebody must act"),
                            false => tracing::warn!(%error, wait_s = wait.as_secs(), "not mirrored"),
                        }
                        let error = error.to_string();
                        let noted = error.clone();
                        self.write(move |tx| sync_state::note_error(tx, &noted, is_alarm));
                        (wait, Err(error))
                    }
                }
            }
            Ok(None) => (IDLE, Err("this server is not enrolled with a hub: see sync enroll".into())),
            Err(error) => (IDLE, Err(error.to_string())),
        }
    }

    /// Exchanges, and compares what both sides have then.
    pub fn verify(&mut self) -> Result<Proof, String> {
        for _ in 0..VERIFY_TRIES {
            self.go().1?;
            let told = |error: Error| error.to_string();
            let enrolment = self.db.read(sync_state::enrolment).map_err(told)?.ok_or("this server has no hub")?;
            let token = self.token(&enrolment).map_err(|error| error.to_string())?;
            let head = self.edge.position().map_err(told)?.base();
            let Some((_, client)) = &self.client else { break };
            let proof = verify::compare(&self.db, client, &enrolment.origin, &token, head);
            if let Some(proof) = proof.map_err(|error| error.to_string())? {
                if proof.equal {
                    self.write(sync_state::note_proof);
                }
                return Ok(proof);
            }
        }
        Err("there were writes all the while: try again when it is quieter".into())
    }

    fn token(&self, enrolment: &Enrolment) -> Result<String, CallError> {
        let token = self.sealer.unseal(TOKEN_CONTEXT, &enrolment.token).and_then(|token| String::from_utf8(token).ok());
        token.ok_or_else(|| {
            CallError::Unreadable("(here) the token cannot be unsealed: the key file is another one".into())
        })
    }

    fn catch_up(&mut self, enrolment: &Enrolment) -> Result<(), CallError> {
        let local = |error: &dyn std::fmt::Display| CallError::Unreadable(format!("(here) {error}"));
        let token = self.token(enrolment)?;
        if self.client.as_ref().is_none_or(|(url, _)| *url != enrolment.hub) {
            let client = HubClient::new(&enrolment.hub, self.ca.as_deref(), self.counts.clone())
                .map_err(|error| local(&error))?;
            self.client = Some((enrolment.hub.clone(), client));
        }
        let (Some((_, client)), Some(runtime)) = (&self.client, &self.runtime) else {
            return Err(local(&"nothing to call the hub with"));
        };
        loop {
            let message = runtime.block_on(self.edge.next(self.pacing.batch, &mut Uuid::new_v4));
            let message = message.map_err(|error| local(&error))?;
            let sent = client.send(&enrolment.origin, &token, &message);
            self.counts.note(&message, &sent);
            let Some(reply) = sent? else { continue };
            let outcome = runtime.block_on(self.edge.answered(&reply, Uuid::new_v4()));
            self.pacing.pace = reply.pace;
            match outcome.map_err(|error| local(&error))? {
                Outcome::Acked { .. } => {
                    if !self.edge.is_behind().map_err(|error| local(&error))? {
                        return Ok(());
                    }
                }
                Outcome::Rewound { acked } => tracing::warn!(acked, "the hub was restored: it is given the rest again"),
                Outcome::Forked(reason) => {
                    tracing::error!(?reason, "the hub follows another life of this edge: a new epoch begins");
                }
                Outcome::Ignored => {}
            }
        }
    }

    fn write(&self, work: impl FnOnce(&mut crate::db::WriteTx) -> Result<()> + Send + 'static) {
        if let Some(runtime) = &self.runtime
            && let Err(error) = runtime.block_on(self.db.write(Author::system("mirror"), work))
        {
            tracing::warn!(%error, "how the mirror stands could not be written");
        }
    }
}

/// A random part of 0 to 1.
fn share() -> f64 {
    f64::from(Uuid::new_v4().as_u64_pair().0 as u32) / f64::from(u32::MAX)
}
