//! How often each server may call.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::domain::audit::Hash;
use crate::error::{Error, Result};
use crate::sync::hub::limits::CallBudget;

/// How many servers this process remembers to have called.
const KNOWN_MAX: usize = 50_000;
/// How often it is noted that a server calls too often.
const NOTED_EVERY_MS: u64 = 60_000;

/// Calls of servers, by the hash of their token: nobody spends the calls of another server.
pub struct Calls {
    /// 0: as many as they like.
    per_second: u32,
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    budgets: HashMap<Hash, CallBudget>,
    /// Those of which it was noted within this minute, and which minute that is.
    noted: HashSet<Hash>,
    minute: u64,
}

impl Calls {
    pub fn new(per_second: u32) -> Calls {
        Calls { per_second, begun: Instant::now(), state: Mutex::default() }
    }

    /// Takes one call of a server; 429 when it has none left.
    pub fn take(&self, token: &Hash) -> Result<()> {
        if self.per_second == 0 || self.lock().take(token, self.per_second, self.now_ms()) {
            return Ok(());
        }
        Err(Error::TooManyCalls { retry_after_s: 1 })
    }

    /// Whether it is to be noted now that this server calls too often: once a minute.
    pub fn must_note(&self, token: &Hash) -> bool {
        let minute = self.now_ms() / NOTED_EVERY_MS;
        let mut state = self.lock();
        if state.minute != minute {
            (state.noted, state.minute) = (HashSet::new(), minute);
        }
        state.noted.len() < KNOWN_MAX && state.noted.insert(*token)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, token: &Hash, per_second: u32, now_ms: u64) -> bool {
        if self.budgets.len() >= KNOWN_MAX && !self.budgets.contains_key(token) {
            self.budgets.retain(|_, budget| !budget.is_full(now_ms));
            if self.budgets.len() >= KNOWN_MAX {
                // Tokens that nobody has: those who have one are asked for it all the same.
                self.budgets.clear();
            }
        }
        self.budgets.entry(*token).or_insert_with(|| CallBudget::full(per_second, now_ms)).take(per_second, now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_calls_too_often_takes_nothing_from_the_others() {
        let calls = Calls::new(1);
        let refused = (0..20).filter(|_| calls.take(&[1; 32]).is_err()).count();
        assert!(refused >= 14, "{refused}");
        assert!(calls.take(&[2; 32]).is_ok());
        assert!(calls.must_note(&[1; 32]) || !calls.lock().noted.is_empty());
        let unlimited = Calls::new(0);
        assert!((0..10_000).all(|_| unlimited.take(&[1; 32]).is_ok()));
    }

    #[test]
    fn what_is_remembered_of_tokens_is_bounded() {
        let mut state = State::default();
        for n in 0..KNOWN_MAX + 10 {
            let mut token = [0; 32];
            token[..8].copy_from_slice(&n.to_be_bytes());
            assert!(state.take(&token, 1, 0));
        }
        assert!(state.budgets.len() <= KNOWN_MAX);
    }
}
