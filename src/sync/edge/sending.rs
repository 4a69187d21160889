//! Sends messages to the hub, and lets their size follow what the line carries.

use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::client::{CallError, HubClient};
use super::metrics::Counts;
use super::session::Outgoing;
use crate::sync::protocol::wire::Reply;

/// The hub, as one edge calls it.
pub struct Line<'l> {
    pub client: &'l HubClient,
    pub origin: &'l str,
    pub token: &'l str,
    pub counts: &'l Counts,
}

impl Line<'_> {
    /// Sends a message, and takes the time.
    pub fn send(&self, message: Outgoing) -> SendResult {
        let begun = Instant::now();
        let reply = self.client.send(self.origin, self.token, &message);
        self.counts.note(&message, &reply);
        SendResult { rows: message.rows() as u64, bytes: message.bytes(), took: begun.elapsed(), reply }
    }
}

/// The result of sending a message.
pub struct SendResult {
    pub rows: u64,
    /// Of the rows, before compression.
    bytes: usize,
    took: Duration,
    pub reply: Result<Option<Reply>, CallError>,
}

impl SendResult {
    /// Lets the next messages follow what the line carries.
    pub fn note(&self, backoff: &mut Backoff) {
        match &self.reply {
            Ok(_) if self.bytes > 0 => backoff.carried(self.bytes, self.took),
            Ok(_) => {}
            Err(_) => backoff.lost(self.bytes),
        }
    }
}

/// Waits for a message that is being sent.
pub fn join(sending: ScopedJoinHandle<SendResult>) -> SendResult {
    let broken = || CallError::Local("a message could not be sent".into());
    sending.join().unwrap_or_else(|_| SendResult { rows: 0, bytes: 0, took: Duration::ZERO, reply: Err(broken()) })
}
