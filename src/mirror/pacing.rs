//! When to go to the hub again. Pure.

use std::time::Duration;

use super::wire::Pace;

const DELAY_MIN: Duration = Duration::from_secs(1);
/// The longest wait while something is wrong.
pub const DELAY_MAX: Duration = Duration::from_secs(15 * 60);
/// The smallest batch that is tried, in bytes.
const BATCH_MIN: usize = 16 << 10;

/// How the last exchanges went, as far as the next one depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pacing {
    pub pace: Pace,
    /// The size of the next batch, in bytes.
    pub batch: usize,
    /// The wait before the last try, while the hub cannot be reached.
    backing_off: Option<Duration>,
}

impl Default for Pacing {
    fn default() -> Pacing {
        let pace = Pace::default();
        Pacing { pace, batch: pace.max_bytes, backing_off: None }
    }
}

impl Pacing {
    /// After an exchange that worked: at the hub's pace, somewhere in its spread; `share` is a random part of 0 to 1.
    pub fn succeeded(&mut self, pace: Pace, share: f64) -> Duration {
        self.pace = pace;
        self.backing_off = None;
        self.batch = (self.batch + self.batch / 10).clamp(BATCH_MIN, pace.max_bytes.max(BATCH_MIN));
        Duration::from_millis(pace.next_ms) + Duration::from_millis(pace.spread_ms).mul_f64(share)
    }

    /// After one that did not: later each time, never together with others (decorrelated jitter), and not before the
    /// hub asked for.
    pub fn failed(&mut self, retry_after: Option<Duration>, is_too_much: bool, share: f64) -> Duration {
        if is_too_much {
            self.batch = (self.batch / 2).max(BATCH_MIN);
        }
        let last = self.backing_off.unwrap_or(DELAY_MIN);
        let next = DELAY_MIN + (last * 3 - DELAY_MIN).mul_f64(share);
        let next = next.min(DELAY_MAX);
        self.backing_off = Some(next);
        next.max(retry_after.unwrap_or_default())
    }

    /// Whether a write may send the edge to the hub at once.
    pub fn may_hurry(&self) -> bool {
        self.backing_off.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_back_off_to_a_quarter_of_an_hour_and_a_success_ends_that() {
        let mut pacing = Pacing::default();
        let waits: Vec<Duration> = (0..20).map(|_| pacing.failed(None, false, 1.0)).collect();
        assert!(waits.is_sorted() && waits[0] == Duration::from_secs(3) && waits[19] == DELAY_MAX);
        assert!(!pacing.may_hurry());
        let pace = Pace { next_ms: 10, spread_ms: 4, max_bytes: 1 << 20 };
        assert_eq!(pacing.succeeded(pace, 0.5), Duration::from_millis(12));
        assert!(pacing.may_hurry());
    }

    #[test]
    fn what_was_too_much_is_halved_and_grows_again_slowly() {
        let mut pacing = Pacing::default();
        pacing.failed(None, true, 0.0);
        assert_eq!(pacing.batch, 512 << 10);
        pacing.succeeded(Pace::default(), 0.0);
        assert_eq!(pacing.batch, (512 << 10) + (512 << 10) / 10);
        for _ in 0..20 {
            pacing.failed(None, true, 0.0);
        }
        assert_eq!(pacing.batch, BATCH_MIN);
    }

    #[test]
    fn the_hub_s_own_wish_is_kept() {
        let wish = Duration::from_secs(77);
        assert_eq!(Pacing::default().failed(Some(wish), false, 0.0), wish);
    }
}
