//! `/healthz` and `/readyz`, for a supervisor or a load balancer: no token is needed.

use actix_web::{HttpResponse, web};
use schemars::JsonSchema;
use serde::Serialize;

use super::AppState;
use crate::db::Author;
use crate::error::Result;

/// How the server is.
#[derive(Serialize, JsonSchema)]
pub struct Health {
    /// `ok` when it can answer.
    #[schemars(example = &"ok")]
    status: &'static str,
}

/// The process runs.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

/// Requests can be served: the database can be read, and the writer answers.
pub async fn readyz(state: web::Data<AppState>) -> Result<HttpResponse> {
    state.db.read(crate::store::employees::is_empty)?;
    state.db.write(Author::system("system"), |_| Ok(())).await?;
    Ok(healthz().await)
}
