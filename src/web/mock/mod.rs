//! What only a mock does with requests: it writes them down, refuses those that the documentation does not allow, and lets things go
//! wrong on purpose. No server has it that was not started with `--control` or `--strict`.

pub mod effects;
pub mod faults;
pub mod journal;
pub mod problems;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::{self, Bytes};
use actix_web::{HttpMessage as _, HttpResponse};
use serde_json::json;

use super::AppState;
use super::body::read_payload;
use super::caller::token_in;
use super::middleware::RequestId;
use crate::domain::chance;
use effects::Effect;
use faults::{Faults, Seen};
use journal::{Entry, Journal};
use problems::{Problem, Rules};

/// The longest body, of a request or an answer, that is looked at.
const LOOKED_AT_MAX: usize = 1 << 20;

/// What a mock keeps beside its database.
pub struct Mock {
    pub faults: Faults,
    pub journal: Journal,
    pub rules: Rules,
    /// Requests that the documentation does not allow are refused.
    pub is_strict: bool,
    /// Ids, tokens and chance repeat from this on.
    seed: Option<u64>,
    /// Rises with each reset: threads begin their numbers anew.
    life: AtomicU64,
    /// When the last request came.
    last_used: Mutex<Instant>,
}

thread_local! {
    /// The mock and the life that this thread's numbers are of.
    static LIFE: std::cell::Cell<(usize, u64)> = const { std::cell::Cell::new((0, 0)) };
}

impl Mock {
    pub fn new(rules: Rules, is_strict: bool, seed: Option<u64>) -> Mock {
        let (faults, journal) = (Faults::new(seed), Journal::default());
        let last_used = Mutex::new(Instant::now());
        Mock { faults, journal, rules, is_strict, seed, life: AtomicU64::new(1), last_used }
    }

    /// Begins anew: no faults, an empty journal, and the numbers of the seed from the first on.
    pub fn reset(&self) {
        self.faults.reset(self.seed);
        self.journal.clear();
        self.life.fetch_add(1, Ordering::AcqRel);
    }

    /// How long no request has come.
    pub fn idle(&self) -> Duration {
        self.last_used.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    fn begin_numbers(&self) {
        let (Some(seed), life) = (self.seed, self.life.load(Ordering::Acquire)) else { return };
        let own = (std::ptr::from_ref(self) as usize, life);
        if LIFE.replace(own) != own {
            chance::seed_thread(seed ^ 0x6874_7470);
        }
    }
}

/// What every request of a mock passes through.
pub async fn pass(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let state = request.app_data::<web::Data<AppState>>().cloned();
    let Some((state, mock)) = state.and_then(|state| state.mock.clone().map(|mock| (state, mock))) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    mock.begin_numbers();
    *mock.last_used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    let begun = Instant::now();
    let body = read_payload(request.take_payload(), LOOKED_AT_MAX).await.unwrap_or_default();
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
        let error = json!({ "error": { "message": message, "code": "strict", "status": 400 } });
        return whole(request.into_response(HttpResponse::BadRequest().json(error))).await;
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
    let is_short = matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0..=0x10_0000));
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
