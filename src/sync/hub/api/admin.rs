//! The calls of the hub's administrator, and the reads that an edge may make of its own origin too.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::request::{Body, any_origin, check_admin, for_admin, parse};
use super::state::SharedState;
use crate::domain::fields::read_body;
use crate::domain::mirror::{Row, Table};
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};
use crate::sync::hub::origin::{EnrolmentKind, NAME_MAX, Origin, Phase};
use crate::sync::hub::store::{self, HubStore};

pub const ROWS_MAX: i64 = 1_000;

/// Either `{ "name" }` or `{ "origin" }` → `{ "code" }`: a code with which a new edge enrols, or a machine that replaces one.
pub async fn add_code<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    let ((), body) = body.of(check_admin(&request, &state)).await?;
    let body: serde_json::Map<String, Value> = parse(&body)?;
    let kind = read_body(&body, |fields| {
        let (mut name, mut origin) = (String::new(), None);
        fields.text("origin", &mut origin);
        if origin.is_none() {
            fields.require(&["name"]);
        } else if fields.value("name").is_some() {
            fields.fault("name", Check::Unique, "Give either name or origin: an origin has its name");
        }
        fields.required_text("name", 1, NAME_MAX, &mut name);
        origin.map_or(EnrolmentKind::New(name), EnrolmentKind::Replacement)
    })?;
    let code = store::add_code(&*state.store, &kind, state.clock.now()).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({ "code": code })))
}

#[derive(Deserialize)]
pub struct RowsQuery {
    pub table: Table,
    after: Option<String>,
}

impl RowsQuery {
    pub fn after(&self) -> &str {
        self.after.as_deref().unwrap_or("")
    }
}

/// The mirror itself: `?table=mobile_config&after=ID`, by id, at most a thousand rows and about 4 MiB, until a page is
/// empty. For the origin and for the administrator.
pub async fn rows<S: HubStore>(
    request: HttpRequest,
    state: SharedState<S>,
    query: web::Query<RowsQuery>,
) -> Result<HttpResponse> {
    let origin = any_origin(&request, &state).await?;
    if query.table == Table::Other {
        let names = Table::ALL.map(Table::name).join(", ");
        return Err(Error::invalid("table", Check::Enum, format!("table must be one of {names}")));
    }
    let (found, rows) = state.store.rows(&origin, query.table, query.after(), ROWS_MAX).await?;
    // An origin that has moved is not empty: its rows are at another hub.
    if let Phase::Moved(hub) = found.phase {
        return Err(Error::Moved { hub });
    }
    // A struct, because json! would parse the stored rows.
    #[derive(Serialize)]
    struct RowsPage {
        as_of: i64,
        consistent: bool,
        /// Where the next page begins; absent after an empty page.
        after: Option<String>,
        rows: Vec<Row>,
    }
    let after = rows.last().map(|row| row.id.clone());
    Ok(HttpResponse::Ok().json(RowsPage { as_of: found.head.acked, consistent: found.is_consistent(), after, rows }))
}

/// The quarantined rows that have a fault of their own.
pub async fn quarantine<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    let origin = any_origin(&request, &state).await?;
    let rows = state.store.quarantine(&origin).await?;
    Ok(HttpResponse::Ok().json(json!({ "quarantine": rows })))
}

/// Unlocks an origin after a split brain: it goes on with whichever edge comes first.
pub async fn unlock<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    state.store.unlock(for_admin(&request, &state).await?).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

/// Every origin with its state and its lag.
pub async fn fleet<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    check_admin(&request, &state)?;
    let now = state.clock.now();
    let origins = state.store.origins().await?;
    let origins: Vec<_> = origins.iter().map(|origin| fleet_entry(origin, now)).collect();
    Ok(HttpResponse::Ok().json(json!({ "origins": origins })))
}

/// 503 while the store cannot be used.
pub async fn readyz<S: HubStore>(state: SharedState<S>) -> Result<HttpResponse> {
    state.store.origin_of([0; 32]).await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ok" })))
}

/// Seconds since then; never negative.
pub fn age(now: Time, then: Option<Time>) -> Option<i64> {
    then.map(|then| (now.millis().saturating_sub(then.millis()) / 1_000).max(0))
}

fn fleet_entry(origin: &Origin, now: Time) -> Value {
    let proved = origin.status.proved_ms.map(Time::from_millis);
    json!({
        "origin": origin.origin,
        "name": origin.name,
        "phase": origin.phase.name(),
        "movedTo": origin.phase.hub(),
        "consistent": origin.is_consistent(),
        "differs": origin.status.differs,
        "resetting": origin.status.resetting,
        "locked": origin.is_locked,
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
        "version": origin.status.version,
    })
}
