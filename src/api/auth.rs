//! `/auth`: login, logout, impersonation.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpRequest, HttpResponse, Responder};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::auth::passwords::Verified;
use crate::auth::secrets::{new_token, token_hash};
use crate::db::{Author, ReadTx, WriteTx, with_kept_room};
use crate::domain::fields::{Fields, read_body};
use crate::domain::id::Id;
use crate::error::{Check, Error, Result};
use crate::usecases::login::{self, LoginOutcome};
use crate::usecases::session_answer::SessionAnswer;
use crate::web::browser::is_cookie_trusted;
use crate::web::idempotency;
use crate::web::request::{AuthenticatedRequest, COOKIE, RequestContext};
use crate::web::response::ApiResponse;

/// api:auth:login, with a JSON body.
pub async fn login_post(context: RequestContext) -> Result<CookieResponse> {
    let body = context.object()?;
    log_in(context, &body).await
}

/// api:auth:login, with query arguments of the same names.
pub async fn login_get(context: RequestContext) -> Result<CookieResponse> {
    let text = |(name, value): (&str, &str)| (name.to_owned(), Value::from(value));
    let body: Map<String, Value> = context.query().pairs().map(text).collect();
    log_in(context, &body).await
}

struct Credentials {
    username: String,
    password: String,
    authenticator_token: Option<String>,
    cookie: bool,
    persist: bool,
}

fn read_credentials(body: &Map<String, Value>) -> Result<Credentials> {
    read_body(body, |fields| {
        fields.require(&["username", "password"]);
        let (mut username, mut password) = (String::new(), String::new());
        fields.required_lines("username", 1, 1_000, &mut username);
        fields.required_lines("password", 1, 1_000, &mut password);
        let mut authenticator_token = None;
        fields.text("authenticatorToken", &mut authenticator_token);
        fields.text("smsKey", &mut None);
        let (cookie, persist) = (lenient_flag(fields, "cookie"), lenient_flag(fields, "persist"));
        // Blanks around a name come with copying it, those inside a code from how apps show it.
        let username = username.trim().to_owned();
        let authenticator_token = authenticator_token.map(|code: String| code.split_whitespace().collect());
        Credentials { username, password, authenticator_token, cookie, persist }
    })
}

/// A flag as the page's examples write it: `true`, `1`, or the same as text.
fn lenient_flag(fields: &mut Fields, name: &str) -> bool {
    match fields.value(name).map(|value| value.to_string()).as_deref().map(|text| text.trim_matches('"')) {
        Some("true" | "1") => true,
        None | Some("false" | "0" | "null" | "") => false,
        Some(_) => {
            fields.fault(name, Check::Type, format!("{name} must be true or false"));
            false
        }
    }
}

/// Refusals differ only after the right password, so that nobody can find out which users exist.
async fn log_in(context: RequestContext, body: &Map<String, Value>) -> Result<CookieResponse> {
    let given = read_credentials(body)?;
    let state = context.state.clone().into_inner();
    let address = context.address();
    let attempt = state.login_throttle.begin(&given.username, &address, state.db.clock().uptime())?;
    let candidate = state.db.read(|tx| login::find_candidate(tx, &given.username))?;
    let stored = candidate.as_ref().and_then(|candidate| candidate.password_hash.clone());
    let verified = match state.passwords.verify(given.password, stored.clone()).await {
        Ok(verified) => verified,
        Err(error) => {
            attempt.released();
            return Err(error);
        }
    };
    let named = candidate.as_ref().map(|found| (found.employee.id, found.employee.customer));
    let Some(candidate) = candidate.filter(|_| verified.is_right) else {
        return Err(record_failure(&context, named, login::refused()).await);
    };
    // By employee id, not by user name: the name may pass to another employee.
    let key = context.idempotency_key(&format!("login {}", candidate.employee.id))?;
    let result =
        open_session(&context, candidate, stored, verified, given.authenticator_token, given.persist, key).await;
    // A wrong code counts as a failure. A right password without its code does not.
    match &result {
        Ok(_) => attempt.succeeded(),
        Err(Error::Unauthenticated { .. }) => drop(attempt),
        Err(_) => attempt.released(),
    }
    let response = match result {
        Ok(response) => response,
        Err(error) => return Err(record_failure(&context, named, error).await),
    };
    // Another page could have its visitor work here under the page's own name.
    let token = token_of(&response).filter(|_| given.cookie && is_cookie_trusted(&context.request));
    let cookie = token.map(|token| cookie(&context, token, given.persist));
    Ok(CookieResponse { response, cookie })
}

/// Notes a login that failed, and gives back why it did. On a disk that is full it is not noted.
async fn record_failure(context: &RequestContext, candidate: Option<(Id, Id)>, error: Error) -> Error {
    if let Some(reason) = login::failure_reason(&error, candidate.is_some()) {
        let author = Author { called: Some("Somebody".into()), ..context.author() };
        let noted = context.state.db.write(author, move |tx| login::record_failure(tx, candidate, &reason)).await;
        if let Err(unnoted) = noted {
            tracing::warn!(error = %unnoted, "a failed login could not be noted");
        }
    }
    error
}

async fn open_session(
    context: &RequestContext,
    candidate: login::Candidate,
    checked_hash: Option<String>,
    verified: Verified,
    authenticator_token: Option<String>,
    persist: bool,
    key: Option<idempotency::Key>,
) -> Result<ApiResponse> {
    let (token, hash) = new_token()?;
    let request = login::Request {
        employee: candidate.employee.id,
        authenticator_token,
        persist,
        address: context.address(),
        checked_hash,
        verified,
        token_hash: hash,
    };
    let state = context.state.clone().into_inner();
    let db = state.db.clone();
    let written = db.write(context.author(), move |tx| {
        let is_good =
            |tx: &ReadTx, response: &ApiResponse| match token_of(response).and_then(|token| token_hash(&token)) {
                Some(token) => login::lives(tx, &token, &request.address),
                None => Ok(false),
            };
        let response = idempotency::once_while(tx, &state.sealer, key, is_good, |tx| {
            match login::open_session(tx, &state.sealer, &request)? {
                LoginOutcome::Issued(session) => session_response(*session, &token),
                LoginOutcome::AuthenticatorRequired { key } => Err(Error::AuthenticatorRequired { key }),
            }
        });
        match response {
            // The new key is stored although the login is refused: the refusal becomes an error after the commit.
            Err(error @ Error::AuthenticatorRequired { .. }) => Ok(LoginAnswer::Refused(error)),
            response => response.map(LoginAnswer::Session),
        }
    });
    match written.await? {
        LoginAnswer::Session(answer) => Ok(answer),
        LoginAnswer::Refused(error) => Err(error),
    }
}

/// What a login's transaction, once committed, is answered with.
enum LoginAnswer {
    Session(ApiResponse),
    Refused(Error),
}

/// A token, and whom it stands for.
#[derive(Serialize, JsonSchema)]
pub struct Session {
    /// To be presented with every later request, as `Authorization: Bearer TOKEN`.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    #[schemars(example = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    token: String,
    #[serde(flatten)]
    session: SessionAnswer,
}

fn session_response(session: SessionAnswer, token: &str) -> Result<ApiResponse> {
    Ok(ApiResponse::json(&Session { token: token.to_owned(), session })?.secret())
}

fn token_of(response: &ApiResponse) -> Option<String> {
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    Some(body.get("token")?.as_str()?.to_owned())
}

fn cookie(context: &RequestContext, token: String, persist: bool) -> Cookie<'static> {
    let cookie =
        Cookie::build(COOKIE, token).path("/").http_only(true).same_site(SameSite::Strict).secure(context.state.is_tls);
    if persist { cookie.permanent().finish() } else { cookie.finish() }
}

/// An answer that may set, or clear, the cookie.
pub struct CookieResponse {
    response: ApiResponse,
    cookie: Option<Cookie<'static>>,
}

impl Responder for CookieResponse {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut response = self.response.respond_to(request);
        if let Some(cookie) = self.cookie
            && let Err(error) = response.add_cookie(&cookie)
        {
            tracing::error!(%error, "a cookie could not be set");
        }
        response
    }
}

/// api:auth:logout. Ends all sessions of the user, an impersonated one only itself; machine-to-machine tokens stay until
/// they are deleted.
pub async fn logout(request: AuthenticatedRequest) -> Result<CookieResponse> {
    let mut cookie = cookie(&request.context, String::new(), false);
    cookie.make_removal();
    let had_cookie = request.context.request.cookie(COOKIE).is_some();
    let actor = request.actor().clone();
    let author = Author { takes_access_away: true, ..request.author() };
    let db = request.context.state.db.clone();
    let log_out = move |tx: &mut WriteTx| login::log_out(tx, &actor);
    with_kept_room(async || db.write(author.clone(), log_out.clone()).await).await?;
    Ok(CookieResponse { response: ApiResponse::success(), cookie: had_cookie.then_some(cookie) })
}

/// api:auth:impersonate. `ip` binds the new token to that address. 403 `account` when the employee could not log in.
pub async fn impersonate(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let malformed = |_| Error::bad_request("Employee id not found in request URI");
    let id: Id = request.context.segment("employee").parse().map_err(malformed)?;
    let query = request.context.query();
    let (ip, persist) = (query.address("ip")?, query.flag("persist")?);
    let address = request.context.address();
    let (token, token_hash) = new_token()?;
    request
        .write(move |tx, actor| {
            let session = login::impersonate(tx, actor, id, &token_hash, ip, address, persist)?;
            session_response(session, &token)
        })
        .await
}
