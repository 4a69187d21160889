//! `/auth/login`: by the password that is kept here, or by what the platform says.

use serde_json::{Map, Value};

use super::auth::{CookieResponse, cookie, session_response, token_of};
use crate::auth::passwords::Verified;
use crate::auth::secrets::{Sealer, new_token, token_hash};
use crate::db::{Author, ReadTx, WriteTx};
use crate::domain::audit::Hash;
use crate::domain::fields::{Fields, read_body};
use crate::domain::id::Id;
use crate::error::{Check, Error, Result};
use crate::platform::gate::Purpose;
use crate::platform::login::{Given, Verdict, log_in as ask_platform};
use crate::usecases::intents;
use crate::usecases::login::{self, Candidate, LoginOutcome, Offline};
use crate::usecases::platform_login::{self, Accepted, Judge};
use crate::web::browser::is_cookie_trusted;
use crate::web::idempotency;
use crate::web::request::RequestContext;
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
    sms_key: Option<String>,
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
        let mut sms_key = None;
        fields.text("smsKey", &mut sms_key);
        let (cookie, persist) = (lenient_flag(fields, "cookie"), lenient_flag(fields, "persist"));
        // Blanks around a name come with copying it, those inside a code from how apps show it.
        let username = username.trim().to_owned();
        let without_blanks = |code: String| code.split_whitespace().collect();
        let (authenticator_token, sms_key) = (authenticator_token.map(without_blanks), sms_key.map(without_blanks));
        Credentials { username, password, authenticator_token, sms_key, cookie, persist }
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

async fn log_in(context: RequestContext, body: &Map<String, Value>) -> Result<CookieResponse> {
    let given = read_credentials(body)?;
    let response = open_session(&context, &given).await?;
    // Another page could have its visitor work here under the page's own name.
    let token = token_of(&response).filter(|_| given.cookie && is_cookie_trusted(&context.request));
    let cookie = token.map(|token| cookie(&context, token, given.persist));
    Ok(CookieResponse { response, cookie })
}

/// A login for the console: a session that ends when it is not used.
pub(super) async fn log_in_to_console(context: &RequestContext, body: &Map<String, Value>) -> Result<ApiResponse> {
    open_session(context, &Credentials { persist: false, ..read_credentials(body)? }).await
}

/// Refusals of this server differ only after the right password, so that nobody can find out which users exist.
async fn open_session(context: &RequestContext, given: &Credentials) -> Result<ApiResponse> {
    let state = context.state.clone().into_inner();
    let address = context.address();
    let attempt = state.login_throttle.begin(&given.username, &address, state.db.clock().uptime())?;
    let (candidate, judge) = state.db.read(|tx| {
        let candidate = login::find_candidate(tx, &given.username)?;
        let judge = platform_login::judge(tx, candidate.as_ref())?;
        Ok((candidate, judge))
    })?;
    let stored = candidate.as_ref().and_then(|candidate| candidate.password_hash.clone());
    // The password is hashed whether this server or the platform decides, so the time tells nothing about who exists.
    let verified = match state.passwords.verify(given.password.clone(), stored.clone()).await {
        Ok(verified) => verified,
        Err(error) => {
            attempt.released();
            return Err(error);
        }
    };
    let named = candidate.as_ref().map(|found| (found.employee.id, found.employee.customer));
    let login = Login { context, given, candidate, stored, verified };
    let result = match judge {
        None => login.here(None).await,
        Some(judge) => login.there(judge).await,
    };
    // A wrong code counts as a failure. A right password without its code does not.
    match &result {
        Ok(_) => attempt.succeeded(),
        Err(error) if login::is_failure(error) => drop(attempt),
        Err(_) => attempt.released(),
    }
    match result {
        Ok(response) => Ok(response),
        Err(error) => Err(record_failure(context, named, error).await),
    }
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

/// A login whose password was compared with what is kept here.
struct Login<'c> {
    context: &'c RequestContext,
    given: &'c Credentials,
    candidate: Option<Candidate>,
    stored: Option<String>,
    verified: Verified,
}

impl Login<'_> {
    /// By the password that is kept here.
    async fn here(self, offline: Option<Offline>) -> Result<ApiResponse> {
        let employee = self.candidate.filter(|_| self.verified.is_right).ok_or_else(login::refused)?.employee.id;
        let (given, address, verified) = (self.given, self.context.address(), self.verified);
        let (authenticator_token, checked_hash) = (given.authenticator_token.clone(), self.stored);
        let persist = given.persist;
        issue(self.context, employee, move |tx, sealer, token_hash| {
            let request = login::Request {
                employee,
                authenticator_token,
                persist,
                address,
                checked_hash,
                verified,
                offline,
                token_hash,
            };
            login::open_session(tx, sealer, &request)
        })
        .await
    }

    /// By what the platform says; by the password that is kept here while it says nothing.
    async fn there(self, judge: Judge) -> Result<ApiResponse> {
        let settings = &self.context.state.platform.settings;
        let offline = Offline { good_for_ms: settings.offline_login_ms, without_sms: settings.offline_without_sms };
        match self.ask(judge.url).await? {
            Verdict::Accepted { employee, token } => self.accepted(employee, token).await,
            // The platform does not know the new password yet.
            Verdict::Refused { is_kept_wrong: true, .. } if judge.is_behind => self.here(Some(offline)).await,
            Verdict::Refused { error, is_kept_wrong } => {
                if is_kept_wrong {
                    self.forget().await?;
                } else if let Some(key) = error.new_key() {
                    self.keep_key(key.to_owned()).await?;
                }
                Err(Error::OfPlatform(error))
            }
            Verdict::Unreachable => self.here(Some(offline)).await,
        }
    }

    async fn ask(&self, url: String) -> Result<Verdict> {
        let gate = &self.context.state.platform;
        if gate.is_down() {
            return Ok(Verdict::Unreachable);
        }
        let given = Given {
            username: self.given.username.clone(),
            password: self.given.password.clone(),
            sms_key: self.given.sms_key.clone(),
            authenticator_token: self.given.authenticator_token.clone(),
        };
        let is_kept = self.verified.is_right;
        gate.run(Purpose::Login, move |gate, _permit, reply| {
            reply.send(ask_platform(gate, &url, &given, is_kept));
        })
        .await
    }

    async fn accepted(self, employee: Id, token: String) -> Result<ApiResponse> {
        let state = &self.context.state;
        let is_kept = self.verified.is_right && self.candidate.is_some_and(|found| found.employee.id == employee);
        let password_hash = match is_kept {
            true => self.verified.rehashed,
            false => Some(state.passwords.hash(self.given.password.clone()).await?),
        };
        let (persist, address) = (self.given.persist, self.context.address());
        let authenticator_token = self.given.authenticator_token.clone();
        issue(self.context, employee, move |tx, sealer, token_hash| {
            let accepted =
                Accepted { employee, authenticator_token, token, password_hash, persist, address, token_hash };
            platform_login::open_session(tx, sealer, &accepted)
        })
        .await
    }

    async fn keep_key(self, key: String) -> Result<()> {
        let Some(candidate) = self.candidate else { return Ok(()) };
        let state = self.context.state.clone().into_inner();
        let (employee, sealer) = (candidate.employee.id, state.sealer.clone());
        let keep = move |tx: &mut WriteTx| platform_login::keep_key(tx, &sealer, employee, &key);
        state.db.write(intents::author(), keep).await
    }

    async fn forget(self) -> Result<()> {
        let Some(candidate) = self.candidate else { return Ok(()) };
        let (employee, stored) = (candidate.employee.id, self.stored);
        let forget = move |tx: &mut WriteTx| platform_login::forget_password(tx, employee, stored.as_deref());
        // It takes access away, so it is done on a full disk too.
        let author = Author { takes_access_away: true, ..intents::author() };
        self.context.state.db.write(author, forget).await
    }
}

/// Issues a token for the session that `open` opens.
async fn issue(
    context: &RequestContext,
    employee: Id,
    open: impl FnOnce(&mut WriteTx, &Sealer, Hash) -> Result<LoginOutcome> + Send + 'static,
) -> Result<ApiResponse> {
    // By employee id, not by user name: the name may pass to another employee.
    let key = context.idempotency_key(&format!("login {employee}"))?;
    let (token, hash) = new_token()?;
    let (state, address) = (context.state.clone().into_inner(), context.address());
    let db = state.db.clone();
    let written = db.write(context.author(), move |tx| {
        let is_good =
            |tx: &ReadTx, response: &ApiResponse| match token_of(response).and_then(|token| token_hash(&token)) {
                Some(token) => login::lives(tx, &token, &address),
                None => Ok(false),
            };
        let response =
            idempotency::once_while(tx, &state.sealer, key, is_good, |tx| match open(tx, &state.sealer, hash)? {
                LoginOutcome::Issued(session) => session_response(*session, &token),
                LoginOutcome::AuthenticatorRequired { key } => Err(Error::AuthenticatorRequired { key }),
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
