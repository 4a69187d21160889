//! What all calls of a hub share.

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web;

use super::admission::{Admission, AdmissionLimits};
use super::calls::Calls;
use super::sessions::Sessions;
use crate::clock::Clock;
use crate::domain::audit::Hash;
use crate::error::{Error, Result};
use crate::sync::hub::audit::AuditNote;
use crate::sync::hub::fleet::UNREACHABLE_MS;
use crate::sync::hub::limits::{Limit, OverLimit};
use crate::sync::hub::store::HubStore;
use crate::sync::protocol::wire::Pace;

/// How many keys of entries a process remembers to have noted: what is forgotten costs a question to the store.
const NOTED_MAX: usize = 10_000;

/// What the process has counted since its start.
#[derive(Default)]
pub struct Counts {
    pub batches: AtomicU64,
    pub rows: AtomicU64,
    /// Pushes that did not build on what the hub had.
    pub rejected: AtomicU64,
    /// Before compression.
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
}

/// The state of a hub's listener.
pub struct HubState<S> {
    pub store: Arc<S>,
    pub clock: Clock,
    pub pace: Pace,
    /// The address at which servers are to call this hub from now on.
    pub announce: Option<String>,
    /// A server that has not come for longer than this is unreachable, in milliseconds.
    pub unreachable_ms: i64,
    pub(super) counts: Counts,
    /// What this process has noted in the audit trail that is noted once an hour only.
    noted: Mutex<HashSet<String>>,
    pub(super) admission: Admission,
    pub(super) calls: Calls,
    /// Of operators in the console.
    pub(super) sessions: Sessions,
    /// The console is served.
    pub has_console: bool,
    /// The console's cookie is sent under TLS only.
    pub(super) is_tls: bool,
}

/// Default limit on calls per second of each server.
pub const CALLS_PER_SECOND: u32 = 200;

impl<S> HubState<S> {
    /// Tokens are the store's: [`crate::sync::hub::admin_store::AdminStore::set_administrator`].
    pub fn new(store: Arc<S>, clock: Clock) -> HubState<S> {
        HubState {
            store,
            clock,
            pace: Pace::default(),
            announce: None,
            unreachable_ms: UNREACHABLE_MS,
            counts: Counts::default(),
            noted: Mutex::default(),
            admission: Admission::new(AdmissionLimits::DEFAULT),
            calls: Calls::new(CALLS_PER_SECOND),
            sessions: Sessions::default(),
            has_console: true,
            is_tls: false,
        }
    }
}

impl<S> HubState<S> {
    /// Whether its listener has TLS.
    pub(super) fn under_tls(self, is_tls: bool) -> HubState<S> {
        HubState { is_tls, ..self }
    }

    /// With these bounds on what is taken in at once, and on how many calls a second each server makes (0: any number).
    pub fn with_bounds(self, admission: AdmissionLimits, calls_per_second: u32) -> HubState<S> {
        HubState { admission: Admission::new(admission), calls: Calls::new(calls_per_second), ..self }
    }
}

impl<S: HubStore> HubState<S> {
    /// Takes one call of the server that has this token; 429, and an alarm on the fleet page, when it calls too often.
    pub(super) async fn take_call(&self, token: &Hash) -> Result<()> {
        let taken = self.calls.take(token);
        if taken.is_err()
            && self.calls.must_note(token)
            && let Some(origin) = self.store.origin_of(*token).await?
        {
            let over = OverLimit { limit: Limit::Calls, at: self.clock.now() };
            self.store.note_over_limit(&origin.origin, over).await?;
        }
        taken
    }

    /// Passes on the result of a call of an origin; where it was refused because of a limit, that is noted for the fleet page.
    pub(super) async fn noting_limit<T>(&self, origin: &str, result: Result<T>) -> Result<T> {
        if let Err(Error::OverLimit { code, .. }) = &result
            && let Ok(limit) = code.parse()
        {
            self.store.note_over_limit(origin, OverLimit { limit, at: self.clock.now() }).await?;
        }
        result
    }

    /// Notes in the audit trail what is noted once an hour only.
    pub(super) async fn note_once(&self, note: AuditNote) -> Result<()> {
        let key = note.once_an_hour();
        if self.noted().contains(&key) {
            return Ok(());
        }
        self.store.note(note, Some(&key)).await?;
        let mut noted = self.noted();
        if noted.len() >= NOTED_MAX {
            noted.clear();
        }
        noted.insert(key);
        Ok(())
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state as handlers receive it.
pub(super) type SharedState<S> = web::Data<HubState<S>>;
