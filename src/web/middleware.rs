//! What every request passes through: request id, time limit, log line.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_cors::CorsError;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, ResponseError, web};

use super::AppState;
use super::browser::protect;
use super::error::{Severity, cors_refused, misdirected, request_timeout, severity};
use super::pace::{InFlight, pace};
use crate::domain::chance;

/// Name of the header that carries a request's id, taken or made.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_MAX: usize = 128;

/// Where clients of socket.io are answered.
pub const SOCKET_IO: &str = "/socket.io";

/// Registered by a server whose callers are edges. It chooses the compression of a response by `Accept-Encoding`; a request
/// that takes too long is answered 503, so that the edge retries.
pub struct ForEdges(pub fn(&str) -> Option<&'static str>);

/// The id of a request: part of its log line, its audit entries and its response.
#[derive(Clone)]
pub struct RequestId(pub Arc<str>);

/// Marks a HEAD that is handled as GET: what is passed on to somebody else stays a HEAD.
pub struct AskedAsHead;

/// The caller's own id where a log line and a header can hold it; otherwise a new one.
fn request_id(request: &ServiceRequest) -> RequestId {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_fit = |id: &&str| !id.is_empty() && id.len() <= REQUEST_ID_MAX && id.bytes().all(|c| c.is_ascii_graphic());
    RequestId(match given.filter(is_fit) {
        Some(id) => id.into(),
        None => Arc::from(&*chance::uuid().simple().encode_lower(&mut uuid::Uuid::encode_buffer())),
    })
}

/// Gives the request its id, ends it when it takes too long, and logs it: refusals and failures always, the rest at
/// `debug`, because changes are in the audit trail under the same id. The query is never logged: it may contain a token.
pub async fn pass(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let begun = Instant::now();
    normalize(&mut request);
    choose_compression(&mut request);
    let id = request_id(&request);
    request.extensions_mut().insert(id.clone());
    // HEAD is handled as GET: the connection leaves the body out.
    if request.method() == Method::HEAD && !may_change(request.path()) {
        request.head_mut().method = Method::GET;
        request.extensions_mut().insert(AskedAsHead);
    }
    let state = request.app_data::<web::Data<AppState>>().cloned();
    if state.as_ref().is_some_and(|state| !state.hosts.answer_to(&request)) {
        tracing::info!(request_id = %id.0, "refused: the request names a host that is not allowed");
        return Err(outside(misdirected(), "misdirected", &id));
    }
    let limit = state.as_ref().map_or(Duration::from_secs(30), |state| state.request_timeout);
    let is_hub = request.app_data::<ForEdges>().is_some();
    let in_flight = request.app_data::<InFlight>().cloned();
    // Routing needs the only reference to the request, so what is needed later was copied above.
    let response = match tokio::time::timeout(limit, next.call(request)).await {
        Ok(response) => response?,
        Err(_) => {
            tracing::error!(request_id = %id.0, limit_s = limit.as_secs(), "the request took too long");
            let response = match is_hub {
                // The hub's store hangs: the edge is to retry.
                true => crate::error::Error::Busy.error_response(),
                false => request_timeout(),
            };
            return Err(outside(response, "timeout", &id));
        }
    };
    let (request, response) = response.into_parts();
    let mut response = ServiceResponse::new(request, pace(response, in_flight.as_ref()));
    name_request(response.headers_mut(), &id);
    protect(response.response_mut());
    log(&response, &id, begun);
    // How long a client waits for an event says nothing about the server.
    if let Some(state) = state.filter(|_| response.request().path() != SOCKET_IO) {
        state.requests.note(response.request().method(), response.status(), begun.elapsed());
    }
    Ok(response)
}

/// Gives what the CORS layer refuses the shape of every other error.
pub async fn name_cors_refusal<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let response = next.call(request).await?;
    let refused = response.response().error().filter(|error| error.as_error::<CorsError>().is_some());
    match refused.map(ToString::to_string) {
        Some(message) => Ok(response.into_response(cors_refused(&message)).map_into_right_body()),
        None => Ok(response.map_into_left_body()),
    }
}

/// An answer in the place of what a handler would give.
fn outside(mut response: HttpResponse, what: &'static str, id: &RequestId) -> actix_web::Error {
    name_request(response.headers_mut(), id);
    protect(&mut response);
    InternalError::from_response(what, response).into()
}

/// Whether a GET of this path may change something, as logging in does: HEAD must not.
pub fn may_change(path: &str) -> bool {
    let is_queue_member = || path.starts_with("/pbx/queue/") && path.contains("/member/");
    let is_password = || path.starts_with("/employee/") && path.ends_with("/resetpassword");
    let prefixes = ["/auth/", "/tools/", "/pbx/switch/", "/pbx/variable/", "/pbx/app/action/"];
    prefixes.iter().any(|prefix| path.starts_with(prefix)) || is_queue_member() || is_password()
}

/// Removes trailing and doubled slashes from the path: the platform's pages write some URLs with a slash at the end.
/// actix's own middleware searches every path with a regular expression, and nearly no path has such slashes.
fn normalize(request: &mut ServiceRequest) {
    let path = request.path();
    // What the console's pages name is below it.
    if path == "/" || path == "/console/" || !(path.ends_with('/') || path.contains("//")) {
        return;
    }
    let parts = request.uri().path().split('/').filter(|part| !part.is_empty());
    let mut target: String = parts.flat_map(|part| ["/", part]).collect();
    if target.is_empty() {
        target.push('/');
    }
    if let Some(query) = request.uri().query() {
        target = format!("{target}?{query}");
    }
    // A URI is still one without some of its slashes.
    if let Ok(uri) = Uri::try_from(target) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

/// Reduces `Accept-Encoding` to the one compression that the response is to have.
fn choose_compression(request: &mut ServiceRequest) {
    let Some(ForEdges(choose)) = request.app_data::<ForEdges>() else { return };
    let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let chosen = accepted.and_then(choose);
    let headers = request.headers_mut();
    match chosen {
        Some(name) => drop(headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(name))),
        None => drop(headers.remove(header::ACCEPT_ENCODING)),
    }
}

fn name_request(headers: &mut HeaderMap, id: &RequestId) {
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, value);
    }
}

/// The path with everything that looks like a token (64 hex characters), or most of one, replaced. No id is that long.
fn loggable(path: &str) -> Cow<'_, str> {
    const LEAST: usize = 32;
    if path.len() < LEAST {
        return path.into();
    }
    let is_token = |segment: &str| segment.split(|c: char| !c.is_ascii_hexdigit()).any(|run| run.len() >= LEAST);
    let segments = path.split('/').map(|segment| if is_token(segment) { "…" } else { segment });
    segments.collect::<Vec<_>>().join("/").into()
}

fn log<B>(response: &ServiceResponse<B>, id: &RequestId, begun: Instant) {
    let request = response.request();
    // The path after percent-decoding, as routing sees it: a token may be written with `%74` for `t`.
    let path = loggable(request.match_info().as_str());
    let (method, path, status) = (request.method().as_str(), &*path, response.status().as_u16());
    let ms = begun.elapsed().as_micros() as f64 / 1_000.0;
    let error = response.response().error();
    let known = error.and_then(|error| error.as_error::<crate::error::Error>());
    match severity(response.status(), known) {
        Severity::Failure => {
            let error =
                error.map(|error| known.map_or_else(|| error.to_string(), |known| format!("{known} {known:?}")));
            tracing::error!(request_id = %id.0, method, path, status, ms, error = error.unwrap_or_default(), "failed");
        }
        Severity::Busy => tracing::debug!(request_id = %id.0, method, path, status, ms, "busy"),
        Severity::Refusal => tracing::info!(request_id = %id.0, method, path, status, ms, "refused"),
        Severity::Success => tracing::debug!(request_id = %id.0, method, path, status, ms, "answered"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_logged_wherever_it_is() {
        let token = "0123456789abcdef".repeat(4);
        for (path, expected) in [
            (format!("/employee/e00000000000000000000101/token/{token}"), "/employee/e00000000000000000000101/token/…"),
            (format!("/Token/{token}/x"), "/Token/…/x"),
            (format!("/{}", token.to_uppercase()), "/…"),
            (format!("/token={token}"), "/…"),
            (format!("/token/{}", &token[1..]), "/token/…"),
            ("/pbx/app/mobileconfig/e00000000000000000000101".into(), "/pbx/app/mobileconfig/e00000000000000000000101"),
        ] {
            assert_eq!(loggable(&path), expected);
        }
    }
}
