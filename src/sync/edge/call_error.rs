//! Why a call of the hub brought no reply, and what to do about it.

use std::time::Duration;

use crate::error::in_one_line;

/// How much of a hub's message is shown, in characters.
const MESSAGE_MAX: usize = 500;
pub(super) const NO_HUB: &str = "it is not that of a hub";
const REDIRECT: &str = "the address redirects to another one: give that one";

const TRUST: &str = "; a hub with a certificate of its own is trusted with --hub-ca";

const SCHEME: &str = "; must its URL begin with https:// or with http://?";

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a call brought no reply of the hub.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("the hub cannot be reached: {cause}{advice}")]
    Unreachable { cause: Box<ureq::Error>, advice: &'static str },
    #[error("the connection to the hub broke: {0}")]
    Broken(#[source] Box<ureq::Error>),
    /// What is staged at the hub is not what this edge has sent last: it asks, and goes on from there.
    #[error("the hub has other parts of the batch than were sent last")]
    StageOrder,
    #[error("the hub does not answer in time: {0}")]
    TooSlow(#[source] Box<ureq::Error>),
    #[error("the hub refused the call: {status} {text}")]
    Refused { status: u16, text: String, retry_after: Option<Duration> },
    #[error(
        "the hub rejected several pushes in a row, or forked each time: does another machine send under this name? If not, take the place again with sync rejoin"
    )]
    Contested,
    #[error("the hub says that this server's hub is now {hub}")]
    Moved { hub: String },
    #[error("the hub's answer cannot be read: {}", in_one_line(.0.as_ref()))]
    Unreadable(#[source] Cause),
    /// Something on this machine, such as its database.
    #[error("local error: {}", in_one_line(.0.as_ref()))]
    Local(#[source] Cause),
    #[error(
        "the token for the hub cannot be unsealed: put the right key file back, or enrol again with a code of hub enroll --origin"
    )]
    KeyLost,
}

impl CallError {
    /// Whether a smaller batch might succeed.
    pub fn is_too_much(&self) -> bool {
        match self {
            CallError::Refused { status, .. } => matches!(status, 408 | 413 | 503),
            CallError::TooSlow(_) => true,
            // The size of the batch was not the reason.
            CallError::Unreachable { .. }
            | CallError::Broken(_)
            | CallError::StageOrder
            | CallError::Contested
            | CallError::Moved { .. }
            | CallError::Unreadable(_)
            | CallError::Local(_)
            | CallError::KeyLost => false,
        }
    }

    /// Whether the connection ended in the middle of the call.
    pub fn is_broken(&self) -> bool {
        matches!(self, CallError::Broken(_))
    }

    /// Whether the body was longer than the hub accepts.
    pub fn is_too_long(&self) -> bool {
        matches!(self, CallError::Refused { status: 413, .. })
    }

    /// Whether the hub could not read the message.
    pub fn is_malformed(&self) -> bool {
        matches!(self, CallError::Refused { status: 400, .. })
    }

    /// Whether an operator must act: the hub has no more room, the token is invalid, two edges use one name (split brain), one side must be upgraded, or the
    /// edge may not follow to the new hub.
    pub fn is_alarm(&self) -> bool {
        matches!(
            self,
            CallError::Refused { status: 401 | 404 | 409 | 423 | 507, .. }
                | CallError::Moved { .. }
                | CallError::KeyLost
        )
    }

    /// The error, and what to do about it.
    pub fn with_advice(&self) -> String {
        let advice = match self {
            CallError::Refused { status: 401, .. } => {
                "; another machine replaced this server, it was removed, or one side was put back to a backup from before its enrolment or before its token was rotated: enrol it again, with sync rejoin if this database was put back"
            }
            CallError::Refused { status: 507, .. } => {
                "; an operator of the hub must make room there, or raise the limit for this server"
            }
            CallError::Refused { status: 423, .. } => "; switch one of them off, then unlock the origin at the hub",
            CallError::Moved { hub } if hub.starts_with("http://") => {
                "; a server does not follow from https to http: give that hub a certificate, and move the server back and there again"
            }
            _ => "",
        };
        format!("{self}{advice}")
    }

    /// The error without anything that the server has answered, except its status.
    pub(super) fn of_any_server(self) -> CallError {
        match self {
            CallError::Refused { status, retry_after, .. } => {
                let text = match status {
                    404 => "the code is not known there, or was used already, or the URL is not a hub's",
                    300..400 => REDIRECT,
                    409 => "it has a server of that name already, or the place is at another hub: make another code",
                    429 | 503 => "it is busy, or its store is away: try again",
                    _ => "is the URL a hub's?",
                };
                CallError::Refused { status, text: text.into(), retry_after }
            }
            CallError::Unreadable(_) | CallError::Moved { .. } => CallError::Unreadable(NO_HUB.into()),
            other => other,
        }
    }

    /// Whether the hub may have received the call, though no answer came.
    pub fn may_have_arrived(&self) -> bool {
        let is_refused = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionRefused;
        match self {
            CallError::TooSlow(_) | CallError::Broken(_) => true,
            CallError::Unreachable { cause, .. } => match &**cause {
                ureq::Error::Io(error) => !is_refused(error),
                ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::Timeout(_) => false,
                ureq::Error::Tls(_) | ureq::Error::Rustls(_) => false,
                _ => true,
            },
            _ => false,
        }
    }

    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            CallError::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// The error of a call without an answer.
pub(super) fn unanswered(error: ureq::Error) -> CallError {
    let is_broken = |error: &std::io::Error| {
        use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
    };
    let advice = match &error {
        ureq::Error::Io(cause) if is_broken(cause) => return CallError::Broken(Box::new(error)),
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => "",
        ureq::Error::Timeout(_) => return CallError::TooSlow(Box::new(error)),
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => TRUST,
        ureq::Error::Io(_) if error.to_string().contains("certificate") => TRUST,
        // One side speaks TLS and the other does not.
        ureq::Error::Protocol(_) => SCHEME,
        _ if error.to_string().contains("corrupt message") => SCHEME,
        _ => "",
    };
    CallError::Unreachable { cause: Box::new(error), advice }
}

/// The error for a status that is not expected, with the message of the hub where it has one.
pub(super) fn refused(status: u16, text: &str, retry_after: Option<Duration>) -> CallError {
    let body: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    if let (421, Some(hub)) = (status, body["error"]["hub"].as_str()) {
        return CallError::Moved { hub: hub.to_owned() };
    }
    let message = body["error"]["message"].as_str();
    let text = match status {
        300..400 => REDIRECT.to_owned(),
        // What is not a hub's answer, such as a proxy's page, says nothing that its status does not say.
        _ => message.unwrap_or("without a message of a hub").chars().take(MESSAGE_MAX).collect(),
    };
    CallError::Refused { status, text, retry_after }
}
