//! The calls of an edge.

use std::collections::HashSet;
use std::sync::atomic::Ordering::Relaxed;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;

use super::admission::BODY_MAX_BYTES;
use super::query::Query;
use super::request::{Body, SHORT_BYTES, bearer, in_path, own_origin, parse};
use super::state::SharedState;
use crate::auth::secrets::new_token;
use crate::db::SCHEMA_VERSION;
use crate::domain::audit::digest;
use crate::domain::mirror::{Head, Row, Table};
use crate::error::{Error, Result};
use crate::sync::hub::audit::{AuditNote, Caller, HubAction};
use crate::sync::hub::operators::SERVER;
use crate::sync::hub::rules;
use crate::sync::hub::store::HubStore;
use crate::sync::protocol::compression;
use crate::sync::protocol::hash_tree::{BRANCHES, DigestReply, DigestRequest, Tree, digest_of, leaf_of};
use crate::sync::protocol::snapshot::{PAGE_ROWS, Page, after_of, page_digest};
use crate::sync::protocol::wire::{PROTO, Part, Push};
use crate::web::browser::ForServer;
use crate::web::error::push_rejected;

/// What this hub speaks: protocol versions, schema, limits, and its clock. Needs no token.
pub async fn well_known<S: HubStore>(state: SharedState<S>) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "protocols": [PROTO],
        "schema": { "min": rules::SCHEMA_MIN, "max": SCHEMA_VERSION },
        "version": env!("CARGO_PKG_VERSION"),
        "contents": true,
        "limits": { "body_bytes": BODY_MAX_BYTES, "batch_bytes": state.pace.max_bytes },
        "clock_ms": state.clock.now().millis(),
    }))
}

/// `{ "code", "attempt"? }` → `{ "origin", "name", "token" }`: spends the code; this is the only time that the token is
/// shown. A code that was spent with an attempt, a random uuid, may be spent with it again: the answer may be lost.
pub async fn enroll<S: HubStore>(state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    #[derive(Deserialize)]
    struct Enroll {
        code: String,
        #[serde(default)]
        attempt: Option<uuid::Uuid>,
    }
    let given: Enroll = parse(&body.read(SHORT_BYTES).await?)?;
    let (token, hash) = new_token()?;
    let origin = uuid::Uuid::new_v4().simple().to_string();
    let code = digest(given.code.trim().as_bytes());
    let enrolled = state.store.enroll(code, hash, &origin, given.attempt, state.clock.now()).await?;
    let enrolled = enrolled.ok_or_else(|| Error::not_found("code", "The code is not known, or was used already"))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({ "origin": enrolled.origin, "name": enrolled.name, "token": token })))
}

/// Another token for the server that asks → `{ "token" }`. The present one is good until the new one is used first, so that
/// a lost answer locks nobody out.
pub async fn rotate_token<S: HubStore>(
    request: HttpRequest,
    state: SharedState<S>,
    body: Body,
) -> Result<HttpResponse> {
    let (origin, _) = body.of(own_origin(&request, &state).await).await?;
    let (token, hash) = new_token()?;
    let caller = Caller::new(SERVER, state.clock.now());
    state.note_once(AuditNote::new(caller, HubAction::RotateToken, &origin.origin, &origin.name)).await?;
    state.store.rotate_token(&origin.origin, hash).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({ "token": token })))
}

/// A push: 200 when the hub accepted it, 409 when it does not build on what the hub has; either way with the hub's state.
pub async fn exchange<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    // With a short body the store looks the token up while it applies the push: one round trip less for the commonest call.
    let sender = match body.is_short() {
        true => match bearer(&request) {
            Ok(token) => state.take_call(&token).await.map(|()| token),
            Err(refused) => Err(refused),
        },
        false => own_origin(&request, &state).await.map(|origin| origin.token),
    };
    let (token_hash, body, _admitted) = body.admitted(sender, &state.admission, in_path(&request)).await?;
    let push: Result<Push> = parse(&body);
    if push.is_err() {
        own_origin(&request, &state).await?;
    }
    // A push that cannot be read may be of another protocol.
    let proto = push.as_ref().map_or_else(|_| parse(&body).map(|push: AnyPush| push.proto), |push| Ok(push.proto))?;
    rules::check_proto(proto)?;
    let push = push?;
    rules::check_push(&push)?;
    let now = state.clock.now();
    let pushed = state.store.push(in_path(&request), &token_hash, &push, now).await;
    let result = match state.noting_limit(in_path(&request), pushed).await {
        Err(error @ Error::NotFound { .. }) => {
            own_origin(&request, &state).await?;
            return Err(error);
        }
        result => result?,
    };
    if result.origin.is_next_token(&token_hash) {
        state.store.confirm_token(&result.origin.origin, token_hash).await?;
    }
    let counts = &state.counts;
    counts.bytes_in.fetch_add(body.len() as u64, Relaxed);
    if result.accepted && !rules::is_idle(&push) {
        counts.batches.fetch_add(1, Relaxed);
        counts.rows.fetch_add(push.rows.len() as u64, Relaxed);
    } else if !result.accepted {
        counts.rejected.fetch_add(1, Relaxed);
    }
    let mut answer = if result.accepted { HttpResponse::Ok() } else { push_rejected() };
    let mut reply = result.reply(push.request, state.pace, now);
    reply.hub.clone_from(&state.announce);
    let body = serde_json::to_vec(&reply).map_err(|error| Error::Internal(Box::new(error)))?;
    counts.bytes_out.fetch_add(body.len() as u64, Relaxed);
    answer.content_type("application/json");
    answer.extensions_mut().insert(ForServer);
    // Compressed here and not by the middleware, which would add headers: an idle exchange must stay short.
    let accepts_zstd = request.headers().get(header::ACCEPT_ENCODING).is_some_and(|accepted| {
        accepted.to_str().is_ok_and(|accepted| compression::accepted(accepted) == Some(compression::ZSTD))
    });
    Ok(match accepts_zstd {
        true => {
            let compressed =
                compression::compress(compression::ZSTD, &reply).map_err(|error| Error::Internal(Box::new(error)))?;
            answer.insert_header((header::CONTENT_ENCODING, compression::encoding(compression::ZSTD))).body(compressed)
        }
        false => answer.body(body),
    })
}

/// A push of any protocol.
#[derive(Deserialize)]
struct AnyPush {
    proto: u32,
}

/// A part of a batch whose push comes later.
pub async fn stage<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    let sender = own_origin(&request, &state).await;
    let (origin, body, _admitted) = body.admitted(sender, &state.admission, in_path(&request)).await?;
    let part: Part = parse(&body)?;
    rules::check_part(&part)?;
    let staged = state.store.stage(&origin.origin, &part, state.clock.now()).await;
    state.noting_limit(&origin.origin, staged).await?;
    state.counts.bytes_in.fetch_add(body.len() as u64, Relaxed);
    state.counts.rows.fetch_add(part.rows.len() as u64, Relaxed);
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

/// What the hub has of a batch that comes in parts: the edge goes on behind it.
pub async fn staged<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    let origin = own_origin(&request, &state).await?;
    Ok(HttpResponse::Ok().json(state.store.staged(&origin.origin).await?))
}

/// Levels of the hash tree, for an edge to compare with its own.
pub async fn digests<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    let (origin, body) = body.of(own_origin(&request, &state).await).await?;
    let wanted: DigestRequest = parse(&body)?;
    let leaves: HashSet<u16> = wanted.leaves.iter().copied().collect();
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
    // A request may repeat a branch, but no more than there are.
    let leaves = wanted.branches.iter().take(BRANCHES).map(|branch| tree.leaves_of(*branch)).collect();
    let branches = if wanted.branches.is_empty() && wanted.leaves.is_empty() { tree.branches() } else { vec![] };
    Ok(HttpResponse::Ok().json(DigestReply { head: found.head, rows: tree.rows, branches, leaves, of_leaves }))
}

/// Everything that the hub has of an origin, for a machine that replaces its edge: page by page behind `?after=`, which the
/// page before names.
pub async fn snapshot<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    let origin = own_origin(&request, &state).await?.origin;
    let malformed = || Error::bad_request("after is not one that a page has named");
    let query = Query::of(&request);
    let (first, mut after) = match query.text("after")? {
        Some(after) => after_of(after).ok_or_else(malformed)?,
        None => (Table::ALL[0], String::new()),
    };
    let (mut rows, mut head) = (vec![], Head::EMPTY);
    // A page has rows of one table, and so of one snapshot.
    for table in Table::ALL.into_iter().filter(|table| *table >= first) {
        let (found, page) = state.store.rows(&origin, table, &after, PAGE_ROWS).await?;
        (head, rows) = (found.head, page);
        if !rows.is_empty() {
            break;
        }
        after.clear();
    }
    let after = rows.last().map(|row: &Row| format!("{}/{}", row.t.name(), row.id));
    Ok(HttpResponse::Ok().json(Page { head, digest: page_digest(&rows), after, rows }))
}
