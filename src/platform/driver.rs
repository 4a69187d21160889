//! One round: what was changed here is sent, and everything that the account reaches is read. For the worker's thread, the command
//! line, and the simulation.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::api::{Api, ApiError};
use super::outcome;
use super::reader::ReadError;
use super::sender::{Outcome, Sending, Step};
use super::settings::PlatformSettings;
use super::transport::Transport;
use crate::auth::contexts::PLATFORM_PASSWORD;
use crate::auth::secrets::Sealer;
use crate::db::{Db, WriteTx};
use crate::domain::mirror::Table;
use crate::domain::platform::Operation;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::store::platform::{self, bases, operations};
use crate::usecases::intents::author;

/// Reading writes down when it last succeeded at most so often.
pub const NOTE_EVERY_MS: i64 = 600_000;

/// How it stands, in memory: what the database does not need to know.
#[derive(Clone, Debug, Default)]
pub struct Health {
    pub is_reachable: Option<bool>,
    pub last_success: Option<Time>,
    /// When each kind was last read whole.
    pub reads: HashMap<Table, Time>,
    /// What could not be read in the last round, in words; the first few.
    pub troubles: Vec<String>,
    pub(super) noted_at: Option<Time>,
}

/// What a round has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Round {
    pub customers: usize,
    /// Objects that were looked at.
    pub seen: usize,
    /// Objects that were not as they were.
    pub changed: usize,
    /// Objects that are gone there and were deleted here.
    pub gone: usize,
    /// Lists that could not be read.
    pub failed: usize,
    pub sent: usize,
}

/// What is called after each list.
pub(super) type Progress = Box<dyn Fn(&Round) + Send>;

pub struct Driver<T> {
    pub db: Arc<Db>,
    sealer: Arc<Sealer>,
    settings: PlatformSettings,
    pub api: Api<T>,
    pub health: Arc<Mutex<Health>>,
    /// Deletes are made however many they are.
    pub accepts_deletes: bool,
    /// Queues cannot be listed by this account.
    pub(super) has_no_queues: bool,
    runtime: Option<tokio::runtime::Runtime>,
    pub(super) progress: Option<Progress>,
}

impl<T: Transport> Driver<T> {
    pub fn new(db: Arc<Db>, sealer: Arc<Sealer>, settings: PlatformSettings, api: Api<T>) -> Driver<T> {
        Driver {
            db,
            sealer,
            settings,
            api,
            health: Arc::default(),
            accepts_deletes: false,
            has_no_queues: false,
            runtime: tokio::runtime::Builder::new_current_thread().build().ok(),
            progress: None,
        }
    }

    /// Calls `progress` after each list.
    pub fn with_progress(self, progress: impl Fn(&Round) + Send + 'static) -> Driver<T> {
        Driver { progress: Some(Box::new(progress)), ..self }
    }

    pub fn with_health(self, health: Arc<Mutex<Health>>) -> Driver<T> {
        Driver { health, ..self }
    }

    /// Sends what waits, and reads everything. How it went is stored.
    pub fn round(&mut self) -> Result<Round, ReadError> {
        let sent = self.send_all();
        let done = sent.and_then(|sent| Ok(Round { sent, ..self.read_all()? }));
        self.note(done.as_ref().err());
        done
    }

    /// Sends what waits; how many operations are done.
    pub fn send(&mut self) -> Result<usize, ReadError> {
        let sent = self.send_all();
        self.note(sent.as_ref().err());
        sent
    }

    fn send_all(&mut self) -> Result<usize, ReadError> {
        let (mut done, mut tried) = (0, HashSet::new());
        // A customer that was created gets another id: what waits for it is under that.
        while let Some(customer) =
            self.db.read(operations::waiting_customers)?.into_iter().find(|id| !tried.contains(id))
        {
            tried.insert(customer);
            // One that cannot be sent now holds up its customer's alone.
            while let Some(operation) = self.db.read(|tx| operations::next(tx, customer))? {
                let (seq, outcome) = (operation.seq, self.send_one(operation.clone())?);
                let conflicts = self.settings.conflicts;
                let is_later = matches!(outcome, Outcome::Later(_));
                self.write(move |tx| outcome::apply(tx, &operation, &outcome, conflicts))?;
                if is_later {
                    tracing::debug!(seq, "an operation for the platform is tried again later");
                    break;
                }
                done += 1;
            }
        }
        Ok(done)
    }

    fn send_one(&mut self, operation: Operation) -> Result<Outcome, ReadError> {
        let seq = operation.seq;
        let password = match operation.secret.as_deref() {
            Some(sealed) => match self.sealer.unseal(PLATFORM_PASSWORD, sealed).and_then(|p| String::from_utf8(p).ok())
            {
                Some(password) => Some(password),
                None => return Ok(Outcome::Later("the password cannot be opened with this key file: drop it".into())),
            },
            None => None,
        };
        let (kind, customer) = (operation.call.table(), operation.customer);
        let customer = (kind != Table::Customer).then_some(customer);
        let known = self.db.read(|tx| bases::hashes(tx, kind, customer))?.into_keys().collect();
        let mut sending = Sending::new(operation, password, known);
        loop {
            if sending.is_sending() {
                // What may have been sent is shown to have been tried.
                self.write(move |tx| operations::note_try(tx, seq))?;
            }
            let answer = match self.api.call(&sending.next()) {
                Ok(answer) => Some(answer),
                Err(error @ (ApiError::Credential(_) | ApiError::Busy { .. })) => return Err(error.into()),
                Err(ApiError::Unreachable(why)) if !sending.is_sending() => {
                    return Err(ApiError::Unreachable(why).into());
                }
                Err(ApiError::Unreachable(_) | ApiError::Broken(_)) => None,
            };
            match sending.on(answer.as_ref()) {
                Step::Ask(next) => sending = *next,
                Step::End(outcome) => return Ok(outcome),
            }
        }
    }

    pub(super) fn write<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut WriteTx) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let runtime = self.runtime.as_ref().ok_or_else(|| Error::internal("no runtime"))?;
        runtime.block_on(self.db.write(author(), work))
    }

    /// Notes how it went: in memory always, in the database when it is news.
    fn note(&mut self, error: Option<&ReadError>) {
        let now = self.db.clock().now();
        let is_reachable = !matches!(error, Some(ReadError::Api(ApiError::Unreachable(_))));
        let is_due = {
            let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
            health.is_reachable = Some(is_reachable);
            if error.is_none() {
                health.last_success = Some(now);
            }
            let is_due = health.noted_at.is_none_or(|at| at.plus_ms(NOTE_EVERY_MS) < now);
            if is_due {
                health.noted_at = Some(now);
            }
            is_due
        };
        let alarm = match error {
            Some(ReadError::Api(ApiError::Credential(why))) => Some(why.clone()),
            _ => None,
        };
        let last_error = error.map(ToString::to_string);
        let stored = self.write(move |tx| {
            let old = platform::record(tx)?;
            let last_success = if last_error.is_none() { Some(tx.now) } else { old.last_success };
            let new = platform::Record { last_success, last_error, alarm, ..old.clone() };
            let is_news = (&old.last_error, &old.alarm) != (&new.last_error, &new.alarm);
            if is_news || is_due { platform::set_record(tx, &new) } else { Ok(()) }
        });
        if let Err(error) = stored {
            tracing::warn!(%error, "how it went with the platform could not be written down");
        }
    }
}
