//! What can go wrong, in terms of the product. Knows no HTTP: `http/error.rs` gives each its status.

use std::borrow::Cow;

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

/// The most faults that one answer tells.
const FAULTS_MAX: usize = 100;

/// One property that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path of the property, such as `addresses[0].zip`.
    pub path: String,
    pub check: Check,
    pub message: String,
}

/// Faults found so far. Beyond `most` they are not kept: the answer to one odd body must not be a hundred times as long.
#[derive(Debug)]
pub struct Faults {
    found: Vec<Fault>,
    most: usize,
}

impl Default for Faults {
    /// As many as a caller over HTTP is told.
    fn default() -> Faults {
        Faults { found: vec![], most: FAULTS_MAX }
    }
}

impl Faults {
    /// All there are: for an import, whose faults are the work of one who is there to mend them.
    pub fn all() -> Faults {
        Faults { found: vec![], most: usize::MAX }
    }

    pub fn push(&mut self, fault: Fault) {
        if !self.is_full() {
            self.found.push(fault);
        }
    }

    /// Whether it is of no use to look for more.
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

/// Everything that a caller can be told. `code` is the platform's error code.
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
    /// It stands still until somebody has decided.
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
    AuthenticatorRequired { key: Option<crate::auth::secrets::AuthenticatorKey> },
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
    /// Too much is under way, or the server is shutting down. Nothing was changed.
    #[error("The server is busy, try again")]
    Busy,
    /// The disk is full. Nothing was changed.
    #[error("The disk is full, nothing was changed")]
    StorageFull,
    /// Anything unexpected; its text is for the log, never for the caller.
    #[error("{0}")]
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    pub fn access_denied() -> Error {
        Error::Forbidden { code: "access_denied", message: "Insufficient access level".into() }
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
            other => Error::internal(other.to_string()),
        }
    }
}
