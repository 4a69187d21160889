//! The mirror, as whoever runs this server sees it. For RESELLER_ADMIN and ADMIN.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use crate::db::{Author, ReadTx};
use crate::domain::access::{Actor, Level};
use crate::domain::fields::read_body;
use crate::error::{Error, Result};
use crate::mirror::worker;
use crate::store::{feed, sync_state};

fn check(actor: &Actor) -> Result<()> {
    if actor.level >= Level::ResellerAdmin { Ok(()) } else { Err(Error::access_denied()) }
}

/// Exchanges with the hub now; answers how the mirror stands then, `lastError` with it.
pub async fn sync(call: Call) -> Result<Answer> {
    check(call.actor())?;
    // What went wrong is part of the answer.
    let _ = call.visit.state.mirror.sync().await;
    status(call).await
}

/// `consistent` (the hub has exactly what is here), `acked`, `high`, `lagChanges`, `lagSeconds`, `lastSuccess`,
/// `lastError`, `quarantine`, and since when.
pub async fn status(call: Call) -> Result<Answer> {
    check(call.actor())?;
    Answer::json(&call.visit.state.db.read(status_json)?)
}

/// Compares everything with the hub: `equal`, `rows`, `bytes`, `differences`, and some of those by name.
pub async fn verify(call: Call) -> Result<Answer> {
    check(call.actor())?;
    let proof = call.visit.state.mirror.verify().await.map_err(|error| Error::conflict("hub", error))?;
    Answer::json(&proof)
}

/// How the mirror stands.
pub fn status_json(tx: &ReadTx) -> Result<Value> {
    let (position, record) = (sync_state::position(tx)?, sync_state::record(tx)?);
    let (high, enrolment) = (feed::high(tx)?, sync_state::enrolment(tx)?);
    let acked = position.as_ref().map_or(0, |position| position.acked);
    let is_consistent = position.as_ref().is_some_and(|position| position.resetting.is_none() && acked == high);
    let lag_seconds = match record.last_success {
        _ if is_consistent => Some(0),
        Some(last) => Some((tx.now.millis() - last.millis()).max(0) / 1_000),
        None => None,
    };
    Ok(json!({
        "enrolled": enrolment.is_some(),
        "hub": enrolment.as_ref().map(|enrolment| &enrolment.hub),
        "origin": enrolment.as_ref().map(|enrolment| &enrolment.origin),
        "consistent": is_consistent,
        "acked": acked,
        "high": high,
        "stable": position.as_ref().map_or(0, |position| position.stable),
        "epoch": position.as_ref().map(|position| position.epoch.0),
        "lagChanges": high - acked,
        "lagSeconds": lag_seconds,
        "lastSuccess": record.last_success,
        "lastError": record.last_error,
        "quarantine": 0,
        "forks": record.forks,
        "rewinds": record.rewinds,
    }))
}

/// `{ "url", "code" }`: enrols with a hub. The code is spent; what an earlier hub had is left to it.
pub async fn enroll(call: Call) -> Result<Answer> {
    check(call.actor())?;
    let body = call.visit.object()?;
    let (url, code) = read_body(&body, |fields| {
        let (mut url, mut code) = (String::new(), String::new());
        fields.require(&["url", "code"]);
        fields.required_text("url", 1, 2_000, &mut url);
        fields.required_text("code", 1, 200, &mut code);
        (url, code)
    })?;
    let state = call.visit.state.clone().into_inner();
    let (ca, given) = (state.hub_ca.clone(), url.clone());
    let enrolled = actix_web::web::block(move || worker::enroll(&given, &code, ca.as_deref())).await;
    let enrolled = enrolled.map_err(|_| Error::Busy)?.map_err(|error| Error::conflict("hub", error))?;
    let (enrolment, position) = worker::sealed(&url, &enrolled, &state.sealer)?;
    let author: Author = call.visit.author();
    state.db.write(author, move |tx| sync_state::enroll(tx, &enrolment, &position)).await?;
    sync(call).await
}
