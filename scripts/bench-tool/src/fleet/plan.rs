//! When the edges of a fleet come.

use telecomx_local::sync::edge::backoff::Backoff;
use uuid::Uuid;

/// The earliest first.
#[derive(PartialEq)]
pub struct Moment {
    pub at: f64,
    pub edge: usize,
}

impl Eq for Moment {}

impl Ord for Moment {
    fn cmp(&self, other: &Moment) -> std::cmp::Ordering {
        other.at.total_cmp(&self.at)
    }
}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Moment) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

pub fn share() -> f64 {
    (Uuid::new_v4().as_u128() >> 64) as f64 / 2f64.powi(64)
}

/// When, in seconds after the hub is back, each edge comes: as the product's own pacing has it, after ten minutes away.
pub fn returns(edges: usize) -> Vec<(f64, usize)> {
    const AWAY_S: f64 = 600.0;
    let of_one = |edge| {
        let mut pacing = Backoff::default();
        // Its last good exchange was somewhere in the minute before.
        let mut at = share() * 60.0;
        while at < AWAY_S {
            at += pacing.failed(None, true, share()).as_secs_f64();
        }
        (at - AWAY_S, edge)
    };
    (0..edges).map(of_one).collect()
}

/// The most exchanges in any ten seconds, a second.
pub fn peak(plan: &[(f64, usize)]) -> f64 {
    let mut buckets = std::collections::HashMap::new();
    plan.iter().for_each(|(at, _)| *buckets.entry((at / 10.0) as u64).or_insert(0u64) += 1);
    buckets.values().max().copied().unwrap_or(0) as f64 / 10.0
}
