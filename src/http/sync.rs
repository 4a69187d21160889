//! The mirror, as whoever runs this server sees it. For RESELLER_ADMIN and ADMIN.

use actix_web::HttpResponse;
use serde_json::json;

use super::answer::Answer;
use super::call::Call;
use crate::db::{Author, WriteTx};
use crate::domain::access::{Actor, Level};
use crate::domain::fields::read_body;
use crate::error::{Error, Result};
use crate::mirror::link;
use crate::mirror::metrics::{CONTENT_TYPE, metrics as metrics_text};
use crate::mirror::status::status as mirror_status;
use crate::store::{quarantine, sync_state};

fn check(actor: &Actor) -> Result<()> {
    if actor.level >= Level::ResellerAdmin { Ok(()) } else { Err(Error::access_denied()) }
}

/// Exchanges with the hub now; answers how the mirror stands then, `lastError` with it. 409 `hub` without a hub.
pub async fn sync(call: Call) -> Result<Answer> {
    check(call.actor())?;
    if call.visit.state.db.read(sync_state::enrolment)?.is_none() {
        return Err(Error::conflict("hub", "This server is not enrolled with a hub: see sync enroll"));
    }
    // What went wrong is part of the answer.
    let _ = call.visit.state.mirror.sync().await;
    status(call).await
}

/// `consistent` (the hub has exactly what is here), `acked`, `high`, `lagChanges`, `lagSeconds`, `lastSuccess`,
/// `lastError`, `quarantine`, and since when.
pub async fn status(call: Call) -> Result<Answer> {
    check(call.actor())?;
    Answer::json(&call.visit.state.db.read(mirror_status)?)
}

/// Compares everything with the hub: `equal`, `rows`, `bytes`, `differences`, and some of those by name.
pub async fn verify(call: Call) -> Result<Answer> {
    check(call.actor())?;
    let proof = call.visit.state.mirror.verify().await.map_err(|error| Error::conflict("hub", error))?;
    Answer::json(&proof)
}

/// Rows that the hub could not take: `{ "quarantine": [ { "id", "table", "row", "code", "detail", … } ] }`.
pub async fn quarantine(call: Call) -> Result<Answer> {
    check(call.actor())?;
    let entries = call.visit.state.db.read(quarantine::list)?;
    Answer::json(&json!({ "quarantine": entries }))
}

/// Has a row in quarantine sent again. 404 `quarantine`.
pub async fn retry(call: Call) -> Result<Answer> {
    settle(call, quarantine::retry).await
}

/// Gives a row in quarantine up as it stands: the rest of its write is mirrored, the row not before it changes. 404
/// `quarantine`.
pub async fn drop(call: Call) -> Result<Answer> {
    settle(call, quarantine::drop).await
}

async fn settle(call: Call, how: fn(&mut WriteTx, i64) -> Result<()>) -> Result<Answer> {
    check(call.actor())?;
    let not_there = || Error::not_found("quarantine", "There is no such row in quarantine");
    let id: i64 = call.visit.segment("entry").parse().map_err(|_| not_there())?;
    call.write(move |tx, actor| {
        check(actor)?;
        how(tx, id)?;
        Ok(Answer::success())
    })
    .await
}

/// The mirror's figures in the text format of Prometheus.
pub async fn metrics(call: Call) -> Result<HttpResponse> {
    check(call.actor())?;
    let state = &call.visit.state;
    let text = state.db.read(|tx| metrics_text(tx, state.mirror.counts()))?;
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text))
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
    let (ca, given, own) = (state.hub_ca.clone(), url.clone(), state.db.read(sync_state::enrolment)?);
    let enrolled = actix_web::web::block(move || link::enroll(own.as_ref(), &given, &code, ca.as_deref())).await;
    let enrolled = enrolled.map_err(|_| Error::Busy)?.map_err(|error| Error::conflict("hub", error))?;
    let (enrolment, position) = link::sealed(&url, &enrolled, &state.sealer)?;
    let author: Author = call.visit.author();
    state.db.write(author, move |tx| sync_state::enroll(tx, &enrolment, &position)).await?;
    sync(call).await
}
