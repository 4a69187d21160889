//! `/local/session` of a hub: an operator's session in the console.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;

use super::request::{Body, invalid_token, parse};
use super::sessions::IDLE;
use super::state::{HubState, SharedState};
use crate::auth::secrets::token_hash;
use crate::error::{Error, Result};
use crate::sync::hub::operators::Operator;
use crate::sync::hub::store::HubStore;
use crate::web::browser::is_cookie_trusted;
use crate::web::console_cookie;

/// `{ "token" }` of an operator, or the administrator's: sets the cookie. 401 for any other token, 403 `csrf` for a page of another
/// origin.
pub async fn open<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    #[derive(Deserialize)]
    struct Open {
        token: String,
    }
    let own = is_cookie_trusted(&request).then_some(()).ok_or_else(|| Error::Forbidden {
        code: "csrf",
        message: "A session of the console is opened by its own pages, with Content-Type: application/json".into(),
    });
    let ((), body) = body.of(own).await?;
    let Open { token } = parse(&body)?;
    let operator_token = token_hash(token.trim()).ok_or_else(invalid_token)?;
    let operator = state.store.operator_of(operator_token).await?.ok_or_else(invalid_token)?;
    let (token, csrf_token) = state.sessions.open(operator_token)?;
    let mut response = shown(&operator, &csrf_token);
    response
        .add_cookie(&console_cookie::cookie(console_cookie::NAME_ON_HUB, token, state.is_tls))
        .map_err(|error| Error::Internal(error.into()))?;
    Ok(response)
}

/// Whose session the cookie stands for. 401 without one.
pub async fn get<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    let (operator, csrf_token) = find(&request, &state).await?;
    Ok(shown(&operator, &csrf_token))
}

/// Ends this session. 401 without one, 403 `csrf`.
pub async fn close<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    find(&request, &state).await?;
    state.sessions.close(&request);
    let mut response = HttpResponse::Ok().json(json!({ "success": true }));
    response
        .add_cookie(&console_cookie::removal(console_cookie::NAME_ON_HUB, state.is_tls))
        .map_err(|error| Error::Internal(error.into()))?;
    Ok(response)
}

async fn find<S: HubStore>(request: &HttpRequest, state: &HubState<S>) -> Result<(Operator, String)> {
    let (token, csrf_token) = state.sessions.find(request)?.ok_or_else(invalid_token)?;
    let operator = state.store.operator_of(token).await?.ok_or_else(invalid_token)?;
    Ok((operator, csrf_token))
}

fn shown(operator: &Operator, csrf_token: &str) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({
        "kind": "hub", "csrfToken": csrf_token, "expiresInMinutes": IDLE.as_secs() / 60,
        "operator": operator.name, "level": operator.level,
    }))
}
