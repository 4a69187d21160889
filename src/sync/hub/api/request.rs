//! What the hub reads of a request: its body, and who sends it.

use std::borrow::Cow;
use std::future::{Ready, ready};
use std::io::ErrorKind;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, web};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::admission::{Admission, Admitted, BODY_MAX_BYTES};
use super::state::HubState;
use crate::auth::secrets::token_hash;
use crate::domain::audit::Hash;
use crate::domain::json_text::{doubled, in_utf8};
use crate::domain::proposal::HubLevel;
use crate::error::{Error, Result};
use crate::sync::hub::audit::{AuditNote, Caller};
use crate::sync::hub::operators::Operator;
use crate::sync::hub::origin::{Origin, origin_not_found};
use crate::sync::hub::store::HubStore;
use crate::sync::protocol::compression;
use crate::web::body::read_payload;

/// A compressed body up to this length needs no care: an enrolment, or a push with few rows. The hub buffers it before it
/// authenticates the sender.
pub const SHORT_BYTES: usize = 8 << 10;

/// The body of a request that has not been read yet.
pub struct Body {
    payload: Payload,
    /// As `Content-Encoding` has it.
    encoding: Option<String>,
    /// From `Content-Length`, where the request has it.
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
    pub fn is_short(&self) -> bool {
        self.length.is_some_and(|length| length <= SHORT_BYTES)
    }

    /// The sender and the body, decompressed as by [`Body::read`]. The hub buffers nothing of a sender that it rejects, but
    /// receives the body all the same, so that the client can read the answer.
    pub async fn of<T>(self, sender: Result<T>) -> Result<(T, Vec<u8>)> {
        let max_bytes = if sender.is_ok() { BODY_MAX_BYTES } else { 0 };
        let body = self.read(max_bytes).await;
        Ok((sender?, body?))
    }

    /// As [`Body::of`], for a body of an origin that may be long: it is admitted before it is received, and once more before it is
    /// decompressed. 503 when there is no room for it.
    pub async fn admitted<'a, T>(
        self,
        sender: Result<T>,
        admission: &'a Admission,
        origin: &str,
    ) -> Result<(T, Vec<u8>, Option<Admitted<'a>>)> {
        if self.is_short() {
            return self.of(sender).await.map(|(sender, body)| (sender, body, None));
        }
        let admitted = sender.and_then(|sender| Ok((sender, admission.admit(origin, self.length)?)));
        let max_bytes = if admitted.is_ok() { BODY_MAX_BYTES } else { 0 };
        let received = read_payload(self.payload, max_bytes).await;
        let (sender, mut admitted) = admitted?;
        let received = received?;
        admitted.begin_work().await;
        Ok((sender, decompressed(self.encoding, received, max_bytes).await?, Some(admitted)))
    }

    /// The decompressed body: 413 when it is longer than `max_bytes`, 415 when the hub does not know its compression, 400
    /// when it cannot be decompressed.
    pub async fn read(self, max_bytes: usize) -> Result<Vec<u8>> {
        decompressed(self.encoding, read_payload(self.payload, max_bytes).await?, max_bytes).await
    }
}

async fn decompressed(encoding: Option<String>, received: Bytes, max_bytes: usize) -> Result<Vec<u8>> {
    let is_long = received.len() > SHORT_BYTES;
    let decompress = move || compression::decompress(encoding.as_deref(), &received, max_bytes);
    // A long body must not block the other requests of this thread.
    let body = if is_long {
        web::block(decompress).await.map_err(|error| Error::Internal(Box::new(error)))?
    } else {
        decompress()
    };
    body.map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => Error::TooLarge { limit_bytes: max_bytes },
        ErrorKind::Unsupported => Error::UnsupportedEncoding,
        _ => malformed("body", &error),
    })
}

/// The hash of the bearer token.
pub fn bearer(request: &HttpRequest) -> Result<Hash> {
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).and_then(token_hash);
    token.ok_or_else(invalid_token)
}

/// The hash of the caller's token: the bearer's, else that of the operator whose session in the console the cookie is.
fn token_of<S>(request: &HttpRequest, state: &HubState<S>) -> Result<Hash> {
    if request.headers().contains_key(header::AUTHORIZATION) {
        return bearer(request);
    }
    state.sessions.operator_token(request)?.ok_or_else(invalid_token)
}

pub fn invalid_token() -> Error {
    Error::Unauthenticated { code: "invalid_token", message: "Token is not valid" }
}

/// The operator who has the bearer token. 401 for any other token; 403 when the operator's level is lower than `level`,
/// which is noted in the audit trail.
pub async fn operator<S: HubStore>(request: &HttpRequest, state: &HubState<S>, level: HubLevel) -> Result<Operator> {
    let found = state.store.operator_of(token_of(request, state)?).await?.ok_or_else(invalid_token)?;
    with_level(request, state, found, level).await
}

async fn with_level<S: HubStore>(
    request: &HttpRequest,
    state: &HubState<S>,
    operator: Operator,
    level: HubLevel,
) -> Result<Operator> {
    let Err(refused) = operator.check_level(level) else { return Ok(operator) };
    let call = format!("{} {}", request.method(), request.match_pattern().unwrap_or_default());
    let note = AuditNote::refused(Caller::new(&operator.name, state.clock.now()), &call, in_path(request));
    if let Err(error) = state.note_once(note).await {
        tracing::warn!(%error, "a refused call could not be noted in the audit trail");
    }
    Err(refused)
}

/// The origin in the path.
pub fn in_path(request: &HttpRequest) -> &str {
    request.match_info().get("origin").unwrap_or_default()
}

/// The origin in the path, which must be the token's: any other is 404. A token that the origin has asked for is used for
/// the first time here: the one before is revoked.
pub async fn own_origin<S: HubStore>(request: &HttpRequest, state: &HubState<S>) -> Result<Origin> {
    let token = token_of(request, state)?;
    state.take_call(&token).await?;
    let of_token = state.store.origin_of(token).await?.ok_or_else(invalid_token)?;
    if in_path(request) != of_token.origin {
        return Err(origin_not_found());
    }
    of_token.check_here()?;
    confirm(state, of_token, &token).await
}

/// Revokes the token before `token` where that is used for the first time.
pub async fn confirm<S: HubStore>(state: &HubState<S>, origin: Origin, token: &Hash) -> Result<Origin> {
    if !origin.is_next_token(token) {
        return Ok(origin);
    }
    state.store.confirm_token(&origin.origin, *token).await?;
    Ok(Origin { token: *token, next_token: None, ..origin })
}

/// The origin in the path, for its own token and for operators who may read; with the operator.
pub async fn any_origin<S: HubStore>(request: &HttpRequest, state: &HubState<S>) -> Result<(String, Option<Operator>)> {
    match state.store.operator_of(token_of(request, state)?).await? {
        Some(found) => {
            let operator = with_level(request, state, found, HubLevel::Read).await?;
            Ok((in_path(request).to_owned(), Some(operator)))
        }
        None => Ok((own_origin(request, state).await?.origin, None)),
    }
}

/// The origin in the path, for operators of a level only. With an edge's token another edge's origin is 404 here too.
pub async fn for_operator<'r, S: HubStore>(
    request: &'r HttpRequest,
    state: &HubState<S>,
    level: HubLevel,
) -> Result<(&'r str, Operator)> {
    match state.store.operator_of(token_of(request, state)?).await? {
        Some(found) => Ok((in_path(request), with_level(request, state, found, level).await?)),
        None => {
            own_origin(request, state).await?;
            Err(invalid_token())
        }
    }
}

/// The JSON in a body.
pub fn parse<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| malformed("body", &error))
}

/// The JSON object in a body of the hub's users. 400 also for a property that stands twice.
pub fn parse_object(body: &[u8]) -> Result<Map<String, Value>> {
    let text = in_utf8(body).map_err(|wrong| malformed("body", &wrong))?;
    match doubled(text) {
        Some(name) => Err(malformed("body", &format_args!("{name} stands twice"))),
        None => parse(text),
    }
}

/// 400 for a body or a query that cannot be read.
pub fn malformed(what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::BadRequest { code: "bad_request", message: format!("The {what} cannot be read: {error}").into() }
}
