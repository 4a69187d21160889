//! What handlers answer.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

use crate::error::{Error, Result};

/// What a handler answers: JSON, or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiResponse {
    pub status: u16,
    pub body: Vec<u8>,
    /// Version of the object, for its ETag.
    pub rev: Option<i64>,
    /// The answer holds a secret: no cache may keep it.
    pub is_secret: bool,
    /// Given once before, under the same Idempotency-Key.
    pub is_replay: bool,
}

impl ApiResponse {
    /// JSON text that is ready.
    pub fn raw(body: Vec<u8>) -> ApiResponse {
        ApiResponse { status: 200, body, rev: None, is_secret: false, is_replay: false }
    }

    pub fn json<T: Serialize>(value: &T) -> Result<ApiResponse> {
        let body = serde_json::to_vec(value).map_err(|error| Error::Internal(Box::new(error)))?;
        Ok(ApiResponse::raw(body))
    }

    /// An object and its version.
    pub fn object<T: Serialize>(value: &T, rev: i64) -> Result<ApiResponse> {
        Ok(ApiResponse { rev: Some(rev), ..ApiResponse::json(value)? })
    }

    pub fn success() -> ApiResponse {
        ApiResponse::raw(b"{\"success\":true}".to_vec())
    }

    pub fn secret(self) -> ApiResponse {
        ApiResponse { is_secret: true, ..self }
    }
}

impl Responder for ApiResponse {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK));
        let cache = if self.is_secret { "no-store" } else { "private, no-cache" };
        response.insert_header((header::CACHE_CONTROL, cache));
        if let Some(rev) = self.rev {
            response.insert_header((header::ETAG, format!("\"{rev}\"")));
        }
        if self.is_replay {
            response.insert_header(("Idempotent-Replayed", "true"));
        }
        if self.body.is_empty() {
            // 304 speaks of the object as it was; 200 without a word says so.
            if self.status == 200 {
                response.content_type("text/plain");
            }
            return response.finish();
        }
        response.content_type("application/json").body(self.body)
    }
}
