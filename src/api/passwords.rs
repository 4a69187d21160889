//! New passwords by a link: `/auth/reset`, `/auth/setpassword`, `/employee/ID/resetpassword`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::forward;
use crate::auth::contexts::PLATFORM_PASSWORD;
use crate::auth::secrets::token_hash;
use crate::db::Author;
use crate::domain::employee::password as read_password;
use crate::domain::fields::{Fields, read_body};
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::usecases::intents;
use crate::usecases::password_reset::{self, Method};
use crate::web::idempotency::once;
use crate::web::request::{AuthenticatedRequest, RequestContext};
use crate::web::response::ApiResponse;

/// The arguments of a GET as the body of the POST.
fn arguments(context: &RequestContext) -> Map<String, Value> {
    context.query().pairs().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}

/// api:auth:reset, with a JSON body.
pub async fn reset_post(context: RequestContext) -> Result<ApiResponse> {
    let body = context.object()?;
    reset(context, &body).await
}

/// api:auth:reset, with arguments of the same names.
pub async fn reset_get(context: RequestContext) -> Result<ApiResponse> {
    let body = arguments(&context);
    reset(context, &body).await
}

/// A name that nobody has is answered as one that somebody has, after as much work.
async fn reset(context: RequestContext, body: &Map<String, Value>) -> Result<ApiResponse> {
    let (name, method) = read_body(body, |fields: &mut Fields| {
        fields.require(&["username"]);
        let (mut name, mut method) = (String::new(), Method::Email);
        fields.required_lines("username", 1, 1_000, &mut name);
        fields.choice("method", Method::parse, Method::NAMES, &mut method);
        (name.trim().to_owned(), method)
    })?;
    let state = context.state.clone().into_inner();
    let now = state.db.clock().uptime();
    // Each request counts as a failed login does, but not against logins of the name.
    drop(state.login_throttle.begin(&format!("reset {name}"), &context.address(), now)?);
    let key = context.idempotency_key(&format!("reset {}", context.address()))?;
    let link = state.outgoing.new_link()?;
    let (letters, letter) = oneshot::channel();
    let (sealer, asked) = (state.sealer.clone(), state.clone());
    let author = Author { called: Some("Somebody".into()), ..context.author() };
    let written = state.db.write(author, move |tx| {
        once(tx, &sealer, key, |tx| {
            let letter = password_reset::request(tx, &name, method, link)?;
            if letter.is_none() && asked.outgoing.reset_requests.is_known(&name, now) {
                return Err(password_reset::too_soon());
            }
            let method =
                if letter.as_ref().is_some_and(|letter| !letter.is_mail) { Method::Sms } else { Method::Email };
            if let Some(letter) = letter {
                let _ = letters.send(letter);
            }
            ApiResponse::json(&json!({ "success": true, "method": method.name() }))
        })
    });
    let response = written.await?;
    deliver(&context, letter).await;
    Ok(response)
}

/// Hands over what a committed write has put into the outbox; nothing for an answer that was stored.
async fn deliver(context: &RequestContext, mut letter: oneshot::Receiver<crate::domain::outbox::Letter>) {
    if let Ok(letter) = letter.try_recv() {
        context.state.hand_over(letter).await;
    }
}

/// api:auth:setpassword, with a JSON body.
pub async fn set_post(context: RequestContext) -> Result<ApiResponse> {
    let body = context.object()?;
    set(context, &body).await
}

/// api:auth:setpassword, with arguments of the same names.
pub async fn set_get(context: RequestContext) -> Result<ApiResponse> {
    let body = arguments(&context);
    set(context, &body).await
}

async fn set(context: RequestContext, body: &Map<String, Value>) -> Result<ApiResponse> {
    let (token, password) = read_body(body, |fields: &mut Fields| {
        fields.require(&["token", "password"]);
        let mut token = String::new();
        fields.required_lines("token", 1, 1_000, &mut token);
        (token, read_password(fields))
    })?;
    let Some(password) = password else { return Err(Error::internal("a password that was not refused")) };
    let (state, hash) = (context.state.clone().into_inner(), token_hash(token.trim()));
    let key = context.idempotency_key(&format!("setpassword {}", context.address()))?;
    let is_repeated = key.is_some();
    // Only for a link that is good is a password hashed: else anybody could keep the logins waiting. A repeat may have spent it.
    let found = state.db.read(|tx| password_reset::owner_of_link(tx, hash.as_ref()));
    let owner = match found {
        Ok(owner) => Some(owner),
        Err(error) if !is_repeated => return Err(error),
        Err(_) => None,
    };
    let sealed = state.sealer.seal(PLATFORM_PASSWORD, password.as_bytes())?;
    let hashed = if owner.is_some() { state.passwords.hash(password).await? } else { String::new() };
    let called = owner.map_or_else(|| "Somebody".to_owned(), |owner| owner.name);
    let author = Author { called: Some(called), ..context.author() };
    let sealer = state.sealer.clone();
    let written = state.db.write(author, move |tx| {
        once(tx, &sealer, key, |tx| {
            let hash = match hash {
                Some(hash) if !hashed.is_empty() => hash,
                given => {
                    password_reset::owner_of_link(tx, given.as_ref())?;
                    return Err(Error::Unavailable("The link has just become good: try again"));
                }
            };
            password_reset::set(tx, &hash, &hashed, &sealed)?;
            Ok(ApiResponse::success())
        })
    });
    written.await
}

/// api:employee:reset-password. Mails a link. An employee whose password the platform keeps gets one from there.
pub async fn send(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let id: Option<Id> = request.match_info().get("employee").and_then(|id| id.parse().ok());
    forward::unless_here(
        request,
        payload,
        "api:employee:reset-password",
        move |tx| id.map_or(Ok(false), |id| intents::is_of_platform(tx, id)),
        async |call: AuthenticatedRequest| send_here(call).await,
    )
    .await
}

async fn send_here(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let malformed = |_| Error::BadRequest { code: "employee", message: "Employee id not found in request URI".into() };
    let id: Id = call.context.segment("employee").parse().map_err(malformed)?;
    let state = call.context.state.clone();
    let link = state.outgoing.new_link()?;
    let (letters, mut letter) = oneshot::channel();
    let written = call.write(move |tx, actor| {
        let _ = letters.send(password_reset::send(tx, actor, id, link)?);
        Ok(ApiResponse::success())
    });
    let response = written.await?;
    if let Ok(letter) = letter.try_recv() {
        state.hand_over(letter).await;
    }
    Ok(response)
}
