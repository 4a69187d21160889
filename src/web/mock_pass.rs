//! What every request of a mock passes through: it is written down, held against the documentation, and meets its fault.

use std::sync::Arc;
use std::time::Instant;

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::{self, Bytes};

use super::AppState;
use super::body::{UPLOAD_MAX_BYTES, read_payload};
use super::caller::token_in;
use super::error::not_strict;
use super::middleware::RequestId;
use super::middleware::SOCKET_IO;
use super::mock::Mock;
use super::mock::effects::{self, Effect};
use super::mock::fault_rule::Seen;
use super::mock::journal::Entry;
use super::mock::problems::Problem;

/// The longest answer that is looked at.
const LOOKED_AT_MAX: usize = 1 << 20;

/// What every request of a mock passes through.
pub async fn pass(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let state = request.app_data::<web::Data<AppState>>().cloned();
    let Some((state, mock)) = state.and_then(|state| state.mock.clone().map(|mock| (state, mock))) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    // It is no call of the API, and its answer may take as long as the client stays.
    if request.path() == SOCKET_IO {
        mock.touch();
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    mock.begin_numbers();
    mock.touch();
    let begun = Instant::now();
    let body = read_payload(request.take_payload(), UPLOAD_MAX_BYTES).await.unwrap_or_default();
    request.set_payload(Payload::from(payload_of(body.clone())));
    let seen = see(&request, &state, body);
    let problems = mock.rules.find(&seen);
    let mut entry = Entry::of(&seen, &problems, state.db.clock().now());
    let done = respond(&mock, request, next, &seen, &problems, &mut entry).await;
    entry.took(begun.elapsed());
    let response = match done {
        Ok((response, answer)) => {
            entry.answered(response.status().as_u16(), &answer);
            Ok(response)
        }
        Err(error) => Err(error),
    };
    mock.journal.add(entry);
    response
}

/// The request as faults and the journal see it.
fn see(request: &ServiceRequest, state: &AppState, body: Bytes) -> Seen {
    let token = token_in(request.request());
    let address = request.peer_addr().map(|address| address.ip().to_canonical().to_string()).unwrap_or_default();
    let identity = token.and_then(|token| state.session_cache.check(&state.db, &token, &address).ok());
    let header = |(name, value): (&actix_web::http::header::HeaderName, &actix_web::http::header::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Seen {
        method: request.method().as_str().to_owned(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        headers: request.headers().iter().map(header).collect(),
        caller: identity.map(|identity| identity.actor.employee),
        id: request.extensions().get::<RequestId>().map(|id| id.0.to_string()).unwrap_or_default(),
        body,
    }
}

async fn respond(
    mock: &Arc<Mock>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    seen: &Seen,
    problems: &[Problem],
    entry: &mut Entry,
) -> Result<(ServiceResponse<BoxBody>, Bytes), actix_web::Error> {
    if mock.is_strict
        && let Some(problem) = problems.first()
    {
        let message = format!("{}; see {}", problem.what, problem.page);
        return whole(request.into_response(not_strict(&message))).await;
    }
    let Some(hit) = mock.faults.hit(seen) else { return whole(next.call(request).await?).await };
    entry.fault = Some(hit.rule);
    match hit.effect {
        Effect::Answer(response) => whole(request.into_response(response())).await,
        Effect::Break { after: false } => {
            Ok((request.into_response(effects::broken(Bytes::new(), 0)).map_into_boxed_body(), Bytes::new()))
        }
        Effect::Delay(delay) => {
            tokio::time::sleep(delay).await;
            whole(next.call(request).await?).await
        }
        spoils => {
            let (response, answer) = whole(next.call(request).await?).await?;
            let spoiled = effects::spoil(&spoils, response, &answer);
            Ok((spoiled, answer))
        }
    }
}

/// The response with its body read, where it is short enough to be looked at.
async fn whole(
    response: ServiceResponse<impl MessageBody + 'static>,
) -> Result<(ServiceResponse<BoxBody>, Bytes), actix_web::Error> {
    let is_short = match response.response().body().size() {
        BodySize::None => true,
        BodySize::Sized(length) => length <= LOOKED_AT_MAX as u64,
        BodySize::Stream => false,
    };
    if !is_short {
        return Ok((response.map_into_boxed_body(), Bytes::from_static(b"\"a long answer\"")));
    }
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let body = to_bytes(body).await.unwrap_or_default();
    Ok((ServiceResponse::new(request, head.set_body(BoxBody::new(body.clone()))), body))
}

type Boxed = std::pin::Pin<Box<dyn futures_core::Stream<Item = Result<Bytes, actix_web::error::PayloadError>>>>;

fn payload_of(body: Bytes) -> Boxed {
    Box::pin(Once(Some(body)))
}

/// A body that is there already, as a stream.
struct Once(Option<Bytes>);

impl futures_core::Stream for Once {
    type Item = Result<Bytes, actix_web::error::PayloadError>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.take().filter(|body| !body.is_empty()).map(Ok))
    }
}
