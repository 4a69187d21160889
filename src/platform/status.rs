//! How this server stands with the platform, for people and for figures.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::driver::Health;
use crate::db::ReadTx;
use crate::domain::mirror::Table;
use crate::domain::platform::OperationState;
use crate::domain::time::Time;
use crate::error::Result;
use crate::store::platform::{self, bases, operations};
use crate::sync::edge::metrics::family;

/// How many objects that were put aside are named.
const NAMED_MAX: i64 = 10;

/// How it stands. `health`: what a running server knows beside the database.
pub fn status(tx: &ReadTx, health: Option<&Health>) -> Result<Value> {
    let Some(connection) = platform::connection(tx)? else { return Ok(json!({ "connected": false })) };
    let record = platform::record(tx)?;
    let (put_aside, named) = bases::put_aside(tx, NAMED_MAX)?;
    let oldest = operations::oldest_waiting(tx)?;
    let count = |state| operations::count(tx, state);
    let mut reads: Map<String, Value> = Map::new();
    for (kind, at) in platform::reads(tx)? {
        reads.insert(name(kind).into(), json!(at));
    }
    for (kind, at) in health.iter().flat_map(|health| &health.reads) {
        reads.insert(name(*kind).into(), json!(at));
    }
    let last_success = health.and_then(|health| health.last_success).max(record.last_success);
    Ok(json!({
        "connected": true,
        "url": connection.url,
        "account": if connection.account.is_empty() { "a token" } else { &connection.account },
        "level": record.level,
        "mode": connection.rules.mode.name(),
        "reachable": health.and_then(|health| health.is_reachable).unwrap_or(record.last_error.is_none()),
        "lastSuccess": last_success,
        "lastError": record.last_error,
        "alarm": alarm(tx)?,
        "waiting": count(OperationState::Waiting)?,
        "oldestWaiting": oldest,
        "oldestWaitingSeconds": oldest.map(|oldest| seconds(tx.now, oldest)),
        "conflicts": count(OperationState::Conflict)?,
        "refused": count(OperationState::Refused)?,
        "localOnly": count(OperationState::Local)?,
        "putAside": put_aside,
        "aside": named,
        "reads": reads,
        "troubles": health.map(|health| health.troubles.clone()).unwrap_or_default(),
    }))
}

/// Why objects that are gone at the platform are kept here, and what to do.
fn describe_guard(guard: &str) -> String {
    format!(
        "{guard}: nothing of it was deleted here, for the account may have lost access; if they are to go, call POST \
         /sync?acceptDeletes=true"
    )
}

fn name(kind: Table) -> &'static str {
    match kind {
        Table::Customer => "customers",
        Table::Queue => "queues",
        Table::Employee => "employees",
        Table::MobileConfig | Table::PbxObject | Table::Other => "mobileConfigs",
    }
}

fn seconds(now: Time, then: Time) -> i64 {
    (now.millis() - then.millis()).max(0) / 1_000
}

/// Why somebody must act, in words; `None` when nobody must, or there is no platform.
pub fn alarm(tx: &ReadTx) -> Result<Option<String>> {
    let record = platform::record(tx)?;
    Ok(record.alarm.or(record.guard.as_deref().map(describe_guard)))
}

/// The figures in the text format of Prometheus; nothing while there is no platform.
pub fn metrics(tx: &ReadTx, health: &Health) -> Result<String> {
    let mut text = String::new();
    if !platform::is_connected(tx)? {
        return Ok(text);
    }
    let record = platform::record(tx)?;
    let age = |then: Option<Time>| then.map(|then| seconds(tx.now, then));
    let count = |state| operations::count(tx, state).map(Some);
    for (name, help, value) in [
        ("reachable", "1: the platform answered the last time", health.is_reachable.map(i64::from)),
        ("alarm", "1: somebody must act", Some(i64::from(record.alarm.is_some() || record.guard.is_some()))),
        ("waiting", "Changes made here that the platform does not have", count(OperationState::Waiting)?),
        (
            "oldest_waiting_seconds",
            "Since the oldest of them was made",
            Some(age(operations::oldest_waiting(tx)?).unwrap_or(0)),
        ),
        ("conflicts", "Changes that both sides have made", count(OperationState::Conflict)?),
        ("refused", "Changes that the platform has refused", count(OperationState::Refused)?),
        ("put_aside", "Objects of the platform that cannot be held here", Some(bases::put_aside(tx, 0)?.0)),
        (
            "success_age_seconds",
            "Since the platform answered as it should",
            age(health.last_success.max(record.last_success)),
        ),
    ] {
        if let Some(value) = value {
            let name = family(&mut text, &format!("platform_{name}"), "gauge", help);
            let _ = writeln!(text, "{name} {value}");
        }
    }
    let reads: Vec<(Table, i64)> = health.reads.iter().map(|(kind, at)| (*kind, seconds(tx.now, *at))).collect();
    if !reads.is_empty() {
        let family =
            family(&mut text, "platform_read_age_seconds", "gauge", "Since a kind of object was last read whole");
        for (kind, age) in reads {
            let _ = writeln!(text, "{family}{{kind=\"{}\"}} {age}", name(kind));
        }
    }
    Ok(text)
}
