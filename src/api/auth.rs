//! `/auth`: login, logout, validity of a token, impersonation.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde_json::{Map, Value, json};

use crate::auth::passwords::Verified;
use crate::auth::secrets::{new_token, token_hash};
use crate::db::ReadTx;
use crate::domain::fields::{Fields, read_body};
use crate::domain::id::Id;
use crate::error::{Check, Error, Result};
use crate::store::{customers, employees};
use crate::usecases::login::{self, Extended, LoginOutcome, SessionAnswer};
use crate::web::idempotency;
use crate::web::request::{AuthenticatedRequest, COOKIE, RequestContext};
use crate::web::response::ApiResponse;

/// api:auth:login, with a JSON body.
pub async fn login_post(visit: RequestContext) -> Result<CookieAnswer> {
    let body = visit.object()?;
    log_in(visit, &body).await
}

/// api:auth:login, with query arguments of the same names.
pub async fn login_get(visit: RequestContext) -> Result<CookieAnswer> {
    let text = |(name, value): (&str, &str)| (name.to_owned(), Value::from(value));
    let body: Map<String, Value> = visit.query().pairs().map(text).collect();
    log_in(visit, &body).await
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
        fields.required_text("username", 1, 1_000, &mut username);
        fields.required_text("password", 1, 1_000, &mut password);
        let mut authenticator_token = None;
        fields.text("authenticatorToken", &mut authenticator_token);
        fields.text("smsKey", &mut None);
        let (cookie, persist) = (lenient_flag(fields, "cookie"), lenient_flag(fields, "persist"));
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

/// Login refusals are told apart only after the right password: no user can be found out.
async fn log_in(visit: RequestContext, body: &Map<String, Value>) -> Result<CookieAnswer> {
    let given = read_credentials(body)?;
    let state = visit.state.clone().into_inner();
    let address = visit.address();
    state.attempts.begin(&given.username, &address, state.db.clock().now())?;
    let candidate = state.db.read(|tx| login::find_candidate(tx, &given.username))?;
    let stored = candidate.as_ref().and_then(|candidate| candidate.password_hash.clone());
    let verified = state.passwords.verify(given.password, stored.clone()).await?;
    let candidate = candidate.filter(|_| verified.is_right).ok_or_else(login::refused)?;
    // By who it is, not by the name: that may pass to somebody else.
    let key = visit.idempotency_key(&format!("login {}", candidate.employee.id))?;
    let result = open_session(&visit, candidate, stored, verified, given.authenticator_token, given.persist, key).await;
    // A wrong code counts as a failure; whoever has the password and is told to bring a code does not.
    if !matches!(result, Err(Error::Unauthenticated { .. })) {
        state.attempts.take_back(&given.username, &address);
    }
    let answer = result?;
    let cookie = if given.cookie { token_of(&answer).map(|token| cookie(&visit, token, given.persist)) } else { None };
    Ok(CookieAnswer { answer, cookie })
}

async fn open_session(
    visit: &RequestContext,
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
        address: visit.address(),
        checked_hash,
        verified,
        token_hash: hash,
    };
    let state = visit.state.clone().into_inner();
    let db = state.db.clone();
    // An authenticator key that was made is kept although the login is refused: the refusal is an answer here, and
    // becomes an error behind the commit.
    let written = db.write(visit.author(), move |tx| {
        let mut wanted = None;
        let is_good = |tx: &ReadTx, answer: &ApiResponse| match token_of(answer).and_then(|token| token_hash(&token)) {
            Some(token) => login::lives(tx, &token, &request.address),
            None => Ok(false),
        };
        let answer = idempotency::once_while(tx, &state.sealer, key, is_good, |tx| {
            match login::open_session(tx, &state.sealer, &request)? {
                LoginOutcome::Issued(session) => session_answer(&session, &token),
                LoginOutcome::AuthenticatorRequired { key } => {
                    wanted = Some(Error::AuthenticatorRequired { key });
                    Err(Error::Busy)
                }
            }
        });
        match wanted {
            Some(error) => Ok(Err(error)),
            None => answer.map(Ok),
        }
    });
    written.await?
}

fn session_answer(session: &SessionAnswer, token: &str) -> Result<ApiResponse> {
    let mut body = json!({ "token": token });
    if let (Some(body), Value::Object(session)) = (body.as_object_mut(), json!(session)) {
        body.extend(session);
    }
    Ok(ApiResponse::json(&body)?.secret())
}

fn token_of(answer: &ApiResponse) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    Some(body.get("token")?.as_str()?.to_owned())
}

fn cookie(visit: &RequestContext, token: String, persist: bool) -> Cookie<'static> {
    let cookie =
        Cookie::build(COOKIE, token).path("/").http_only(true).same_site(SameSite::Strict).secure(visit.state.is_tls);
    if persist { cookie.permanent().finish() } else { cookie.finish() }
}

/// An answer that may set, or clear, the cookie.
pub struct CookieAnswer {
    answer: ApiResponse,
    cookie: Option<Cookie<'static>>,
}

impl Responder for CookieAnswer {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut response = self.answer.respond_to(request);
        if let Some(cookie) = self.cookie
            && let Err(error) = response.add_cookie(&cookie)
        {
            tracing::error!(%error, "a cookie could not be set");
        }
        response
    }
}

/// api:auth:logout. Ends all sessions of the user; machine-to-machine tokens stay until they are deleted.
pub async fn logout(call: AuthenticatedRequest) -> Result<CookieAnswer> {
    let mut cookie = cookie(&call.visit, String::new(), false);
    cookie.make_removal();
    let had_cookie = call.visit.request.cookie(COOKIE).is_some();
    let employee = call.actor().employee;
    let author = call.author();
    let db = call.visit.state.db.clone();
    db.write(author, move |tx| login::log_out(tx, employee)).await?;
    Ok(CookieAnswer { answer: ApiResponse::success(), cookie: had_cookie.then_some(cookie) })
}

/// api:auth:validatetoken. Anybody may ask; asking does not prolong the session.
/// With `simple` the status alone tells: 200 or 403.
pub async fn validate_token(visit: RequestContext) -> Result<ApiResponse> {
    let query = visit.query();
    let (is_simple, extend) = (query.flag("simple")?, query.flag("extend")?);
    let ip = query.address("ip")?;
    let checked = check_token(&visit, query.get("token"), ip.as_deref(), extend);
    match (is_simple, checked) {
        (true, Ok(_)) => Ok(ApiResponse::raw(vec![])),
        (true, Err(Error::Unauthenticated { .. })) => {
            Err(Error::Forbidden { code: "invalid_token", message: "Token is not valid".into() })
        }
        (_, checked) => checked,
    }
}

fn check_token(visit: &RequestContext, given: Option<&str>, ip: Option<&str>, extend: bool) -> Result<ApiResponse> {
    let token = match given {
        Some(token) => token.to_owned(),
        None => visit.token()?.ok_or_else(login::refused)?,
    };
    let state = &visit.state;
    let address = ip.map_or_else(|| visit.address(), str::to_owned);
    let identity = state.identities.check(&state.db, &token, &address)?;
    let is_elsewhere = identity.session.as_ref().is_some_and(|session| ip.is_some_and(|ip| ip != session.login_ip));
    if is_elsewhere {
        return Err(Error::Unauthenticated { code: "invalid_token", message: "IP address not authenticated" });
    }
    let actor = &identity.actor;
    let mut body = json!({
        "success": true, "employee": actor.employee, "customer": actor.customer, "accessLevel": actor.level
    });
    if extend {
        let extended = state.db.read(|tx| {
            let employee = employees::get(tx, actor.employee)?;
            Extended::of(tx, &employee, &customers::get(tx, actor.customer)?)
        })?;
        if let (Some(body), Value::Object(extended)) = (body.as_object_mut(), json!(extended)) {
            body.extend(extended);
        }
    }
    Ok(ApiResponse::json(&body)?.secret())
}

/// api:auth:impersonate. `ip` binds the new token to that address. 403 `account` when the employee could not log in.
pub async fn impersonate(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let malformed = |_| Error::bad_request("Employee id not found in request URI");
    let id: Id = call.visit.segment("employee").parse().map_err(malformed)?;
    let query = call.visit.query();
    let (ip, persist) = (query.address("ip")?, query.flag("persist")?);
    let address = call.visit.address();
    let (token, token_hash) = new_token()?;
    call.write(move |tx, actor| {
        let session = login::impersonate(tx, actor, id, &token_hash, ip, address, persist)?;
        session_answer(&session, &token)
    })
    .await
}
