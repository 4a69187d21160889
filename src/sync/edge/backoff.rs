//! When to go to the hub again. Pure.

use std::time::Duration;

use crate::sync::protocol::wire::Pace;

const DELAY_MIN: Duration = Duration::from_secs(1);
/// The longest wait while something is wrong.
pub const DELAY_MAX: Duration = Duration::from_secs(15 * 60);
/// The longest that a hub, or something on the way to it, is believed when it asks for more.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3_600);
/// The smallest batch that is tried, in bytes.
const BATCH_MIN: usize = 16 << 10;

/// While callers write, the mirror rests so many times as long as it has worked, so long at most, and works in batches
/// that are done in some milliseconds: no caller is to notice it.
const REST: u32 = 12;
const REST_MAX: Duration = Duration::from_millis(500);
const BATCH_BESIDE: usize = 128 << 10;
/// Writes in a second from which they are too many to work beside.
const WRITES_MAX: f64 = 100.0;

/// How the last exchanges went, as far as the next one depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    pub pace: Pace,
    /// The size of the next batch, in bytes, when nobody else is at work.
    batch: usize,
    /// Callers write meanwhile, and are not to notice.
    is_beside: bool,
    /// The wait before the last try, while the hub cannot be reached.
    backing_off: Option<Duration>,
}

impl Default for Backoff {
    fn default() -> Backoff {
        let pace = Pace::default();
        Backoff { pace, batch: pace.max_bytes, is_beside: false, backing_off: None }
    }
}

impl Backoff {
    /// After an exchange that worked.
    pub fn exchanged(&mut self, pace: Pace) {
        self.pace = pace;
        self.backing_off = None;
        self.batch = (self.batch + self.batch / 10).clamp(BATCH_MIN, pace.max_bytes.max(BATCH_MIN));
    }

    /// When the hub has everything: at its pace, somewhere in its spread; `share` is a random part of 0 to 1.
    pub fn next(&self, share: f64) -> Duration {
        Duration::from_millis(self.pace.next_ms) + Duration::from_millis(self.pace.spread_ms).mul_f64(share)
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
        next.max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX))
    }

    /// The size of the next batch, in bytes.
    pub fn batch(&self) -> usize {
        if self.is_beside { self.batch.min(BATCH_BESIDE) } else { self.batch }
    }

    /// There is no smaller batch to try.
    pub fn is_smallest(&self) -> bool {
        self.batch == BATCH_MIN
    }

    /// How long to leave the machine to others, after so much work in which there were so many writes.
    pub fn rest(&mut self, worked: Duration, writes: i64) -> Duration {
        self.is_beside = writes as f64 > worked.as_secs_f64() * WRITES_MAX;
        if self.is_beside { (worked * REST).min(REST_MAX) } else { Duration::ZERO }
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
        let mut pacing = Backoff::default();
        let waits: Vec<Duration> = (0..20).map(|_| pacing.failed(None, false, 1.0)).collect();
        assert!(waits.is_sorted() && waits[0] == Duration::from_secs(3) && waits[19] == DELAY_MAX);
        assert!(!pacing.may_hurry());
        let pace = Pace { next_ms: 10, spread_ms: 4, max_bytes: 1 << 20 };
        pacing.exchanged(pace);
        assert_eq!(pacing.next(0.5), Duration::from_millis(12));
        assert!(pacing.may_hurry());
    }

    #[test]
    fn what_was_too_much_is_halved_and_grows_again_slowly() {
        let mut pacing = Backoff::default();
        pacing.failed(None, true, 0.0);
        assert_eq!(pacing.batch, 1 << 20);
        pacing.exchanged(Pace::default());
        assert_eq!(pacing.batch, (1 << 20) + (1 << 20) / 10);
        for _ in 0..20 {
            pacing.failed(None, true, 0.0);
        }
        assert_eq!(pacing.batch, BATCH_MIN);
    }

    #[test]
    fn the_mirror_gives_way_to_those_who_write() {
        let (mut pacing, work) = (Backoff::default(), Duration::from_millis(10));
        assert_eq!((pacing.rest(work, 1), pacing.batch()), (Duration::ZERO, pacing.pace.max_bytes));
        assert_eq!((pacing.rest(work, 50), pacing.batch()), (work * REST, BATCH_BESIDE));
        assert_eq!(pacing.rest(Duration::from_secs(1), 5_000), REST_MAX);
        assert_eq!((pacing.rest(work, 0), pacing.batch()), (Duration::ZERO, pacing.pace.max_bytes));
    }

    #[test]
    fn the_hub_s_own_wish_is_kept() {
        let wish = Duration::from_secs(77);
        assert_eq!(Backoff::default().failed(Some(wish), false, 0.0), wish);
        assert_eq!(Backoff::default().failed(Some(Duration::MAX), false, 0.0), RETRY_AFTER_MAX);
    }
}
