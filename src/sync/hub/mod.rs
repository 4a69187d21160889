//! The hub: the central side of the mirror. It holds, for each origin, an exact copy of what that edge holds.

pub mod api;
pub mod migration;
pub mod orphaned_rows;
pub mod postgres;
pub mod retention;
pub mod row_validation;
pub mod rules;
pub mod sqlite;

use crate::domain::audit::{Hash, digest};
use crate::domain::mirror::{AuditHead, Head, Refused, Row, Table};
use crate::domain::proposal::{Outcome, Proposal};
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};
use crate::sync::protocol::wire::{EdgeStatus, Pace, Part, Push, Reply};
use migration::{Arrival, Delivery, FinishMove, Phase, Quarantined};
use orphaned_rows::{Lost, Removed};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An edge, as the hub knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub origin: String,
    pub name: String,
    /// SHA-256 of its token.
    pub token: Hash,
    pub head: Head,
    /// The newest write that the edge has told of.
    pub high: i64,
    /// Contained in a verified backup.
    pub stable: i64,
    pub enrolled_at: Time,
    pub last_seen: Option<Time>,
    /// Epochs that the edge has begun anew.
    pub resets: i64,
    /// Count of the epoch that the last of them came from.
    pub parent: i64,
    /// Two edges take turns under this name: nothing is taken until somebody has decided.
    pub is_locked: bool,
    /// Rows that are put aside.
    pub quarantined: i64,
    /// The newest entry of the edge's audit trail that it has told of.
    pub audit: AuditHead,
    /// That entry has become another one on the edge.
    pub audit_differs: bool,
    pub status: EdgeStatus,
    pub phase: Phase,
}

impl Origin {
    /// 404 `origin` unless it is this one's token: another's is told nothing. Else as [`Origin::check_here`].
    pub fn check_token(&self, token: &Hash) -> Result<()> {
        if self.token == *token { self.check_here() } else { Err(Error::not_found("origin", "Origin not found")) }
    }

    /// 503 while it is under way from or to another hub; 421 `moved` once it is there.
    pub fn check_here(&self) -> Result<()> {
        match &self.phase {
            Phase::Here => Ok(()),
            Phase::Arriving | Phase::Leaving(_) => {
                Err(Error::Unavailable("This server is moving to another hub, try again"))
            }
            Phase::Moved(hub) => Err(Error::Moved { hub: hub.clone() }),
        }
    }

    /// Writes that the hub is behind, as far as the edge has told.
    pub fn lag(&self) -> i64 {
        self.high.saturating_sub(self.head.acked)
    }

    /// The mirror is exactly the edge's state at `acked`, as far as is known: no comparison has shown otherwise.
    pub fn is_consistent(&self) -> bool {
        self.head.epoch.is_some()
            && self.head.acked == self.high
            && self.quarantined == 0
            && !self.is_locked
            && !self.status.differs
    }
}

/// Whether a push was taken, how the origin stands after it, and what the edge is to be told.
#[derive(Clone, Debug)]
pub struct PushResult {
    pub accepted: bool,
    pub origin: Origin,
    /// [`QUARANTINE_MAX`] at most.
    pub quarantine: Vec<Refused>,
    /// Those that are not answered, about [`PROPOSALS_MAX_BYTES`] of them, when the edge has sent everything.
    pub proposals: Vec<Proposal>,
}

/// Rows in quarantine that an edge is told of.
pub const QUARANTINE_MAX: i64 = 100;
/// Proposals in one answer.
pub const OFFERED_MAX: i64 = 100;
/// Text in a page of rows, and one row more.
pub const PAGE_BYTES: usize = 4 << 20;
/// The bytes of proposals in one answer: so many, unless the first alone is longer.
pub const PROPOSALS_MAX_BYTES: usize = 1 << 20;

impl PushResult {
    /// What the edge is told, in answer to `request`.
    pub fn reply(self, request: Uuid, pace: Pace, now: Time) -> Reply {
        Reply {
            request,
            head: self.origin.head,
            high: self.origin.high,
            stable: self.origin.stable,
            consistent: self.origin.is_consistent(),
            accepted: self.accepted,
            audit: self.origin.audit.0,
            audit_differs: self.origin.audit_differs,
            quarantine: self.quarantine,
            proposals: self.proposals,
            pace,
            clock_ms: now.millis(),
        }
    }
}

/// Whom a one-time code lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnrolmentKind {
    /// A new edge, which is to have this name.
    New(String),
    /// A machine that takes the place of the edge with this id: the token of the one before is good for nothing then.
    Replacement(String),
}

/// A proposal and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProposalRecord {
    pub proposal: Proposal,
    pub filed_at: Time,
    /// None: not answered.
    pub answer: Option<(Outcome, Time)>,
}

/// Where a hub keeps its mirrors. Each call is one transaction: all of it is on disk when it returns, or nothing.
///
/// Calls for one origin are serial. Those that name an origin answer 404 `origin` when there is none; those that change
/// one that is not [`Phase::Here`] are refused by [`Origin::check_here`], but for those that move it.
pub trait HubStore: Send + Sync + 'static {
    /// Lets one edge enrol with the code of this hash.
    fn add_code(
        &self,
        code_hash: [u8; 32],
        admits: &EnrolmentKind,
        now: Time,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Spends a code: an origin with the token of this hash, under the id `origin` if it is a new one. `None` when there
    /// is no such code, or it is older than [`retention::CODE_MS`].
    fn enroll(
        &self,
        code_hash: [u8; 32],
        token_hash: [u8; 32],
        origin: &str,
        now: Time,
    ) -> impl Future<Output = Result<Option<Origin>>> + Send;

    /// Whose token this is.
    fn origin_of(&self, token_hash: [u8; 32]) -> impl Future<Output = Result<Option<Origin>>> + Send;

    /// Every origin, by name.
    fn origins(&self) -> impl Future<Output = Result<Vec<Origin>>> + Send;

    /// Lets a locked origin go on: with whichever edge comes first.
    fn unlock(&self, origin: &str) -> impl Future<Output = Result<()>> + Send;

    /// Keeps a part of a batch aside, in the place of all parts of another one. Once kept, it is not kept again. 409
    /// `stage` when it is too much: [`retention::check_stage`].
    fn stage(&self, origin: &str, part: &Part, now: Time) -> impl Future<Output = Result<()>> + Send;

    /// Takes a push that [`rules::accepts`], with what was staged for it; another changes nothing. Rows with a fault are
    /// put aside with their whole write; 409 `schema` when they are so many that the fault is not theirs. 423 while the
    /// origin is locked; 404 `origin` when the token of this hash is not the origin's.
    fn push(
        &self,
        origin: &str,
        token_hash: &Hash,
        push: &Push,
        now: Time,
    ) -> impl Future<Output = Result<PushResult>> + Send;

    /// Calls `each` with table, id, rev and text of every row of an origin, in one snapshot; gives the origin as of it.
    fn scan(
        &self,
        origin: &str,
        each: impl FnMut(Table, &str, i64, &str) + Send,
    ) -> impl Future<Output = Result<Origin>> + Send;

    /// Rows of one table behind `after`, by id, and the origin as of the same moment: `limit` rows at most, and about
    /// [`PAGE_BYTES`]. Behind the last there are none.
    fn rows(
        &self,
        origin: &str,
        table: Table,
        after: &str,
        limit: i64,
    ) -> impl Future<Output = Result<(Origin, Vec<Row>)>> + Send;

    /// Rows that are put aside because of what they hold.
    fn quarantine(&self, origin: &str) -> impl Future<Output = Result<Vec<Refused>>> + Send;

    /// Files a proposal under the next number; `base` is read from the mirror. One that is there already, by its uuid,
    /// keeps its number. 409 `base_rev` when the mirror has another rev, 409 `uuid` when the same uuid asked for
    /// something else.
    fn file(&self, origin: &str, proposal: Proposal, now: Time) -> impl Future<Output = Result<ProposalRecord>> + Send;

    /// Proposals behind number `after`, in their order.
    fn proposals(
        &self,
        origin: &str,
        after: i64,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<ProposalRecord>>> + Send;

    /// All that is put aside, as it is kept.
    fn aside(&self, origin: &str) -> impl Future<Output = Result<Vec<Quarantined>>> + Send;

    /// Changes where an origin is, if it may: [`rules::check_step`]. Gives it as it stands from then on. Of one that has
    /// moved nothing is kept but where it is.
    fn step(&self, origin: &str, to: &Phase) -> impl Future<Output = Result<Origin>> + Send;

    /// Makes room for an origin that comes from another hub, as [`rules::arrival`] decides. Rows that are there stay.
    fn arrive(&self, announced: &Origin) -> impl Future<Output = Result<Arrival>> + Send;

    /// Takes what an origin that is arriving brings. 409 `phase` when it is not.
    fn deliver(&self, origin: &str, delivery: &Delivery) -> impl Future<Output = Result<()>> + Send;

    /// Ends an arrival when all that is told is there: from then on the origin is served here. Nothing of it is stable.
    /// Once more changes nothing. 409 when something is missing.
    fn settle(&self, settling: &FinishMove) -> impl Future<Output = Result<()>> + Send;

    /// Rows of the lost tail behind this [`Lost::place`], the newest first.
    fn lost(&self, origin: &str, behind: (Time, i64), limit: i64) -> impl Future<Output = Result<Vec<Lost>>> + Send;

    /// Removes an origin, wherever it is, with all that is kept of it and its token.
    fn remove(&self, origin: &str) -> impl Future<Output = Result<Removed>> + Send;

    /// Forgets what nobody will ask for: codes not spent for a week; answered proposals and the lost tail after 90 days;
    /// parts a day after the last of them. To be called once an hour: how late it is is decided by [`retention::reached`].
    fn prune(&self, now: Time) -> impl Future<Output = Result<()>> + Send;
}

/// 503: PostgreSQL is away, and may come back.
pub fn store_unreachable() -> Error {
    Error::Unavailable("The hub's store cannot be reached, try again")
}

/// The longest name of a server.
pub const NAME_MAX: usize = 200;

/// A new one-time code. 422 `name`.
pub async fn add_code(store: &impl HubStore, admits: &EnrolmentKind, now: Time) -> Result<String> {
    if let EnrolmentKind::New(name) = admits
        && (name.trim().is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control))
    {
        let message = format!("name must be 1 to {NAME_MAX} characters, none of them for control");
        return Err(Error::invalid("name", Check::Format, message));
    }
    let code = Uuid::new_v4().simple();
    let code = match admits {
        EnrolmentKind::New(_) => code.to_string(),
        // So that whoever spends it can see beforehand whose place it gives.
        EnrolmentKind::Replacement(origin) => [origin.as_str(), &code.to_string()].join("."),
    };
    store.add_code(digest(code.as_bytes()), admits, now).await?;
    Ok(code)
}
