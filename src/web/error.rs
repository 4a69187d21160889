//! Every error as the platform's body (api:errors). The only place that names a status code of an error.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};

use crate::error::{Check, Error, Fault};

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

/// Status and code of each error that is no fault of a property.
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
        Error::Busy => (503, "busy"),
        Error::StorageFull => (507, "storage_full"),
        Error::Internal(_) => (500, "internal_error"),
    }
}

/// The properties of `error`: one fault stands for itself, several are one error with `inner`.
fn error_json(error: &Error) -> Map<String, Value> {
    if let Error::Invalid(faults) = error
        && let [fault] = faults.as_slice()
    {
        return fault_json(fault);
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

/// The body of an error that HTTP itself gives, such as a method that is not allowed.
pub fn plain(status: u16, code: &str, message: &str) -> HttpResponse {
    let status_code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status_code).json(json!({ "error": { "message": message, "code": code, "status": status } }))
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
            // It may hold a new key.
            Error::AuthenticatorRequired { .. } => {
                response.insert_header((header::CACHE_CONTROL, "no-store"));
            }
            Error::TooManyRequests { retry_after_s } => {
                response.insert_header((header::RETRY_AFTER, *retry_after_s));
            }
            Error::UnsupportedEncoding => {
                response.insert_header((header::ACCEPT_ENCODING, crate::sync::protocol::compression::ACCEPTED));
            }
            Error::Busy => {
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
    fn one_fault_stands_for_itself_and_several_are_inner_errors() {
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
    fn an_internal_error_tells_the_caller_nothing() {
        let body = body(&Error::internal("the password is hunter2")).to_string();
        assert_eq!(body, r#"{"error":{"message":"Unexpected server error","code":"internal_error","status":500}}"#);
    }
}
