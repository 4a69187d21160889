//! Operators, their tokens, and the audit trail.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;

use super::query::{FROM_ZERO, Query};
use super::request::{Body, operator, parse};
use super::state::SharedState;
use crate::auth::secrets::new_token;
use crate::domain::proposal::HubLevel;
use crate::error::{Check, Error, Result};
use crate::sync::hub::admin_store::AUDIT_PAGE;
use crate::sync::hub::audit::Caller;
use crate::sync::hub::operators::check_operator_name;
use crate::sync::hub::store::HubStore;

/// Every operator by name, without the administrator and without tokens.
pub async fn list<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    operator(&request, &state, HubLevel::Administer).await?;
    let operators = state.store.operators().await?;
    Ok(HttpResponse::Ok().json(json!({ "operators": operators })))
}

/// `{ "name", "level" }` → `{ "name", "level", "token" }`: this is the only time that the token is shown.
pub async fn add<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    #[derive(Deserialize)]
    struct Add {
        name: String,
        level: String,
    }
    let (caller, body) = body.of(operator(&request, &state, HubLevel::Administer).await).await?;
    let Add { name, level } = parse(&body)?;
    check_operator_name(&name)?;
    let level = HubLevel::parse(&level).ok_or_else(|| {
        let names = HubLevel::ALL.map(HubLevel::name).join(", ");
        Error::invalid("level", Check::Enum, format!("level must be one of {names}"))
    })?;
    let (token, hash) = new_token()?;
    state.store.add_operator(&name, level, hash, Caller::new(&caller.name, state.clock.now())).await?;
    let added = json!({ "name": name, "level": level, "token": token });
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(added))
}

fn in_path(request: &HttpRequest) -> &str {
    request.match_info().get("operator").unwrap_or_default()
}

/// → `{ "token" }`: a new token in place of the operator's. An operator may do that with its own, whatever its level.
pub async fn rotate<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    let mut caller = operator(&request, &state, HubLevel::Read).await?;
    if caller.name != in_path(&request) {
        caller = operator(&request, &state, HubLevel::Administer).await?;
    }
    let (token, hash) = new_token()?;
    state.store.rotate_operator(in_path(&request), hash, Caller::new(&caller.name, state.clock.now())).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({ "token": token })))
}

/// Removes an operator, whose token is revoked.
pub async fn remove<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    let caller = operator(&request, &state, HubLevel::Administer).await?;
    state.store.remove_operator(in_path(&request), Caller::new(&caller.name, state.clock.now())).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

/// The hub's audit trail behind entry `?after=`, the oldest first, at most a thousand entries.
pub async fn audit<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    operator(&request, &state, HubLevel::Read).await?;
    let after = Query::of(&request).number("after", FROM_ZERO)?.unwrap_or(0);
    let entries = state.store.audit_after(after, AUDIT_PAGE).await?;
    Ok(HttpResponse::Ok().json(json!({ "entries": entries })))
}
