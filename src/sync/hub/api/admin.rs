//! The calls of the hub's operators on origins, and the reads that an edge may make of its own origin too.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::json;

use super::query::Query;
use super::request::{Body, any_origin, for_operator, operator, parse_object};
use super::state::SharedState;
use crate::domain::fields::read_body;
use crate::domain::mirror::Row;
use crate::domain::proposal::HubLevel;
use crate::error::{Check, Error, Result};
use crate::sync::hub::audit::{AuditNote, Caller, HubAction};
use crate::sync::hub::origin::{EnrolmentKind, NAME_MAX, Phase};
use crate::sync::hub::store::{self, HubStore};

pub const ROWS_MAX: i64 = 1_000;

/// Either `{ "name" }` or `{ "origin" }` → `{ "code" }`: a code with which a new edge enrols, or a machine that replaces one.
pub async fn add_code<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    let (operator, body) = body.of(operator(&request, &state, HubLevel::Administer).await).await?;
    let body = parse_object(&body)?;
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
    let code = store::add_code(&*state.store, &kind, Caller::new(&operator.name, state.clock.now())).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({ "code": code })))
}

/// The mirror itself: `?table=mobile_config&after=ID`, by id, at most a thousand rows and about 4 MiB, until a page is
/// empty. For the origin and for operators; that an operator reads is noted in the audit trail.
pub async fn rows<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    let (origin, operator) = any_origin(&request, &state).await?;
    let query = Query::of(&request);
    let (table, after) = (query.table()?, query.text("after")?.unwrap_or_default());
    if let Some(operator) = operator {
        let caller = Caller::new(&operator.name, state.clock.now());
        state.note_once(AuditNote::new(caller, HubAction::ReadRows, &origin, table.name())).await?;
    }
    let (found, rows) = state.store.rows(&origin, table, after, ROWS_MAX).await?;
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
    let (origin, _) = any_origin(&request, &state).await?;
    let rows = state.store.quarantine(&origin).await?;
    Ok(HttpResponse::Ok().json(json!({ "quarantine": rows })))
}

/// Unlocks an origin after a split brain: it goes on with whichever edge comes first. `wasLocked`: false when
/// there was nothing to unlock.
pub async fn unlock<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    let (origin, operator) = for_operator(&request, &state, HubLevel::Administer).await?;
    let was_locked = state.store.unlock(origin, Caller::new(&operator.name, state.clock.now())).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true, "wasLocked": was_locked })))
}

/// 503 while the store cannot be used.
pub async fn readyz<S: HubStore>(state: SharedState<S>) -> Result<HttpResponse> {
    state.store.origin_of([0; 32]).await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ok" })))
}
