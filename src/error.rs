//! What can go wrong, in terms of the product. Knows no HTTP: `web/error.rs` gives each its status.
//!
//! [`Error`] is what a caller over HTTP can get. What can fail apart from a request (opening a database, reading settings,
//! a command) is an [`anyhow::Error`]: a chain of causes that [`in_one_line`] prints.

mod of_platform;

use std::borrow::Cow;
use std::fmt::Display;

pub use of_platform::PlatformError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of validation check that failed, as the error body's `check` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    Required,
    Type,
    Format,
    Min,
    Max,
    Enum,
    Unique,
    /// The property names an object that does not exist. Not one of the documented checks: left out of the body.
    Exists,
    /// The value conflicts with other objects. Left out of the body too.
    Conflict,
}

/// At most so many validation errors are returned in one answer.
const FAULTS_MAX: usize = 100;
/// At most so many faults of a document are reported; an import looks no further then.
pub const DOCUMENT_FAULTS_MAX: usize = 1_000;

/// One property that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path of the property, such as `addresses[0].zip`.
    pub path: String,
    pub check: Check,
    pub message: String,
}

/// Faults found so far, at most `most`: the answer to a malformed body must not be many times as long as the body.
#[derive(Debug)]
pub struct Faults {
    found: Vec<Fault>,
    most: usize,
}

impl Default for Faults {
    /// As many as an answer over HTTP returns.
    fn default() -> Faults {
        Faults { found: vec![], most: FAULTS_MAX }
    }
}

impl Faults {
    /// As many as an import reports: its operator wants to see every fault, but a document may have any number of them.
    pub fn of_document() -> Faults {
        Faults { found: vec![], most: DOCUMENT_FAULTS_MAX }
    }

    pub fn push(&mut self, fault: Fault) {
        if !self.is_full() {
            self.found.push(fault);
        }
    }

    /// Whether the limit is reached: further checks can be left out.
    pub fn is_full(&self) -> bool {
        self.found.len() >= self.most
    }

    pub fn extend(&mut self, faults: impl IntoIterator<Item = Fault>) {
        let room = self.most - self.found.len();
        self.found.extend(faults.into_iter().take(room));
    }

    /// Takes over what `check` found wrong with values; any other error comes back.
    pub fn collect(&mut self, check: Result<()>) -> Result<()> {
        match check {
            Err(Error::Invalid(faults)) => self.extend(faults),
            other => return other,
        }
        Ok(())
    }

    /// `value`, unless a fault was found.
    pub fn or<T>(self, value: T) -> Result<T> {
        if self.found.is_empty() { Ok(value) } else { Err(Error::Invalid(self.found)) }
    }
}

impl std::ops::Deref for Faults {
    type Target = [Fault];

    fn deref(&self) -> &[Fault] {
        &self.found
    }
}

impl IntoIterator for Faults {
    type Item = Fault;
    type IntoIter = std::vec::IntoIter<Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.found.into_iter()
    }
}

/// A new key for an authenticator app, as its owner is shown it once.
#[derive(Debug)]
pub struct AuthenticatorKey {
    /// Base32.
    pub key: String,
    /// `otpauth://totp/…`
    pub totp: String,
}

/// Every error that a caller can get. `code` is the platform's error code.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller is not known, or no longer.
    #[error("{message}")]
    Unauthenticated { code: &'static str, message: &'static str },
    #[error("{message}")]
    Forbidden { code: &'static str, message: Cow<'static, str> },
    #[error("{message}")]
    NotFound { code: &'static str, message: &'static str },
    #[error("{message}")]
    Conflict { code: &'static str, message: Cow<'static, str> },
    /// Split brain: nothing is accepted until an operator unlocks it.
    #[error("{0}")]
    Locked(&'static str),
    /// It has moved to another hub.
    #[error("This server's hub is now {hub}")]
    Moved { hub: String },
    /// The request itself cannot be read.
    #[error("{message}")]
    BadRequest { code: &'static str, message: Cow<'static, str> },
    /// One or more properties cannot be accepted.
    #[error("{}", .0.iter().map(|f| format!("{}: {}", f.path, f.message)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Fault>),
    /// A login needs an authenticator code; `key` is a new key to present, when the employee has none in use.
    #[error("Authenticator token required")]
    AuthenticatorRequired { key: Option<AuthenticatorKey> },
    #[error("Request body is larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: usize },
    #[error("Content-Type must be application/json")]
    UnsupportedMediaType,
    #[error("Content-Encoding must be zstd, gzip or identity")]
    UnsupportedEncoding,
    #[error("The object has changed: If-Match names another version")]
    PreconditionFailed,
    #[error("Too many failed logins, try again in {retry_after_s} seconds")]
    TooManyRequests { retry_after_s: u64 },
    /// A hub takes no more calls of this server for a moment.
    #[error("This server calls more often than the hub allows, try again")]
    TooManyCalls { retry_after_s: u64 },
    /// More than a hub stores of one server. Nothing was changed.
    #[error("{message}")]
    OverLimit { code: &'static str, message: String },
    /// Too much is under way, or the server is shutting down. Nothing was changed.
    #[error("The server is busy, try again")]
    Busy,
    /// Not now, for a reason that passes by itself: what the text says. Nothing was changed.
    #[error("{0}")]
    Unavailable(&'static str),
    /// The disk is full. Nothing was changed.
    #[error("The disk is full, nothing was changed")]
    StorageFull,
    /// The platform's own error, passed on.
    #[error("the platform answers {}: {}", .0.status, .0.code())]
    OfPlatform(PlatformError),
    /// Only the platform can answer this, and it cannot be reached.
    #[error("The platform cannot be reached, try again")]
    PlatformUnreachable { retry_after_s: u64 },
    /// Anything unexpected; its text is for the log, never for the caller.
    #[error(transparent)]
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    pub fn access_denied() -> Error {
        Error::Forbidden { code: "access_denied", message: "Insufficient access level".into() }
    }

    pub fn session_expired() -> Error {
        Error::Unauthenticated { code: "expired", message: "Session has expired, please login" }
    }

    pub fn not_found(code: &'static str, message: &'static str) -> Error {
        Error::NotFound { code, message }
    }

    pub fn conflict(code: &'static str, message: impl Into<Cow<'static, str>>) -> Error {
        Error::Conflict { code, message: message.into() }
    }

    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Error {
        Error::BadRequest { code: "bad_request", message: message.into() }
    }

    pub fn invalid(path: &str, check: Check, message: impl Into<String>) -> Error {
        Error::Invalid(vec![Fault { path: path.into(), check, message: message.into() }])
    }

    /// What is wrong with the object at `path` of a document; an error that is not about its values comes back.
    pub fn faults_at(self, path: &str) -> Result<Vec<Fault>> {
        let fault = |code: &str, check, message: String| Fault { path: format!("{path}.{code}"), check, message };
        match self {
            Error::Invalid(faults) => {
                Ok(faults.into_iter().map(|found| fault(&found.path, found.check, found.message)).collect())
            }
            Error::Conflict { code, message } => Ok(vec![fault(code, Check::Conflict, message.into_owned())]),
            other => Err(other),
        }
    }

    pub fn internal(message: impl Into<String>) -> Error {
        Error::Internal(message.into().into())
    }

    /// The same error for each of several requests that shared one failed commit.
    pub fn repeat(&self) -> Error {
        match self {
            Error::StorageFull => Error::StorageFull,
            Error::Busy => Error::Busy,
            Error::Unavailable(why) => Error::Unavailable(why),
            other => Error::internal(other.to_string()),
        }
    }
}

/// An error with its causes: `what happened: why: why that`. A cause whose text is there already is left out, since many
/// libraries print their causes themselves.
pub fn in_one_line(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    for cause in std::iter::successors(error.source(), |error| error.source()) {
        let cause = cause.to_string();
        if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

/// An error together with what to do about it: `what happened: why; what to do`.
#[derive(Debug)]
struct Advised {
    what: String,
    cause: anyhow::Error,
    advice: String,
}

impl Display for Advised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}; {}", self.what, in_one_line(self.cause.as_ref()), self.advice)
    }
}

impl std::error::Error for Advised {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.cause.as_ref())
    }
}

/// For errors that the reader can do something about.
pub trait Advise<T> {
    /// Says `what` happened and, behind the cause, the `advice`.
    fn advise(self, what: impl Display, advice: impl Display) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Advise<T> for std::result::Result<T, E> {
    fn advise(self, what: impl Display, advice: impl Display) -> anyhow::Result<T> {
        self.map_err(|error| advised(error, what, advice))
    }
}

/// `error` with what happened before it, and what to do behind it.
pub fn advised(error: impl Into<anyhow::Error>, what: impl Display, advice: impl Display) -> anyhow::Error {
    Advised { what: what.to_string(), cause: error.into(), advice: advice.to_string() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    fn not_there() -> std::io::Error {
        std::io::Error::other("not there")
    }

    #[test]
    fn every_cause_is_printed_once_and_the_advice_last() {
        let advised: anyhow::Result<()> = Err(not_there()).advise("a.db cannot be opened", "choose another");
        let error = advised.context("nothing was imported").unwrap_err();
        assert_eq!(
            in_one_line(error.as_ref()),
            "nothing was imported: a.db cannot be opened: not there; choose another"
        );
        assert!(error.chain().any(|cause| cause.is::<std::io::Error>()), "the cause itself is kept");
    }

    #[test]
    fn an_internal_error_has_the_causes_of_what_it_holds() {
        let inner = anyhow::Error::from(not_there()).context("a row cannot be read");
        let error = Error::Internal(inner.into());
        assert_eq!(in_one_line(&error), "a row cannot be read: not there");
    }
}
