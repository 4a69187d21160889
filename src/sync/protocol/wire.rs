//! What edge and hub say to each other (protocol 1): JSON, in the order the fields have here.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use crate::domain::mirror::{AuditHead, Epoch, Head, Refused, Row, Table};
pub use crate::domain::proposal::{Proposal, ProposalAnswer};

/// The protocol that this program speaks.
pub const PROTO: u32 = 1;

/// What a push is to do with what the hub holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Add to it.
    #[default]
    Append,
    /// Take its place: the edge begins a new epoch.
    Replace,
}

impl Mode {
    fn is_append(&self) -> bool {
        *self == Mode::Append
    }
}

/// `POST …/exchange`: what is new, or nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Push {
    pub proto: u32,
    /// Schema of the edge.
    pub schema: i32,
    /// Named again in the answer.
    pub request: Uuid,
    #[serde(default, skip_serializing_if = "Mode::is_append")]
    pub mode: Mode,
    pub epoch: Epoch,
    /// With [`Mode::Replace`]: count of the edge's last epoch that the hub knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<i64>,
    /// What the edge believes the hub has.
    pub base: Head,
    /// What the hub has when it accepts this.
    pub to: i64,
    pub attempt: Uuid,
    /// The newest write when the batch was read.
    pub snap: i64,
    /// Where earlier parts of this batch are staged, and how many; only when it is too large for one request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staged: Option<Staged>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Row>,
    /// Answers that the hub has not heard, as far as their rows are here or before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<ProposalAnswer>,
    /// Of the audit trail: the entry that the edge knows the hub to hold, and the newest one, as they stand.
    #[serde(default)]
    pub audit: [AuditHead; 2],
    pub status: EdgeStatus,
}

/// Parts that have been sent ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    pub stage: Uuid,
    pub parts: i64,
}

/// `POST …/stage`: a part of a batch that is never seen before the push that names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    pub stage: Uuid,
    /// From 0.
    pub part: i64,
    pub rows: Vec<Row>,
}

/// What the edge says about itself; for the fleet page only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EdgeStatus {
    pub version: String,
    pub clock_ms: i64,
    #[serde(skip_serializing_if = "is_none")]
    pub forks: i64,
    #[serde(skip_serializing_if = "is_none")]
    pub rewinds: i64,
    /// When both sides were last found equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved_ms: Option<i64>,
    /// When both sides were last compared they were not equal.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub differs: bool,
    /// Its disk is full: it refuses changes.
    pub is_full: bool,
}

fn is_none(count: &i64) -> bool {
    *count == 0
}

/// The answer to a push: the hub's state, whether it accepted (200) or not (409).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reply {
    pub request: Uuid,
    #[serde(flatten)]
    pub head: Head,
    /// The newest write that the hub has heard of.
    pub high: i64,
    /// What it would still have if it were restored.
    pub stable: i64,
    /// The mirror is exactly the edge's state at `acked`.
    pub consistent: bool,
    /// The push was taken, and the outcomes in it.
    pub accepted: bool,
    /// Number of the newest entry of the edge's audit trail that the hub knows the hash of.
    #[serde(default)]
    pub audit: i64,
    /// That entry is another one on the edge: its trail was changed, or cut off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub audit_differs: bool,
    /// Rows that are put aside, a hundred at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantine: Vec<Refused>,
    /// Those that are not answered, in their order; once the edge has sent everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
    /// Absent: the usual one.
    #[serde(default, skip_serializing_if = "Pace::is_usual")]
    pub pace: Pace,
    pub clock_ms: i64,
}

/// When to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    pub next_ms: u64,
    pub spread_ms: u64,
    /// The largest batch, in bytes before compression.
    pub max_bytes: usize,
}

impl Pace {
    fn is_usual(&self) -> bool {
        *self == Pace::default()
    }
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { next_ms: 60_000, spread_ms: 30_000, max_bytes: 2 << 20 }
    }
}
