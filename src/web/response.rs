//! What handlers return.

use actix_web::http::header::EntityTag;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

use crate::domain::audit::digest;
use crate::error::{Error, Result};

/// A handler's response: JSON, or no body.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiResponse {
    pub status: StatusCode,
    pub body: Vec<u8>,
    /// Version of the object, for its ETag; the body is the object then.
    pub rev: Option<i64>,
    /// The body contains a secret: no cache may store it.
    pub is_secret: bool,
    /// It is the stored response to an earlier request with the same Idempotency-Key.
    pub is_replay: bool,
    /// Of the body, unless it is JSON.
    pub content_type: Option<&'static str>,
}

/// The entity tag of an object: its rev, and a digest of its representation. A rev alone would stand for something else
/// after the database was put back to a backup, in another database, and for a reader who sees other properties.
pub fn etag(rev: i64, body: &[u8]) -> EntityTag {
    let digest = digest(body);
    EntityTag::new_strong(format!("{rev}-{}", hex::encode(&digest[..8])))
}

impl ApiResponse {
    /// JSON text, already serialised.
    pub fn raw(body: Vec<u8>) -> ApiResponse {
        ApiResponse { status: StatusCode::OK, body, rev: None, is_secret: false, is_replay: false, content_type: None }
    }

    pub fn json<T: Serialize>(value: &T) -> Result<ApiResponse> {
        let body = serde_json::to_vec(value).map_err(|error| Error::Internal(Box::new(error)))?;
        Ok(ApiResponse::raw(body))
    }

    /// An object and its version.
    pub fn object<T: Serialize>(value: &T, rev: i64) -> Result<ApiResponse> {
        Ok(ApiResponse { rev: Some(rev), ..ApiResponse::json(value)? })
    }

    /// A picture; its version is its content.
    pub fn png(body: Vec<u8>) -> ApiResponse {
        ApiResponse { rev: Some(1), content_type: Some("image/png"), ..ApiResponse::raw(body) }
    }

    pub fn success() -> ApiResponse {
        ApiResponse::raw(b"{\"success\":true}".to_vec())
    }

    /// The same for a caller that has this version already: it is sent without its body.
    pub fn not_modified(self) -> ApiResponse {
        ApiResponse { status: StatusCode::NOT_MODIFIED, ..self }
    }

    /// The entity tag, if this is an object.
    pub fn etag(&self) -> Option<EntityTag> {
        self.rev.map(|rev| etag(rev, &self.body))
    }

    pub fn secret(self) -> ApiResponse {
        ApiResponse { is_secret: true, ..self }
    }
}

impl Responder for ApiResponse {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        let cache = if self.is_secret { "no-store" } else { "private, no-cache" };
        response.insert_header((header::CACHE_CONTROL, cache));
        // What a caller gets depends on who it is.
        response.append_header((header::VARY, "authorization, cookie"));
        if let Some(tag) = self.etag() {
            response.insert_header((header::ETAG, tag));
        }
        if self.is_replay {
            response.insert_header(("Idempotent-Replayed", "true"));
        }
        if self.body.is_empty() || self.status == StatusCode::NOT_MODIFIED {
            // 304 is about the representation that the caller has, which is JSON.
            if self.status == StatusCode::OK {
                response.content_type("text/plain");
            }
            return response.finish();
        }
        response.content_type(self.content_type.unwrap_or("application/json")).body(self.body)
    }
}
