//! `/auth`: what a login answers, logout, impersonation. The login itself is in `login.rs`.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpRequest, HttpResponse, Responder};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::auth::secrets::new_token;
use crate::db::{Author, WriteTx, with_kept_room};
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::usecases::session_answer::SessionAnswer;
use crate::usecases::{impersonation, login};
use crate::web::caller::COOKIE;
use crate::web::request::{AuthenticatedRequest, RequestContext};
use crate::web::response::ApiResponse;

/// A token, and whom it stands for.
#[derive(Serialize, JsonSchema)]
pub struct Session {
    /// To be presented with every later request, as `Authorization: Bearer TOKEN`.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    #[schemars(example = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    token: String,
    #[serde(flatten)]
    session: SessionAnswer,
}

pub(super) fn session_response(session: SessionAnswer, token: &str) -> Result<ApiResponse> {
    Ok(ApiResponse::json(&Session { token: token.to_owned(), session })?.secret())
}

pub(super) fn token_of(response: &ApiResponse) -> Option<String> {
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    Some(body.get("token")?.as_str()?.to_owned())
}

pub(super) fn cookie(context: &RequestContext, token: String, persist: bool) -> Cookie<'static> {
    let cookie =
        Cookie::build(COOKIE, token).path("/").http_only(true).same_site(SameSite::Strict).secure(context.state.is_tls);
    if persist { cookie.permanent().finish() } else { cookie.finish() }
}

/// An answer that may set, or clear, the cookie.
pub struct CookieResponse {
    pub(super) response: ApiResponse,
    pub(super) cookie: Option<Cookie<'static>>,
}

impl Responder for CookieResponse {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut response = self.response.respond_to(request);
        if let Some(cookie) = self.cookie
            && let Err(error) = response.add_cookie(&cookie)
        {
            tracing::error!(%error, "a cookie could not be set");
        }
        response
    }
}

/// api:auth:logout. Ends all sessions of the user, an impersonated one only itself; machine-to-machine tokens stay until
/// they are deleted.
pub async fn logout(request: AuthenticatedRequest) -> Result<CookieResponse> {
    let mut cookie = cookie(&request.context, String::new(), false);
    cookie.make_removal();
    let had_cookie = request.context.request.cookie(COOKIE).is_some();
    let actor = request.actor().clone();
    let author = Author { takes_access_away: true, ..request.author() };
    let db = request.context.state.db.clone();
    let log_out = move |tx: &mut WriteTx| login::log_out(tx, &actor);
    with_kept_room(async || db.write(author.clone(), log_out.clone()).await).await?;
    Ok(CookieResponse { response: ApiResponse::success(), cookie: had_cookie.then_some(cookie) })
}

/// api:auth:impersonate. `ip` binds the new token to that address. 403 `account` when the employee could not log in.
pub async fn impersonate(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let malformed = |_| Error::bad_request("Employee id not found in request URI");
    let id: Id = request.context.segment("employee").parse().map_err(malformed)?;
    let query = request.context.query();
    let (ip, persist) = (query.address("ip")?, query.flag("persist")?);
    let address = request.context.address();
    let (token, token_hash) = new_token()?;
    request
        .write(move |tx, actor| {
            let session = impersonation::impersonate(tx, actor, id, &token_hash, ip, address, persist)?;
            session_response(session, &token)
        })
        .await
}
