//! A login that the platform judges (api:auth:login).

use std::io::Read;

use serde_json::{Value, json};
use ureq::http::Request;

use super::api::is_token;
use super::gate::{PlatformGate, Purpose, SHORT};
use crate::domain::id::Id;
use crate::error::PlatformError;

/// The longest answer to a login.
const ANSWER_MAX_BYTES: u64 = 256 << 10;

/// What somebody logs in with.
#[derive(Clone)]
pub struct Given {
    pub username: String,
    pub password: String,
    pub sms_key: Option<String>,
    pub authenticator_token: Option<String>,
}

impl Given {
    fn has_code(&self) -> bool {
        self.sms_key.is_some() || self.authenticator_token.is_some()
    }

    fn without_code(&self) -> Given {
        Given { sms_key: None, authenticator_token: None, ..self.clone() }
    }

    fn body(&self) -> String {
        let mut body = json!({ "username": self.username, "password": self.password });
        for (name, code) in [("smsKey", &self.sms_key), ("authenticatorToken", &self.authenticator_token)] {
            if let Some(code) = code {
                body[name] = json!(code);
            }
        }
        body.to_string()
    }
}

/// What the platform says of a login.
#[derive(Debug)]
pub enum Verdict {
    Accepted {
        employee: Id,
        token: String,
    },
    Refused {
        error: PlatformError,
        /// The password that is kept here is one that the platform does not take any more.
        is_kept_wrong: bool,
    },
    /// It says nothing that could be used.
    Unreachable,
}

/// Asks the platform. `is_kept`: the password is the one that is kept here.
pub fn log_in(gate: &PlatformGate, url: &str, given: &Given, is_kept: bool) -> Verdict {
    match ask(gate, url, given) {
        Verdict::Refused { error, .. } => {
            let is_kept_wrong = is_kept && is_refusal(&error) && !(given.has_code() && is_right(gate, url, given));
            Verdict::Refused { error, is_kept_wrong }
        }
        verdict => verdict,
    }
}

/// Whether only the code was wrong: without one, the platform asks for it.
fn is_right(gate: &PlatformGate, url: &str, given: &Given) -> bool {
    match ask(gate, url, &given.without_code()) {
        Verdict::Refused { error, .. } => !is_refusal(&error),
        // When in doubt, nothing is taken away.
        Verdict::Accepted { .. } | Verdict::Unreachable => true,
    }
}

/// Whether an error says that the password is wrong, or that nobody logs in with it.
fn is_refusal(error: &PlatformError) -> bool {
    matches!((error.status, error.code()), (401, "credentials_invalid") | (403, "account"))
}

fn ask(gate: &PlatformGate, url: &str, given: &Given) -> Verdict {
    let request = Request::post(format!("{url}/auth/login")).header("content-type", "application/json");
    let Ok(request) = request.body(given.body()) else { return Verdict::Unreachable };
    let response = match gate.open(Purpose::Login, request, SHORT) {
        Ok(response) => response,
        Err(why) => {
            tracing::debug!(%why, "the platform could not be asked to judge a login");
            return Verdict::Unreachable;
        }
    };
    let status = response.status().as_u16();
    let mut bytes = Vec::new();
    let mut body = response.into_body().into_reader().take(ANSWER_MAX_BYTES);
    if body.read_to_end(&mut bytes).is_err() {
        gate.missed();
        return Verdict::Unreachable;
    }
    read(status, &bytes).unwrap_or_else(|| {
        tracing::warn!(status, "the platform's answer to a login is none of its API's: kept passwords count");
        Verdict::Unreachable
    })
}

fn read(status: u16, bytes: &[u8]) -> Option<Verdict> {
    let body: Value = serde_json::from_slice(bytes).ok()?;
    match status {
        200 => {
            let token = body["token"].as_str().filter(|token| is_token(token))?.to_owned();
            Some(Verdict::Accepted { employee: body["employee"].as_str()?.parse().ok()?, token })
        }
        _ => Some(Verdict::Refused { error: error_of(status, &body)?, is_kept_wrong: false }),
    }
}

/// The platform's own error about the caller, too many tries included: 5xx are about the platform.
pub(super) fn error_of(status: u16, body: &Value) -> Option<PlatformError> {
    PlatformError::of(status, body).filter(|error| (400..500).contains(&error.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_platforms_own_words_are_a_verdict() {
        let of = |status, text: &str| read(status, text.as_bytes());
        let accepted = of(200, r#"{"token":"abc.def","employee":"E00000000000000000000101"}"#);
        assert!(matches!(accepted, Some(Verdict::Accepted { token, .. }) if token == "abc.def"));
        let refused = of(401, r#"{"error":{"code":"credentials_invalid","message":"no","status":401}}"#);
        assert!(matches!(refused, Some(Verdict::Refused { error, .. }) if is_refusal(&error)));
        let code = of(403, r#"{"error":{"code":"smsKey","message":"SMS sent","status":403}}"#);
        assert!(matches!(code, Some(Verdict::Refused { error, .. }) if !is_refusal(&error)));
        let many = of(429, r#"{"error":{"code":"rate_limit","message":"Too many requests","status":429}}"#);
        assert!(matches!(many, Some(Verdict::Refused { error, .. }) if !is_refusal(&error)));
        for (status, text) in [
            (200, "<html>"),
            (200, "{}"),
            (200, r#"{"token":"a b","employee":"e00000000000000000000101"}"#),
            (200, r#"{"token":"abc","employee":"nobody"}"#),
            (401, "<html>login</html>"),
            (401, "{}"),
            (429, "slow down"),
            (500, r#"{"error":{"code":"internal_error","message":"y"}}"#),
            (503, r#"{"error":{"code":"busy","message":"y"}}"#),
            (302, ""),
        ] {
            assert!(of(status, text).is_none(), "{status} {text}");
        }
    }
}
