//! What only a mock keeps beside its database: faults, the journal, and what requests are held against. No server has it that was not
//! started with `--control`, `--seed` or `--strict`.

pub mod effects;
pub mod fault_rule;
pub mod faults;
pub mod journal;
pub mod outbox;
pub mod problems;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::chance;
use faults::Faults;
use journal::Journal;
use outbox::MockOutbox;
use problems::Rules;

/// What a mock keeps beside its database.
pub struct Mock {
    pub faults: Faults,
    pub journal: Journal,
    pub outbox: MockOutbox,
    pub rules: Rules,
    /// Requests that the documentation does not allow are refused.
    pub is_strict: bool,
    /// Ids, tokens and chance repeat from this on.
    seed: Option<u64>,
    /// Rises with each reset: threads begin their numbers anew.
    life: AtomicU64,
    /// When the last request came.
    last_used: Mutex<Instant>,
}

thread_local! {
    /// The mock and the life that this thread's numbers are of.
    static LIFE: std::cell::Cell<(usize, u64)> = const { std::cell::Cell::new((0, 0)) };
}

impl Mock {
    pub fn new(rules: Rules, is_strict: bool, seed: Option<u64>) -> Mock {
        let (faults, journal) = (Faults::new(seed), Journal::default());
        let last_used = Mutex::new(Instant::now());
        let outbox = MockOutbox::default();
        Mock { faults, journal, outbox, rules, is_strict, seed, life: AtomicU64::new(1), last_used }
    }

    /// Begins anew: no faults, an empty journal, and the numbers of the seed from the first on.
    pub fn reset(&self) {
        self.faults.reset(self.seed);
        self.journal.clear();
        self.outbox.clear();
        self.life.fetch_add(1, Ordering::AcqRel);
    }

    /// A request has come.
    pub fn touch(&self) {
        *self.last_used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long no request has come.
    pub fn idle(&self) -> Duration {
        self.last_used.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// Has this thread begin its numbers anew where they are of another life.
    pub fn begin_numbers(&self) {
        let (Some(seed), life) = (self.seed, self.life.load(Ordering::Acquire)) else { return };
        let own = (std::ptr::from_ref(self) as usize, life);
        if LIFE.replace(own) != own {
            chance::seed_thread(seed ^ 0x6874_7470);
        }
    }
}
