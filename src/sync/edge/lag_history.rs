//! How far the hub was behind over time, in memory: for a plot, not for the record.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::status::status;
use crate::db::ReadTx;
use crate::domain::time::Time;
use crate::error::Result;

/// How often a sample is taken.
pub const EVERY: Duration = Duration::from_secs(10);
/// A day of them: the oldest make room.
const MOST: usize = 24 * 3_600 / 10;

/// When (milliseconds since 1970), how many changes the hub lacked, and since how many seconds; `None`: it has never had
/// everything.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(extend("items" = serde_json::json!({ "type": ["integer", "null"] })))]
pub struct Sample(pub i64, pub i64, pub Option<i64>);

/// The samples of the last day, the oldest first.
#[derive(Default)]
pub struct LagHistory(Mutex<VecDeque<Sample>>);

impl LagHistory {
    /// Takes a sample; none without a hub.
    pub fn take(&self, tx: &ReadTx) -> Result<()> {
        let now = status(tx, i64::MAX)?;
        if now["enrolled"] == true {
            let changes = now["lagChanges"].as_i64().unwrap_or_default();
            self.note(Sample(tx.now.millis(), changes, now["lagSeconds"].as_i64()));
        }
        Ok(())
    }

    fn note(&self, sample: Sample) {
        let mut samples = self.samples();
        if samples.len() >= MOST {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    /// Those from `from` on.
    pub fn since(&self, from: Option<Time>) -> Vec<Sample> {
        let is_wanted = |sample: &&Sample| from.is_none_or(|from| sample.0 >= from.millis());
        self.samples().iter().filter(is_wanted).copied().collect()
    }

    fn samples(&self) -> MutexGuard<'_, VecDeque<Sample>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_samples_is_kept() {
        let history = LagHistory::default();
        (0..MOST as i64 + 5).for_each(|at| history.note(Sample(at, 0, Some(0))));
        let all = history.since(None);
        assert_eq!((all.len(), all[0].0), (MOST, 5));
        assert_eq!(history.since(Some(Time::from_millis(MOST as i64))).len(), 5);
    }
}
