//! Changes that the hub proposes to an edge, and the answers.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use strum::{EnumString, IntoStaticStr};
use uuid::Uuid;

use super::id::Id;
use super::mirror::Table;

/// What an edge is asked for: one of `patch`, `copy` and `task`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Proposal {
    pub uuid: Uuid,
    /// Its place among the proposals for this edge.
    pub seq: i64,
    pub table: Table,
    pub id: String,
    /// The rev of the row that it is made for, 0 for one that is not there; of a copy, the target's. `None` only on the way
    /// to the hub, which completes it, and from hubs of the version before.
    pub base_rev: Option<i64>,
    /// What the properties in `patch` were at that rev: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Box<RawValue>>,
    /// Properties to be given other values: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<Copy>,
    /// Changes nothing: `table` is [`Table::Other`] and `id` empty then, so that an edge of an older version refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// Not to be applied after this, by the hub's clock; milliseconds since 1970.
    pub expires_ms: i64,
    /// The name of the operator who filed it.
    pub author: String,
    /// What that operator may do at the hub; `None`: the hub is of a version before there were levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<HubLevel>,
}

/// What an edge is asked to do, and to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Task {
    /// Exchange until the hub has everything.
    Sync,
    /// Compare everything with the hub.
    Verify,
    /// Report the findings of `doctor`, the state of the mirror and the last lines of the log.
    Diagnosis,
}

impl Task {
    pub const ALL: [Task; 3] = [Task::Sync, Task::Verify, Task::Diagnosis];

    /// By its name on the wire and on disk.
    pub fn parse(name: &str) -> Option<Task> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What only the server may give an employee: it is not mirrored, and cannot be proposed.
pub const SECRETS: [&str; 3] = ["password", "passwordHash", "authenticatorKey"];

/// What an operator of a hub may do there. Each level includes the levels below it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum HubLevel {
    /// Reads the fleet and the mirrored rows.
    Read,
    /// Files proposals too.
    Propose,
    /// Does everything: codes, operators, moves, removals.
    Administer,
}

impl HubLevel {
    pub const ALL: [HubLevel; 3] = [HubLevel::Read, HubLevel::Propose, HubLevel::Administer];

    /// By its name on the wire and on disk.
    pub fn parse(name: &str) -> Option<HubLevel> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// One employee's mobile config onto another's, as `POST /pbx/app/mobileconfig/` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    #[serde(rename = "_id")]
    pub from: Id,
    #[serde(rename = "copyTo")]
    pub to: Id,
}

/// What became of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ProposalResult {
    Applied,
    /// What it would change has been changed here meanwhile.
    Conflict,
    /// It cannot be applied, by the rules that hold for everybody.
    Rejected,
    Expired,
}

impl ProposalResult {
    /// By its name on the wire and on disk.
    pub fn parse(name: &str) -> Option<ProposalResult> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The longest detail of an answer, in bytes.
pub const DETAIL_MAX_BYTES: usize = 64 << 10;

/// The beginning of a detail that is too long.
pub fn bounded_detail(detail: &str) -> &str {
    &detail[..detail.floor_char_boundary(DETAIL_MAX_BYTES)]
}

/// An edge's answer to a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalAnswer {
    pub uuid: Uuid,
    pub result: ProposalResult,
    /// The row's, when it was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rev: Option<i64>,
    /// Why, for a person: faults, or both values of what was in conflict. Of a task that was done: its report, a JSON object.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}
