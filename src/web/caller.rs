//! Who calls: the token of a request, and whom it stands for.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header;

use super::AppState;
use super::browser::{is_cookie_trusted, is_cookie_trusted_for_change};
use super::console_cookie;
use super::platform_token;
use super::query::Query;
use super::request::RequestContext;
use crate::auth::secrets::token_hash;
use crate::auth::session_cache::Identity;
use crate::error::{Error, Result};
use crate::usecases::login;

/// Name of the cookie that may carry the token.
pub const COOKIE: &str = "token";

/// The token of a request.
pub struct Presented {
    pub token: String,
    by: Carrier,
}

/// How a token came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carrier {
    /// In a header or as an argument: the caller has put it there.
    Caller,
    /// In the cookie of `/auth/login`: a browser has sent it, without being asked to.
    Cookie,
    /// In the console's cookie, which a browser sends too.
    Console,
}

impl RequestContext {
    /// The token of the request: from the header, else from `?token=`, else from a cookie.
    pub fn token(&self) -> Result<Option<String>> {
        Ok(self.presented()?.map(|presented| presented.token))
    }

    fn presented(&self) -> Result<Option<Presented>> {
        let given = |token| Some(Presented { token, by: Carrier::Caller });
        if let Some(value) = self.request.headers().get(header::AUTHORIZATION) {
            return bearer(value).map(given).ok_or(Error::Unauthenticated {
                code: "format_error",
                message: "Authorization header format is Authorization: Bearer <token>",
            });
        }
        if self.request.query_string().contains("token=")
            && let Some(token) = self.query().get("token")
        {
            return Ok(given(token.to_owned()));
        }
        if console_cookie::is_meant(&self.request)
            && let Some(console) = self.console()?
        {
            return Ok(Some(console));
        }
        match cookie_named(&self.request, COOKIE) {
            Some(_) if !is_cookie_trusted(&self.request) => Err(cookie_does_not_count()),
            Some(token) => Ok(Some(Presented { token, by: Carrier::Cookie })),
            None => self.console(),
        }
    }

    /// The token in the console's cookie, as far as that counts.
    fn console(&self) -> Result<Option<Presented>> {
        let Some(token) = cookie_named(&self.request, console_cookie::NAME) else { return Ok(None) };
        console_cookie::check(&self.request, &self.state.sealer, &token)?;
        Ok(Some(Presented { token, by: Carrier::Console }))
    }

    /// Who calls. 401 for nobody who may.
    pub async fn authenticate(&self) -> Result<Arc<Identity>> {
        let token = self.token()?.ok_or_else(login::refused)?;
        self.identify(&token).await
    }

    /// Who calls, by the console's cookie alone, and the token in it.
    pub async fn authenticate_console(&self) -> Result<(Arc<Identity>, String)> {
        let presented = self.console()?.ok_or_else(login::refused)?;
        Ok((self.identify(&presented.token).await?, presented.token))
    }

    /// Who calls, where a cookie counts only as it does for a change, whatever the method, and the token.
    pub async fn authenticate_for_change(&self) -> Result<(Arc<Identity>, String)> {
        let presented = self.presented()?.ok_or_else(login::refused)?;
        match presented.by {
            Carrier::Caller => {}
            Carrier::Cookie if is_cookie_trusted_for_change(&self.request) => {}
            Carrier::Cookie => return Err(cookie_does_not_count()),
            Carrier::Console => {
                console_cookie::check_change(&self.request, &self.state.sealer, &presented.token)?;
            }
        }
        Ok((self.identify(&presented.token).await?, presented.token))
    }

    async fn identify(&self, token: &str) -> Result<Arc<Identity>> {
        let (state, address) = (&self.state, self.address());
        let known = state.session_cache.authenticate(&state.db, token, &address);
        if platform_token::is_settled(state, &known) {
            return known;
        }
        platform_token::confirm(state, token, &address).await?;
        state.session_cache.authenticate(&state.db, token, &address)
    }
}

/// Whom a token stands for that does not come with a request. Listening is no use of a session, which would never expire.
pub async fn identify_without_use(state: &AppState, token: &str, address: &str) -> Result<Arc<Identity>> {
    let known = state.session_cache.check(&state.db, token, address);
    if platform_token::is_settled(state, &known) {
        return known;
    }
    drop(known);
    platform_token::confirm(state, token, address).await?;
    state.session_cache.check(&state.db, token, address)
}

/// The token that a request shows in its header or as an argument, whether or not it is good.
pub fn token_in(request: &HttpRequest) -> Option<String> {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(bearer);
    shown.or_else(|| Query::parse(request.query_string()).get("token").map(str::to_owned))
}

/// The token of an `Authorization` header.
fn bearer(value: &header::HeaderValue) -> Option<String> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("Bearer") && !token.trim().is_empty()).then(|| token.trim().to_owned())
}

/// The token in a cookie. Another application on this host may have set one of the same name: the one that can be ours counts.
fn cookie_named(request: &HttpRequest, name: &str) -> Option<String> {
    let cookies = request.cookies().map(|cookies| cookies.clone()).unwrap_or_default();
    let named: Vec<_> = cookies.iter().filter(|cookie| cookie.name() == name).collect();
    let own = named.iter().find(|cookie| token_hash(cookie.value()).is_some()).or(named.first());
    own.map(|cookie| cookie.value().to_owned())
}

fn cookie_does_not_count() -> Error {
    Error::Unauthenticated {
        code: "credentials_invalid",
        message: "The cookie counts only for pages of this server, and for changes with Content-Type: application/json",
    }
}
