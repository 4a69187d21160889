//! The limit on failed logins, per address and per name.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::time::Time;
use crate::error::{Error, Result};

/// Keys remembered at most; beyond that the oldest windows are forgotten.
const KEYS_MAX: usize = 50_000;

/// How many failures are borne, and for how long they count.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub per_name: u32,
    pub per_address: u32,
    pub window_s: u64,
}

#[derive(Clone, Copy)]
struct Window {
    since: Time,
    failures: u32,
}

/// Counts an attempt when it begins and takes it back when it succeeds, so that attempts side by side count too.
pub struct LoginThrottle {
    limits: Limits,
    windows: Mutex<HashMap<String, Window>>,
}

impl LoginThrottle {
    pub fn new(limits: Limits) -> LoginThrottle {
        LoginThrottle { limits, windows: Mutex::default() }
    }

    /// Counts an attempt, or refuses it: 429 `too_many_requests`.
    pub fn begin(&self, name: &str, address: &str, now: Time) -> Result<()> {
        let window_ms = (self.limits.window_s * 1_000) as i64;
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() > KEYS_MAX {
            windows.retain(|_, window| now < window.since.plus_ms(window_ms));
        }
        if windows.len() > KEYS_MAX {
            windows.clear();
        }
        let keys = [(key_of_name(name), self.limits.per_name), (key_of_address(address), self.limits.per_address)];
        for (key, limit) in &keys {
            if let Some(window) = windows.get(key) {
                let until = window.since.plus_ms(window_ms);
                if now < until && window.failures >= *limit {
                    let left_ms = until.millis() - now.millis();
                    return Err(Error::TooManyRequests { retry_after_s: left_ms.div_euclid(1_000) as u64 + 1 });
                }
            }
        }
        for (key, _) in keys {
            let window = windows.entry(key).or_insert(Window { since: now, failures: 0 });
            if now >= window.since.plus_ms(window_ms) {
                *window = Window { since: now, failures: 0 };
            }
            window.failures += 1;
        }
        Ok(())
    }

    /// The attempt was no failure: it does not count.
    pub fn take_back(&self, name: &str, address: &str) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        for key in [key_of_name(name), key_of_address(address)] {
            if let Some(window) = windows.get_mut(&key) {
                window.failures = window.failures.saturating_sub(1);
            }
        }
    }
}

fn key_of_name(name: &str) -> String {
    // Names are compared as the login compares them; a long one is no name of ours.
    format!("name {}", name.chars().take(254).collect::<String>().to_ascii_lowercase())
}

fn key_of_address(address: &str) -> String {
    format!("address {address}")
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
        let attempts = LoginThrottle::new(LIMITS);
        assert!(attempts.begin("a", "1", at(0)).is_ok() && attempts.begin("A", "1", at(0)).is_ok());
        assert!(matches!(attempts.begin("a", "2", at(10)), Err(Error::TooManyRequests { retry_after_s: 51 })));
        assert!(attempts.begin("b", "1", at(10)).is_ok());
        assert!(attempts.begin("c", "1", at(10)).is_err());
        assert!(attempts.begin("c", "2", at(10)).is_ok());
    }

    #[test]
    fn a_success_does_not_count_and_a_window_ends() {
        let attempts = LoginThrottle::new(LIMITS);
        for _ in 0..10 {
            attempts.begin("a", "1", at(0)).unwrap();
            attempts.take_back("a", "1");
        }
        attempts.begin("a", "1", at(0)).unwrap();
        attempts.begin("a", "1", at(0)).unwrap();
        assert!(attempts.begin("a", "1", at(59)).is_err());
        assert!(attempts.begin("a", "1", at(60)).is_ok());
    }
}
