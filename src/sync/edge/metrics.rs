//! The mirror's metrics in the text format of Prometheus (version 0.0.4).

use std::fmt::Write;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::session::Outgoing;
use super::status::is_consistent;
use crate::db::ReadTx;
use crate::error::Result;
use crate::store::{feed, quarantine, sync_state};
use crate::sync::protocol::wire::Reply;

pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What an edge has sent and received since the process was started.
#[derive(Debug, Default)]
pub struct Counts {
    pub exchanges: AtomicU64,
    pub failures: AtomicU64,
    pub batches: AtomicU64,
    pub rows: AtomicU64,
    /// Pushes that did not build on what the hub had.
    pub rejected: AtomicU64,
    /// As they went over the wire, without HTTP's headers.
    pub bytes_out: AtomicU64,
    pub bytes_in: AtomicU64,
}

impl Counts {
    /// Counts a message and what came of it.
    pub fn note<E>(&self, message: &Outgoing, sent: &std::result::Result<Option<Reply>, E>) {
        let rows = message.rows();
        self.rows.fetch_add(rows as u64, Relaxed);
        match sent {
            Ok(None) => {}
            Ok(Some(reply)) => {
                self.exchanges.fetch_add(1, Relaxed);
                self.batches.fetch_add((reply.accepted && rows > 0).into(), Relaxed);
                self.rejected.fetch_add((!reply.accepted).into(), Relaxed);
            }
            Err(_) => {
                self.failures.fetch_add(1, Relaxed);
            }
        }
    }
}

/// The edge's figures.
pub fn metrics(tx: &ReadTx, counts: &Counts, silent_alarm_ms: i64) -> Result<String> {
    let mut text = String::new();
    for (name, help, value) in [
        ("exchanges", "Exchanges with the hub", &counts.exchanges),
        ("failures", "Exchanges that failed", &counts.failures),
        ("batches", "Batches that the hub has taken", &counts.batches),
        ("rows", "Rows sent", &counts.rows),
        ("rejected", "Pushes that did not build on what the hub had", &counts.rejected),
        ("sent_bytes", "Bytes sent, packed", &counts.bytes_out),
        ("received_bytes", "Bytes received, packed", &counts.bytes_in),
    ] {
        let name = family(&mut text, &format!("mirror_{name}_total"), "counter", help);
        let _ = writeln!(text, "{name} {}", value.load(Relaxed));
    }
    let (position, record, high) = (sync_state::position(tx)?, sync_state::record(tx)?, feed::high(tx)?);
    let Some(position) = position else { return Ok(text) };
    let quarantined = quarantine::count(tx)?;
    let lag = high - position.acked;
    let age =
        |then: Option<crate::domain::time::Time>| then.map(|then| ((tx.now.millis() - then.millis()) / 1_000).max(0));
    let has_all = lag == 0 && position.resetting.is_none();
    for (name, kind, help, value) in [
        (
            "consistent",
            "gauge",
            "1: the hub has exactly what is here",
            Some(is_consistent(has_all, quarantined, &record).into()),
        ),
        ("lag_changes", "gauge", "Writes that the hub does not have", Some(lag)),
        (
            "lag_seconds",
            "gauge",
            "Since the last exchange, 0 when the hub has everything",
            match has_all {
                true => Some(0),
                false => age(record.last_success),
            },
        ),
        ("quarantined", "gauge", "Rows that the hub could not take", Some(quarantined)),
        (
            "alarm",
            "gauge",
            "1: the mirror has stopped until an operator acts",
            Some(record.alarm(tx.now, silent_alarm_ms).is_some().into()),
        ),
        ("forks_total", "counter", "Epochs begun because the hub followed another life", Some(record.forks)),
        ("rewinds_total", "counter", "Times that the hub had less than before", Some(record.rewinds)),
        ("proof_age_seconds", "gauge", "Since both sides were found equal", age(record.proved_at)),
    ] {
        if let Some(value) = value {
            let name = family(&mut text, &format!("mirror_{name}"), kind, help);
            let _ = writeln!(text, "{name} {value}");
        }
    }
    Ok(text)
}

/// Begins a family of metrics; gives its full name.
pub fn family(text: &mut String, name: &str, kind: &str, help: &str) -> String {
    let name = format!("telecomx_local_{name}");
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    name
}

/// A label's value, escaped for use between quotation marks.
pub fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
