//! What every request passes through: its id, its time limit, its line in the log.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, ResponseError, web};

use super::AppState;
use super::error::plain;

/// Name of the header that carries a request's id, taken or made.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_MAX: usize = 128;

/// Registered by a server whose callers are edges: answers are packed as this chooses by `Accept-Encoding`, or not at all,
/// and who has waited too long is told to come again.
pub struct ForEdges(pub fn(&str) -> Option<&'static str>);

/// The id of a request: the log, the audit trail and the answer name it.
#[derive(Clone)]
pub struct RequestId(pub Arc<str>);

/// The caller's id if it is fit for a log line and a header; else a new one.
fn request_id(request: &ServiceRequest) -> RequestId {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_fit = |id: &&str| !id.is_empty() && id.len() <= REQUEST_ID_MAX && id.bytes().all(|c| c.is_ascii_graphic());
    RequestId(match given.filter(is_fit) {
        Some(id) => id.into(),
        None => Arc::from(&*uuid::Uuid::new_v4().simple().encode_lower(&mut uuid::Uuid::encode_buffer())),
    })
}

/// Gives the request its id, ends it when it takes too long, and logs it: what went wrong always, the rest at `debug`
/// (what was changed is in the audit trail, under the same id). The query is never logged: it may hold a token.
pub async fn pass(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let begun = Instant::now();
    normalize(&mut request);
    narrow(&mut request);
    let id = request_id(&request);
    request.extensions_mut().insert(id.clone());
    // HEAD is GET without the body, which the connection leaves out by itself; but it must change nothing, and some GETs do.
    let may_change = request.path().starts_with("/auth/") || request.path().starts_with("/tools/");
    if request.method() == Method::HEAD && !may_change {
        request.head_mut().method = Method::GET;
    }
    let limit =
        request.app_data::<web::Data<AppState>>().map_or(Duration::from_secs(30), |state| state.request_timeout);
    let is_hub = request.app_data::<ForEdges>().is_some();
    // The request itself cannot be kept beside the call: routing wants it alone.
    let mut response = match tokio::time::timeout(limit, next.call(request)).await {
        Ok(answered) => answered?,
        Err(_) => {
            tracing::error!(request_id = %id.0, limit_s = limit.as_secs(), "the request took too long");
            let mut answer = match is_hub {
                // Its store hangs: whoever calls comes again.
                true => crate::error::Error::Busy.error_response(),
                false => plain(408, "request_timeout", "The request took too long"),
            };
            name_request(answer.headers_mut(), &id);
            return Err(InternalError::from_response("timeout", answer).into());
        }
    };
    name_request(response.headers_mut(), &id);
    log(&response, &id, begun);
    Ok(response)
}

/// Takes slashes at the end of the path away, and those that are doubled: the platform has some URLs with one at the end.
/// Nearly no request has any, and actix's own middleware looks for them with a pattern.
fn normalize(request: &mut ServiceRequest) {
    let path = request.path();
    if path == "/" || !(path.ends_with('/') || path.contains("//")) {
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
    // What was a URI without some of its slashes is one.
    if let Ok(uri) = Uri::try_from(target) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

/// Leaves in `Accept-Encoding` what the answer is to be packed as.
fn narrow(request: &mut ServiceRequest) {
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

/// The path without what looks like a token (64 hex characters) or most of one, wherever it stands. No id is so long.
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
    // As the routes see it, with `%74` as `t`: a token is a token however it is written.
    let path = loggable(request.match_info().as_str());
    let (method, path, status) = (request.method().as_str(), &*path, response.status().as_u16());
    let ms = begun.elapsed().as_micros() as f64 / 1_000.0;
    let error = response.response().error().map(|error| match error.as_error::<crate::error::Error>() {
        Some(error) => format!("{error} {error:?}"),
        None => error.to_string(),
    });
    match status {
        500.. if status != 501 => {
            tracing::error!(request_id = %id.0, method, path, status, ms, error = error.unwrap_or_default(), "failed");
        }
        400.. => tracing::info!(request_id = %id.0, method, path, status, ms, "refused"),
        _ => tracing::debug!(request_id = %id.0, method, path, status, ms, "answered"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_logged_wherever_it_stands() {
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
