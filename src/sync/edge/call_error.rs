//! Why a call of the hub brought no reply, and what an edge does about it.

use std::time::Duration;

use crate::error::in_one_line;

/// The cause of an error.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

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
    #[error("the hub rejected several pushes in a row: does another machine send under this name?")]
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
            CallError::Refused { status, .. } => matches!(status, 408 | 413 | 429 | 503),
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

    /// Whether somebody must act: the token is invalid, two edges use one name (split brain), one side must be upgraded, or the
    /// edge may not follow to the new hub.
    pub fn is_alarm(&self) -> bool {
        matches!(
            self,
            CallError::Refused { status: 401 | 404 | 409 | 423, .. } | CallError::Moved { .. } | CallError::KeyLost
        )
    }

    /// The error, and what to do about it.
    pub fn with_advice(&self) -> String {
        let advice = match self {
            CallError::Refused { status: 401, .. } => {
                "; another machine replaced this server, it was removed, or the hub was restored to a backup from before its enrolment: enrol it again"
            }
            CallError::Refused { status: 423, .. } => "; switch one of them off, then unlock the origin at the hub",
            CallError::Moved { hub } if hub.starts_with("http://") => {
                "; a server does not follow from https to http: give that hub a certificate, and move the server back and there again"
            }
            _ => "",
        };
        format!("{self}{advice}")
    }

    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            CallError::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
