//! `/auth/validateToken`

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::access::Level;
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::{customers, employees};
use crate::usecases::login;
use crate::usecases::session_answer::Extended;
use crate::web::platform_token;
use crate::web::request::RequestContext;
use crate::web::response::ApiResponse;

/// api:auth:validatetoken. Anybody may ask; asking does not prolong the session.
/// With `simple` the answer is the status alone: 200 or 403.
pub async fn validate_token(context: RequestContext) -> Result<ApiResponse> {
    let query = context.query();
    let (is_simple, extend) = (query.flag("simple")?, query.flag("extend")?);
    let ip = query.address("ip")?;
    let checked = check_token(&context, query.get("token"), ip.as_deref(), extend).await;
    match (is_simple, checked) {
        (true, Ok(_)) => Ok(ApiResponse::raw(vec![])),
        (true, Err(Error::Unauthenticated { .. })) => {
            Err(Error::Forbidden { code: "invalid_token", message: "Token is not valid".into() })
        }
        (_, checked) => checked,
    }
}

async fn check_token(
    context: &RequestContext,
    given: Option<&str>,
    ip: Option<&str>,
    extend: bool,
) -> Result<ApiResponse> {
    let token = match given {
        Some(token) => token.to_owned(),
        None => context.token()?.ok_or_else(login::refused)?,
    };
    let state = &context.state;
    let address = ip.map_or_else(|| context.address(), str::to_owned);
    let known = state.session_cache.check(&state.db, &token, &address);
    let identity = match platform_token::is_settled(state, &known) {
        true => known?,
        false => {
            platform_token::confirm(state, &token, &address).await?;
            state.session_cache.check(&state.db, &token, &address)?
        }
    };
    let is_elsewhere = identity.session().is_some_and(|session| ip.is_some_and(|ip| ip != session.login_ip));
    if is_elsewhere {
        return Err(Error::Unauthenticated { code: "invalid_token", message: "IP address not authenticated" });
    }
    let actor = &identity.actor;
    let extended = match extend {
        true => Some(state.db.read(|tx| {
            let employee = employees::get(tx, actor.employee)?;
            Extended::of(tx, &employee, &customers::get(tx, actor.customer)?)
        })?),
        false => None,
    };
    let (employee, customer, access_level) = (actor.employee, actor.customer, actor.level);
    let validity = TokenValidity { success: true, employee, customer, access_level, extended };
    Ok(ApiResponse::json(&validity)?.secret())
}

/// Whom a valid token stands for. What follows `accessLevel` is there only with `extend`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenValidity {
    /// The token is valid.
    success: bool,
    /// The employee that the token belongs to.
    employee: Id,
    /// The employee's customer.
    customer: Id,
    access_level: Level,
    #[serde(flatten)]
    extended: Option<Extended>,
}
