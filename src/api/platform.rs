//! The work with the platform, for the operators of this server: RESELLER_ADMIN and ADMIN.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::db::WriteTx;
use crate::domain::audit::Action;
use crate::domain::fields::read_body;
use crate::domain::id::Id;
use crate::domain::platform::{Call, Operation, OperationState};
use crate::domain::time::Time;
use crate::error::{Check, Error, Result, in_one_line};
use crate::platform::api::Credential;
use crate::platform::connect::{self, Target};
use crate::platform::outcome;
use crate::store::platform::operations;
use crate::usecases::platform_connection::{self, allow_operator};
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// A change made here that is to be made at the platform.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformOperation {
    /// Its place in the queue.
    id: i64,
    /// The documented call that it is.
    call: Call,
    state: OperationState,
    /// The customer whose queue it is in.
    customer: Id,
    /// The object that it changes.
    target: Id,
    /// Of a copy: whose config.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Id>,
    /// The changed fields as they were here.
    #[serde(skip_serializing_if = "Map::is_empty")]
    was: Map<String, Value>,
    /// The changed fields as they are to be.
    #[serde(skip_serializing_if = "Map::is_empty")]
    mine: Map<String, Value>,
    /// Of a conflict: what the platform holds of them; null when the object is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    theirs: Option<Value>,
    /// The platform's own error, or why it has not been sent yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    /// How often it was sent.
    tries: i64,
    created_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_tried: Option<Time>,
    /// What the audit trail has it under.
    operation: String,
}

impl PlatformOperation {
    fn of(operation: &Operation) -> PlatformOperation {
        let (was, mine, theirs) = outcome::sides(operation);
        let error = operation.error.as_ref();
        PlatformOperation {
            id: operation.seq,
            call: operation.call,
            state: operation.state,
            customer: operation.customer,
            target: operation.target,
            from: operation.change.from,
            was,
            mine,
            theirs: (operation.state == OperationState::Conflict).then_some(theirs),
            error: error.map(|text| serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into())),
            tries: operation.tries,
            created_at: operation.created_at,
            last_tried: operation.last_tried,
            operation: operation.operation.clone(),
        }
    }
}

/// A page of the queue.
#[derive(Serialize, JsonSchema)]
pub struct PlatformOperations {
    offset: i64,
    limit: i64,
    total: i64,
    operations: Vec<PlatformOperation>,
}

/// What has not been settled with the platform, in the order in which it was done here; `state` narrows it.
pub async fn list_operations(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = request.context.query();
    let window = query.window(100, 500)?;
    let state = query.get("state").map(|name| {
        OperationState::parse(name).ok_or_else(|| {
            Error::invalid("state", Check::Enum, "state must be one of waiting, conflict, refused, local")
        })
    });
    let state = state.transpose()?;
    request
        .read_list(move |tx, actor| {
            allow_operator(actor)?;
            page(operations::list(tx, state, window)?, window)
        })
        .await
}

/// Changes that both sides have made: what it was, what it is here (`mine`), and what it is there (`theirs`).
pub async fn list_conflicts(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let window = request.context.query().window(100, 500)?;
    request
        .read_list(move |tx, actor| {
            allow_operator(actor)?;
            page(operations::list(tx, Some(OperationState::Conflict), window)?, window)
        })
        .await
}

fn page(page: crate::store::Page<Operation>, window: crate::store::Window) -> Result<ApiResponse> {
    let operations = page.rows.iter().map(PlatformOperation::of).collect();
    let (offset, limit, total) = (window.offset, window.limit, page.total);
    ApiResponse::json(&PlatformOperations { offset, limit, total, operations })
}

/// Settles a conflict: what was changed here is sent all the same. 404 `conflict`.
pub async fn take_mine(request: AuthenticatedRequest) -> Result<ApiResponse> {
    settle(request, "mine: it is sent", |tx, seq| outcome::decide(tx, seq, true)).await
}

/// Settles a conflict: what was changed here is given up. 404 `conflict`.
pub async fn take_theirs(request: AuthenticatedRequest) -> Result<ApiResponse> {
    settle(request, "theirs: it is given up", |tx, seq| outcome::decide(tx, seq, false)).await
}

/// Has a refused operation sent again. 404 `operation`, 409 `operation` for one in conflict.
pub async fn retry(request: AuthenticatedRequest) -> Result<ApiResponse> {
    settle(request, "sent again", outcome::retry).await
}

/// Gives up an operation: what it changed here is put back to what the platform holds. 404 `operation`.
pub async fn drop(request: AuthenticatedRequest) -> Result<ApiResponse> {
    settle(request, "dropped", outcome::drop_operation).await
}

async fn settle(
    request: AuthenticatedRequest,
    decided: &'static str,
    how: fn(&mut WriteTx, i64) -> Result<()>,
) -> Result<ApiResponse> {
    let seq: i64 = request.context.segment("entry").parse().unwrap_or(0);
    let state = request.context.state.clone();
    let settled = request.write(move |tx, actor| {
        allow_operator(actor)?;
        how(tx, seq)?;
        platform_connection::record_decision(tx, seq, decided)?;
        Ok(ApiResponse::success())
    });
    let settled = settled.await?;
    state.platform_worker.wake();
    Ok(settled)
}

/// The platform to connect with: `username` and `password`, or `token`.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "the schema of what is read as fields")]
pub struct PlatformConnect {
    /// Where the platform is, such as `https://api.telecomx.dk`.
    #[schemars(length(min = 1))]
    pub url: String,
    /// User name of the account.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// A machine-to-machine token, in the place of both.
    pub token: Option<String>,
}

/// Tries an account at the platform, and works with it from now on. Only for ADMIN, in person. 409 `platform`: why it cannot be
/// used.
pub async fn connect_platform(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let (state, author, actor) = (request.context.state.clone(), request.author(), request.actor().clone());
    let check = move |tx: &mut WriteTx| platform_connection::allow(tx, &actor, Action::Connect);
    state.db.write(author.clone(), check).await?;
    let target = read_target(&request.context.object()?)?;
    let settings = state.platform.settings.clone();
    let tried = actix_web::web::block(move || connect::try_out(&target, &settings).map(|_| target));
    let tried = tried.await.map_err(|error| Error::Internal(Box::new(error)))?;
    let target = tried.map_err(|why| Error::conflict("platform", in_one_line(why.as_ref())))?;
    connect::store(&state.db, &state.sealer, author, &target, &state.platform.settings).await?;
    state.platform_worker.reload();
    Ok(ApiResponse::success())
}

fn read_target(body: &Map<String, Value>) -> Result<Target> {
    let (url, credential) = read_body(body, |fields| {
        let (mut url, mut username, mut password, mut token) = (String::new(), None, None, None);
        fields.require(&["url"]);
        fields.required_text("url", 1, 2_000, &mut url);
        fields.text_within("username", 1, 1_000, &mut username);
        fields.text_within("password", 1, 1_000, &mut password);
        fields.text_within("token", 1, 4_096, &mut token);
        let credential = match (username, password, token) {
            (None, None, Some(token)) => Some(Credential::Token(token)),
            (Some(username), Some(password), None) => Some(Credential::Password { username, password }),
            _ => {
                fields.fault("username", Check::Required, "Give username and password, or token");
                None
            }
        };
        (url, credential)
    })?;
    let credential = credential.ok_or_else(|| Error::bad_request("Request not valid"))?;
    Ok(Target { url, credential })
}

/// Ends the work with the platform; everything stays here. Only for ADMIN, in person. 409 `platform` while changes wait for it,
/// unless `force` gives them up.
pub async fn disconnect_platform(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let body = request.context.object_or_empty()?;
    let force = read_body(&body, |fields| {
        let mut force = false;
        fields.flag("force", &mut force);
        force
    });
    let state = request.context.state.clone();
    let ended = request.write(move |tx, actor| {
        platform_connection::allow(tx, actor, Action::Disconnect)?;
        platform_connection::disconnect(tx, force?)?;
        Ok(ApiResponse::success())
    });
    let ended = ended.await?;
    state.platform_worker.reload();
    Ok(ended)
}

/// Whether changes that wait for the platform are given up.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "the schema of what is read as fields")]
pub struct PlatformDisconnect {
    /// Give up changes that the platform does not have yet.
    pub force: Option<bool>,
}
