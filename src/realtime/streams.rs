//! What listeners over server-sent events are told: changes as they were committed, and how the mirror stands. Each decides for
//! itself what of it it may hear.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::broadcast::{Receiver, Sender, channel};

use crate::db::Notices;

/// As many pieces of news are kept for a listener that is slow. Behind more of them it is told to read again.
const KEPT: usize = 256;

/// One piece of news.
#[derive(Clone, Debug)]
pub enum Told {
    Changes(Arc<Notices>),
    Mirror(Arc<Value>),
}

/// The way to all of them; `None` once the server ends.
pub struct Streams(Mutex<Option<Sender<Told>>>);

impl Default for Streams {
    fn default() -> Streams {
        Streams(Mutex::new(Some(channel(KEPT).0)))
    }
}

impl Streams {
    /// One more listener; `None` when the server ends.
    pub(super) fn enter(&self) -> Option<Receiver<Told>> {
        self.sender().as_ref().map(Sender::subscribe)
    }

    /// Whether anybody listens.
    pub fn is_heard(&self) -> bool {
        self.sender().as_ref().is_some_and(|sender| sender.receiver_count() > 0)
    }

    /// Tells all of them.
    pub fn tell(&self, told: Told) {
        if let Some(sender) = &*self.sender() {
            // Nobody listens: nobody is told.
            let _ = sender.send(told);
        }
    }

    /// Ends them.
    pub fn end(&self) {
        self.sender().take();
    }

    fn sender(&self) -> MutexGuard<'_, Option<Sender<Told>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
