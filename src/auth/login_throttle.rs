//! The limit on failed logins: per name at one client address, per name, and per address.

use std::net::Ipv6Addr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::domain::audit::{Hash, digest};
use crate::domain::text::folded;
use crate::domain::time::Time;
use crate::error::{Error, Result};

/// How many names, and how many addresses, are remembered at most.
const KEYS_MAX: u64 = 50_000;

/// How many times as many failures a name has in all as from one address: beyond that it is attacked from many.
const NAME_FACTOR: u32 = 10;

/// How many failed logins are allowed within a window.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of one name from one address; ten times as many of one name from all addresses.
    pub per_name: u32,
    /// From one address, whatever the name.
    pub per_address: u32,
    pub window_s: u64,
}

/// Counts failed logins. What strangers do elsewhere does not lock a name at an address from which it has logged in before.
/// Times are those of a clock that only passes, such as [`crate::clock::Clock::uptime`].
pub struct LoginThrottle {
    pairs: Windows,
    names: Windows,
    addresses: Windows,
    /// Names with addresses from which they have logged in.
    known: Cache<Hash, ()>,
    /// Checking and counting are one step.
    turn: Mutex<()>,
}

/// A login under way. It counts as a failure of its name at its address until something else is said of it: also when its
/// caller leaves.
pub struct Attempt<'t> {
    throttle: &'t LoginThrottle,
    keys: Keys,
    now: Time,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Failed,
    /// Neither a success nor a failure.
    Released,
    Succeeded,
}

#[derive(Clone, Copy)]
struct Keys {
    pair: Hash,
    name: Hash,
    address: Hash,
}

impl Keys {
    /// Digests, so that a long name takes no more memory than a short one. Case does not count, as at login.
    fn of(name: &str, address: &str) -> Keys {
        let (name, address) = (digest(folded(name).as_bytes()), digest(network(address).as_bytes()));
        Keys { pair: digest(&[name, address].concat()), name, address }
    }
}

/// What is counted as one address: of IPv6 the network of 64 bits, which one household or server has to itself.
fn network(address: &str) -> String {
    match address.parse::<Ipv6Addr>() {
        Ok(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
        Err(_) => address.to_owned(),
    }
}

impl Attempt<'_> {
    /// The login succeeded: earlier failures of this name at this address are forgotten.
    pub fn succeeded(mut self) {
        self.outcome = Outcome::Succeeded;
    }

    /// The login was neither right nor wrong, such as one that lacks its second factor.
    pub fn released(mut self) {
        self.outcome = Outcome::Released;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let (throttle, keys) = (self.throttle, self.keys);
        let _turn = throttle.turn.lock().unwrap_or_else(PoisonError::into_inner);
        match self.outcome {
            Outcome::Failed => {
                throttle.pairs.end(keys.pair);
                throttle.names.count(keys.name, self.now);
                throttle.addresses.count(keys.address, self.now);
            }
            Outcome::Released => throttle.pairs.take_back(keys.pair),
            Outcome::Succeeded => {
                throttle.pairs.forget(&keys.pair);
                throttle.known.insert(keys.pair, ());
            }
        }
    }
}

impl LoginThrottle {
    pub fn new(limits: Limits) -> LoginThrottle {
        LoginThrottle {
            pairs: Windows::new(limits.per_name, limits.window_s),
            names: Windows::new(limits.per_name.saturating_mul(NAME_FACTOR), limits.window_s),
            addresses: Windows::new(limits.per_address, limits.window_s),
            known: Cache::builder().max_capacity(KEYS_MAX).eviction_policy(EvictionPolicy::lru()).build(),
            turn: Mutex::default(),
        }
    }

    /// Forgets all failures: for a mock that begins anew.
    pub fn clear(&self) {
        self.pairs.clear();
        self.names.clear();
        self.addresses.clear();
    }

    /// Begins an attempt, or refuses it: 429 `too_many_requests`.
    pub fn begin(&self, name: &str, address: &str, now: Time) -> Result<Attempt<'_>> {
        let keys = Keys::of(name, address);
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.pairs.check(&keys.pair, now)?;
        if self.known.get(&keys.pair).is_none() {
            self.names.check(&keys.name, now)?;
            self.addresses.check(&keys.address, now)?;
        }
        // Counted at once, so that attempts side by side count too. Those of other names at the address do not: colleagues
        // behind one address log in at the same time.
        self.pairs.begin(keys.pair, now);
        Ok(Attempt { throttle: self, keys, now, outcome: Outcome::Failed })
    }
}

#[derive(Clone, Copy)]
struct Window {
    since: Time,
    /// Those under way are among them until they are known not to be.
    failures: u32,
    under_way: u32,
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
    fn clear(&self) {
        self.below_limit.invalidate_all();
        self.at_limit.invalidate_all();
    }

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
        let Some(window) = self.at_limit.get(key) else { return Ok(()) };
        let end = self.end_of(window);
        if now >= end {
            return Ok(());
        }
        if window.failures - window.under_way.min(window.failures) < self.limit {
            return Err(Error::Unavailable("Other logins of this name are under way: try again"));
        }
        let left_ms = end.millis() - now.millis();
        Err(Error::TooManyRequests { retry_after_s: left_ms.div_euclid(1_000) as u64 + 1 })
    }

    fn count(&self, key: Hash, now: Time) {
        self.add(key, now, 0);
    }

    /// Counts an attempt whose outcome is not known.
    fn begin(&self, key: Hash, now: Time) {
        self.add(key, now, 1);
    }

    fn add(&self, key: Hash, now: Time, under_way: u32) {
        let old = self.find(&key);
        let current = old.filter(|window| now < self.end_of(*window));
        let Window { since, failures, under_way: others } =
            current.unwrap_or(Window { since: now, failures: 0, under_way: 0 });
        self.replace(key, old, Window { since, failures: failures + 1, under_way: others + under_way });
    }

    /// The attempt has failed, and stays counted.
    fn end(&self, key: Hash) {
        if let Some(old) = self.find(&key) {
            self.replace(key, Some(old), Window { under_way: old.under_way.saturating_sub(1), ..old });
        }
    }

    fn take_back(&self, key: Hash) {
        if let Some(old) = self.find(&key) {
            let (failures, under_way) = (old.failures.saturating_sub(1), old.under_way.saturating_sub(1));
            self.replace(key, Some(old), Window { failures, under_way, ..old });
        }
    }

    fn forget(&self, key: &Hash) {
        self.below_limit.invalidate(key);
        self.at_limit.invalidate(key);
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

    fn fail(throttle: &LoginThrottle, name: &str, address: &str, now: Time) -> Result<()> {
        throttle.begin(name, address, now).map(drop)
    }

    #[test]
    fn attempts_under_way_are_no_failures() {
        let throttle = LoginThrottle::new(LIMITS);
        let (first, second) = (throttle.begin("a", "1", at(0)).unwrap(), throttle.begin("a", "1", at(0)).unwrap());
        assert!(matches!(throttle.begin("a", "1", at(0)).map(drop), Err(Error::Unavailable(_))), "as many as may fail");
        drop(first);
        assert!(matches!(throttle.begin("a", "1", at(1)).map(drop), Err(Error::Unavailable(_))));
        drop(second);
        assert!(matches!(throttle.begin("a", "1", at(1)).map(drop), Err(Error::TooManyRequests { .. })));
    }

    #[test]
    fn failures_are_counted_per_name_at_an_address_and_per_address() {
        let throttle = LoginThrottle::new(LIMITS);
        assert!(fail(&throttle, "a", "1", at(0)).is_ok() && fail(&throttle, "A", "1", at(0)).is_ok());
        let refused = fail(&throttle, "a", "1", at(10));
        assert!(matches!(refused, Err(Error::TooManyRequests { retry_after_s: 51 })));
        assert!(fail(&throttle, "a", "2", at(10)).is_ok(), "strangers do not lock a name elsewhere");
        assert!(fail(&throttle, "b", "1", at(10)).is_ok());
        assert!(fail(&throttle, "c", "1", at(10)).is_err());
        assert!(fail(&throttle, "c", "2", at(10)).is_ok());
    }

    #[test]
    fn a_name_that_is_attacked_from_many_addresses_is_locked_except_where_it_has_logged_in_before() {
        let throttle = LoginThrottle::new(LIMITS);
        throttle.begin("a", "home", at(0)).unwrap().succeeded();
        let tried = (0..100).filter(|n| fail(&throttle, "a", &format!("10.0.0.{n}"), at(1)).is_ok()).count();
        assert_eq!(tried, 20);
        throttle.begin("a", "home", at(2)).unwrap().succeeded();
        assert!(fail(&throttle, "b", "10.0.0.1", at(2)).is_ok());
    }

    #[test]
    fn a_success_forgets_failures_and_a_window_ends() {
        let throttle = LoginThrottle::new(LIMITS);
        for _ in 0..10 {
            fail(&throttle, "a", "1", at(0)).unwrap();
            throttle.begin("a", "1", at(0)).unwrap().succeeded();
        }
        for _ in 0..10 {
            throttle.begin("b", "2", at(0)).unwrap().released();
        }
        fail(&throttle, "b", "2", at(0)).unwrap();
        fail(&throttle, "b", "2", at(0)).unwrap();
        assert!(fail(&throttle, "b", "2", at(59)).is_err());
        assert!(fail(&throttle, "b", "2", at(60)).is_ok());
    }

    #[test]
    fn colleagues_behind_one_address_log_in_at_the_same_time() {
        let throttle = LoginThrottle::new(LIMITS);
        let names: Vec<String> = (0..150).map(|n| format!("name {n}")).collect();
        let attempts: Vec<_> = names.iter().map(|name| throttle.begin(name, "office", at(0)).unwrap()).collect();
        attempts.into_iter().for_each(Attempt::succeeded);
        // Attempts on one name side by side count each.
        let attempts: Vec<_> = (0..5).map(|_| throttle.begin("a", "office", at(0))).collect();
        assert_eq!(attempts.iter().filter(|attempt| attempt.is_ok()).count(), 2);
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one() {
        let throttle = LoginThrottle::new(LIMITS);
        for n in 0..3 {
            fail(&throttle, &format!("name {n}"), &format!("2001:db8:1:2::{n}"), at(0)).unwrap();
        }
        assert!(fail(&throttle, "other", "2001:db8:1:2:ffff::1", at(0)).is_err());
        assert!(fail(&throttle, "other", "2001:db8:1:3::1", at(0)).is_ok());
    }

    #[test]
    fn a_hundred_thousand_other_names_clear_no_limit() {
        let throttle = LoginThrottle::new(LIMITS);
        let is_refused = |name, address| fail(&throttle, name, address, at(30)).is_err();
        for _ in 0..2 {
            fail(&throttle, "attacked", "1", at(0)).unwrap();
        }
        for name in ["b", "c", "d"] {
            fail(&throttle, name, "attacker", at(0)).unwrap();
        }
        for i in 0..100_000 {
            fail(&throttle, &format!("name {i}"), &format!("address {i}"), at(20)).unwrap();
        }
        assert!(is_refused("attacked", "1") && is_refused("e", "attacker"));
        // A name that is new among so many is counted too.
        assert!(!is_refused("new", "3") && !is_refused("new", "3") && is_refused("new", "3"));
        assert!(fail(&throttle, "attacked", "1", at(60)).is_ok());
        // What is remembered has a bound.
        throttle.pairs.below_limit.run_pending_tasks();
        assert!(throttle.pairs.below_limit.entry_count() <= KEYS_MAX);
    }
}
