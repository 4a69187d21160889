//! `/local/session`: the session of the console, in a cookie of its own.

use schemars::JsonSchema;
use serde::Serialize;

use super::auth::{CookieResponse, token_of};
use super::login::log_in_to_console;
use crate::auth::session_cache::Identity;
use crate::db::{Author, WriteTx, with_kept_room};
use crate::domain::access::Level;
use crate::domain::customer::Feature;
use crate::domain::employee::Language;
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::{customers, employees};
use crate::usecases::login;
use crate::usecases::session_answer::SessionAnswer;
use crate::web::browser::{is_cookie_trusted, is_of_another_page};
use crate::web::console_cookie;
use crate::web::request::RequestContext;
use crate::web::response::ApiResponse;

/// Who works in the console. The token of the session is in the cookie alone.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleSession {
    /// What kind of server this is; a hub has a console too.
    #[schemars(extend("enum" = ["server"]), example = &"server")]
    kind: &'static str,
    /// What every change has in its header `X-CSRF-Token`.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    #[schemars(example = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    csrf_token: String,
    /// The session ends when it has not been used for that long.
    #[schemars(extend("enum" = [15]), example = 15)]
    expires_in_minutes: i32,
    employee: ConsoleEmployee,
}

/// Who has logged in.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleEmployee {
    #[serde(rename = "_id")]
    id: Id,
    /// Name of the employee.
    #[schemars(example = "Anna Manager")]
    name: String,
    /// The employee's customer.
    customer: Id,
    /// Name of the customer.
    #[schemars(example = "Demo Bakery")]
    customer_name: String,
    /// Features of the customer.
    #[schemars(with = "Vec<Feature>")]
    customer_features: Vec<String>,
    access_level: Level,
    /// Language of the employee.
    #[schemars(extend("enum" = Language::NAMES), example = &"en")]
    language: &'static str,
}

/// Logs in as api:auth:login does, with its errors, and sets the cookie. 403 `csrf` for a page of another origin, which could have
/// its visitor work here under the page's own name.
pub async fn open(context: RequestContext) -> Result<CookieResponse> {
    if is_of_another_page(&context.request) {
        let message = "A session of the console is opened by pages of this server alone";
        return Err(Error::Forbidden { code: "csrf", message: message.into() });
    }
    let given = context.object()?;
    // A page of another origin can send a body without a type.
    if !is_cookie_trusted(&context.request) {
        return Err(Error::UnsupportedMediaType);
    }
    let opened = log_in_to_console(&context, &given).await?;
    let token = token_of(&opened).ok_or_else(|| Error::internal("a login without a token"))?;
    let state = &context.state;
    let identity = state.session_cache.check(&state.db, &token, &context.address())?;
    let response = ApiResponse { is_replay: opened.is_replay, ..shown(&context, &identity, &token)? };
    let cookie = console_cookie::cookie(console_cookie::NAME, token, context.state.is_tls);
    Ok(CookieResponse { response, cookie: Some(cookie) })
}

/// Whose session the cookie stands for. 401 without one.
pub async fn get(context: RequestContext) -> Result<ApiResponse> {
    let (identity, token) = context.authenticate_console().await?;
    shown(&context, &identity, &token)
}

/// Ends this session, and no other of the employee. 401 without one, 403 `csrf`.
pub async fn close(context: RequestContext) -> Result<CookieResponse> {
    let (identity, _) = context.authenticate_console().await?;
    context.delete_query(&[])?;
    let author = Author {
        actor: Some(identity.actor.clone()),
        token: Some(identity.token),
        takes_access_away: true,
        ..context.author()
    };
    let end = |tx: &mut WriteTx| login::end_session(tx);
    with_kept_room(async || context.state.db.write(author.clone(), end).await).await?;
    let cookie = console_cookie::removal(console_cookie::NAME, context.state.is_tls);
    Ok(CookieResponse { response: ApiResponse::success(), cookie: Some(cookie) })
}

fn shown(context: &RequestContext, identity: &Identity, token: &str) -> Result<ApiResponse> {
    let id = identity.actor.employee;
    let answer = context.state.db.read(|tx| {
        let employee = employees::find(tx, id)?.ok_or_else(login::refused)?;
        SessionAnswer::of(tx, &employee, &customers::get(tx, employee.customer)?, false)
    })?;
    let SessionAnswer { expires_in_minutes, employee, customer, access_level, extended } = answer;
    let employee = ConsoleEmployee {
        id: employee,
        name: extended.name,
        customer,
        customer_name: extended.customer_name,
        customer_features: extended.customer_features,
        access_level,
        language: extended.language,
    };
    let csrf_token = console_cookie::csrf_token(&context.state.sealer, token)?;
    let session = ConsoleSession { kind: "server", csrf_token, expires_in_minutes, employee };
    Ok(ApiResponse::json(&session)?.secret())
}
