//! `/local/status`, `/local/audit/verify` and the history of the mirror: how this server is, for its administrators.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::db::ReadOnly;
use crate::domain::access::{Actor, Relation, SERVER};
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};
use crate::sync::edge::lag_history::{EVERY, Sample};
use crate::usecases::audit_proof::prove;
use crate::usecases::storage;
use crate::web::condition::Condition;
use crate::web::long_work::Asked;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// 403 `access_denied` but for ADMIN.
fn check(actor: &Actor) -> Result<()> {
    if SERVER.allows(actor.level, Relation::Elsewhere) { Ok(()) } else { Err(Error::access_denied()) }
}

/// What the command `status` shows, and how much room is taken. For ADMIN.
pub async fn status(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let state = request.context.state.clone().into_inner();
    request
        .read_list(move |tx, actor| {
            check(actor)?;
            let process = Some(std::process::id().to_string());
            let condition = Condition::of(tx, state.db.path(), &state.surroundings, state.backups.as_deref(), process)?;
            let mut shown = condition.into_json();
            shown.insert("storage".into(), json!(storage::measure(tx, state.db.path())?));
            ApiResponse::json(&Value::Object(shown))
        })
        .await
}

/// Recomputes the audit trail and compares the objects with it, as the command `audit verify` does, one such proof at a time.
/// For ADMIN. 409 `audit` while another one runs, and when it takes longer than a request may: the next call has its answer then.
pub async fn verify(request: AuthenticatedRequest) -> Result<ApiResponse> {
    check(request.actor())?;
    let state = &request.context.state;
    let path = state.db.path().to_owned();
    // On a connection of its own: it reads for long.
    let work = move || {
        let database = ReadOnly::open(&path, Clock::default()).map_err(|error| Error::Internal(error.into()))?;
        database.read(|tx| prove(tx, |_| {}))
    };
    match state.audit_proofs.ask(state.request_timeout.mul_f64(0.8), work).await? {
        Asked::Done(proof) => ApiResponse::json(&proof?),
        Asked::Busy => Err(Error::conflict("audit", "The audit trail is being verified already: ask again in a while")),
        Asked::Late => Err(Error::conflict(
            "audit",
            "Verifying the audit trail takes longer than a request may: it goes on, ask again in a while",
        )),
    }
}

/// How far the hub was behind over time.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncHistory {
    /// Seconds between two samples.
    #[schemars(extend("enum" = [10]), example = 10)]
    every_seconds: u64,
    /// When (milliseconds since 1970), how many changes the hub lacked, and since how many seconds (null: it never had everything);
    /// the oldest first, of the last day at most.
    #[schemars(length(max = 8640))]
    samples: Vec<Sample>,
}

/// The lag of the mirror since this server was started, for ADMIN. Empty without a hub. 422 `since`.
pub async fn sync_history(request: AuthenticatedRequest) -> Result<ApiResponse> {
    check(request.actor())?;
    let malformed = || Error::invalid("since", Check::Format, "since must be a date, or a time (ISO 8601)");
    let since = request.context.query();
    let since = since.get("since").map(|text| Time::parse(text).ok_or_else(malformed)).transpose()?;
    let samples = request.context.state.lag_history.since(since);
    ApiResponse::json(&SyncHistory { every_seconds: EVERY.as_secs(), samples })
}
