//! Whether commits reach the disk: what a watchdog asks.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

thread_local! {
    /// Whether a commit of this thread has reached the write-ahead log since that was last asked.
    static HAS_REACHED_LOG: Cell<bool> = const { Cell::new(false) };
}

/// Notes a commit of this thread that has reached the write-ahead log. SQLite's hook calls it; a commit without a change does not.
pub fn note_in_log() {
    HAS_REACHED_LOG.set(true);
}

/// How the last commits that had something to write ended.
#[derive(Default)]
pub struct CommitHealth {
    is_failing: AtomicBool,
}

impl CommitHealth {
    /// Records the end of a transaction, on the thread that ran it. A full disk is no fault: a restart would not help. A transaction
    /// that wrote nothing proves nothing.
    pub fn record(&self, failure: Option<&Error>) {
        let has_written = HAS_REACHED_LOG.replace(false);
        match failure {
            Some(Error::Internal(_)) => self.is_failing.store(true, Ordering::Relaxed),
            None if has_written => self.is_failing.store(false, Ordering::Relaxed),
            _ => {}
        }
    }

    /// Fails while the last commit that had something to write has failed, and gives what an empty transaction ended with.
    pub fn check(&self, empty: Result<()>) -> Result<()> {
        match empty {
            Ok(()) | Err(Error::StorageFull) if self.is_failing.load(Ordering::Relaxed) => {
                Err(Error::internal("the last commit did not reach the disk"))
            }
            Err(Error::StorageFull) => Ok(()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_commit_counts_until_one_reaches_the_disk() {
        let health = CommitHealth::default();
        let is_well = || health.check(Ok(())).is_ok();
        for failure in [Error::StorageFull, Error::Busy] {
            health.record(Some(&failure));
            assert!(is_well(), "{failure}");
        }
        assert!(health.check(Err(Error::StorageFull)).is_ok() && health.check(Err(Error::Busy)).is_err());
        health.record(Some(&Error::internal("disk I/O error")));
        assert!(!is_well() && health.check(Err(Error::StorageFull)).is_err());
        health.record(None);
        assert!(!is_well(), "an empty transaction proves nothing");
        note_in_log();
        health.record(None);
        assert!(is_well());
    }
}
