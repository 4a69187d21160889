//! The messages between edge and hub (protocol 1): JSON, in the order that the fields have here.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rows::Rows;
pub use crate::domain::mirror::{AuditHead, Epoch, Head, Refused, Row, Table};
pub use crate::domain::proposal::{Proposal, ProposalAnswer};

/// The protocol that this program speaks.
pub const PROTO: u32 = 1;

/// Numbers in a message are below it: nothing counts that far, and every JSON parser reads numbers up to it exactly.
pub const NUMBER_MAX: i64 = 1 << 53;

/// How far a new epoch may be ahead of the present one at the hub: a stolen token cannot use up the numbers of an origin. An
/// edge that a wrong answer has led further comes back (`engine::judge`).
pub const EPOCH_STEP_MAX: i64 = 1_000_000;

/// What a push does to what the hub has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Adds to it.
    #[default]
    Append,
    /// Replaces it: the edge begins a new epoch.
    Replace,
}

impl Mode {
    fn is_append(&self) -> bool {
        *self == Mode::Append
    }
}

/// `POST …/exchange`: the rows that are new, or none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Push {
    pub proto: u32,
    /// The schema of the edge.
    pub schema: i32,
    /// Repeated in the reply.
    pub request: Uuid,
    #[serde(default, skip_serializing_if = "Mode::is_append")]
    pub mode: Mode,
    pub epoch: Epoch,
    /// With [`Mode::Replace`]: number of the edge's last epoch that the hub knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<i64>,
    /// The hub's state, as the edge expects it.
    pub base: Head,
    /// The hub has everything up to this write once it accepts the push.
    pub to: i64,
    pub attempt: Uuid,
    /// The newest write when the batch was read.
    pub snap: i64,
    /// The stage with the earlier parts of this batch; only when the batch is too large for one request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staged: Option<Staged>,
    #[serde(default, skip_serializing_if = "has_none")]
    pub rows: Rows,
    /// Answers that the hub has not received, as far as their rows are in this push or an earlier one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<ProposalAnswer>,
    /// Two entries of the audit trail: the newest one that the hub knows, as it is on the edge now, and the newest one.
    #[serde(default)]
    pub audit: [AuditHead; 2],
    pub status: EdgeStatus,
}

/// The parts of a batch that were sent before its push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    pub stage: Uuid,
    pub parts: i64,
}

/// `POST …/stage`: a part of a batch. The hub applies it with the push that names its stage, not before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    pub stage: Uuid,
    /// From 0.
    pub part: i64,
    /// Absent from an edge of an older version, which begins anew after each broken connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<PartContext>,
    pub rows: Rows,
}

/// Code of the hub's refusal of a part that does not follow what is staged.
pub const STAGE_ORDER: &str = "stage_order";

/// What a part belongs to: a hub stages each part behind the one that it follows, and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartContext {
    /// Names these rows: a part that is read again has another id.
    pub id: Uuid,
    /// Id of the part before; none for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Mode::is_append")]
    pub mode: Mode,
    pub epoch: Epoch,
    /// The hub's state, as the edge expects it.
    pub base: Head,
    /// How many rows the whole batch has, about.
    pub expected: i64,
}

/// The answer to `GET …/stage`: what the hub has of a batch that comes in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageReply {
    pub head: Head,
    /// As in [`Reply`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contents: bool,
    /// Absent while nothing is staged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged: Option<StageState>,
}

/// The parts of a batch that a hub has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageState {
    pub stage: Uuid,
    pub parts: i64,
    /// Of their rows.
    pub bytes: i64,
    /// Id of the newest part; none when an edge of an older version has sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Uuid>,
}

/// How far a hub is with the reset of an origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetProgress {
    /// Number of the epoch that begins.
    pub epoch: i64,
    /// Rows that the hub has received.
    pub rows: i64,
    /// How many rows there are, about.
    pub expected: i64,
}

/// What an edge reports of itself, for the fleet page only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EdgeStatus {
    pub version: String,
    pub clock_ms: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub forks: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub rewinds: i64,
    /// When both sides were last found equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved_ms: Option<i64>,
    /// The last comparison found a difference.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub differs: bool,
    /// The disk of the edge is full: it refuses changes.
    pub is_full: bool,
    /// A reset is going on. The hub notes it with the first part, and an accepted push ends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resetting: Option<ResetProgress>,
}

/// The last moment of the year 9999, the latest time that can be written.
const TIME_MAX_MS: i64 = 253_402_300_799_999;
/// No edge counts further.
const COUNT_MAX: i64 = 1 << 53;

impl EdgeStatus {
    /// The status with its numbers in bounds: an edge may report anything, and others compute with what it reports. A time
    /// of the proof that cannot be one is left out.
    pub fn bounded(self) -> EdgeStatus {
        EdgeStatus {
            clock_ms: self.clock_ms.clamp(0, TIME_MAX_MS),
            forks: self.forks.clamp(0, COUNT_MAX),
            rewinds: self.rewinds.clamp(0, COUNT_MAX),
            proved_ms: self.proved_ms.filter(|proved| (1..=TIME_MAX_MS).contains(proved)),
            ..self
        }
    }
}

fn has_none(rows: &Rows) -> bool {
    rows.is_empty()
}

fn is_zero(count: &i64) -> bool {
    *count == 0
}

/// The reply to a push: the hub's state, whether the hub accepted the push (200) or not (409).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reply {
    pub request: Uuid,
    #[serde(flatten)]
    pub head: Head,
    /// The newest write that the edge has reported.
    pub high: i64,
    /// Everything up to this write survives the loss of the hub.
    pub stable: i64,
    /// The mirror is exactly the edge's state at `acked`, as far as the hub knows.
    pub consistent: bool,
    /// The hub accepted the push, and the answers in it.
    pub accepted: bool,
    /// Number of the newest entry of the edge's audit trail that the hub knows the hash of.
    #[serde(default)]
    pub audit: i64,
    /// The edge has another entry under that number: its trail was changed, or cut off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub audit_differs: bool,
    /// The hub takes messages with contents apart ([`super::rows`]); one of an older version does not say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contents: bool,
    /// Quarantined rows, at most a hundred.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantine: Vec<Refused>,
    /// Proposals that are not answered, in their order, once the edge has sent everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
    /// Absent for the default.
    #[serde(default, skip_serializing_if = "Pace::is_default")]
    pub pace: Pace,
    pub clock_ms: i64,
    /// The address at which the hub wants to be called from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<String>,
}

impl Reply {
    /// Whether every number is one that can have been counted, and leaves room to count on.
    pub fn is_sound(&self) -> bool {
        let epoch = self.head.epoch.map_or(0, |epoch| epoch.0);
        let numbers = [epoch, self.head.acked, self.high, self.stable, self.audit, self.clock_ms];
        numbers.iter().all(|number| (0..NUMBER_MAX).contains(number))
    }
}

/// When the next exchange is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    pub next_ms: u64,
    pub spread_ms: u64,
    /// The largest batch, in bytes before compression.
    pub max_bytes: usize,
}

impl Pace {
    fn is_default(&self) -> bool {
        *self == Pace::default()
    }
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { next_ms: 60_000, spread_ms: 30_000, max_bytes: 2 << 20 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_edge_reports_is_bounded() {
        for number in [i64::MIN, -1, i64::MAX] {
            let reported = EdgeStatus {
                clock_ms: number,
                forks: number,
                rewinds: number,
                proved_ms: Some(number),
                ..EdgeStatus::default()
            };
            let EdgeStatus { clock_ms, forks, rewinds, proved_ms, .. } = reported.bounded();
            assert!((0..=TIME_MAX_MS).contains(&clock_ms) && proved_ms.is_none(), "{number}");
            assert!([forks, rewinds].iter().all(|count| (0..=COUNT_MAX).contains(count)), "{number}");
        }
        let sound = EdgeStatus { clock_ms: 5, forks: 1, proved_ms: Some(4), ..EdgeStatus::default() };
        assert_eq!(sound.clone().bounded(), sound);
    }
}
