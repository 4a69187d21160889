//! `/pbx/app/action` and `/sms`: what the app asks the PBX and the gateway for. While the server works with a platform, both are there.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::forward;
use crate::db::ReadTx;
use crate::error::Result;
use crate::usecases::app_actions::{self, AppAction};
use crate::usecases::{intents, text_messages};
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

fn is_connected(tx: &ReadTx) -> Result<bool> {
    intents::is_connected(tx)
}

async fn act(request: HttpRequest, payload: web::Payload, page: &'static str, action: AppAction) -> HttpResponse {
    let here = async |call: AuthenticatedRequest| act_here(call, action).await;
    forward::unless_here(request, payload, page, is_connected, here).await
}

async fn act_here(call: AuthenticatedRequest, action: AppAction) -> Result<ApiResponse> {
    let (query, state) = (call.context.query(), call.context.state.clone());
    let done = call.write(move |tx, actor| {
        let given = |name: &str| query.get(name).map(|value| value.trim().to_owned());
        let entry = app_actions::perform(tx, actor, action, &given)?;
        match action {
            // As the page shows it: the host, and two numbers.
            AppAction::Call => {
                let id = format!("localhost:{}.{entry}", tx.now.millis() / 1_000);
                ApiResponse::json(&json!({ "success": true, "_id": id }))
            }
            _ => Ok(ApiResponse::success()),
        }
    });
    let response = done.await?;
    state.outbox_changed();
    Ok(response)
}

/// api:pbx:app:action:call
pub async fn call(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    act(request, payload, "api:pbx:app:action:call", AppAction::Call).await
}

/// api:pbx:app:action:hangup
pub async fn hangup(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    act(request, payload, "api:pbx:app:action:hangup", AppAction::Hangup).await
}

/// api:pbx:app:action:transfer
pub async fn transfer(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    act(request, payload, "api:pbx:app:action:transfer", AppAction::Transfer).await
}

/// api:pbx:app:action:steal
pub async fn steal(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    act(request, payload, "api:pbx:app:action:steal", AppAction::Steal).await
}

/// api:pbx:app:action:pickup
pub async fn pickup(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    act(request, payload, "api:pbx:app:action:pickup", AppAction::Pickup).await
}

/// api:pbx:app:action:queuepickup
pub async fn queue_pickup(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    act(request, payload, "api:pbx:app:action:queuepickup", AppAction::QueuePickup).await
}

/// api:sms:send
pub async fn send_sms(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let here = async |call: AuthenticatedRequest| send_here(call).await;
    forward::unless_here(request, payload, "api:sms:send", is_connected, here).await
}

async fn send_here(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let (body, state) = (call.context.object()?, call.context.state.clone());
    let sent = call.write(move |tx, actor| {
        let recipients = text_messages::send(tx, actor, &body)?;
        ApiResponse::json(&json!({ "success": true, "recipients": recipients }))
    });
    let response = sent.await?;
    state.outbox_changed();
    Ok(response)
}
