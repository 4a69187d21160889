//! The state of the mirror, as this edge knows it.

use serde_json::{Value, json};

use crate::db::ReadTx;
use crate::error::Result;
use crate::store::sync_state::{self, Record};
use crate::store::{feed, quarantine};

/// Whether the hub has exactly what this edge has, as far as is known: it has acknowledged all (`has_all`), quarantined
/// nothing, does not refuse this edge, and no comparison has shown a difference.
pub fn is_consistent(has_all: bool, quarantined: i64, record: &Record) -> bool {
    has_all && quarantined == 0 && record.difference.is_none() && !record.is_refused()
}

/// The answer to `GET /sync/status`. `silent_alarm_ms`: how long the hub may be out of reach before that is an alarm.
pub fn status(tx: &ReadTx, silent_alarm_ms: i64) -> Result<Value> {
    let (position, record) = (sync_state::position(tx)?, sync_state::record(tx)?);
    let (high, enrolment, quarantined) = (feed::high(tx)?, sync_state::enrolment(tx)?, quarantine::count(tx)?);
    let acked = position.as_ref().map_or(0, |position| position.acked);
    let has_all = position.as_ref().is_some_and(|position| position.resetting.is_none() && acked == high);
    let age_seconds = record.last_success.map(|last| (tx.now.millis() - last.millis()).max(0) / 1_000);
    let lag_seconds = if has_all { Some(0) } else { age_seconds };
    Ok(json!({
        "enrolled": enrolment.is_some(),
        "hub": enrolment.as_ref().map(|enrolment| &enrolment.hub),
        "origin": enrolment.as_ref().map(|enrolment| &enrolment.origin),
        "consistent": is_consistent(has_all, quarantined, &record),
        "acked": acked,
        "high": high,
        "stable": position.as_ref().map_or(0, |position| position.stable),
        "epoch": position.as_ref().map(|position| position.epoch.0),
        "lagChanges": high - acked,
        "lagSeconds": lag_seconds,
        "lastSuccess": record.last_success,
        "lastError": record.last_error,
        "alarm": record.alarm(tx.now, silent_alarm_ms),
        "reachable": age_seconds.is_some() && record.last_error.is_none(),
        "lastSuccessAgeSeconds": age_seconds,
        "hubClockAheadSeconds": record.hub_clock_offset_ms.map(|offset| offset as f64 / 1_000.0),
        "quarantine": quarantined,
        "forks": record.forks,
        "rewinds": record.rewinds,
        "lastProof": record.proved_at,
    }))
}
