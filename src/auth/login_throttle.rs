//! The limit on failed logins, per name and per client address.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::domain::audit::{Hash, digest};
use crate::domain::time::Time;
use crate::error::{Error, Result};

/// How many names, and how many addresses, are remembered at most.
const KEYS_MAX: u64 = 50_000;

/// How many failed logins are allowed within a window.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub per_name: u32,
    pub per_address: u32,
    pub window_s: u64,
}

/// Counts an attempt when it begins and takes it back when it succeeds, so that attempts in parallel count too.
pub struct LoginThrottle {
    names: Windows,
    addresses: Windows,
    /// Checking and counting are one step.
    turn: Mutex<()>,
}

impl LoginThrottle {
    pub fn new(limits: Limits) -> LoginThrottle {
        LoginThrottle {
            names: Windows::new(limits.per_name, limits.window_s),
            addresses: Windows::new(limits.per_address, limits.window_s),
            turn: Mutex::default(),
        }
    }

    /// Counts an attempt, or refuses it: 429 `too_many_requests`.
    pub fn begin(&self, name: &str, address: &str, now: Time) -> Result<()> {
        let (name, address) = (key_of_name(name), digest(address.as_bytes()));
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.names.check(&name, now)?;
        self.addresses.check(&address, now)?;
        self.names.count(name, now);
        self.addresses.count(address, now);
        Ok(())
    }

    /// The attempt did not fail: it does not count.
    pub fn take_back(&self, name: &str, address: &str) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.names.take_back(key_of_name(name));
        self.addresses.take_back(digest(address.as_bytes()));
    }
}

/// A digest, so that a long name takes no more memory than a short one. Case does not count, as at login.
fn key_of_name(name: &str) -> Hash {
    digest(name.to_ascii_lowercase().as_bytes())
}

#[derive(Clone, Copy)]
struct Window {
    since: Time,
    failures: u32,
}

/// The windows of all names, or of all addresses. Those that have reached the limit are kept apart: names that are tried
/// once, however many, displace only one another. Of each kind the least recently tried is displaced.
struct Windows {
    limit: u32,
    window_ms: i64,
    below_limit: Cache<Hash, Window>,
    at_limit: Cache<Hash, Window>,
}

impl Windows {
    fn new(limit: u32, window_s: u64) -> Windows {
        // The cache measures real time, only to free memory: whether a window is over is decided by the caller's time.
        let time_to_live = Duration::from_secs(window_s.min(366 * 24 * 3_600));
        let cache = || {
            let policy = EvictionPolicy::lru();
            Cache::builder().max_capacity(KEYS_MAX).time_to_live(time_to_live).eviction_policy(policy).build()
        };
        Windows {
            limit,
            window_ms: i64::try_from(window_s.saturating_mul(1_000)).unwrap_or(i64::MAX),
            below_limit: cache(),
            at_limit: cache(),
        }
    }

    fn end_of(&self, window: Window) -> Time {
        Time::from_millis(window.since.millis().saturating_add(self.window_ms))
    }

    fn check(&self, key: &Hash, now: Time) -> Result<()> {
        let Some(end) = self.at_limit.get(key).map(|window| self.end_of(window)) else { return Ok(()) };
        if now >= end {
            return Ok(());
        }
        let left_ms = end.millis() - now.millis();
        Err(Error::TooManyRequests { retry_after_s: left_ms.div_euclid(1_000) as u64 + 1 })
    }

    fn count(&self, key: Hash, now: Time) {
        let old = self.find(&key);
        let current = old.filter(|window| now < self.end_of(*window));
        let current = current.unwrap_or(Window { since: now, failures: 0 });
        self.replace(key, old, Window { failures: current.failures + 1, ..current });
    }

    fn take_back(&self, key: Hash) {
        if let Some(old) = self.find(&key) {
            self.replace(key, Some(old), Window { failures: old.failures.saturating_sub(1), ..old });
        }
    }

    fn find(&self, key: &Hash) -> Option<Window> {
        self.at_limit.get(key).or_else(|| self.below_limit.get(key))
    }

    fn replace(&self, key: Hash, old: Option<Window>, new: Window) {
        let windows_of = |window: &Window| match window.failures >= self.limit {
            true => &self.at_limit,
            false => &self.below_limit,
        };
        if let Some(old) = old.filter(|old| (old.failures >= self.limit) != (new.failures >= self.limit)) {
            windows_of(&old).invalidate(&key);
        }
        windows_of(&new).insert(key, new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { per_name: 2, per_address: 3, window_s: 60 };

    fn at(seconds: i64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    #[test]
    fn failures_are_counted_per_name_and_per_address() {
        let throttle = LoginThrottle::new(LIMITS);
        assert!(throttle.begin("a", "1", at(0)).is_ok() && throttle.begin("A", "1", at(0)).is_ok());
        assert!(matches!(throttle.begin("a", "2", at(10)), Err(Error::TooManyRequests { retry_after_s: 51 })));
        assert!(throttle.begin("b", "1", at(10)).is_ok());
        assert!(throttle.begin("c", "1", at(10)).is_err());
        assert!(throttle.begin("c", "2", at(10)).is_ok());
    }

    #[test]
    fn a_success_does_not_count_and_a_window_ends() {
        let throttle = LoginThrottle::new(LIMITS);
        for _ in 0..10 {
            throttle.begin("a", "1", at(0)).unwrap();
            throttle.take_back("a", "1");
        }
        throttle.begin("a", "1", at(0)).unwrap();
        throttle.begin("a", "1", at(0)).unwrap();
        assert!(throttle.begin("a", "1", at(59)).is_err());
        assert!(throttle.begin("a", "1", at(60)).is_ok());
    }

    #[test]
    fn a_hundred_thousand_other_names_clear_no_limit() {
        let throttle = LoginThrottle::new(LIMITS);
        let is_refused =
            |name, address| matches!(throttle.begin(name, address, at(30)), Err(Error::TooManyRequests { .. }));
        for _ in 0..2 {
            throttle.begin("attacked", "1", at(0)).unwrap();
        }
        for name in ["b", "c", "d"] {
            throttle.begin(name, "attacker", at(0)).unwrap();
        }
        for i in 0..100_000 {
            throttle.begin(&format!("name {i}"), &format!("address {i}"), at(20)).unwrap();
        }
        assert!(is_refused("attacked", "2") && is_refused("e", "attacker"));
        // A name that is new among so many is counted too.
        assert!(!is_refused("new", "3") && !is_refused("new", "4") && is_refused("new", "5"));
        assert!(throttle.begin("attacked", "2", at(60)).is_ok());
        // What is remembered has a bound.
        throttle.names.below_limit.run_pending_tasks();
        assert!(throttle.names.below_limit.entry_count() <= KEYS_MAX);
    }
}
