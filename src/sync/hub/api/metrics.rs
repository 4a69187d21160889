//! Metrics in the text format of Prometheus (version 0.0.4), for operators.

use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

use actix_web::{HttpRequest, HttpResponse};

use super::fleet::age;
use super::request::operator;
use super::state::SharedState;
use crate::domain::proposal::HubLevel;
use crate::error::Result;
use crate::sync::edge::metrics::{CONTENT_TYPE, family, label};
use crate::sync::hub::origin::{Origin, Phase};
use crate::sync::hub::store::HubStore;

/// A metric of each origin: its name, its type, its help and its value.
type Figure<'f> = (&'f str, &'f str, &'f str, &'f dyn Fn(&Origin) -> Option<i64>);

pub async fn metrics<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    operator(&request, &state, HubLevel::Read).await?;
    let (mut origins, now, counts) = (state.store.origins().await?, state.clock.now(), &state.counts);
    // The hub that has the others reports them.
    origins.retain(|origin| matches!(origin.phase, Phase::Here | Phase::Leaving(_)));
    let mut text = String::new();
    for (name, help, value) in [
        ("batches", "Batches accepted", &counts.batches),
        ("rows", "Rows received", &counts.rows),
        ("rejected", "Pushes that did not build on what the hub had", &counts.rejected),
        ("received_bytes", "Bytes received, decompressed", &counts.bytes_in),
        ("sent_bytes", "Bytes sent, before compression", &counts.bytes_out),
    ] {
        let name = family(&mut text, &format!("hub_{name}_total"), "counter", help);
        let _ = writeln!(text, "{name} {}", value.load(Relaxed));
    }
    let figures: [Figure; 15] = [
        ("consistent", "gauge", "1: the mirror is exactly what the server last reported", &|origin| {
            Some(origin.is_consistent().into())
        }),
        ("locked", "gauge", "1: split brain, two edges use this name in turn", &|origin| Some(origin.is_locked.into())),
        ("stuck", "gauge", "1: the hub rejects its pushes, and will go on", &|origin| Some(origin.is_stuck().into())),
        ("over_limit", "gauge", "1: it was refused something because of a limit", &|origin| {
            Some(origin.over_limit.is_some().into())
        }),
        ("stored_rows", "gauge", "Rows stored of it, at most", &|origin| origin.used.map(|used| used.rows)),
        ("stored_bytes", "gauge", "Bytes stored of it, at most", &|origin| origin.used.map(|used| used.bytes)),
        ("leaving", "gauge", "1: it accepts no pushes until its move to another hub has ended", &|origin| {
            Some(matches!(origin.phase, Phase::Leaving(_)).into())
        }),
        ("lag_changes", "gauge", "Writes that the hub is behind", &|origin| Some(origin.lag())),
        ("lag_seconds", "gauge", "Seconds since the server was last seen", &|origin| age(now, origin.last_seen)),
        ("quarantined", "gauge", "Rows in quarantine", &|origin| Some(origin.quarantined)),
        ("audit_differs", "gauge", "1: its audit trail was changed", &|origin| Some(origin.audit_differs.into())),
        ("resets_total", "counter", "Epochs that the server has begun after a reset", &|origin| Some(origin.resets)),
        ("forks_total", "counter", "Forks that the server has reported", &|origin| Some(origin.status.forks)),
        ("rewinds_total", "counter", "Rewinds that the server has reported", &|origin| Some(origin.status.rewinds)),
        ("proof_age_seconds", "gauge", "Seconds since both sides were found equal", &|origin| {
            age(now, origin.status.proved_ms.map(crate::domain::time::Time::from_millis))
        }),
    ];
    for (name, kind, help, value) in figures {
        let name = family(&mut text, &format!("hub_origin_{name}"), kind, help);
        for origin in &origins {
            if let Some(value) = value(origin) {
                let (id, called) = (label(&origin.origin), label(&origin.name));
                let _ = writeln!(text, "{name}{{origin=\"{id}\",name=\"{called}\"}} {value}");
            }
        }
    }
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text))
}
