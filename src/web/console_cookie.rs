//! The cookie of the console's session: when it counts. Its pages show with each change that they are the ones which have
//! opened the session, by a token that no other page can read.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::Method;

use super::browser::is_of_another_page;
use super::middleware::may_change;
use crate::auth::secrets::Sealer;
use crate::error::{Error, Result};

/// Its name on a server.
pub const NAME: &str = "telecomx_console";
/// Its name on a hub: a browser keeps one set of cookies for all ports of a machine.
pub const NAME_ON_HUB: &str = "telecomx_hub_console";
/// Where events are told, to a browser that can send no header with its request.
pub const EVENTS: &str = "/local/events";
/// The header with the token that a change takes.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// Says of a fingerprint what it is for.
const PURPOSE: &[u8] = b"csrf token of the console";

/// The cookie that carries `token` until the browser is closed.
pub fn cookie(name: &'static str, token: String, is_tls: bool) -> Cookie<'static> {
    Cookie::build(name, token).path("/").http_only(true).same_site(SameSite::Strict).secure(is_tls).finish()
}

/// The same without a token: the browser forgets it.
pub fn removal(name: &'static str, is_tls: bool) -> Cookie<'static> {
    let mut cookie = cookie(name, String::new(), is_tls);
    cookie.make_removal();
    cookie
}

/// Whether the console's cookie is meant, where there is also one of `/auth/login`: its pages send the header with every
/// request but that for the events, which cannot have one.
pub fn is_meant(request: &HttpRequest) -> bool {
    request.headers().contains_key(CSRF_HEADER) || request.path() == EVENTS
}

/// What a change with the session of this token has in its header.
pub fn csrf_token(sealer: &Sealer, token: &str) -> Result<String> {
    Ok(hex::encode(sealer.fingerprint(&[PURPOSE, token.as_bytes()])?))
}

/// Whether the cookie counts for this request: 401 for a page of another origin; as [`check_change`] for a change.
pub fn check(request: &HttpRequest, sealer: &Sealer, token: &str) -> Result<()> {
    check_page(request)?;
    if changes(request) { check_change(request, sealer, token) } else { Ok(()) }
}

/// 401 for a page of another origin.
pub fn check_page(request: &HttpRequest) -> Result<()> {
    if !is_of_another_page(request) {
        return Ok(());
    }
    let message = "The session of the console counts only for pages of this server";
    Err(Error::Unauthenticated { code: "credentials_invalid", message })
}

/// 403 `csrf` unless the request has the token of the session in its header.
pub fn check_change(request: &HttpRequest, sealer: &Sealer, token: &str) -> Result<()> {
    let given = request.headers().get(CSRF_HEADER).and_then(|given| hex::decode(given.as_bytes()).ok());
    match given {
        Some(given) if sealer.is_fingerprint(&[PURPOSE, token.as_bytes()], &given)? => Ok(()),
        _ => Err(csrf()),
    }
}

/// Whether a request may change something. Of the path both what was sent and what routing made of it count.
pub fn changes(request: &HttpRequest) -> bool {
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    !is_reading || may_change(request.path()) || may_change(request.match_info().as_str())
}

/// The refusal of a change without the token.
pub fn csrf() -> Error {
    let message = "A change with the session of the console needs the header X-CSRF-Token: read the token with GET \
        /local/session and send it along; nothing was changed";
    Error::Forbidden { code: "csrf", message: message.into() }
}
