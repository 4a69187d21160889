//! One request as handlers see it: [`RequestContext`] of any caller, [`AuthenticatedRequest`] of one with a token.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde_json::{Map, Value};

use super::AppState;
use super::body::{BODY_MAX_BYTES, is_json, read_body};
use super::idempotency::{self, Key};
use super::middleware::RequestId;
use super::preconditions::{Preconditions, is_not_modified};
use super::proxies::caller_behind;
use super::query::Query;
use super::response::ApiResponse;
use crate::auth::authorization;
use crate::auth::session_cache::Identity;
use crate::db::{Author, ReadTx, WriteTx, with_kept_room};
use crate::domain::access::Actor;
use crate::domain::json_text::{doubled, in_utf8};
use crate::error::{Check, Error, Result};

/// A request with its whole body.
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
            let body = read_body(&request, payload, BODY_MAX_BYTES).await?;
            let body = with_ids_of_today(&state, body)?;
            Ok(RequestContext { request, state, body })
        })
    }
}

/// Objects may be named by the ids that they had before the platform gave them theirs.
fn with_ids_of_today(state: &AppState, body: Bytes) -> Result<Bytes> {
    Ok(state.aliases.in_bytes(&state.db, &body)?.map_or(body, Bytes::from))
}

fn state_of(request: &HttpRequest) -> Result<web::Data<AppState>> {
    request.app_data::<web::Data<AppState>>().cloned().ok_or_else(|| Error::internal("the server has no state"))
}

/// Address of the caller, without its port; behind a trusted proxy the one that the proxy names.
pub fn address_of(request: &HttpRequest, state: &AppState) -> String {
    let Some(peer) = request.peer_addr().map(|address| address.ip().to_canonical()) else { return String::new() };
    let forwarded = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
    caller_behind(peer, forwarded, &state.trusted_proxies).to_string()
}

impl RequestContext {
    pub fn query(&self) -> Query {
        let text = self.request.query_string();
        match self.state.aliases.in_text(&self.state.db, text) {
            Ok(text) => Query::parse(&text),
            Err(_) => Query::parse(text),
        }
    }

    /// The path segment under the name that the route has for it.
    pub fn segment(&self, name: &str) -> Cow<'_, str> {
        let text = self.request.match_info().get(name).unwrap_or_default();
        self.state.aliases.in_text(&self.state.db, text).unwrap_or(Cow::Borrowed(text))
    }

    /// As [`RequestContext::segment`], for a name that may hold any characters: those that routing leaves encoded are decoded too.
    pub fn name_segment(&self, name: &str) -> String {
        percent_encoding::percent_decode_str(&self.segment(name)).decode_utf8_lossy().into_owned()
    }

    /// Address of the caller, without its port; behind a trusted proxy the one that the proxy names.
    pub fn address(&self) -> String {
        address_of(&self.request, &self.state)
    }

    pub fn request_id(&self) -> String {
        self.request.extensions().get::<RequestId>().map_or_else(String::new, |id| id.0.to_string())
    }

    /// The body as it was sent, for somebody else.
    pub fn into_body(self) -> Bytes {
        self.body
    }

    pub(super) fn body(&self) -> Bytes {
        self.body.clone()
    }

    pub(super) fn set_body(&mut self, body: Bytes) {
        self.body = body;
    }

    pub fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    /// The arguments of a DELETE that takes those `named`: any other, or a body, may be meant to say what is to be deleted, and
    /// when, so nothing is deleted. 422 with the argument's name; 400 for a body.
    pub fn delete_query(&self, named: &[&str]) -> Result<Query> {
        if self.has_body() {
            return Err(Error::bad_request("A DELETE takes no body: give what it says as arguments"));
        }
        let query = self.query();
        if let Some((name, _)) = query.pairs().find(|(name, _)| *name != "token" && !named.contains(name)) {
            let known = if named.is_empty() { "none".to_owned() } else { named.join(", ") };
            let message = format!("This DELETE does not take {name}; it takes {known}");
            return Err(Error::invalid(name, Check::Enum, message));
        }
        Ok(query)
    }

    /// The body as a JSON object: 415 when its type is another one, 400 when it is not JSON.
    pub fn object(&self) -> Result<Map<String, Value>> {
        match self.json()? {
            Value::Object(object) => Ok(object),
            _ => Err(Error::bad_request("Request not valid")),
        }
    }

    /// The body as JSON of any kind; errors as of [`RequestContext::object`].
    pub fn json(&self) -> Result<Value> {
        if is_json(self.request.headers()) == Some(false) {
            return Err(Error::UnsupportedMediaType);
        }
        let text = in_utf8(&self.body).map_err(|wrong| Error::bad_request(format!("Request not valid: {wrong}")))?;
        let value = serde_json::from_slice(text).map_err(|_| Error::bad_request("Request not valid"))?;
        match doubled(text) {
            None => Ok(value),
            Some(name) => Err(Error::bad_request(format!("Request not valid: {name} stands twice"))),
        }
    }

    /// As [`RequestContext::object`]; no body at all is an empty object.
    pub fn object_or_empty(&self) -> Result<Map<String, Value>> {
        if self.has_body() { self.object() } else { Ok(Map::new()) }
    }

    /// As [`RequestContext::object_or_empty`]; a bare array is what stands under `list`.
    pub fn object_or_list(&self, list: &str) -> Result<Map<String, Value>> {
        match self.has_body().then(|| self.json()).transpose()? {
            Some(array @ Value::Array(_)) => Ok(Map::from_iter([(list.to_owned(), array)])),
            _ => self.object_or_empty(),
        }
    }

    /// The Idempotency-Key of this request within `scope`; `None` without one.
    pub fn idempotency_key(&self, scope: &str) -> Result<Option<Key>> {
        idempotency::key_of(&self.request, &self.body, scope, &self.state.sealer, &self.state.in_flight)
    }

    /// The author of a change by a caller who is not authenticated.
    pub fn author(&self) -> Author {
        Author { request: self.request_id(), ..Author::system(&self.address()) }
    }
}

/// A request of an authenticated caller.
pub struct AuthenticatedRequest {
    pub context: RequestContext,
    pub identity: Arc<Identity>,
}

impl FromRequest for AuthenticatedRequest {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<AuthenticatedRequest>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let mut received = AuthenticatedRequest::receive(request, payload).await?;
            let context = &mut received.context;
            context.body = with_ids_of_today(&context.state, std::mem::take(&mut context.body))?;
            Ok(received)
        })
    }
}

impl AuthenticatedRequest {
    /// The caller is authenticated before the body is read. A refused caller's body is received too, so that the connection can be
    /// used again.
    async fn receive(request: HttpRequest, payload: Payload) -> Result<AuthenticatedRequest> {
        let state = state_of(&request)?;
        let mut context = RequestContext { request, state, body: Bytes::new() };
        let identity = context.authenticate().await;
        let body = read_body(&context.request, payload, BODY_MAX_BYTES).await;
        let identity = identity?;
        context.body = body?;
        Ok(AuthenticatedRequest { context, identity })
    }

    /// A request of which only the head is read.
    pub(super) async fn without_body(request: HttpRequest) -> Result<AuthenticatedRequest> {
        let state = state_of(&request)?;
        let context = RequestContext { request, state, body: Bytes::new() };
        let identity = context.authenticate().await?;
        Ok(AuthenticatedRequest { context, identity })
    }

    pub fn actor(&self) -> &Actor {
        &self.identity.actor
    }

    /// The author of a change by this caller.
    pub fn author(&self) -> Author {
        Author { actor: Some(self.actor().clone()), token: Some(self.identity.token), ..self.context.author() }
    }

    /// Reads from one snapshot, on this thread: for what is found by its key.
    pub fn read(&self, work: impl FnOnce(&ReadTx, &Actor) -> Result<ApiResponse>) -> Result<ApiResponse> {
        let response = self.context.state.db.read(|tx| work(tx, self.actor()))?;
        Ok(self.unless_matched(response))
    }

    /// Reads from one snapshot, on the blocking pool: for lists.
    pub async fn read_list(
        self,
        work: impl FnOnce(&ReadTx, &Actor) -> Result<ApiResponse> + Send + 'static,
    ) -> Result<ApiResponse> {
        let (state, identity) = (self.context.state.clone().into_inner(), self.identity);
        web::block(move || state.db.read(|tx| work(tx, &identity.actor)))
            .await
            .map_err(|error| Error::Internal(Box::new(error)))?
    }

    /// Changes something in one transaction, in which the caller's access level is read again. A stored response to the
    /// same Idempotency-Key is returned in the place of the change.
    pub async fn write(
        self,
        work: impl FnOnce(&mut WriteTx, &Actor) -> Result<ApiResponse> + Send + 'static,
    ) -> Result<ApiResponse> {
        self.write_as(self.author(), work).await
    }

    /// As [`AuthenticatedRequest::write`], for a change that takes access away from somebody: on a full disk it is made too.
    pub async fn take_access_away(
        self,
        work: impl FnOnce(&mut WriteTx, &Actor) -> Result<ApiResponse> + Clone + Send + 'static,
    ) -> Result<ApiResponse> {
        let author = Author { takes_access_away: true, ..self.author() };
        with_kept_room(async || self.write_as(author.clone(), work.clone()).await).await
    }

    async fn write_as(
        &self,
        author: Author,
        work: impl FnOnce(&mut WriteTx, &Actor) -> Result<ApiResponse> + Send + 'static,
    ) -> Result<ApiResponse> {
        let (employee, impersonator) = (self.actor().employee, self.actor().impersonator);
        // An impersonator does not get the stored responses of the employee: one may contain a token.
        let scope = impersonator.map_or_else(|| employee.to_string(), |by| format!("{employee} by {by}"));
        let key = self.context.idempotency_key(&scope)?;
        let token = self.identity.token;
        let state = self.context.state.clone().into_inner();
        let db = state.db.clone();
        db.write(author, move |tx| {
            let caller = authorization::caller(tx, &token)?
                .ok_or(Error::Unauthenticated { code: "invalid_token", message: "Please login" })?;
            idempotency::once(tx, &state.sealer, key, |tx| work(tx, &caller.actor))
        })
        .await
    }

    /// A POST that changes nothing: a read, unless its response has to be stored.
    pub async fn post_read(
        self,
        work: impl FnOnce(&ReadTx, &Actor) -> Result<ApiResponse> + Send + 'static,
    ) -> Result<ApiResponse> {
        if self.context.request.headers().contains_key(idempotency::HEADER) {
            return self.write(move |tx, actor| work(tx, actor)).await;
        }
        self.read_list(work).await
    }

    /// `If-Match` and `If-None-Match`, for a change to check against the stored object.
    pub fn preconditions(&self) -> Preconditions {
        Preconditions::of(self.context.request.headers())
    }

    fn unless_matched(&self, response: ApiResponse) -> ApiResponse {
        match response.etag() {
            Some(tag) if is_not_modified(self.context.request.headers(), &tag) => response.not_modified(),
            _ => response,
        }
    }
}
