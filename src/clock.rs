//! The only room that reads the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use crate::domain::time::Time;

/// 2026-11-01: this program is not older than that, whatever a clock says.
const BUILT_MS: i64 = 1_793_491_200_000;
/// A time this long after it is a wrong clock, and makes no floor.
const FLOOR_MAX_MS: i64 = BUILT_MS + 10 * 366 * 24 * 3_600_000;

/// Whether a right clock may show this time: not much later than this program can be in use.
pub fn is_plausible(time: Time) -> bool {
    time.millis() <= FLOOR_MAX_MS
}

/// Tells the time, with an offset that tests move instead of sleeping.
///
/// An appliance may start in 1970: its sessions and one-time codes would live again. So time never goes back behind a
/// floor, and goes on from there: when this program was built, what [`Clock::raise`] was last told, and what has passed
/// since.
#[derive(Clone)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
    /// As of `began`.
    floor_ms: Arc<AtomicI64>,
    began: Instant,
}

#[allow(clippy::disallowed_methods, reason = "this is the room")]
impl Clock {
    pub fn now(&self) -> Time {
        Time::from_millis(self.own_ms().max(self.floor_ms.load(Ordering::Relaxed) + self.passed_ms()))
    }

    /// It is this late at least: by what was written down before the last start, or by the hub.
    pub fn raise(&self, time: Time) {
        if is_plausible(time) {
            self.floor_ms.fetch_max(time.millis() - self.passed_ms(), Ordering::Relaxed);
        }
    }

    /// What the hub says: believed where this machine's own clock is known to be wrong, behind the floor. A hub's may be
    /// wrong too.
    pub fn believe(&self, time: Time) {
        if self.own_ms() < self.floor_ms.load(Ordering::Relaxed) + self.passed_ms() {
            self.raise(time);
        }
    }

    fn own_ms(&self) -> i64 {
        chrono::Utc::now().timestamp_millis() + self.offset_ms.load(Ordering::Relaxed)
    }

    fn passed_ms(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX / 2)
    }

    /// Moves this clock, and every clone of it, forward.
    pub fn advance_ms(&self, millis: i64) {
        self.offset_ms.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Default for Clock {
    fn default() -> Clock {
        Clock { offset_ms: Arc::default(), floor_ms: Arc::new(AtomicI64::new(BUILT_MS)), began: Instant::now() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR_MS: i64 = 365 * 24 * 3_600_000;

    #[test]
    fn a_clock_in_1970_goes_on_from_what_was_last_known() {
        let clock = Clock::default();
        clock.advance_ms(-100 * YEAR_MS);
        assert!((BUILT_MS..BUILT_MS + YEAR_MS).contains(&clock.now().millis()));
        let known = Time::from_millis(BUILT_MS + YEAR_MS);
        clock.raise(known);
        assert!((0..YEAR_MS).contains(&(clock.now().millis() - known.millis())));
        clock.raise(Time::from_millis(BUILT_MS));
        assert!(clock.now() >= known, "it is never lowered");
    }

    #[test]
    fn the_hub_is_believed_where_the_machine_s_own_clock_is_wrong_and_nowhere_else() {
        let (right, wrong) = (Clock::default(), Clock::default());
        wrong.advance_ms(-100 * YEAR_MS);
        let later = Time::from_millis(right.now().millis() + YEAR_MS);
        right.believe(later);
        wrong.believe(later);
        assert!(right.now() < later && wrong.now() >= later);
    }

    #[test]
    fn a_clock_that_is_wrong_by_decades_makes_no_floor() {
        let clock = Clock::default();
        clock.raise(Time::from_millis(BUILT_MS + 50 * YEAR_MS));
        assert!(clock.now().millis() < BUILT_MS + 50 * YEAR_MS);
    }
}
