//! The only room that reads the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::domain::time::Time;

/// Tells the time, with an offset that tests move instead of sleeping.
#[derive(Clone, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    #[allow(clippy::disallowed_methods, reason = "this is the room")]
    pub fn now(&self) -> Time {
        let now = chrono::Utc::now().timestamp_millis();
        Time::from_millis(now + self.offset_ms.load(Ordering::Relaxed))
    }

    /// Moves this clock, and every clone of it, forward.
    pub fn advance_ms(&self, millis: i64) {
        self.offset_ms.fetch_add(millis, Ordering::Relaxed);
    }
}
