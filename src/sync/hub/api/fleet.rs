//! The fleet page, tags, and alarms that are acknowledged.

use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};

use super::query::{FROM_ZERO, Query};
use super::request::{Body, for_operator, operator, parse};
use super::state::SharedState;
use crate::domain::proposal::HubLevel;
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};
use crate::sync::hub::admin_store::fleet_page;
use crate::sync::hub::alarms::{Alarm, check_why};
use crate::sync::hub::audit::Caller;
use crate::sync::hub::fleet::{FleetCursor, FleetFilter, FleetState, PAGE_MAX, alarms, clock_off_ms};
use crate::sync::hub::origin::Origin;
use crate::sync::hub::store::HubStore;

fn filter(query: &Query<'_>, oldest: Time) -> Result<FleetFilter> {
    let state = match query.text("state")? {
        None => None,
        Some(name) => Some(FleetState::parse(name).ok_or_else(|| {
            let names = FleetState::ALL.map(FleetState::name).join(", ");
            Error::invalid("state", Check::Enum, format!("state must be one of {names}"))
        })?),
    };
    let text = |name| query.text(name).map(|text| text.map(str::to_owned));
    Ok(FleetFilter {
        state,
        tag: text("tag")?,
        version: text("version")?,
        lag: query.number("lag", FROM_ZERO)?,
        oldest,
    })
}

/// Origins by name, each with its state, its lag and its alarms: `?limit=&after=&state=&tag=&version=&lag=`. `after` of an
/// answer is where the next page begins; it is absent on the last one.
pub async fn fleet<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    operator(&request, &state, HubLevel::Read).await?;
    let (query, now) = (Query::of(&request), state.clock.now());
    let limit = query.number("limit", 1..=PAGE_MAX)?.unwrap_or(PAGE_MAX);
    let after = query.text("after")?.map(FleetCursor::decode).transpose()?.unwrap_or_default();
    let oldest = now.plus_ms(-state.unreachable_ms);
    let (origins, next) = fleet_page(&*state.store, &filter(&query, oldest)?, after, limit).await?;
    let origins: Vec<Value> = origins.iter().map(|origin| fleet_entry(origin, now, oldest)).collect();
    let mut page = json!({ "origins": origins });
    if let Some(next) = next {
        page["after"] = json!(next.encode());
    }
    Ok(HttpResponse::Ok().json(page))
}

/// `{ "tags": […] }`: in place of the tags that the origin has.
pub async fn set_tags<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    #[derive(Deserialize)]
    struct Tags {
        tags: Vec<String>,
    }
    let ((origin, operator), body) = body.of(for_operator(&request, &state, HubLevel::Administer).await).await?;
    let given: Tags = parse(&body)?;
    state.store.set_tags(origin, &given.tags, Caller::new(&operator.name, state.clock.now())).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

/// `{ "alarm", "why" }` → the origin's line of the fleet page.
pub async fn acknowledge<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    #[derive(Deserialize)]
    struct Acknowledge {
        alarm: String,
        #[serde(default)]
        why: String,
    }
    let ((origin, operator), body) = body.of(for_operator(&request, &state, HubLevel::Administer).await).await?;
    let given: Acknowledge = parse(&body)?;
    let alarm = Alarm::parse(&given.alarm).ok_or_else(|| {
        let names = Alarm::ALL.map(Alarm::name).join(", ");
        Error::invalid("alarm", Check::Enum, format!("alarm must be one of {names}"))
    })?;
    check_why(&given.why)?;
    let now = state.clock.now();
    let found = state.store.acknowledge(origin, alarm, &given.why, Caller::new(&operator.name, now)).await?;
    Ok(HttpResponse::Ok().json(fleet_entry(&found, now, now.plus_ms(-state.unreachable_ms))))
}

/// Seconds since then; never negative.
pub fn age(now: Time, then: Option<Time>) -> Option<i64> {
    then.map(|then| (now.millis().saturating_sub(then.millis()) / 1_000).max(0))
}

/// An origin as the fleet page shows it; one that was last seen before `oldest` is unreachable.
fn fleet_entry(origin: &Origin, now: Time, oldest: Time) -> Value {
    let proved = origin.status.proved_ms.map(Time::from_millis);
    let alarms: Vec<Value> = alarms(origin)
        .into_iter()
        .map(|(alarm, known)| {
            let known = known.map(|known| json!({ "by": known.by, "why": known.why, "at": known.at }));
            json!({ "alarm": alarm, "acknowledged": known })
        })
        .collect();
    json!({
        "origin": origin.origin,
        "name": origin.name,
        "state": FleetState::of(origin, oldest),
        "tags": origin.tags,
        "alarms": alarms,
        "phase": origin.phase.name(),
        "movedTo": origin.phase.hub(),
        "consistent": origin.is_consistent(),
        "differs": origin.status.differs,
        "resetting": origin.status.resetting,
        "locked": origin.is_locked,
        "stuck": origin.is_stuck(),
        "overLimit": origin.over_limit,
        "storedRows": origin.used.map(|used| used.rows),
        "storedBytes": origin.used.map(|used| used.bytes),
        "acked": origin.head.acked,
        "high": origin.high,
        "stable": origin.stable,
        "lagChanges": origin.lag(),
        // Since the edge was last seen: the hub cannot know what it has written since.
        "lagSeconds": age(now, origin.last_seen),
        "lastSeen": origin.last_seen,
        "quarantine": origin.quarantined,
        "auditDiffers": origin.audit_differs,
        "epoch": origin.head.epoch.map(|epoch| epoch.0),
        "resets": origin.resets,
        "forks": origin.status.forks,
        "rewinds": origin.status.rewinds,
        "lastProof": proved,
        "lastProofAgeSeconds": age(now, proved),
        "diskFull": origin.status.is_full,
        "clock": Time::from_millis(origin.status.clock_ms),
        "clockOffMs": clock_off_ms(origin),
        "version": origin.status.version,
    })
}
