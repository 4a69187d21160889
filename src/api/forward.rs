//! Calls that this server does not serve, passed on to the platform while it works with one.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BoxBody, SizedStream};
use actix_web::guard::GuardContext;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, header};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, Responder, ResponseError, web};
use futures_core::Stream;
use tokio::sync::mpsc::Receiver;

use crate::auth::session_cache::Identity;
use crate::db::ReadTx;
use crate::error::{Error, Result};
use crate::platform::forward::{Answer, Content, Forward, Outcome, forward as pass_on};
use crate::platform::gate::Purpose;
use crate::store::platform;
use crate::usecases::platform_login;
use crate::web::AppState;
use crate::web::error::{not_forwarded, not_implemented, not_passed_on, passed_on};
use crate::web::middleware::{AskedAsHead, may_change};
use crate::web::pace::streamed;
use crate::web::request::RequestContext;

/// What this server calls itself on the way.
const VIA: &str = "1.1 telecomx-local";
/// Headers of a request that are passed on. No others: they may hold secrets of this server.
const PASSED_ON: [&str; 4] = ["content-type", "accept", "if-none-match", "if-modified-since"];

/// The response to a call of the platform's that is described on `page`: `unserved` unless the server works with a platform.
pub async fn respond(
    request: HttpRequest,
    payload: web::Payload,
    page: &'static str,
    unserved: impl FnOnce() -> HttpResponse,
) -> HttpResponse {
    let Some(state) = request.app_data::<web::Data<AppState>>().cloned() else { return unserved() };
    let url = match state.db.read(platform::url) {
        Ok(Some(url)) => url,
        Ok(None) => return unserved(),
        Err(error) => return error.error_response(),
    };
    let is_head = request.extensions().contains::<AskedAsHead>();
    let method = match request.method() {
        &Method::GET if is_head => ureq::http::Method::HEAD,
        &Method::GET => ureq::http::Method::GET,
        &Method::HEAD => ureq::http::Method::HEAD,
        &Method::POST if state.platform.settings.forwards_all => ureq::http::Method::POST,
        &Method::PUT if state.platform.settings.forwards_all => ureq::http::Method::PUT,
        &Method::PATCH if state.platform.settings.forwards_all => ureq::http::Method::PATCH,
        &Method::DELETE if state.platform.settings.forwards_all => ureq::http::Method::DELETE,
        &Method::POST | &Method::PUT | &Method::PATCH | &Method::DELETE => return not_forwarded(page),
        _ => return unserved(),
    };
    match forward(request, payload, state, url, method).await {
        Ok(response) => response,
        Err(error) => error.error_response(),
    }
}

/// Pages of what the platform has and this server does not read from it: while it works with a platform, only that can answer them.
const OF_THE_PBX: [&str; 14] = [
    "api:customer:callnotify-list",
    "api:customer:overview",
    "api:employee:get-shortcuts",
    "api:employee:set-shortcuts",
    "api:pbx:app:grouppermissions",
    "api:pbx:app:permissions",
    "api:pbx:app:reseller",
    "api:pbx:app:version",
    "api:pbx:extension:",
    "api:pbx:group:",
    "api:pbx:phonebook:",
    "api:pbx:queue:",
    "api:pbx:switch:",
    "api:pbx:variable:",
];

/// Whether calls of this page are passed on while a platform is connected.
pub fn is_of_the_pbx(page: &str) -> bool {
    OF_THE_PBX.iter().any(|start| page.starts_with(start))
}

/// Whether such a call is answered here: there is no platform, or it is a change and changes are not passed on.
pub fn is_answered_here(context: &GuardContext) -> bool {
    let Some(state) = context.app_data::<web::Data<AppState>>() else { return true };
    let head = context.head();
    let is_change = head.method != Method::GET || may_change(head.uri.path());
    if is_change && !state.platform.settings.forwards_all {
        return true;
    }
    // What cannot be read is told by the handler.
    !matches!(state.db.read(platform::url), Ok(Some(_)))
}

/// Answers a call that is served here, unless `is_there` says that only the platform can do it: then it is passed on.
pub async fn unless_here<C: FromRequest<Error = Error>, R: Responder<Body = BoxBody>>(
    request: HttpRequest,
    payload: web::Payload,
    page: &'static str,
    is_there: impl FnOnce(&ReadTx) -> Result<bool>,
    here: impl AsyncFnOnce(C) -> Result<R>,
) -> HttpResponse {
    let Some(state) = request.app_data::<web::Data<AppState>>().cloned() else { return not_implemented(page) };
    match state.db.read(is_there) {
        Ok(true) => return respond(request, payload, page, || not_implemented(page)).await,
        Ok(false) => {}
        Err(error) => return error.error_response(),
    }
    let answered = async {
        let call = C::from_request(&request, &mut payload.into_inner()).await?;
        here(call).await
    };
    match answered.await {
        Ok(response) => response.respond_to(&request),
        Err(error) => HttpResponse::from_error(error),
    }
}

async fn forward(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
    url: String,
    method: ureq::http::Method,
) -> Result<HttpResponse> {
    let mut payload = payload.into_inner();
    let context = RequestContext::from_request(&request, &mut payload).await?;
    let (identity, token) = context.authenticate_for_change().await?;
    let token = platforms_token(&state, &identity, token)?;
    let is_away = || Error::PlatformUnreachable { retry_after_s: state.platform.retry_after_s() };
    if state.platform.is_down() {
        return Err(is_away());
    }
    if method == ureq::http::Method::DELETE && context.has_body() {
        return Err(Error::bad_request("A DELETE takes no body: give what it says as arguments"));
    }
    let target = target(&request)?;
    let header = |name: &'static str| Some((name, request.headers().get(name)?.to_str().ok()?.to_owned()));
    let forward = Forward {
        method: method.clone(),
        // An id from here that the platform has replaced means nothing there.
        url: format!("{url}{}", state.aliases.in_text(&state.db, &target)?),
        token,
        headers: PASSED_ON.into_iter().filter_map(header).collect(),
        body: context.into_body().to_vec(),
        patience: state.request_timeout.mul_f64(0.8),
    };
    let gate = state.platform.clone();
    let outcome =
        gate.run(Purpose::Forward, move |gate, permit, reply| pass_on(gate, &url, forward, permit, reply)).await?;
    match outcome {
        Outcome::Answered(answer) => Ok(response_of(*answer, method == ureq::http::Method::HEAD)),
        Outcome::Unreachable => Err(is_away()),
        Outcome::Unfit(why) => Ok(not_passed_on(why)),
    }
}

/// The caller's own token at the platform: what it presented, or what the platform gave to the same login. 403 `platform` without
/// one.
fn platforms_token(state: &AppState, identity: &Identity, presented: String) -> Result<String> {
    if identity.of_platform().is_some() {
        return Ok(presented);
    }
    let kept = state.db.read(|tx| platform_login::platform_token(tx, &state.sealer, &identity.token))?;
    kept.ok_or(Error::Forbidden {
        code: "platform",
        message: "Only the platform can answer this, and it does not know this session: log in again while the platform can be reached"
            .into(),
    })
}

/// Path and arguments, without the caller's token. 400 for a path that could be another one there than it is here.
fn target(request: &HttpRequest) -> Result<String> {
    let path = request.uri().path();
    let is_odd = |segment: &str| {
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
        matches!(&*decoded, "." | "..") || decoded.contains(['/', '\\']) || decoded.chars().any(char::is_control)
    };
    if path.split('/').any(is_odd) {
        return Err(Error::bad_request("Request URI not valid"));
    }
    let arguments = request.query_string().split('&').filter(|argument| {
        let name = form_urlencoded::parse(argument.as_bytes()).next();
        name.is_some_and(|(name, _)| name != "token")
    });
    let arguments: Vec<&str> = arguments.collect();
    Ok(if arguments.is_empty() { path.to_owned() } else { format!("{path}?{}", arguments.join("&")) })
}

fn response_of(answer: Answer, is_head: bool) -> HttpResponse {
    let mut response = passed_on(answer.status);
    response.insert_header((header::VIA, VIA));
    // Unless the platform says more: what a caller gets depends on who it is.
    response.insert_header((header::CACHE_CONTROL, "private, no-cache"));
    for (name, value) in &answer.headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            response.insert_header((name, value));
        }
    }
    response.append_header((header::VARY, "authorization, cookie"));
    match (answer.body, answer.length) {
        // The connection leaves the body out, and says how long it would be.
        (_, Some(length)) if is_head => response.body(SizedStream::new(length, Slices(None))),
        (Content::Whole(body), _) => response.body(body),
        (Content::Slices(slices), Some(length)) => {
            streamed(response.body(SizedStream::new(length, Slices(Some(slices)))))
        }
        (Content::Slices(slices), None) => response.streaming(Slices(Some(slices))),
    }
}

/// A body as it comes.
struct Slices(Option<Receiver<std::io::Result<Vec<u8>>>>);

impl Stream for Slices {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.0 {
            None => Poll::Ready(None),
            Some(slices) => slices.poll_recv(cx).map(|slice| slice.map(|slice| slice.map(Bytes::from))),
        }
    }
}
