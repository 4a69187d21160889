//! An edge as its hub knows it, and whom an enrolment code admits.

use serde::{Deserialize, Serialize};

use super::alarms::Acknowledgement;
use super::limits::{OverLimit, Usage};
use crate::domain::audit::Hash;
use crate::domain::mirror::{AuditHead, Head};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::protocol::wire::EdgeStatus;

/// The longest name of a server.
pub const NAME_MAX: usize = 200;

/// So many rejected pushes in a row are more than a lost answer or a fork explains: the edge does not get any further.
pub const STUCK_AFTER: i64 = 5;

/// Where an origin is, as one hub sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    #[default]
    Here,
    /// The origin comes from another hub, and has not arrived completely yet.
    Arriving,
    /// The origin accepts no pushes, so that `hub move` can bring all of it to the hub with this URL.
    Leaving(String),
    /// The origin is at the hub with this URL.
    Moved(String),
}

impl Phase {
    /// As it is stored and shown.
    pub fn name(&self) -> &'static str {
        match self {
            Phase::Here => "here",
            Phase::Arriving => "arriving",
            Phase::Leaving(_) => "leaving",
            Phase::Moved(_) => "moved",
        }
    }

    /// The hub that the origin has moved to.
    pub fn hub(&self) -> Option<&str> {
        if let Phase::Moved(hub) = self { Some(hub) } else { None }
    }

    /// The hub that the origin has moved to, or is leaving for, as it is stored.
    pub fn target(&self) -> Option<&str> {
        if let Phase::Moved(hub) | Phase::Leaving(hub) = self { Some(hub) } else { None }
    }

    /// For the audit trail.
    pub fn describe(&self) -> String {
        match self {
            Phase::Here => "served here again".into(),
            Phase::Arriving => "arriving".into(),
            Phase::Leaving(hub) => format!("leaving for {hub}"),
            Phase::Moved(hub) => format!("moved to {hub}"),
        }
    }

    /// The phase that [`Phase::name`] and [`Phase::target`] were stored of.
    pub fn named(name: &str, hub: Option<String>) -> Phase {
        match name {
            "arriving" => Phase::Arriving,
            "leaving" => Phase::Leaving(hub.unwrap_or_default()),
            "moved" => Phase::Moved(hub.unwrap_or_default()),
            _ => Phase::Here,
        }
    }
}

/// An edge, as the hub knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub origin: String,
    pub name: String,
    /// SHA-256 of its token.
    pub token: Hash,
    /// Of a token that the edge has asked for and not used yet: both are good until it is used first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<Hash>,
    pub head: Head,
    /// The newest write that the edge has reported.
    pub high: i64,
    /// The newest write that a verified backup contains.
    pub stable: i64,
    pub enrolled_at: Time,
    pub last_seen: Option<Time>,
    /// How many times the edge has begun a new epoch.
    pub resets: i64,
    /// Number of the epoch that the latest reset came from.
    pub parent: i64,
    /// Two edges use this name in turn (split brain): the hub accepts no push until an operator unlocks the origin.
    pub is_locked: bool,
    /// How many rows are in quarantine.
    pub quarantined: i64,
    /// The newest entry of the edge's audit trail that the edge has reported.
    pub audit: AuditHead,
    /// That entry has changed on the edge since.
    pub audit_differs: bool,
    pub status: EdgeStatus,
    pub phase: Phase,
    /// Pushes in a row that did not build on what the hub has, counted up to [`STUCK_AFTER`].
    #[serde(default)]
    pub rejected: i64,
    /// What the store holds of it at most; `None` until it is counted. A store counts for itself.
    #[serde(skip)]
    pub used: Option<Usage>,
    /// It was refused something because of a limit.
    #[serde(skip)]
    pub over_limit: Option<OverLimit>,
    /// Words that operators have given it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Alarms that somebody has looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<Acknowledgement>,
}

impl Origin {
    /// 404 `origin` unless the token is this origin's: an edge cannot find out whether another origin exists. Else as
    /// [`Origin::check_here`].
    pub fn check_token(&self, token: &Hash) -> Result<()> {
        if self.token == *token || self.is_next_token(token) { self.check_here() } else { Err(origin_not_found()) }
    }

    /// Whether this is the hash of the token that the edge has asked for and not used before.
    pub fn is_next_token(&self, token: &Hash) -> bool {
        self.next_token.as_ref() == Some(token)
    }

    /// 503 while the origin moves from or to another hub; 421 `moved` once it has moved.
    pub fn check_here(&self) -> Result<()> {
        match &self.phase {
            Phase::Here => Ok(()),
            Phase::Arriving | Phase::Leaving(_) => {
                Err(Error::Unavailable("This server is moving to another hub, try again"))
            }
            Phase::Moved(hub) => Err(Error::Moved { hub: hub.clone() }),
        }
    }

    /// Whether the edge is sending everything again, so that the mirror shows the epoch before.
    pub fn is_resetting(&self) -> bool {
        self.status.resetting.is_some()
    }

    /// Whether the hub rejects what the edge sends, and will go on: they are of different epochs, and the edge does not come
    /// to a new one.
    pub fn is_stuck(&self) -> bool {
        self.rejected >= STUCK_AFTER
    }

    /// How many writes the hub is behind, as far as the edge has reported.
    pub fn lag(&self) -> i64 {
        self.high.saturating_sub(self.head.acked)
    }

    /// Whether the mirror is exactly the edge's state at `acked`, as far as the hub knows: no comparison has shown a
    /// difference, no reset is going on, and its pushes are not rejected.
    pub fn is_consistent(&self) -> bool {
        self.head.epoch.is_some()
            && self.head.acked == self.high
            && self.quarantined == 0
            && !self.is_locked
            && !self.status.differs
            && !self.is_resetting()
            && !self.is_stuck()
    }
}

/// What the audit trail records of an unlock.
pub fn unlock_detail(was_locked: bool) -> &'static str {
    if was_locked { "" } else { "it was not locked" }
}

/// 404 `origin`.
pub fn origin_not_found() -> Error {
    Error::not_found("origin", "Origin not found")
}

/// 409 `name`: an origin has this name already.
pub fn name_is_taken(name: &str) -> Error {
    let message =
        format!("There is a server {name} already: choose another name, or make a code with its id to replace it");
    Error::conflict("name", message)
}

/// Whom a one-time code admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnrolmentKind {
    /// A new edge, which is to have this name.
    New(String),
    /// A machine that replaces the edge with this id: the previous machine's token is revoked.
    Replacement(String),
}
