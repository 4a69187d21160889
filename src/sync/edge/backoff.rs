//! When the next exchange is due, and how large its batch may be. Pure.

use std::time::Duration;

use crate::sync::protocol::wire::Pace;

const DELAY_MIN: Duration = Duration::from_secs(1);
/// The longest backoff.
pub const DELAY_MAX: Duration = Duration::from_secs(15 * 60);
/// The longest `Retry-After` of a hub, or of a proxy before it, that an edge obeys.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3_600);
/// The slowest pace of a hub that an edge obeys, in milliseconds: a wrong number must not end the mirror.
const PACE_MAX_MS: u64 = 3_600_000;
/// The largest batch, in bytes, whatever the hub allows.
const BATCH_MAX: usize = 6 << 20;
/// The smallest batch, in bytes: a few kilobytes once it is compressed, which a connection that lives three seconds at 20 KB/s
/// carries several times over.
const BATCH_MIN: usize = 16 << 10;
/// The first batch, before anything is known of the line.
const BATCH_FIRST: usize = 128 << 10;
/// How long the transfer of one message should take: what a broken connection costs is one message at most.
const TRANSFER: Duration = Duration::from_millis(600);

/// While callers write, the mirror pauses this many times as long as it has worked, and sends batches that take a few
/// milliseconds, so that no caller notices it.
const PAUSE_FACTOR: u32 = 12;
const PAUSE_MAX: Duration = Duration::from_millis(500);
const BATCH_YIELDING: usize = 128 << 10;
/// Writes per second from which the mirror yields to callers.
const WRITES_PER_SECOND_MAX: f64 = 100.0;

/// What the next exchange depends on of those before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    pub pace: Pace,
    /// The size of the next batch, in bytes, unless the mirror yields to callers.
    batch: usize,
    /// Below this size a batch doubles when its transfer was fast; from there on it grows slowly.
    ceiling: usize,
    /// The size of the message that was lost last, in bytes.
    lost: usize,
    /// Callers write meanwhile.
    is_yielding: bool,
    /// The delay before the last try, while exchanges fail.
    last_delay: Option<Duration>,
}

impl Default for Backoff {
    fn default() -> Backoff {
        let pace = Pace::default();
        let (batch, ceiling) = (BATCH_FIRST, pace.max_bytes);
        Backoff { pace, batch, ceiling, lost: 0, is_yielding: false, last_delay: None }
    }
}

impl Backoff {
    /// Takes in an exchange that succeeded.
    pub fn succeeded(&mut self, pace: Pace) {
        let next_ms = pace.next_ms.min(PACE_MAX_MS);
        self.pace =
            Pace { next_ms, spread_ms: pace.spread_ms.min(PACE_MAX_MS), max_bytes: pace.max_bytes.min(BATCH_MAX) };
        self.last_delay = None;
        self.set_batch(self.batch);
    }

    /// Takes in that the hub has received a message with rows of this size, in bytes before compression, and how long that
    /// took.
    pub fn carried(&mut self, bytes: usize, took: Duration) {
        self.last_delay = None;
        if took > TRANSFER * 2 {
            let share = TRANSFER.as_secs_f64() / took.as_secs_f64();
            self.set_batch((self.batch as f64 * share.max(0.25)) as usize);
        } else if took < TRANSFER / 2 && bytes >= self.batch / 2 {
            if self.batch < self.ceiling {
                self.set_batch((self.batch * 2).min(self.ceiling));
            } else {
                self.set_batch(self.batch + self.batch / 10);
                self.ceiling = self.batch;
            }
        }
    }

    /// Takes in that a message with rows of this size did not arrive, or that its answer did not.
    pub fn lost(&mut self, bytes: usize) {
        self.lost = bytes;
    }

    /// Whether the message that was lost last was so large that a smaller one might have arrived.
    pub fn has_lost_much(&self) -> bool {
        self.lost >= BATCH_MIN && self.lost >= self.batch / 2
    }

    fn set_batch(&mut self, bytes: usize) {
        self.batch = bytes.clamp(BATCH_MIN, self.pace.max_bytes.max(BATCH_MIN));
    }

    /// The delay once the hub has everything: its pace, and a random part of its spread. `random` is from 0 to 1.
    pub fn next(&self, random: f64) -> Duration {
        Duration::from_millis(self.pace.next_ms) + Duration::from_millis(self.pace.spread_ms).mul_f64(random)
    }

    /// Takes in an exchange that failed and gives the delay: longer each time, with decorrelated jitter so that edges do not
    /// come together, and not shorter than the hub asked for.
    pub fn failed(&mut self, retry_after: Option<Duration>, is_too_much: bool, random: f64) -> Duration {
        if is_too_much {
            self.batch = (self.batch / 2).max(BATCH_MIN);
            self.ceiling = self.batch;
        }
        let last = self.last_delay.unwrap_or(DELAY_MIN);
        let next = DELAY_MIN + (last * 3 - DELAY_MIN).mul_f64(random);
        let next = next.min(DELAY_MAX);
        self.last_delay = Some(next);
        next.max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX))
    }

    /// The size of the next batch, in bytes.
    pub fn batch(&self) -> usize {
        if self.is_yielding { self.batch.min(BATCH_YIELDING) } else { self.batch }
    }

    /// Whether the batch cannot become smaller.
    pub fn is_smallest(&self) -> bool {
        self.batch == BATCH_MIN
    }

    /// How long to pause for callers, after working for `worked` while they made so many writes.
    pub fn pause(&mut self, worked: Duration, writes: i64) -> Duration {
        self.is_yielding = writes as f64 > worked.as_secs_f64() * WRITES_PER_SECOND_MAX;
        if self.is_yielding { (worked * PAUSE_FACTOR).min(PAUSE_MAX) } else { Duration::ZERO }
    }

    /// Whether a write may start an exchange at once.
    pub fn is_ready(&self) -> bool {
        self.last_delay.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_back_off_to_a_quarter_of_an_hour_and_a_success_ends_that() {
        let mut backoff = Backoff::default();
        let waits: Vec<Duration> = (0..20).map(|_| backoff.failed(None, false, 1.0)).collect();
        assert!(waits.is_sorted() && waits[0] == Duration::from_secs(3) && waits[19] == DELAY_MAX);
        assert!(!backoff.is_ready());
        let pace = Pace { next_ms: 10, spread_ms: 4, max_bytes: 1 << 20 };
        backoff.succeeded(pace);
        assert_eq!(backoff.next(0.5), Duration::from_millis(12));
        assert!(backoff.is_ready());
    }

    #[test]
    fn a_pace_without_bounds_is_bounded() {
        let mut backoff = Backoff::default();
        backoff.succeeded(Pace { next_ms: u64::MAX, spread_ms: u64::MAX, max_bytes: usize::MAX });
        assert!(backoff.next(1.0) <= Duration::from_millis(2 * PACE_MAX_MS));
        backoff.succeeded(Pace { max_bytes: usize::MAX, ..Pace::default() });
        (0..200).for_each(|_| backoff.carried(backoff.batch(), Duration::ZERO));
        assert_eq!(backoff.batch(), BATCH_MAX);
    }

    #[test]
    fn a_batch_that_was_too_large_is_halved_and_grows_again_slowly() {
        let mut backoff = Backoff { batch: 2 << 20, ..Backoff::default() };
        backoff.failed(None, true, 0.0);
        assert_eq!(backoff.batch, 1 << 20);
        backoff.carried(1 << 20, Duration::ZERO);
        assert_eq!(backoff.batch, (1 << 20) + (1 << 20) / 10);
        for _ in 0..20 {
            backoff.failed(None, true, 0.0);
        }
        assert_eq!(backoff.batch, BATCH_MIN);
    }

    #[test]
    fn batches_follow_what_the_line_carries() {
        // Bytes per second.
        for (line, least, most) in
            [(20_000, BATCH_MIN, 24_000), (200_000, 60_000, 240_000), (1 << 30, 2 << 20, 2 << 20)]
        {
            let mut backoff = Backoff::default();
            for _ in 0..20 {
                let bytes = backoff.batch();
                backoff.carried(bytes, Duration::from_secs_f64(bytes as f64 / f64::from(line)));
            }
            assert!((least..=most).contains(&backoff.batch()), "{line} bytes/s: {}", backoff.batch());
        }
    }

    #[test]
    fn a_short_message_says_nothing_of_what_the_line_carries() {
        let mut backoff = Backoff::default();
        backoff.carried(1_000, Duration::ZERO);
        assert_eq!(backoff.batch(), BATCH_FIRST);
        backoff.lost(1_000);
        assert!(!backoff.has_lost_much());
        backoff.lost(BATCH_FIRST);
        assert!(backoff.has_lost_much());
    }

    #[test]
    fn the_mirror_yields_to_callers_that_write() {
        let (mut backoff, work) = (Backoff::default(), Duration::from_millis(10));
        backoff.batch = 2 << 20;
        assert_eq!((backoff.pause(work, 1), backoff.batch()), (Duration::ZERO, 2 << 20));
        assert_eq!((backoff.pause(work, 50), backoff.batch()), (work * PAUSE_FACTOR, BATCH_YIELDING));
        assert_eq!(backoff.pause(Duration::from_secs(1), 5_000), PAUSE_MAX);
        assert_eq!((backoff.pause(work, 0), backoff.batch()), (Duration::ZERO, 2 << 20));
    }

    #[test]
    fn retry_after_of_the_hub_is_obeyed() {
        let retry_after = Duration::from_secs(77);
        assert_eq!(Backoff::default().failed(Some(retry_after), false, 0.0), retry_after);
        assert_eq!(Backoff::default().failed(Some(Duration::MAX), false, 0.0), RETRY_AFTER_MAX);
    }
}
