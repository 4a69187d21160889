//! `/healthz` and `/readyz`, for a supervisor or a load balancer: no token is needed.

use actix_web::{HttpResponse, web};
use schemars::JsonSchema;
use serde::Serialize;

use super::AppState;
use crate::db::Author;
use crate::error::Error;
use crate::web::error::not_ready;

/// How the server is.
#[derive(Serialize, JsonSchema)]
pub struct Health {
    /// `ok` when it can answer; `failing` with status 503.
    #[schemars(example = &"ok")]
    status: &'static str,
    /// What is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

/// The process runs.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok", problems: vec![] })
}

/// Requests can be served: the database can be read, the writer answers, there is room on the disk for changes, and no damage
/// was found in the file. 503 with what is wrong.
pub async fn readyz(state: web::Data<AppState>) -> HttpResponse {
    let problems = problems(&state).await;
    if problems.is_empty() {
        return healthz().await;
    }
    not_ready().json(Health { status: "failing", problems })
}

async fn problems(state: &AppState) -> Vec<String> {
    let db = &state.db;
    // There may be room again without a change that has tried it.
    if db.is_full() {
        db.keep_reserve();
    }
    let written = match db.read(crate::store::employees::is_empty) {
        Ok(_) => db.write(Author::system("system"), |_| Ok(())).await,
        Err(error) => Err(error),
    };
    let mut problems = match written {
        Err(Error::Internal(error)) => {
            tracing::error!(%error, "not ready");
            vec!["The database cannot be used: see the server's log".into()]
        }
        Err(error) => vec![error.to_string()],
        Ok(()) => vec![],
    };
    if db.is_full() {
        problems.push("The disk is full: changes are refused until there is room".into());
    }
    // Which objects are damaged is not for everybody: the log and doctor name them.
    let damage = db.damage();
    let laws: Vec<&str> = damage.iter().filter_map(|wrong| wrong.split_once(':')).map(|(law, _)| law).collect();
    if !laws.is_empty() {
        problems.push(format!("The database is damaged ({}): see the server's log, or run doctor", laws.join(", ")));
    }
    problems
}
