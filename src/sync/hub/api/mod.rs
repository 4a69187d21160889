//! The hub's calls (`/sync/v1`). Each URL stands in `configure`.

mod admin;
mod edge;
mod metrics;
mod migration;
mod proposals;

use std::borrow::Cow;
use std::future::{Ready, ready};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::{Payload, ServerHandle};
use actix_web::http::{Method, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Route, web};
use rustls::ServerConfig;
use serde::Deserialize;
use serde_json::json;

use super::{HubStore, Origin};
use crate::auth::secrets::token_hash;
use crate::clock::Clock;
use crate::domain::audit::Hash;
use crate::error::{Error, Result};
use crate::sync::protocol::compression;
use crate::sync::protocol::wire::Pace;
use crate::web::error::plain;
use crate::web::middleware::ForEdges;
use crate::web::request::read_payload;
use crate::web::server;
use metrics::Counts;

/// The longest body, after it was unpacked: a batch, and one row more.
const BODY_MAX_BYTES: usize = 8 << 20;
/// A body that is no longer, packed, is nothing to be careful with: an enrolment, a push with little to say.
const SHORT_BYTES: usize = 8 << 10;

/// What all calls share.
pub struct HubState<S> {
    pub store: Arc<S>,
    pub clock: Clock,
    /// SHA-256 of the administrator's token.
    pub admin: Hash,
    pub pace: Pace,
    counts: Counts,
}

impl<S: HubStore> HubState<S> {
    pub fn new(store: Arc<S>, clock: Clock, admin: Hash) -> HubState<S> {
        HubState { store, clock, admin, pace: Pace::default(), counts: Counts::default() }
    }
}

/// What each call works with.
type SharedState<S> = web::Data<HubState<S>>;

/// Serves a hub on `listener` until the handle stops it.
pub fn start<S: HubStore>(
    listener: TcpListener,
    tls: Option<ServerConfig>,
    state: HubState<S>,
) -> std::io::Result<ServerHandle> {
    let state = SharedState::new(state);
    server::start(listener, tls, vec![], move |services| configure(&state, services))
}

/// Answers 503 to whatever comes in on `listener`, until the handle stops it: for as long as the store is away.
pub fn start_without_store(listener: TcpListener, tls: Option<ServerConfig>) -> std::io::Result<ServerHandle> {
    server::start(listener, tls, vec![], |services| {
        services
            .route("/healthz", web::get().to(healthz))
            .default_service(web::to(|| async { Err::<HttpResponse, Error>(super::store_unreachable()) }));
    })
}

/// Every call that names an origin: behind `/sync/v1/origins/ORIGIN/`.
fn of_an_origin<S: HubStore>() -> [(Method, &'static str, Route); 13] {
    [
        (Method::POST, "exchange", web::to(edge::exchange::<S>)),
        (Method::POST, "stage", web::to(edge::stage::<S>)),
        (Method::POST, "digest", web::to(edge::digests::<S>)),
        (Method::GET, "snapshot", web::to(edge::snapshot::<S>)),
        (Method::GET, "rows", web::to(admin::rows::<S>)),
        (Method::GET, "quarantine", web::to(admin::quarantine::<S>)),
        (Method::POST, "unlock", web::to(admin::unlock::<S>)),
        (Method::POST, "arrive", web::to(migration::arrive::<S>)),
        (Method::GET, "arrived", web::to(migration::arrived::<S>)),
        (Method::POST, "deliver", web::to(migration::deliver::<S>)),
        (Method::POST, "settle", web::to(migration::settle::<S>)),
        (Method::GET, "proposals", web::to(proposals::list::<S>)),
        (Method::POST, "proposals", web::to(proposals::file::<S>)),
    ]
}

/// Their methods and names, for whoever tries that each of them is for its origin alone.
pub fn calls_of_an_origin<S: HubStore>() -> Vec<(String, &'static str)> {
    of_an_origin::<S>().into_iter().map(|(method, call, _)| (method.to_string(), call)).collect()
}

/// Every URL of a hub.
fn configure<S: HubStore>(state: &SharedState<S>, services: &mut web::ServiceConfig) {
    for (method, call, route) in of_an_origin::<S>() {
        services.route(&format!("/sync/v1/origins/{{origin}}/{call}"), route.method(method));
    }
    services
        .app_data(state.clone())
        .app_data(ForEdges(|accepted| compression::accepted(accepted).map(compression::name)))
        .app_data(web::QueryConfig::default().error_handler(|error, _| malformed("query", &error).into()))
        .route("/healthz", web::get().to(healthz))
        .route("/readyz", web::get().to(admin::readyz::<S>))
        .route("/metrics", web::get().to(metrics::metrics::<S>))
        .route("/.well-known/telecomx-local", web::get().to(edge::well_known::<S>))
        .route("/sync/v1/enroll", web::post().to(edge::enroll::<S>))
        .route("/sync/v1/codes", web::post().to(admin::add_code::<S>))
        .route("/sync/v1/fleet", web::get().to(admin::fleet::<S>))
        .default_service(web::to(|| async { plain(404, "not_found", "There is no such URL") }));
}

/// The process lives.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// The body of a request, not read yet.
pub struct Body {
    payload: Payload,
    /// As `Content-Encoding` has it.
    encoding: Option<String>,
    /// As it was sent, where that is told beforehand.
    length: Option<usize>,
}

impl FromRequest for Body {
    type Error = Error;
    type Future = Ready<Result<Body>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let header = |name| request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let encoding = header(header::CONTENT_ENCODING).map(Cow::into_owned);
        let length = header(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
        ready(Ok(Body { payload: payload.take(), encoding, length }))
    }
}

impl Body {
    fn is_short(&self) -> bool {
        self.length.is_some_and(|length| length <= SHORT_BYTES)
    }

    /// What `sender` has sent, unpacked, as by [`Body::read`]. Of one who may not send anything nothing is kept; it is
    /// taken in all the same, so that the answer can be read.
    async fn of<T>(self, sender: Result<T>) -> Result<(T, Vec<u8>)> {
        let kept = if sender.is_ok() { BODY_MAX_BYTES } else { 0 };
        let body = self.read(kept).await;
        Ok((sender?, body?))
    }

    /// What was sent, unpacked: 413 when it is longer than `max_bytes`, 415 when it is packed in a way that the hub does
    /// not know, 400 when it does not unpack.
    async fn read(self, max_bytes: usize) -> Result<Vec<u8>> {
        let packed = read_payload(self.payload, max_bytes).await?;
        let is_long = packed.len() > SHORT_BYTES;
        let unpack = move || compression::unpack(self.encoding.as_deref(), &packed, max_bytes);
        // Other requests do not wait for what takes long.
        let unpacked = if is_long {
            web::block(unpack).await.map_err(|error| Error::Internal(Box::new(error)))?
        } else {
            unpack()
        };
        unpacked.map_err(|error| match error.kind() {
            ErrorKind::FileTooLarge => Error::TooLarge { limit_bytes: max_bytes },
            ErrorKind::Unsupported => Error::UnsupportedEncoding,
            _ => malformed("body", &error),
        })
    }
}

fn bearer(request: &HttpRequest) -> Result<Hash> {
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).and_then(token_hash);
    token.ok_or_else(refused)
}

fn refused() -> Error {
    Error::Unauthenticated { code: "invalid_token", message: "Token is not valid" }
}

fn check_admin<S>(request: &HttpRequest, state: &HubState<S>) -> Result<()> {
    // Digests are compared: how far they agree tells nothing about the token.
    if bearer(request)? == state.admin { Ok(()) } else { Err(refused()) }
}

fn in_path(request: &HttpRequest) -> &str {
    request.match_info().get("origin").unwrap_or_default()
}

/// The origin in the path, which must be the token's: anybody else's is not there.
async fn own_origin<S: HubStore>(request: &HttpRequest, state: &HubState<S>) -> Result<Origin> {
    let of_token = state.store.origin_of(bearer(request)?).await?.ok_or_else(refused)?;
    if in_path(request) == of_token.origin {
        return of_token.check_here().map(|()| of_token);
    }
    Err(Error::not_found("origin", "Origin not found"))
}

/// The origin in the path, for itself and for the administrator.
async fn any_origin<S: HubStore>(request: &HttpRequest, state: &HubState<S>) -> Result<String> {
    match check_admin(request, state) {
        Ok(()) => Ok(in_path(request).to_owned()),
        Err(_) => Ok(own_origin(request, state).await?.origin),
    }
}

/// The origin in the path, for the administrator alone. An edge's token is good for its own origin only, here as anywhere.
async fn for_admin<'r, S: HubStore>(request: &'r HttpRequest, state: &HubState<S>) -> Result<&'r str> {
    if check_admin(request, state).is_err() {
        own_origin(request, state).await?;
        return Err(refused());
    }
    Ok(in_path(request))
}

fn parse<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| malformed("body", &error))
}

fn malformed(what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::BadRequest { code: "bad_request", message: format!("The {what} cannot be read: {error}").into() }
}
