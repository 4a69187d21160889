//! One request as handlers see it: [`RequestContext`] (anybody) and [`AuthenticatedRequest`] (somebody with a token).

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_core::Stream;
use serde_json::{Map, Value};

use super::AppState;
use super::idempotency::{self, Key};
use super::middleware::RequestId;
use super::preconditions::{Preconditions, names_rev};
use super::query::Query;
use super::response::ApiResponse;
use crate::auth::authorization;
use crate::auth::session_cache::Identity;
use crate::db::{Author, ReadTx, WriteTx};
use crate::domain::access::Actor;
use crate::error::{Error, Result};

/// The longest body that is read; a longer one is answered 413.
pub const BODY_MAX_BYTES: usize = 1 << 20;
/// How much of a body that is too long is still taken in, so that the answer can be read.
const DISCARD_MAX_BYTES: usize = 64 << 20;
/// Name of the cookie that may carry the token.
pub const COOKIE: &str = "token";

/// A request, read whole.
pub struct RequestContext {
    pub request: HttpRequest,
    pub state: web::Data<AppState>,
    body: Bytes,
}

impl FromRequest for RequestContext {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<RequestContext>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let state = state_of(&request)?;
            let body = read_body(&request, payload).await?;
            Ok(RequestContext { request, state, body })
        })
    }
}

fn state_of(request: &HttpRequest) -> Result<web::Data<AppState>> {
    request.app_data::<web::Data<AppState>>().cloned().ok_or_else(|| Error::internal("the server has no state"))
}

async fn read_body(request: &HttpRequest, payload: Payload) -> Result<Bytes> {
    use actix_web::http::Method;
    match *request.method() {
        Method::GET | Method::HEAD => Ok(Bytes::new()),
        _ => read_payload(payload, BODY_MAX_BYTES).await,
    }
}

/// A body as it was sent: 413 when it is longer than `max_bytes`. The rest of such a one is taken in all the same, up to
/// a bound.
pub async fn read_payload(mut payload: Payload, max_bytes: usize) -> Result<Bytes> {
    let mut body = BytesMut::new();
    let mut length = 0;
    while let Some(chunk) = std::future::poll_fn(|cx| Pin::new(&mut payload).poll_next(cx)).await {
        let chunk = chunk.map_err(|_| Error::bad_request("The request body could not be read"))?;
        length += chunk.len();
        if length > DISCARD_MAX_BYTES {
            break;
        }
        if length <= max_bytes {
            body.extend_from_slice(&chunk);
        }
    }
    if length > max_bytes {
        return Err(Error::TooLarge { limit_bytes: max_bytes });
    }
    Ok(body.freeze())
}

impl RequestContext {
    /// What is given under a header's name; bytes that are no text stand in it as what equals nothing of ours.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        Some(String::from_utf8_lossy(self.request.headers().get(name)?.as_bytes()))
    }

    pub fn query(&self) -> Query {
        Query::parse(self.request.query_string())
    }

    /// The path segment that the route calls `name`.
    pub fn segment(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// Address of the caller, without its port.
    pub fn address(&self) -> String {
        self.request.peer_addr().map_or_else(String::new, |address| address.ip().to_canonical().to_string())
    }

    pub fn request_id(&self) -> String {
        self.request.extensions().get::<RequestId>().map_or_else(String::new, |id| id.0.to_string())
    }

    pub fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    /// The body as a JSON object: 415 when it says that it is something else, 400 when it is not JSON.
    pub fn object(&self) -> Result<Map<String, Value>> {
        if let Some(kind) = self.request.headers().get(header::CONTENT_TYPE) {
            let kind = kind.to_str().unwrap_or_default();
            let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            if essence != "application/json" && !(essence.starts_with("application/") && essence.ends_with("+json")) {
                return Err(Error::UnsupportedMediaType);
            }
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            _ => Err(Error::bad_request("Request not valid")),
        }
    }

    /// As [`RequestContext::object`]; no body at all is an empty object.
    pub fn object_or_empty(&self) -> Result<Map<String, Value>> {
        if self.has_body() { self.object() } else { Ok(Map::new()) }
    }

    /// The token that is presented: header, then `?token=`, then cookie.
    pub fn token(&self) -> Result<Option<String>> {
        if let Some(value) = self.request.headers().get(header::AUTHORIZATION) {
            let token = value.to_str().ok().and_then(|value| {
                let (scheme, token) = value.split_once(' ')?;
                (scheme.eq_ignore_ascii_case("Bearer") && !token.trim().is_empty()).then(|| token.trim().to_owned())
            });
            return token.map(Some).ok_or(Error::Unauthenticated {
                code: "format_error",
                message: "Authorization header format is Authorization: Bearer <token>",
            });
        }
        if self.request.query_string().contains("token=")
            && let Some(token) = self.query().get("token")
        {
            return Ok(Some(token.to_owned()));
        }
        Ok(self.request.cookie(COOKIE).map(|cookie| cookie.value().to_owned()))
    }

    /// What the Idempotency-Key of this request is remembered under; `None` when it has none.
    pub fn idempotency_key(&self, scope: &str) -> Result<Option<Key>> {
        idempotency::key_of(self, scope, &self.body)
    }

    /// Who writes, as long as nobody is known to call.
    pub fn author(&self) -> Author {
        Author { request: self.request_id(), ..Author::system(&self.address()) }
    }
}

/// A request of somebody who is logged in.
pub struct AuthenticatedRequest {
    pub visit: RequestContext,
    pub identity: Arc<Identity>,
}

impl FromRequest for AuthenticatedRequest {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<AuthenticatedRequest>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let state = state_of(&request)?;
            let mut visit = RequestContext { request, state, body: Bytes::new() };
            // Who calls is settled before the body is looked at; it is taken in all the same, to keep the connection.
            let identity = authenticate(&visit);
            let body = read_body(&visit.request, payload).await;
            let identity = identity?;
            visit.body = body?;
            Ok(AuthenticatedRequest { visit, identity })
        })
    }
}

fn authenticate(visit: &RequestContext) -> Result<Arc<Identity>> {
    let token = visit.token()?.ok_or_else(crate::usecases::login::refused)?;
    visit.state.identities.authenticate(&visit.state.db, &token, &visit.address())
}

impl AuthenticatedRequest {
    pub fn actor(&self) -> &Actor {
        &self.identity.actor
    }

    /// Who writes.
    pub fn author(&self) -> Author {
        Author { actor: Some(self.actor().clone()), token: Some(self.identity.token), ..self.visit.author() }
    }

    /// Answers from one snapshot, on this thread: for what is found by its key.
    pub fn read(&self, work: impl FnOnce(&ReadTx, &Actor) -> Result<ApiResponse>) -> Result<ApiResponse> {
        let answer = self.visit.state.db.read(|tx| work(tx, self.actor()))?;
        Ok(self.unless_matched(answer))
    }

    /// Answers from one snapshot, on the blocking pool: for lists.
    pub async fn read_list(
        self,
        work: impl FnOnce(&ReadTx, &Actor) -> Result<ApiResponse> + Send + 'static,
    ) -> Result<ApiResponse> {
        let (state, identity) = (self.visit.state.clone().into_inner(), self.identity);
        web::block(move || state.db.read(|tx| work(tx, &identity.actor)))
            .await
            .map_err(|error| Error::Internal(Box::new(error)))?
    }

    /// Changes something in one transaction. The caller's standing is read again inside it; a remembered answer to the
    /// same Idempotency-Key is given again.
    pub async fn write(
        self,
        work: impl FnOnce(&mut WriteTx, &Actor) -> Result<ApiResponse> + Send + 'static,
    ) -> Result<ApiResponse> {
        let (employee, impersonator) = (self.actor().employee, self.actor().impersonator);
        // What an employee was answered, a token perhaps, is not for its impersonator.
        let scope = impersonator.map_or_else(|| employee.to_string(), |by| format!("{employee} by {by}"));
        let key = self.visit.idempotency_key(&scope)?;
        let author = self.author();
        let state = self.visit.state.clone().into_inner();
        let db = state.db.clone();
        db.write(author, move |tx| {
            let actor = authorization::caller(tx, employee, impersonator)?
                .ok_or(Error::Unauthenticated { code: "invalid_token", message: "Please login" })?;
            idempotency::once(tx, &state.sealer, key, |tx| work(tx, &actor))
        })
        .await
    }

    /// A POST that changes nothing: read, unless its answer is to be remembered.
    pub async fn post_read(
        self,
        work: impl FnOnce(&ReadTx, &Actor) -> Result<ApiResponse> + Send + 'static,
    ) -> Result<ApiResponse> {
        if self.visit.header(idempotency::HEADER).is_some() {
            return self.write(move |tx, actor| work(tx, actor)).await;
        }
        self.read_list(work).await
    }

    /// `If-Match` and `If-None-Match`, for a change to check against the object as it stands.
    pub fn preconditions(&self) -> Preconditions {
        let header = |name: &str| self.visit.header(name).map(Cow::into_owned);
        Preconditions { if_match: header("if-match"), if_none_match: header("if-none-match") }
    }

    fn unless_matched(&self, answer: ApiResponse) -> ApiResponse {
        let Some(rev) = answer.rev else { return answer };
        match self.visit.header("if-none-match") {
            Some(tags) if names_rev(&tags, rev, true) => ApiResponse { status: 304, body: vec![], ..answer },
            _ => answer,
        }
    }
}
