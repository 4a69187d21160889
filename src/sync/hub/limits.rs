//! How much one origin may store at a hub, and how often it may call. Pure: both stores and the listener decide by it.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::retention::bytes_of;
use crate::domain::mirror::Row;
use crate::domain::time::Time;
use crate::error::{Error, Result};

/// How long an origin that called too often is shown so.
const RATE_SHOWN_MS: i64 = 3_600_000;

/// The most that a hub stores of one origin; 0: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginLimits {
    /// Rows of the mirror, rows in quarantine, and those that were lost with an earlier epoch.
    pub rows: i64,
    /// Of their texts.
    pub bytes: i64,
    /// Of a batch that comes in parts.
    pub stage_bytes: i64,
}

impl OriginLimits {
    /// What a hub allows unless it is told otherwise.
    pub const DEFAULT: OriginLimits = OriginLimits { rows: 10_000_000, bytes: 16 << 30, stage_bytes: 4 << 30 };

    /// 507 when a batch in parts has more bytes.
    pub fn check_stage(&self, bytes: i64) -> Result<()> {
        let is_over = self.stage_bytes > 0 && bytes > self.stage_bytes;
        if is_over { Err(Limit::Stage.error(self)) } else { Ok(()) }
    }

    /// Whether what is stored must be counted before a push that adds `added` is applied: it was never counted, or the limit
    /// is near.
    pub fn must_count_before(&self, known: Option<Usage>, added: Usage) -> Option<()> {
        let is_far = known.is_some_and(|known| self.exceeded(known.plus(added)).is_none());
        (!is_far).then_some(())
    }

    /// The limit that is exceeded with this usage.
    pub fn exceeded(&self, used: Usage) -> Option<Limit> {
        let is_over = |limit: i64, used: i64| limit > 0 && used > limit;
        match (is_over(self.rows, used.rows), is_over(self.bytes, used.bytes)) {
            (true, _) => Some(Limit::Rows),
            (_, true) => Some(Limit::Bytes),
            _ => None,
        }
    }
}

/// What a store holds of an origin. Never less than that: rows that replace others count once more, until the store counts
/// anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub rows: i64,
    pub bytes: i64,
}

impl Usage {
    /// Of rows that arrive.
    pub fn of(rows: &[Row]) -> Usage {
        Usage { rows: i64::try_from(rows.len()).unwrap_or(i64::MAX), bytes: bytes_of(rows) }
    }

    #[must_use]
    pub fn plus(self, other: Usage) -> Usage {
        Usage { rows: self.rows.saturating_add(other.rows), bytes: self.bytes.saturating_add(other.bytes) }
    }
}

/// What is stored before a push, and what it adds at most.
#[derive(Clone, Copy, Debug)]
pub struct UsageOfPush {
    pub known: Usage,
    pub added: Usage,
}

impl UsageOfPush {
    pub fn estimate(&self) -> Usage {
        self.known.plus(self.added)
    }

    /// Whether only a count shows if the push is too much: rows that replace others add nothing.
    pub fn must_count_after(&self, limits: &OriginLimits) -> bool {
        limits.exceeded(self.estimate()).is_some()
    }

    /// The usage after the push, as it was counted. 507 when it is too much, unless the push has made it less: where a limit
    /// was lowered, deletes must arrive.
    pub fn check(&self, counted: Usage, limits: &OriginLimits) -> Result<Usage> {
        match limits.exceeded(counted) {
            Some(limit) if counted.rows > self.known.rows || counted.bytes > self.known.bytes => {
                Err(limit.error(limits))
            }
            _ => Ok(counted),
        }
    }
}

/// What an origin has too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Limit {
    Rows,
    Bytes,
    /// Bytes of a batch in parts.
    Stage,
    /// Calls in a second.
    Calls,
}

impl Limit {
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The error of a call that would exceed it.
    pub fn error(self, limits: &OriginLimits) -> Error {
        let (limit, what) = match self {
            Limit::Rows => (limits.rows, "rows"),
            Limit::Bytes => (limits.bytes, "bytes"),
            Limit::Stage => (limits.stage_bytes, "bytes in a batch that comes in parts"),
            Limit::Calls => return Error::TooManyCalls { retry_after_s: 1 },
        };
        let message = format!("The hub stores at most {limit} {what} of one server: its operator can raise the limit");
        Error::OverLimit { code: self.name(), message }
    }
}

/// That a call of an origin was refused because of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverLimit {
    pub limit: Limit,
    pub at: Time,
}

impl OverLimit {
    /// What is left of it once the hub has accepted a push at `now`.
    pub fn after_push(known: Option<OverLimit>, now: Time) -> Option<OverLimit> {
        known.filter(|known| known.limit == Limit::Calls && (now.millis() - known.at.millis()).abs() < RATE_SHOWN_MS)
    }
}

/// The calls that an origin may still make, as a bucket that fills evenly.
#[derive(Clone, Copy, Debug)]
pub struct CallBudget {
    calls: f64,
    at_ms: u64,
}

/// How many seconds' calls an origin may make at once, when it has not called for so long.
const BURST_S: f64 = 5.0;

impl CallBudget {
    /// Full, at this time.
    pub fn full(per_second: u32, at_ms: u64) -> CallBudget {
        CallBudget { calls: f64::from(per_second) * BURST_S, at_ms }
    }

    /// Takes one call; `false` when there is none left.
    pub fn take(&mut self, per_second: u32, now_ms: u64) -> bool {
        let passed = now_ms.saturating_sub(self.at_ms) as f64 / 1_000.0;
        let rate = f64::from(per_second);
        self.calls = (self.calls + passed * rate).min(rate * BURST_S);
        self.at_ms = self.at_ms.max(now_ms);
        let may = self.calls >= 1.0;
        if may {
            self.calls -= 1.0;
        }
        may
    }

    /// Whether it is full by now, so that nothing is lost when it is forgotten.
    pub fn is_full(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.at_ms) as f64 / 1_000.0 >= BURST_S
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_no_limit_and_the_limit_itself_is_allowed() {
        let limits = OriginLimits { rows: 2, bytes: 10, stage_bytes: 0 };
        for (rows, bytes, expected) in [(2, 10, None), (3, 0, Some(Limit::Rows)), (0, 11, Some(Limit::Bytes))] {
            assert_eq!(limits.exceeded(Usage { rows, bytes }), expected);
        }
        let none = OriginLimits { rows: 0, bytes: 0, stage_bytes: 0 };
        assert_eq!(none.exceeded(Usage { rows: i64::MAX, bytes: i64::MAX }), None);
    }

    #[test]
    fn a_push_that_makes_it_less_is_allowed_above_the_limit_too() {
        let limits = OriginLimits { rows: 2, bytes: 0, stage_bytes: 5 };
        let used = |rows| Usage { rows, bytes: rows };
        let push = UsageOfPush { known: used(5), added: used(1) };
        assert!(push.must_count_after(&limits) && push.check(used(6), &limits).is_err());
        assert_eq!(push.check(used(4), &limits).unwrap(), used(4));
        assert!(
            limits.must_count_before(None, used(0)).is_some()
                && limits.must_count_before(Some(used(1)), used(1)).is_none()
        );
        assert!(limits.check_stage(5).is_ok() && limits.check_stage(6).is_err());
    }

    #[test]
    fn a_usage_does_not_overflow() {
        let most = Usage { rows: i64::MAX, bytes: i64::MAX };
        assert_eq!(most.plus(most), most);
    }

    #[test]
    fn calls_are_counted_evenly_and_some_may_come_at_once() {
        let mut budget = CallBudget::full(10, 0);
        assert_eq!((0..100).filter(|_| budget.take(10, 0)).count(), 50);
        assert_eq!((0..100).filter(|_| budget.take(10, 1_000)).count(), 10);
        assert!(!budget.take(10, 500), "a clock that goes back gives nothing");
        assert!(!budget.is_full(5_999) && budget.is_full(6_000));
        assert_eq!((0..100).filter(|_| budget.take(10, 1_000_000)).count(), 50);
    }

    #[test]
    fn what_was_refused_for_its_size_is_over_with_the_next_push() {
        let (now, at) = (Time::from_millis(RATE_SHOWN_MS), Time::from_millis(1));
        let over = |limit| Some(OverLimit { limit, at });
        assert_eq!(OverLimit::after_push(over(Limit::Rows), now), None);
        assert_eq!(OverLimit::after_push(over(Limit::Calls), now), over(Limit::Calls));
        assert_eq!(OverLimit::after_push(over(Limit::Calls), now.plus_ms(1)), None);
    }
}
