//! The hub's calls (`/sync/v1`). Each URL stands in `configure`.

use std::collections::HashSet;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::http::header;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use rustls::ServerConfig;
use serde::Deserialize;
use serde_json::json;

use super::{HubStore, Origin};
use crate::clock::Clock;
use crate::domain::audit::{Hash, digest};
use crate::domain::mirror::Table;
use crate::error::{Error, Result};
use crate::http::answer::Answer;
use crate::http::error::plain;
use crate::http::middleware;
use crate::mirror::digest::{DigestReply, DigestRequest, Tree, digest_of, leaf_of};
use crate::mirror::wire::{Pace, Part, Push};
use crate::secrets::{new_token, token_hash};

/// The longest body, after it was unpacked: a batch, and one row more.
const BODY_MAX_BYTES: usize = 8 << 20;
const ROWS_MAX: i64 = 1_000;

/// What all calls share.
pub struct HubState<S> {
    pub store: Arc<S>,
    pub clock: Clock,
    /// SHA-256 of the administrator's token.
    pub admin: Hash,
    pub pace: Pace,
}

/// Serves a store on `listener`. Runs until the handle stops it.
pub fn start<S: HubStore>(
    listener: TcpListener,
    state: HubState<S>,
    tls: Option<ServerConfig>,
) -> std::io::Result<ServerHandle> {
    let state = web::Data::new(state);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .app_data(web::PayloadConfig::new(BODY_MAX_BYTES))
            .wrap(Compress::default())
            .wrap(from_fn(middleware::pass))
            .configure(configure::<S>)
    });
    let server = server.disable_signals().shutdown_timeout(8).worker_max_blocking_threads(2);
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    let running = server.run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    Ok(handle)
}

/// Every URL of a hub.
fn configure<S: HubStore>(config: &mut web::ServiceConfig) {
    config
        .route("/healthz", web::get().to(|| async { HttpResponse::Ok().json(json!({ "status": "ok" })) }))
        .route("/sync/v1/enroll", web::post().to(enroll::<S>))
        .route("/sync/v1/codes", web::post().to(add_code::<S>))
        .route("/sync/v1/fleet", web::get().to(fleet::<S>))
        .route("/sync/v1/origins/{origin}/exchange", web::post().to(exchange::<S>))
        .route("/sync/v1/origins/{origin}/stage", web::post().to(stage::<S>))
        .route("/sync/v1/origins/{origin}/digest", web::post().to(digests::<S>))
        .route("/sync/v1/origins/{origin}/rows", web::get().to(rows::<S>))
        .default_service(web::to(|| async { plain(404, "not_found", "There is no such URL") }));
}

fn bearer(request: &HttpRequest) -> Result<Hash> {
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).and_then(token_hash);
    token.ok_or(Error::Unauthenticated { code: "invalid_token", message: "Token is not valid" })
}

fn check_admin<S>(request: &HttpRequest, state: &HubState<S>) -> Result<()> {
    // Digests are compared: how far they agree tells nothing about the token.
    if bearer(request)? == state.admin {
        return Ok(());
    }
    Err(Error::Unauthenticated { code: "invalid_token", message: "Token is not valid" })
}

/// The origin in the path, which must be the token's: anybody else's is not there.
async fn own_origin<S: HubStore>(request: &HttpRequest, state: &HubState<S>) -> Result<Origin> {
    let of_token = state.store.origin_of(bearer(request)?).await?;
    let of_token = of_token.ok_or(Error::Unauthenticated { code: "invalid_token", message: "Token is not valid" })?;
    if request.match_info().get("origin") == Some(of_token.origin.as_str()) {
        return Ok(of_token);
    }
    Err(Error::not_found("origin", "Origin not found"))
}

fn parse<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| Error::BadRequest {
        code: "bad_request",
        message: format!("The body cannot be read: {error}").into(),
    })
}

/// `{ "code" }` → `{ "origin", "token" }`: the code is spent; the token is shown this once.
async fn enroll<S: HubStore>(state: web::Data<HubState<S>>, body: web::Bytes) -> Result<HttpResponse> {
    #[derive(Deserialize)]
    struct Enroll {
        code: String,
    }
    let given: Enroll = parse(&body)?;
    let (token, hash) = new_token()?;
    let origin = uuid::Uuid::new_v4().simple().to_string();
    let code = digest(given.code.trim().as_bytes());
    let enrolled = state.store.enroll(code, hash, &origin, state.clock.now()).await?;
    let enrolled = enrolled.ok_or_else(|| Error::not_found("code", "The code is not known, or was used already"))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({ "origin": enrolled.origin, "name": enrolled.name, "token": token })))
}

/// `{ "name" }` → `{ "code" }`, for one edge to enrol with.
async fn add_code<S: HubStore>(
    request: HttpRequest,
    state: web::Data<HubState<S>>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    #[derive(Deserialize)]
    struct NewCode {
        name: String,
    }
    check_admin(&request, &state)?;
    let given: NewCode = parse(&body)?;
    let code = super::add_code(&*state.store, &given.name, state.clock.now()).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({ "code": code })))
}

/// A push: 200 when it was taken, 409 when it does not build on what is there; either way the state.
async fn exchange<S: HubStore>(
    request: HttpRequest,
    state: web::Data<HubState<S>>,
    body: web::Bytes,
) -> Result<Answer> {
    let origin = own_origin(&request, &state).await?;
    let push: Push = parse(&body)?;
    if push.proto != crate::mirror::wire::PROTO {
        return Err(Error::conflict("upgrade_required", "The hub speaks protocol 1 only"));
    }
    let now = state.clock.now();
    let taken = state.store.push(&origin.origin, &push, now).await?;
    let reply = taken.origin.reply(push.request, state.pace, now);
    let status = if taken.accepted { 200 } else { 409 };
    Ok(Answer { status, ..Answer::json(&reply)? })
}

/// A part of a batch that is to come.
async fn stage<S: HubStore>(
    request: HttpRequest,
    state: web::Data<HubState<S>>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let origin = own_origin(&request, &state).await?;
    let part: Part = parse(&body)?;
    state.store.stage(&origin.origin, &part).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

/// Levels of the hash tree, for an edge to compare with its own.
async fn digests<S: HubStore>(
    request: HttpRequest,
    state: web::Data<HubState<S>>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let origin = own_origin(&request, &state).await?;
    let asked: DigestRequest = parse(&body)?;
    let leaves: HashSet<u16> = asked.leaves.iter().copied().collect();
    let (mut tree, mut of_leaves) = (Tree::default(), vec![]);
    let found = state
        .store
        .scan(&origin.origin, |t, id, rev, v| {
            tree.add(t, id, rev, v);
            if !leaves.is_empty() && leaves.contains(&leaf_of(t, id)) {
                of_leaves.push(digest_of(t, id, rev, v));
            }
        })
        .await?;
    let leaves = asked.branches.iter().map(|branch| tree.leaves_of(*branch)).collect();
    let branches = if asked.branches.is_empty() && asked.leaves.is_empty() { tree.branches() } else { vec![] };
    Ok(HttpResponse::Ok().json(DigestReply { head: found.head, rows: tree.rows, branches, leaves, of_leaves }))
}

/// The mirror itself: `?table=mobile_config&after=ID`, a thousand rows at most, by id. For the origin and for the
/// administrator.
async fn rows<S: HubStore>(
    request: HttpRequest,
    state: web::Data<HubState<S>>,
    query: web::Query<RowsQuery>,
) -> Result<HttpResponse> {
    let origin = match check_admin(&request, &state) {
        Ok(()) => request.match_info().get("origin").unwrap_or_default().to_owned(),
        Err(_) => own_origin(&request, &state).await?.origin,
    };
    let rows = state.store.rows(&origin, query.table, query.after.as_deref().unwrap_or(""), ROWS_MAX).await?;
    Ok(HttpResponse::Ok().json(json!({ "rows": rows })))
}

#[derive(Deserialize)]
struct RowsQuery {
    table: Table,
    after: Option<String>,
}

/// Every origin: where it stands, and since when.
async fn fleet<S: HubStore>(request: HttpRequest, state: web::Data<HubState<S>>) -> Result<HttpResponse> {
    check_admin(&request, &state)?;
    let now = state.clock.now();
    let origins: Vec<_> = state
        .store
        .origins()
        .await?
        .iter()
        .map(|origin| {
            let lag_seconds = origin.last_seen.map(|seen| (now.millis() - seen.millis()) / 1_000);
            json!({
                "origin": origin.origin,
                "name": origin.name,
                "consistent": origin.is_consistent(),
                "acked": origin.head.acked,
                "high": origin.high,
                "stable": origin.stable,
                "lagChanges": origin.high - origin.head.acked,
                "lagSeconds": lag_seconds,
                "epoch": origin.head.epoch,
                "resets": origin.resets,
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "origins": origins })))
}
