//! Both central sides, hub and platform, for the operators of this server: RESELLER_ADMIN and ADMIN.

use actix_web::HttpResponse;
use anyhow::anyhow;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::db::WriteTx;
use crate::domain::access::{Actor, Level};
use crate::domain::audit::Action;
use crate::domain::fields::read_body;
use crate::error::{Check, Error, Result, in_one_line};
use crate::platform::status::{metrics as platform_metrics, status as platform_status};
use crate::store::proposals::{self, AnsweredProposal};
use crate::store::quarantine::{self, QuarantineEntry};
use crate::store::{platform, sync_state};
use crate::sync::edge::enrolment::{self, EnrolmentError};
use crate::sync::edge::metrics::{CONTENT_TYPE, metrics as metrics_text};
use crate::sync::edge::status::status as mirror_status;
use crate::sync::http_agent::{HUB, check_url};
use crate::usecases::hub_enrolment;
use crate::web::figures::figures;
use crate::web::request::{AuthenticatedRequest, RequestContext};
use crate::web::response::ApiResponse;

fn check(actor: &Actor) -> Result<()> {
    if actor.level >= Level::ResellerAdmin { Ok(()) } else { Err(Error::access_denied()) }
}

/// Runs `work` to completion in the background; `None` when a request may not wait for it any longer. A hub may take
/// minutes to answer.
async fn wait_for<T: 'static>(request: &AuthenticatedRequest, work: impl Future<Output = T> + 'static) -> Option<T> {
    let patience = request.context.state.request_timeout.mul_f64(0.8);
    tokio::time::timeout(patience, actix_web::rt::spawn(work)).await.ok()?.ok()
}

/// 409 `hub`: why the hub could not do it.
fn hub_conflict(why: &anyhow::Error) -> Error {
    Error::conflict("hub", in_one_line(why.as_ref()))
}

/// Exchanges now with the hub, with the platform, or with both; answers how it stands then, `lastError` with it. `acceptDeletes`:
/// what is gone at the platform is deleted here, however much it is. 409 `hub` with neither.
pub async fn sync(request: AuthenticatedRequest) -> Result<ApiResponse> {
    check(request.actor())?;
    let accepts_deletes = request.context.query().flag("acceptDeletes")?;
    let (has_hub, has_platform) =
        request.context.state.db.read(|tx| Ok((sync_state::enrolment(tx)?.is_some(), platform::is_connected(tx)?)))?;
    if !has_hub && !has_platform {
        let message = "This server is not enrolled with a hub, nor connected with the platform: see sync enroll and platform connect";
        return Err(Error::conflict("hub", message));
    }
    let state = request.context.state.clone();
    let both = async move {
        let hub = async { if has_hub { Some(state.mirror.sync().await) } else { None } };
        let platform = async {
            if has_platform { Some(state.platform_worker.sync(accepts_deletes).await.map(|_| ())) } else { None }
        };
        tokio::join!(hub, platform)
    };
    let outcome = wait_for(&request, both).await;
    // What went wrong is part of the answer.
    let mut status = stands(&request)?;
    let Some((hub, platform)) = outcome else {
        status["lastError"] = "the exchange takes longer than a request may: it goes on".into();
        return ApiResponse::json(&status);
    };
    if let Some(Err(error)) = hub {
        status["lastError"] = in_one_line(error.as_ref()).into();
    }
    if let Some(Err(error)) = platform {
        status["platform"]["lastError"] = in_one_line(error.as_ref()).into();
    }
    ApiResponse::json(&status)
}

/// `consistent` (the hub has exactly what is here), `acked`, `high`, `lagChanges`, `lagSeconds`, `lastSuccess`,
/// `lastError`, `quarantine`, and since when; `platform`: how it stands with the platform.
pub async fn status(request: AuthenticatedRequest) -> Result<ApiResponse> {
    check(request.actor())?;
    ApiResponse::json(&stands(&request)?)
}

fn stands(request: &AuthenticatedRequest) -> Result<Value> {
    let state = &request.context.state;
    let mut status = state.db.read(|tx| mirror_status(tx, state.hub.silent_alarm_ms))?;
    let health = state.platform_worker.health();
    status["platform"] = state.db.read(|tx| platform_status(tx, Some(&health)))?;
    // On a full disk it may be that it could not be written down.
    if let Some(trouble) = state.mirror.last_error() {
        status["lastError"] = trouble.into();
    }
    Ok(status)
}

/// Compares everything with the hub: `equal`, `rows`, `bytes`, `differences`, and some of those by name. 409 `hub` when
/// they could not be compared, or not within the time that a request may take.
pub async fn verify(request: AuthenticatedRequest) -> Result<ApiResponse> {
    check(request.actor())?;
    let state = request.context.state.clone();
    let proof = wait_for(&request, async move { state.mirror.verify().await }).await;
    let late =
        || anyhow!("the comparison takes longer than a request may: it goes on, and lastProof shows when it is done");
    ApiResponse::json(&proof.unwrap_or_else(|| Err(late())).map_err(|why| hub_conflict(&why))?)
}

/// Replaces this server's token for its hub; the hub revokes the one before. Only for ADMIN, in person. 409 `hub` when it did
/// not succeed: the server has a token that is good all the same, and the call can be repeated.
pub async fn rotate_token(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let (state, author, actor) = (request.context.state.clone(), request.author(), request.actor().clone());
    state.db.write(author.clone(), move |tx| hub_enrolment::allow_to(tx, &actor, Action::RotateHubToken)).await?;
    let rotated = wait_for(&request, async move { state.mirror.rotate_token(author).await }).await;
    let late = || Err(anyhow!("the hub has not answered yet: the rotation goes on"));
    rotated.unwrap_or_else(late).map_err(|why| hub_conflict(&why))?;
    Ok(ApiResponse::success())
}

/// Rows that the hub could not take.
#[derive(Serialize, JsonSchema)]
pub struct SyncQuarantine {
    quarantine: Vec<QuarantineEntry>,
}

/// Rows that the hub could not take: `{ "quarantine": [ { "id", "table", "row", "code", "detail", … } ] }`.
pub async fn quarantine(request: AuthenticatedRequest) -> Result<ApiResponse> {
    check(request.actor())?;
    let quarantine = request.context.state.db.read(quarantine::list)?;
    ApiResponse::json(&SyncQuarantine { quarantine })
}

/// A page of proposals.
#[derive(Serialize, JsonSchema)]
pub struct SyncProposals {
    /// How many were skipped.
    #[schemars(range(min = 0), extend("default" = 0), example = 0)]
    offset: i64,
    /// The most that this page may hold.
    #[schemars(range(min = 1, max = 500), extend("default" = 100), example = 100)]
    limit: i64,
    /// How many there are in all, whatever `offset` and `limit` are.
    #[schemars(range(min = 0), example = 1)]
    total: i64,
    proposals: Vec<AnsweredProposal>,
}

/// What the hub has proposed, and how that was answered, the newest answer first.
pub async fn proposals(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let window = request.context.query().window(100, 500)?;
    request
        .read_list(move |tx, actor| {
            check(actor)?;
            let page = proposals::list(tx, window)?;
            let (offset, limit, total) = (window.offset, window.limit, page.total);
            ApiResponse::json(&SyncProposals { offset, limit, total, proposals: page.rows })
        })
        .await
}

/// Has a row in quarantine sent again. 404 `quarantine`.
pub async fn retry(request: AuthenticatedRequest) -> Result<ApiResponse> {
    settle(request, quarantine::retry).await
}

/// Drops a row from quarantine: the rest of its write is mirrored, the row itself only when it changes again. 404
/// `quarantine`.
pub async fn drop(request: AuthenticatedRequest) -> Result<ApiResponse> {
    settle(request, quarantine::drop).await
}

async fn settle(request: AuthenticatedRequest, how: fn(&mut WriteTx, i64) -> Result<()>) -> Result<ApiResponse> {
    check(request.actor())?;
    let not_there = || Error::not_found("quarantine", "There is no such row in quarantine");
    let id: i64 = request.context.segment("entry").parse().map_err(|_| not_there())?;
    request
        .write(move |tx, actor| {
            check(actor)?;
            how(tx, id)?;
            Ok(ApiResponse::success())
        })
        .await
}

/// Accepts the metrics token, else requires the access level of the other calls here.
async fn allow_metrics(request: &RequestContext) -> Result<()> {
    let token = request.token()?;
    let own = request.state.metrics_token.as_ref().zip(token);
    if own.is_some_and(|(own, given)| own.is(&given)) {
        return Ok(());
    }
    check(&request.authenticate().await?.actor)
}

/// The figures of the mirror and of the server in the text format of Prometheus.
pub async fn metrics(request: RequestContext) -> Result<HttpResponse> {
    allow_metrics(&request).await?;
    let state = &request.state;
    let text = state.db.read(|tx| metrics_text(tx, state.mirror.counts(), state.hub.silent_alarm_ms))?;
    let health = state.platform_worker.health();
    let text = text + &state.db.read(|tx| platform_metrics(tx, &health))?;
    let text = text + &figures(&state.db, &state.requests, state.backups.as_deref(), state.certificate_file.as_deref());
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text))
}

/// `{ "url", "code", "currentHub"? }`: enrols with a hub. The code is spent; what an earlier hub had is left to it. Only for
/// ADMIN; a server that has a hub leaves it only when `currentHub` names that one.
pub async fn enroll(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let (state, author, actor) = (request.context.state.clone(), request.author(), request.actor().clone());
    state.db.write(author.clone(), move |tx| hub_enrolment::allow(tx, &actor)).await?;
    let body = request.context.object()?;
    let (url, code, current) = read_body(&body, |fields| {
        let (mut url, mut code, mut current) = (String::new(), String::new(), None);
        fields.require(&["url", "code"]);
        fields.required_text("url", 1, 2_000, &mut url);
        fields.required_text("code", 1, 200, &mut code);
        fields.text("currentHub", &mut current);
        if !url.is_empty()
            && let Err(wrong) = check_url(&url, HUB, state.hub.is_insecure)
        {
            fields.fault("url", Check::Format, in_one_line(wrong.as_ref()));
        }
        (url, code, current)
    })?;
    let goal = url.clone();
    let check = move |tx: &mut WriteTx| hub_enrolment::check_leave(tx, &goal, current.as_deref());
    state.db.write(author.clone(), check).await?;
    // The code is spent once the hub has seen it: its token must be stored even if the caller has gone.
    let enrolled = wait_for(&request, async move {
        let (sealer, settings) = (state.sealer.clone(), state.hub.clone());
        match enrolment::enroll(&state.db, sealer, author, url, code, settings).await {
            Ok(_) => Ok(()),
            Err(EnrolmentError::Refused(why)) => Err(hub_conflict(&why)),
            Err(EnrolmentError::Unreadable(cause) | EnrolmentError::NotStored { cause, .. }) => Err(cause),
        }
    });
    let late = || Err(Error::conflict("hub", "The hub has not answered yet: see GET /sync/status in a while"));
    enrolled.await.unwrap_or_else(late)?;
    sync(request).await
}
