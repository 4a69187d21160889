//! Drives an edge's session: exchanges until the hub has everything, and proves it. For the worker's thread and for the
//! command line.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result as AnyResult, anyhow};
use uuid::Uuid;

use super::backoff::{Backoff, DELAY_MAX};
use super::client::{CallError, HubClient};
use super::engine::is_plausible;
use super::enrolment;
use super::metrics::Counts;
use super::moves::{follow_announcement, may_follow};
use super::sending::{Line, SendResult, join};
use super::session::{ExchangeOutcome, Outgoing, SyncSession};
use super::settings::HubSettings;
use crate::auth::secrets::Sealer;
use crate::db::{Author, Db, WriteTx};
use crate::domain::proposal::{Proposal, Task};
use crate::error::Result;
use crate::store::feed;
use crate::store::sync_state::{self, Enrolment};

/// The delay while the edge is not enrolled.
const IDLE: Duration = Duration::from_secs(3_600);
/// How many moves in a row an edge follows.
const MOVES_MAX: usize = 3;
/// How many pushes in a row a hub may reject before the edge backs off: one after a lost reply, one or two at a fork.
const REFUSALS_MAX: usize = 5;
/// How many exchanges in a row may bring nothing but proposals: a hub that always has another waits for the next time.
const ROUNDS_MAX: usize = 20;
/// The fastest pace of a hub that a server obeys.
const PACE_MIN: Duration = Duration::from_secs(1);

/// One edge and its hub.
pub struct SyncDriver {
    pub db: Arc<Db>,
    pub(super) sealer: Arc<Sealer>,
    pub(super) settings: HubSettings,
    pub(super) session: SyncSession,
    pub backoff: Backoff,
    /// The address that the hub last asked to be called at.
    announced: Option<String>,
    /// The hub's URL, and the client for it.
    pub(super) client: Option<(String, HubClient)>,
    pub counts: Arc<Counts>,
    /// The error of the last exchange, whether or not it could be stored.
    pub last_error: Arc<Mutex<Option<String>>>,
    pub(super) runtime: Option<tokio::runtime::Runtime>,
    /// Called after each message with the number of rows in it.
    progress: Option<Box<dyn Fn(u64) + Send>>,
}

impl SyncDriver {
    pub fn new(db: Arc<Db>, sealer: Arc<Sealer>, settings: HubSettings) -> SyncDriver {
        let session = SyncSession::new(db.clone(), settings.may).with_settings(&settings);
        let runtime = tokio::runtime::Builder::new_current_thread().build().ok();
        SyncDriver {
            db,
            sealer,
            settings,
            session,
            backoff: Backoff::default(),
            announced: None,
            client: None,
            counts: Arc::default(),
            last_error: Arc::default(),
            runtime,
            progress: None,
        }
    }

    /// Calls `progress` after each message with the number of rows in it.
    pub fn with_progress(self, progress: impl Fn(u64) + Send + 'static) -> SyncDriver {
        SyncDriver { progress: Some(Box::new(progress)), ..self }
    }

    /// Exchanges until the hub has everything; gives the delay before the next time, and the error.
    pub fn sync(&mut self) -> (Duration, AnyResult<()>) {
        let enrolment = match self.db.read(sync_state::enrolment) {
            Ok(Some(enrolment)) => enrolment,
            Ok(None) => return (IDLE, Err(anyhow!("this server is not enrolled with a hub: see sync enroll"))),
            Err(error) => return (IDLE, Err(error.into())),
        };
        let result = self.follow(enrolment);
        let advice = result.as_ref().err().map(CallError::with_advice);
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&advice);
        match result {
            Ok(()) => {
                if let (Some(url), Some(runtime)) = (self.announced.take(), &self.runtime) {
                    runtime.block_on(follow_announcement(&self.db, &self.sealer, &self.settings, &url));
                }
                (self.backoff.next(random_fraction()).max(PACE_MIN), Ok(()))
            }
            Err(error) => self.failed(error),
        }
    }

    /// Logs and stores why an exchange failed; returns how long to wait before the next.
    fn failed(&mut self, error: CallError) -> (Duration, AnyResult<()>) {
        self.session.abort();
        if error.is_malformed() {
            self.session.send_whole_rows();
        }
        // A single row that is too long does not become shorter.
        let is_too_long = error.is_too_long() && self.backoff.is_smallest();
        let is_alarm = error.is_alarm() || is_too_long;
        let is_too_much = error.is_too_much() || error.is_broken() && self.backoff.has_lost_much();
        let wait = self.backoff.failed(error.retry_after(), is_too_much, random_fraction());
        let wait = if is_alarm { wait.max(DELAY_MAX) } else { wait };
        match is_alarm {
            true => tracing::error!(%error, "the mirror has stopped: an operator must act"),
            false => tracing::warn!(%error, wait_s = wait.as_secs(), "not mirrored"),
        }
        let described = error.with_advice();
        let stored = described.clone();
        self.write(move |tx| sync_state::note_error(tx, &stored, is_alarm));
        // The text first: it holds that of the error, and the advice.
        (wait, Err(anyhow!(error).context(described)))
    }

    pub(super) fn token(&self, enrolment: &Enrolment) -> Result<String, CallError> {
        enrolment::token(enrolment, &self.sealer).ok_or(CallError::KeyLost)
    }

    /// Makes sure that there is a client for the hub of this enrolment.
    fn connect(&mut self, enrolment: &Enrolment) -> Result<(), CallError> {
        if self.client.as_ref().is_none_or(|(url, _)| *url != enrolment.hub) {
            let client =
                HubClient::new(&enrolment.hub, self.settings.ca.as_deref(), self.counts.clone()).map_err(local)?;
            self.client = Some((enrolment.hub.clone(), client));
        }
        Ok(())
    }

    /// Exchanges until the hub has everything. Where the hub says that this server has moved to another hub, exchanges with
    /// that one, and stores its URL once that has succeeded: until then the next try begins at the old hub.
    fn follow(&mut self, mut enrolment: Enrolment) -> Result<(), CallError> {
        let mut moves = 0;
        loop {
            match self.catch_up(&enrolment) {
                Err(CallError::Moved { hub }) if moves < MOVES_MAX && may_follow(&enrolment.hub, &hub) => {
                    self.session.abort();
                    (enrolment.hub, moves) = (hub, moves + 1);
                }
                Ok(()) if moves > 0 => {
                    tracing::warn!(hub = enrolment.hub, "this server has moved to another hub");
                    self.write(move |tx| sync_state::set_hub(tx, &enrolment.hub));
                    return Ok(());
                }
                result => return result,
            }
        }
    }

    /// Exchanges until the hub has everything that this database has now.
    fn catch_up(&mut self, enrolment: &Enrolment) -> Result<(), CallError> {
        let token = self.token(enrolment)?;
        self.connect(enrolment)?;
        let (Some((_, client)), Some(runtime)) = (&self.client, &self.runtime) else {
            return Err(local("there is no client for the hub"));
        };
        let line = Line { client, origin: &enrolment.origin, token: &token, counts: &self.counts };
        let (db, session, backoff, progress) = (&self.db, &mut self.session, &mut self.backoff, &self.progress);
        let announced = &mut self.announced;
        let received = |backoff: &mut Backoff, sent: SendResult| {
            progress.iter().for_each(|progress| progress(sent.rows));
            sent.note(backoff);
            sent.reply
        };
        let high = || db.read(feed::high).map_err(local);
        let goal = high()?;
        let (mut refusals, mut rounds) = (0, 0);
        std::thread::scope(|scope| {
            // The part that is being sent, while the next one is read.
            let mut in_flight: Option<ScopedJoinHandle<SendResult>> = None;
            loop {
                let (begun, before) = (Instant::now(), high()?);
                let message =
                    runtime.block_on(session.next_message(backoff.batch(), &mut Uuid::new_v4)).map_err(local)?;
                // The hub stages each part behind the one before.
                if let Some(part) = in_flight.take() {
                    received(backoff, join(part))?;
                }
                let reply = match message {
                    Outgoing::AskStage => {
                        let known = client.staged(line.origin, line.token)?;
                        session.resume(known).map_err(local)?;
                        None
                    }
                    Outgoing::Part(_) => {
                        in_flight = Some(scope.spawn(|| line.send(message)));
                        None
                    }
                    Outgoing::Push(_) => received(backoff, line.send(message))?,
                };
                let mut has_all = false;
                if let Some(reply) = reply {
                    if !is_plausible(&reply) {
                        return Err(CallError::Unreadable("its numbers are out of bounds".into()));
                    }
                    let outcome = runtime.block_on(session.handle_reply(&reply, Uuid::new_v4())).map_err(local)?;
                    backoff.succeeded(reply.pace);
                    announced.clone_from(&reply.hub);
                    // A fork begins a new epoch, and an answer to another request says nothing: a hub whose every answer is one
                    // of these would have the server send without end.
                    let is_taken = !matches!(outcome, ExchangeOutcome::Forked(_) | ExchangeOutcome::Ignored);
                    refusals = if reply.accepted && is_taken { 0 } else { refusals + 1 };
                    if refusals == REFUSALS_MAX {
                        return Err(CallError::Contested);
                    }
                    let is_at_goal = matches!(outcome, ExchangeOutcome::Acked { acked } if acked >= goal);
                    rounds = if is_at_goal { rounds + 1 } else { 0 };
                    has_all = is_acked(outcome) && (rounds == ROUNDS_MAX || !session.is_behind(goal).map_err(local)?);
                }
                std::thread::park_timeout(backoff.pause(begun.elapsed(), high()? - before));
                if has_all {
                    return Ok(());
                }
            }
        })
    }

    /// Tasks that the hub has given since the last time.
    pub fn take_tasks(&mut self) -> Vec<(Proposal, Task)> {
        self.session.take_tasks()
    }

    /// How long the hub may be out of reach before that is an alarm.
    pub fn silent_alarm_ms(&self) -> i64 {
        self.settings.silent_alarm_ms
    }

    pub(super) fn write(&self, work: impl FnOnce(&mut WriteTx) -> Result<()> + Send + 'static) {
        self.write_as(Author::system("mirror"), work);
    }

    /// Writes to the database in a transaction; logs an error.
    pub fn write_as(&self, author: Author, work: impl FnOnce(&mut WriteTx) -> Result<()> + Send + 'static) {
        if let Some(runtime) = &self.runtime
            && let Err(error) = runtime.block_on(self.db.write(author, work))
        {
            tracing::warn!(%error, "the state of the mirror could not be stored");
        }
    }
}

/// An error of this machine, not of the hub.
fn local(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CallError {
    CallError::Local(error.into())
}

/// Whether the hub acknowledged the push; logs any unusual outcome.
fn is_acked(outcome: ExchangeOutcome) -> bool {
    match outcome {
        ExchangeOutcome::Acked { .. } => return true,
        ExchangeOutcome::Rewound { acked } => tracing::warn!(acked, "the hub was restored: sending the rest again"),
        ExchangeOutcome::Forked(reason) => {
            tracing::error!(
                ?reason,
                "the hub is on a different epoch: this database was restored or cloned, a new epoch begins"
            );
        }
        ExchangeOutcome::Ignored => {}
    }
    false
}

/// A random number from 0 to 1.
pub fn random_fraction() -> f64 {
    f64::from(Uuid::new_v4().as_u64_pair().0 as u32) / f64::from(u32::MAX)
}
