//! Names that nobody has and that a new password was asked for: a second request for one is refused as it is for a name that somebody
//! has, so that two requests do not tell who exists. Times are those of a clock that only passes.

use std::time::Duration;

use moka::sync::Cache;

use crate::domain::audit::{Hash, digest};
use crate::domain::text::folded;
use crate::domain::time::Time;

/// How many names are remembered.
const NAMES_MAX: u64 = 50_000;

pub struct ResetRequests {
    names: Cache<Hash, Time>,
    window_ms: i64,
}

impl ResetRequests {
    pub fn new(window_ms: i64) -> ResetRequests {
        // The cache measures real time, only to free memory.
        let time_to_live = Duration::from_millis(window_ms.unsigned_abs());
        let names = Cache::builder().max_capacity(NAMES_MAX).time_to_live(time_to_live).build();
        ResetRequests { names, window_ms }
    }

    /// Whether the name was noted within the window; else it is noted now.
    pub fn is_known(&self, name: &str, now: Time) -> bool {
        let key = digest(folded(name).as_bytes());
        if self.names.get(&key).is_some_and(|since| now < since.plus_ms(self.window_ms)) {
            return true;
        }
        self.names.insert(key, now);
        false
    }

    /// For a mock that begins anew.
    pub fn clear(&self) {
        self.names.invalidate_all();
    }
}
