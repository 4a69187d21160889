//! Calls of the platform's documented API by one account: it logs in, keeps to the pace, and reads answers within bounds.

use std::io::Read;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::transport::{Request, Transport, Unreachable};
use crate::error::PlatformError;

/// The longest answer that is read at once.
const ANSWER_MAX_BYTES: u64 = 32 << 20;

/// What an account logs in with.
#[derive(Clone)]
pub enum Credential {
    Password {
        username: String,
        password: String,
    },
    /// A machine-to-machine token (api:employee:createtoken).
    Token(String),
}

/// An answer that was read whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        self.status == 200
    }

    /// The platform's own error (api:errors), or the status in words.
    pub fn error(&self) -> String {
        let body: Option<Value> = serde_json::from_slice(&self.body).ok();
        match body.as_ref().map(|body| &body["error"]).filter(|error| error["message"].is_string()) {
            Some(error) => shortened(error, self.status),
            None => format!("the platform answered {}", self.status),
        }
    }

    /// Whether it is an error in the platform's own words.
    pub fn is_in_its_words(&self) -> bool {
        self.json().is_some_and(|body| PlatformError::of(self.status, &body).is_some())
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// The longest error of the platform's that is kept as it came, in bytes.
const ERROR_MAX_BYTES: usize = 2_000;

fn shortened(error: &Value, status: u16) -> String {
    let text = error.to_string();
    if text.len() <= ERROR_MAX_BYTES {
        return text;
    }
    let first =
        |name: &str, most: usize| -> String { error[name].as_str().unwrap_or_default().chars().take(most).collect() };
    json!({ "status": status, "code": first("code", 100), "message": first("message", 300) }).to_string()
}

/// Why a call has no answer that could be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ApiError {
    /// Nobody answered.
    #[error("the platform cannot be reached: {0}")]
    Unreachable(String),
    /// An answer came, and broke off or had no end. It may be this call's alone.
    #[error("{0}")]
    Broken(String),
    /// The platform does not let the account in. Nothing is tried again until somebody acts.
    #[error("{0}")]
    Credential(String),
    /// The platform asks to come later.
    #[error("the platform answered {status}: it has too much to do")]
    Busy { status: u16, retry_after: Option<Duration> },
}

impl From<Unreachable> for ApiError {
    fn from(Unreachable(why): Unreachable) -> ApiError {
        ApiError::Unreachable(why)
    }
}

/// Whom the account is at the platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub employee: String,
    pub customer: String,
    pub level: String,
}

/// The API, as one account uses it.
pub struct Api<T> {
    transport: T,
    credential: Credential,
    token: Option<String>,
    pace: Pace,
}

impl<T: Transport> Api<T> {
    /// `requests_per_second`: 0 for any number.
    pub fn new(transport: T, credential: Credential, requests_per_second: u32) -> Api<T> {
        Api { transport, credential, token: None, pace: Pace::new(requests_per_second) }
    }

    /// Makes a call, and reads the answer whole.
    pub fn call(&mut self, request: &Request) -> Result<Answer, ApiError> {
        self.stream(request, |status, body| {
            let mut bytes = Vec::new();
            let read = body.take(ANSWER_MAX_BYTES + 1).read_to_end(&mut bytes);
            read.map_err(|error| ApiError::Broken(format!("the answer broke off: {error}")))?;
            if bytes.len() as u64 > ANSWER_MAX_BYTES {
                return Err(ApiError::Broken(format!("the answer is longer than {ANSWER_MAX_BYTES} bytes")));
            }
            Ok(Answer { status, body: bytes })
        })
    }

    /// Makes a call, and has `read` read the answer. A session that has ended is opened again, once.
    pub fn stream<R>(
        &mut self,
        request: &Request,
        mut read: impl FnMut(u16, &mut dyn Read) -> Result<R, ApiError>,
    ) -> Result<R, ApiError> {
        let is_fresh = self.token.is_none();
        let token = self.token()?;
        self.pace.wait();
        let mut response = self.transport.open(request, Some(&token))?;
        match response.status {
            401 => {}
            status => return read(check_busy(status, response.retry_after)?, &mut response.body),
        }
        drop(response);
        self.token = None;
        match &self.credential {
            Credential::Password { .. } if !is_fresh => {
                let token = self.token()?;
                self.pace.wait();
                let mut response = self.transport.open(request, Some(&token))?;
                match response.status {
                    401 => Err(no_longer("the platform does not accept the session that it has just given")),
                    status => read(check_busy(status, response.retry_after)?, &mut response.body),
                }
            }
            Credential::Password { .. } => {
                Err(no_longer("the platform does not accept the session that it has just given"))
            }
            Credential::Token(_) => {
                Err(no_longer("the platform does not accept the token any more: run platform connect with a new one"))
            }
        }
    }

    fn token(&mut self) -> Result<String, ApiError> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let token = match &self.credential {
            Credential::Token(token) => token.clone(),
            Credential::Password { username, password } => {
                let body = json!({ "username": username, "password": password });
                self.pace.wait();
                let answer = log_in(&mut self.transport, body)?;
                token_of(&answer)?
            }
        };
        self.token = Some(token.clone());
        Ok(token)
    }

    /// Whom the account is (api:auth:validatetoken).
    pub fn account(&mut self) -> Result<Account, ApiError> {
        let token = self.token()?;
        let answer =
            self.call(&Request::get(format!("/auth/validateToken?token={}", super::transport::argument(&token))))?;
        let body = answer.json().filter(|_| answer.is_success()).unwrap_or_default();
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        match (text("employee"), text("customer"), text("accessLevel")) {
            (Some(employee), Some(customer), Some(level)) => Ok(Account { employee, customer, level }),
            _ if matches!(answer.status, 401 | 403) => Err(no_longer("the platform does not accept the token")),
            _ => Err(ApiError::Unreachable(format!(
                "what answers there is not the platform's API: {} to /auth/validateToken",
                answer.status
            ))),
        }
    }
}

/// The status, unless it asks to come later.
fn check_busy(status: u16, retry_after: Option<Duration>) -> Result<u16, ApiError> {
    match status {
        429 | 503 => Err(ApiError::Busy { status, retry_after }),
        _ => Ok(status),
    }
}

fn no_longer(why: &str) -> ApiError {
    ApiError::Credential(why.into())
}

/// Logs in (api:auth:login).
pub fn log_in(transport: &mut impl Transport, body: Value) -> Result<Answer, ApiError> {
    let request = Request::post("/auth/login", Some(body));
    let response = transport.open(&request, None)?;
    let (status, retry_after) = (response.status, response.retry_after);
    let mut bytes = Vec::new();
    let read = response.body.take(1 << 20).read_to_end(&mut bytes);
    read.map_err(|error| ApiError::Unreachable(format!("the answer broke off: {error}")))?;
    match check_busy(status, retry_after)? {
        500.. => Err(ApiError::Unreachable(format!("the platform answered {status} to a login"))),
        _ => Ok(Answer { status, body: bytes }),
    }
}

/// The token of a login that succeeded.
pub fn token_of(answer: &Answer) -> Result<String, ApiError> {
    let body = answer.json().unwrap_or_default();
    if let Some(token) = body["token"].as_str().filter(|token| answer.is_success() && is_token(token)) {
        return Ok(token.to_owned());
    }
    Err(match (answer.status, body["error"]["code"].as_str()) {
        (401, Some(_)) => no_longer("the platform refuses the user name or the password: run platform connect again"),
        (403, Some("smsKey" | "authenticatorToken")) => no_longer(
            "the platform wants a code from this account at each login, which a server cannot give: use an account without, or a \
             machine-to-machine token",
        ),
        (403, Some(_)) => no_longer("the platform says that this account is disabled: use another, or have it enabled"),
        _ => ApiError::Unreachable(format!(
            "what answers there is not the platform's API: {} to /auth/login",
            answer.status
        )),
    })
}

/// Whether a header can be made of it.
pub(super) fn is_token(text: &str) -> bool {
    (1..=4_096).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// At most so many requests a second, evenly.
struct Pace {
    gap: Duration,
    next: Instant,
}

impl Pace {
    fn new(requests_per_second: u32) -> Pace {
        let gap = Duration::from_secs(1).checked_div(requests_per_second).unwrap_or_default();
        Pace { gap, next: Instant::now() }
    }

    fn wait(&mut self) {
        if self.gap.is_zero() {
            return;
        }
        let now = Instant::now();
        #[allow(clippy::disallowed_methods, reason = "the pace is one of time")]
        std::thread::sleep(self.next.saturating_duration_since(now));
        self.next = self.next.max(now) + self.gap;
    }
}
