//! The clock of this server as its database and its hub know it: for `clock show`, `doctor` and a diagnosis.

use crate::clock::Clock;
use crate::db::ReadTx;
use crate::error::Result;
use crate::store::{clock_floor, sync_state};

/// The clock as a server with this database would use it, and by how many milliseconds the hub's was ahead.
pub fn read(tx: &ReadTx) -> Result<(Clock, Option<i64>)> {
    let clock = Clock::default();
    clock.resume(clock_floor::find(tx)?);
    Ok((clock, sync_state::record(tx)?.hub_clock_offset_ms))
}

/// One line on the clock.
pub fn describe(clock: &Clock, hub_ahead_ms: Option<i64>) -> String {
    let hub = hub_ahead_ms.map_or_else(String::new, |offset| format!(", hub {:+.1} s", offset as f64 / 1_000.0));
    format!("machine {}, used {}, last known {}{hub}", clock.machine(), clock.now(), clock.known())
}

/// What is wrong with the clock, and what to do; `None` when nothing is.
pub fn wrong(clock: &Clock, hub_ahead_ms: Option<i64>) -> Option<String> {
    clock.fault().or_else(|| hub_ahead_ms.and_then(sync_state::describe_clock_offset))
}
