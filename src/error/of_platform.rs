//! The platform's own error.

use serde_json::{Map, Value};

/// An error as the platform has answered it (api:errors).
pub struct PlatformError {
    /// Of the answer.
    pub status: u16,
    /// What stands under `error`. It may hold a new authenticator key, so it is never logged.
    pub body: Map<String, Value>,
}

impl PlatformError {
    /// The error that an answer holds in the platform's own words; a proxy on the way answers 403 or 404 too.
    pub fn of(status: u16, body: &Value) -> Option<PlatformError> {
        let error = body["error"].as_object()?;
        let is_one = error.get("code")?.is_string() && error.get("message")?.is_string();
        is_one.then(|| PlatformError { status, body: error.clone() })
    }

    pub fn code(&self) -> &str {
        self.body.get("code").and_then(Value::as_str).unwrap_or_default()
    }

    /// The new authenticator key that it presents, in Base32.
    pub fn new_key(&self) -> Option<&str> {
        self.body.get("key").and_then(Value::as_str).filter(|_| self.code() == "authenticatorToken")
    }
}

impl std::fmt::Debug for PlatformError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.code())
    }
}
