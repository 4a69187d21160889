//! `/healthz` and `/readyz`, for whoever watches over the process. No token is wanted.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::AppState;
use crate::db::Author;
use crate::error::Result;

/// The process runs.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// Requests can be served: the database can be read, and the writer answers.
pub async fn readyz(state: web::Data<AppState>) -> Result<HttpResponse> {
    state.db.read(crate::store::employees::is_empty)?;
    state.db.write(Author::system("system"), |_| Ok(())).await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ok" })))
}
