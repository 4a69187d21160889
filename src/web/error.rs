//! Every error as the platform's body (api:errors). No other file names the status of an error.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde_json::{Map, Value, json};

use crate::error::{Check, Error, Fault};
use crate::usecases::login;

fn status_of_check(check: Check) -> u16 {
    match check {
        Check::Required | Check::Exists => 404,
        Check::Unique | Check::Conflict => 409,
        Check::Type | Check::Format | Check::Min | Check::Max | Check::Enum => 422,
    }
}

fn check_name(check: Check) -> Option<&'static str> {
    match check {
        Check::Required => Some("required"),
        Check::Type => Some("type"),
        Check::Format => Some("format"),
        Check::Min => Some("min"),
        Check::Max => Some("max"),
        Check::Enum => Some("enum"),
        Check::Unique => Some("unique"),
        Check::Exists | Check::Conflict => None,
    }
}

fn fault_json(fault: &Fault) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("message".into(), json!(fault.message));
    body.insert("code".into(), json!(fault.path));
    body.insert("path".into(), json!(fault.path));
    body.insert("status".into(), json!(status_of_check(fault.check)));
    if let Some(check) = check_name(fault.check) {
        body.insert("check".into(), json!(check));
    }
    body
}

/// Status and code of each error that is not about one property.
fn status_and_code(error: &Error) -> (u16, &'static str) {
    match error {
        Error::Unauthenticated { code, .. } => (401, code),
        Error::Forbidden { code, .. } => (403, code),
        Error::NotFound { code, .. } => (404, code),
        Error::Conflict { code, .. } => (409, code),
        Error::BadRequest { code, .. } => (400, code),
        Error::Invalid(_) => (422, "multiple"),
        Error::AuthenticatorRequired { .. } => (403, "authenticatorToken"),
        Error::TooLarge { .. } => (413, "payload_too_large"),
        Error::UnsupportedMediaType | Error::UnsupportedEncoding => (415, "unsupported_media_type"),
        Error::Locked(_) => (423, "locked"),
        Error::Moved { .. } => (421, "moved"),
        Error::PreconditionFailed => (412, "precondition_failed"),
        Error::TooManyRequests { .. } => (429, "too_many_requests"),
        Error::TooManyCalls { .. } => (429, "calls"),
        Error::OverLimit { code, .. } => (507, code),
        Error::Busy | Error::Unavailable(_) => (503, "busy"),
        Error::StorageFull => (507, "storage_full"),
        // Its code is in its own body.
        Error::OfPlatform(error) => (error.status, "platform"),
        Error::PlatformUnreachable { .. } => (503, "platform_unreachable"),
        Error::Internal(_) => (500, "internal_error"),
    }
}

/// The properties of `error`: a single fault is the error itself, several are listed in `inner`.
fn error_json(error: &Error) -> Map<String, Value> {
    if let Error::Invalid(faults) = error
        && let [fault] = faults.as_slice()
    {
        return fault_json(fault);
    }
    if let Error::OfPlatform(error) = error {
        return error.body.clone();
    }
    let (status, code) = status_and_code(error);
    let message = match error {
        Error::Invalid(_) => "Multiple errors".into(),
        Error::Internal(_) => "Unexpected server error".into(),
        other => other.to_string(),
    };
    let mut body = Map::new();
    body.insert("message".into(), json!(message));
    body.insert("code".into(), json!(code));
    body.insert("status".into(), json!(status));
    match error {
        Error::Invalid(faults) => {
            body.insert("inner".into(), faults.iter().map(|fault| Value::Object(fault_json(fault))).collect());
        }
        Error::AuthenticatorRequired { key: Some(key) } => {
            body.insert("key".into(), json!(key.key));
            body.insert("totp".into(), json!(key.totp));
        }
        Error::Moved { hub } => {
            body.insert("hub".into(), json!(hub));
        }
        _ => {}
    }
    body
}

/// The body of an error: `{ "error": { message, code, status, … } }`.
pub fn body(error: &Error) -> Value {
    json!({ "error": error_json(error) })
}

fn response(status: StatusCode, code: &str, message: &str) -> HttpResponse {
    let error = json!({ "message": message, "code": code, "status": status.as_u16() });
    HttpResponse::build(status).json(json!({ "error": error }))
}

/// What a mock answers on purpose.
pub fn on_purpose(status: u16, code: &str, message: &str, retry_after_s: Option<u64>) -> HttpResponse {
    let mut response =
        response(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), code, message);
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// A mock that is strict refuses what the documentation does not allow.
pub fn not_strict(message: &str) -> HttpResponse {
    response(StatusCode::BAD_REQUEST, "strict", message)
}

/// What a mock says with a status on purpose, where its rule does not say: code and message, as this server answers it.
pub fn usual_text(status: u16) -> (String, String) {
    text_of(&match status {
        400 => Error::bad_request("Request not valid"),
        401 => login::refused(),
        403 => Error::access_denied(),
        404 => Error::not_found("not_found", "Object not found"),
        409 => Error::conflict("conflict", "A property conflicts with another item"),
        429 => return ("too_many_requests".into(), "Too many requests".into()),
        503 => Error::Busy,
        _ => Error::internal("on purpose"),
    })
}

/// Code and message of an error.
pub fn text_of(error: &Error) -> (String, String) {
    let body = error_json(error);
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("code"), text("message"))
}

/// No handler has this URL.
pub fn no_such_url() -> HttpResponse {
    response(StatusCode::NOT_FOUND, "not_found", "There is no such URL")
}

/// The URL exists, but only for the methods `allowed` names.
pub fn method_not_allowed(allowed: &str) -> HttpResponse {
    let message = format!("This URL takes {allowed}");
    with_allow(response(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &message), allowed)
}

fn with_allow(mut response: HttpResponse, allowed: &str) -> HttpResponse {
    if let Ok(value) = header::HeaderValue::from_str(allowed) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// What a URL takes, for a caller that asks (OPTIONS).
pub fn allowed_methods(allowed: &str) -> HttpResponse {
    with_allow(HttpResponse::NoContent().finish(), allowed)
}

/// A URL of the platform, described on `page`, with a method that this server does not have: the platform may.
pub fn method_not_implemented(page: &str, allowed: &str) -> HttpResponse {
    let message =
        format!("The platform may take this method here ({page}), telecomx-local does not: it takes {allowed}");
    with_allow(response(StatusCode::NOT_IMPLEMENTED, "not_implemented", &message), allowed)
}

/// The platform has this endpoint, described on `page`; this server does not.
pub fn not_implemented(page: &str) -> HttpResponse {
    let message = format!("The platform has this endpoint ({page}), telecomx-local does not");
    response(StatusCode::NOT_IMPLEMENTED, "not_implemented", &message)
}

/// As [`not_implemented`], of a server that works with the platform and forwards only what reads.
pub fn not_forwarded(page: &str) -> HttpResponse {
    let message = format!(
        "The platform has this endpoint ({page}), and this server forwards only GET and HEAD to it: set platform.forward to all"
    );
    response(StatusCode::NOT_IMPLEMENTED, "not_implemented", &message)
}

/// The platform's answer to a call that was forwarded cannot be passed on: `why`.
pub fn not_passed_on(why: &str) -> HttpResponse {
    response(StatusCode::BAD_GATEWAY, "platform", why)
}

/// An answer of the platform's that is passed on, with its own status.
pub fn passed_on(status: u16) -> HttpResponseBuilder {
    HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY))
}

/// An address has as many connections as it may have.
pub fn too_many_connections(message: &str) -> HttpResponse {
    let mut response = response(StatusCode::TOO_MANY_REQUESTS, "too_many_connections", message);
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("10"));
    response
}

/// A page of another origin asks for what it is not allowed.
pub fn cors_refused(message: &str) -> HttpResponse {
    response(StatusCode::BAD_REQUEST, "cors", message)
}

/// The request names a host that this server does not answer by.
pub fn misdirected() -> HttpResponse {
    let message =
        "This server does not answer by that host name: call it as localhost, or add the name to allowed_hosts";
    response(StatusCode::MISDIRECTED_REQUEST, "misdirected_request", message)
}

/// Requests cannot be served, or not all of them: the body says why.
pub fn not_ready() -> HttpResponseBuilder {
    let mut response = HttpResponse::ServiceUnavailable();
    response.insert_header((header::RETRY_AFTER, 1));
    response
}

pub fn request_timeout() -> HttpResponse {
    response(StatusCode::REQUEST_TIMEOUT, "request_timeout", "The request took too long")
}

/// A hub's reply to a push that does not build on what it has: the reply's body says why.
pub fn push_rejected() -> HttpResponseBuilder {
    HttpResponse::build(StatusCode::CONFLICT)
}

/// How much attention a response deserves in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Success,
    /// The caller's fault, or an endpoint that this server does not have.
    Refusal,
    /// The server does as it should while it has too much to do.
    Busy,
    /// The server's fault.
    Failure,
}

/// `error`: what the response says, where that is known.
pub fn severity(status: StatusCode, error: Option<&Error>) -> Severity {
    match status {
        _ if matches!(error, Some(Error::Busy | Error::Unavailable(_))) => Severity::Busy,
        StatusCode::NOT_IMPLEMENTED => Severity::Refusal,
        status if status.is_server_error() => Severity::Failure,
        status if status.is_client_error() => Severity::Refusal,
        _ => Severity::Success,
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        let status = match self {
            Error::Invalid(faults) if faults.len() == 1 => status_of_check(faults[0].check),
            other => status_and_code(other).0,
        };
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Error::Unauthenticated { .. } => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            // The body may contain a new key.
            Error::AuthenticatorRequired { .. } | Error::OfPlatform(_) => {
                response.insert_header((header::CACHE_CONTROL, "no-store"));
            }
            Error::TooManyRequests { retry_after_s }
            | Error::TooManyCalls { retry_after_s }
            | Error::PlatformUnreachable { retry_after_s } => {
                response.insert_header((header::RETRY_AFTER, *retry_after_s));
            }
            Error::UnsupportedEncoding => {
                response.insert_header((header::ACCEPT_ENCODING, crate::sync::protocol::compression::ACCEPTED));
            }
            Error::Busy | Error::Unavailable(_) => {
                response.insert_header((header::RETRY_AFTER, 1));
            }
            _ => {}
        }
        response.json(body(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fault_is_the_error_itself_and_several_are_inner_errors() {
        let one = Error::invalid("addresses[0].zip", Check::Format, "zip must be four digits");
        assert_eq!(one.status_code(), 422);
        assert_eq!(
            body(&one),
            json!({ "error": { "message": "zip must be four digits", "code": "addresses[0].zip",
                "path": "addresses[0].zip", "status": 422, "check": "format" } })
        );
        let fault = |path: &str, check| Fault { path: path.into(), check, message: "no".into() };
        let two = Error::Invalid(vec![fault("a", Check::Required), fault("b", Check::Unique)]);
        let body = body(&two);
        assert_eq!((two.status_code().as_u16(), &body["error"]["code"]), (422, &json!("multiple")));
        let statuses: Vec<_> = body["error"]["inner"].as_array().unwrap().iter().map(|e| &e["status"]).collect();
        assert_eq!(statuses, [404, 409]);
    }

    #[test]
    fn only_failures_of_the_server_are_failures() {
        let of = |status: u16| severity(StatusCode::from_u16(status).unwrap(), None);
        assert_eq!([200, 304].map(of), [Severity::Success; 2]);
        assert_eq!([400, 404, 499, 501].map(of), [Severity::Refusal; 4]);
        assert_eq!([500, 503, 507].map(of), [Severity::Failure; 3]);
        let of = |error: Error| severity(error.status_code(), Some(&error));
        assert_eq!([Error::Busy, Error::Unavailable("later")].map(of), [Severity::Busy; 2]);
        assert_eq!([Error::StorageFull, Error::internal("x")].map(of), [Severity::Failure; 2]);
    }

    #[test]
    fn an_internal_error_tells_the_caller_nothing() {
        let body = body(&Error::internal("the password is hunter2")).to_string();
        assert_eq!(body, r#"{"error":{"message":"Unexpected server error","code":"internal_error","status":500}}"#);
    }
}
