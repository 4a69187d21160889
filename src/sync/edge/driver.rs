//! An edge's link with its hub: exchanges until the hub has everything, and proofs of it. For the worker's thread and for
//! the command line.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::backoff::{Backoff, DELAY_MAX};
use super::client::{CallError, HubClient};
use super::enrolment;
use super::metrics::Counts;
use super::session::{ExchangeOutcome, Outgoing, SyncSession};
use super::verify::{self, Proof};
use crate::auth::secrets::Sealer;
use crate::db::{Author, Db};
use crate::error::{Error, Result};
use crate::store::sync_state::{self, Enrolment};
use crate::store::{feed, quarantine};
use crate::sync::protocol::wire::Reply;

/// While there is no hub to go to.
const IDLE: Duration = Duration::from_secs(3_600);
/// From how many hubs in a row it goes on to the next.
const MOVES_MAX: usize = 3;
/// How often in a row a hub may not take what it is sent, before it is left alone for a while: once after a lost answer,
/// once or twice at a fork.
const REFUSALS_MAX: usize = 5;
/// How often a comparison is begun anew because of writes.
const VERIFY_TRIES: usize = 5;

/// One edge, its hub, and how it has gone.
pub struct SyncDriver {
    pub db: Arc<Db>,
    sealer: Arc<Sealer>,
    ca: Option<PathBuf>,
    edge: SyncSession,
    pub pacing: Backoff,
    /// The hub's URL, and the client for it.
    client: Option<(String, HubClient)>,
    pub counts: Arc<Counts>,
    /// What went wrong the last time, whether or not it could be written down.
    pub trouble: Arc<Mutex<Option<String>>>,
    runtime: Option<tokio::runtime::Runtime>,
    /// Is told of each exchange how many rows were sent.
    progress: Option<Box<dyn Fn(u64) + Send>>,
}

impl SyncDriver {
    pub fn new(db: Arc<Db>, sealer: Arc<Sealer>, ca: Option<PathBuf>) -> SyncDriver {
        let edge = SyncSession::new(db.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().build().ok();
        SyncDriver {
            db,
            sealer,
            ca,
            edge,
            pacing: Backoff::default(),
            client: None,
            counts: Arc::default(),
            trouble: Arc::default(),
            runtime,
            progress: None,
        }
    }

    /// `progress`: is told of each exchange how many rows were sent.
    pub fn telling(self, progress: impl Fn(u64) + Send + 'static) -> SyncDriver {
        SyncDriver { progress: Some(Box::new(progress)), ..self }
    }

    /// Exchanges until the hub has everything; gives how long to wait then, and what went wrong.
    pub fn go(&mut self) -> (Duration, Result<(), String>) {
        match self.db.read(sync_state::enrolment) {
            Ok(Some(enrolment)) => {
                let result = self.follow(enrolment);
                let trouble = result.as_ref().err().map(CallError::with_advice);
                self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&trouble);
                match result {
                    Ok(()) => (self.pacing.next(share()), Ok(())),
                    Err(error) => {
                        self.edge.failed();
                        // What is too long by itself does not become shorter.
                        let is_too_long = error.is_too_long() && self.pacing.is_smallest();
                        let is_alarm = error.is_alarm() || is_too_long;
                        let wait = self.pacing.failed(error.retry_after(), error.is_too_much(), share());
                        let wait = if is_alarm { wait.max(DELAY_MAX) } else { wait };
                        match is_alarm {
                            true => tracing::error!(%error, "the mirror stands still: somebody must act"),
                            false => tracing::warn!(%error, wait_s = wait.as_secs(), "not mirrored"),
                        }
                        let error = trouble.unwrap_or_default();
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
            let describe = |error: Error| error.to_string();
            let enrolment = self.db.read(sync_state::enrolment).map_err(describe)?.ok_or("this server has no hub")?;
            let token = self.token(&enrolment).map_err(|error| error.to_string())?;
            let head = self.edge.position().map_err(describe)?.base();
            let Some((_, client)) = &self.client else { break };
            let proof = verify::compare(&self.db, client, &enrolment.origin, &token, head);
            if let Some(proof) = proof.map_err(|error| error.to_string())? {
                // What is in quarantine is known to differ, and told as that.
                let aside = self.db.read(quarantine::list).map_err(describe)?;
                let is_aside = |name: &&String| aside.iter().any(|row| **name == format!("{}/{}", row.table, row.row));
                let is_known = proof.named.iter().filter(is_aside).count() as u64 == proof.differences;
                let named = proof.named.join(", ");
                let wrong =
                    (!is_known).then(|| format!("the hub differs in {} rows, such as {named}", proof.differences));
                if let Some(wrong) = &wrong {
                    tracing::error!(%wrong, "the proof of equality failed");
                }
                self.write(move |tx| sync_state::note_proof(tx, wrong.as_deref()));
                // The hub hears of it, for its fleet page.
                let _ = self.go();
                return Ok(proof);
            }
        }
        Err("there were writes all the while: try again when it is quieter".into())
    }

    fn token(&self, enrolment: &Enrolment) -> Result<String, CallError> {
        enrolment::token(enrolment, &self.sealer).ok_or(CallError::KeyLost)
    }

    /// Has a client for the hub that the edge is enrolled with.
    fn connect(&mut self, enrolment: &Enrolment) -> Result<(), CallError> {
        if self.client.as_ref().is_none_or(|(url, _)| *url != enrolment.hub) {
            let client = HubClient::new(&enrolment.hub, self.ca.as_deref(), self.counts.clone()).map_err(local)?;
            self.client = Some((enrolment.hub.clone(), client));
        }
        Ok(())
    }

    /// Exchanges until the hub has all that is here now. Where it says that another has its place, with that one; once it
    /// has worked, it is kept: until then the hub before it is asked again.
    fn follow(&mut self, mut enrolment: Enrolment) -> Result<(), CallError> {
        let mut moves = 0;
        loop {
            match self.catch_up(&enrolment) {
                Err(CallError::Moved { hub }) if moves < MOVES_MAX && may_follow(&enrolment.hub, &hub) => {
                    self.edge.failed();
                    (enrolment.hub, moves) = (hub, moves + 1);
                }
                Ok(()) if moves > 0 => {
                    tracing::warn!(hub = enrolment.hub, "the hub has handed this server over to another");
                    self.write(move |tx| sync_state::set_hub(tx, &enrolment.hub));
                    return Ok(());
                }
                done => return done,
            }
        }
    }

    /// Exchanges until the hub has all that is here now.
    fn catch_up(&mut self, enrolment: &Enrolment) -> Result<(), CallError> {
        let token = self.token(enrolment)?;
        self.connect(enrolment)?;
        let (Some((_, client)), Some(runtime)) = (&self.client, &self.runtime) else {
            return Err(local("nothing to call the hub with"));
        };
        let (db, edge, pacing, counts) = (&self.db, &mut self.edge, &mut self.pacing, &*self.counts);
        let send = |message: Outgoing| {
            let sent = client.send(&enrolment.origin, &token, &message);
            counts.note(&message, &sent);
            Sent { rows: message.rows() as u64, reply: sent }
        };
        let received = |sent: Sent| {
            self.progress.iter().for_each(|progress| progress(sent.rows));
            sent.reply
        };
        let high = || db.read(feed::high).map_err(local);
        let goal = high()?;
        let mut refusals = 0;
        std::thread::scope(|scope| {
            // A part that the hub is taking, while the next one is read and packed.
            let mut under_way: Option<ScopedJoinHandle<Sent>> = None;
            loop {
                let (begun, before) = (Instant::now(), high()?);
                let message = runtime.block_on(edge.next(pacing.batch(), &mut Uuid::new_v4)).map_err(local)?;
                let mut has_all = false;
                if matches!(message, Outgoing::Part(_)) {
                    let last = under_way.replace(scope.spawn(|| send(message)));
                    last.map_or(Ok(None), |part| received(join(part)))?;
                } else {
                    under_way.take().map_or(Ok(None), |part| received(join(part)))?;
                    if let Some(reply) = received(send(message))? {
                        let outcome = runtime.block_on(edge.answered(&reply, Uuid::new_v4())).map_err(local)?;
                        pacing.exchanged(reply.pace);
                        refusals = if reply.accepted { 0 } else { refusals + 1 };
                        if refusals == REFUSALS_MAX {
                            return Err(CallError::Contested);
                        }
                        has_all = describe(outcome) && !edge.is_behind(goal).map_err(local)?;
                    }
                }
                std::thread::park_timeout(pacing.rest(begun.elapsed(), high()? - before));
                if has_all {
                    return Ok(());
                }
            }
        })
    }

    pub fn write(&self, work: impl FnOnce(&mut crate::db::WriteTx) -> Result<()> + Send + 'static) {
        if let Some(runtime) = &self.runtime
            && let Err(error) = runtime.block_on(self.db.write(Author::system("mirror"), work))
        {
            tracing::warn!(%error, "how the mirror stands could not be written");
        }
    }
}

/// Whether a hub may send this server, and its token, to another: never from a line that nobody can read to one that
/// everybody can.
fn may_follow(from: &str, to: &str) -> bool {
    to.starts_with("https://") || (to.starts_with("http://") && from.starts_with("http://"))
}

/// Something here is not as it should be.
fn local(error: impl std::fmt::Display) -> CallError {
    CallError::Here(error.to_string())
}

/// What came of a message that brought so many rows.
struct Sent {
    rows: u64,
    reply: Result<Option<Reply>, CallError>,
}

fn join(sending: ScopedJoinHandle<Sent>) -> Sent {
    let broken = || CallError::Here("a message could not be sent".into());
    sending.join().unwrap_or_else(|_| Sent { rows: 0, reply: Err(broken()) })
}

/// Logs what is out of the ordinary; whether the hub has taken what it was sent.
fn describe(outcome: ExchangeOutcome) -> bool {
    match outcome {
        ExchangeOutcome::Acked { .. } => return true,
        ExchangeOutcome::Rewound { acked } => tracing::warn!(acked, "the hub was restored: it is given the rest again"),
        ExchangeOutcome::Forked(reason) => {
            tracing::error!(?reason, "the hub follows another life of this edge: a new epoch begins");
        }
        ExchangeOutcome::Ignored => {}
    }
    false
}

/// A random part of 0 to 1.
pub fn share() -> f64 {
    f64::from(Uuid::new_v4().as_u64_pair().0 as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_carried_from_a_private_line_to_an_open_one() {
        assert!(may_follow("https://a", "https://b") && may_follow("http://a", "https://b"));
        assert!(may_follow("http://a", "http://b"));
        assert!(!may_follow("https://a", "http://b") && !may_follow("http://a", "file:///etc/passwd"));
    }
}
