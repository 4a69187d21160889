//! What all calls of a hub share.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use actix_web::web;

use super::admission::Admission;
use crate::clock::Clock;
use crate::domain::audit::Hash;
use crate::sync::protocol::wire::Pace;

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
    /// SHA-256 of the administrator's token.
    pub admin: Hash,
    pub pace: Pace,
    pub(super) counts: Counts,
    pub(super) admission: Admission,
}

impl<S> HubState<S> {
    pub fn new(store: Arc<S>, clock: Clock, admin: Hash) -> HubState<S> {
        HubState {
            store,
            clock,
            admin,
            pace: Pace::default(),
            counts: Counts::default(),
            admission: Admission::default(),
        }
    }
}

/// The state as handlers receive it.
pub(super) type SharedState<S> = web::Data<HubState<S>>;
