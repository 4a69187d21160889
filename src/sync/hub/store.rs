//! What every store of a hub does, whatever it keeps the mirrors in.

use uuid::Uuid;

use super::admin_store::AdminStore;
use super::audit::Caller;
use super::limits::OriginLimits;
use super::migration::{Arrival, Delivery, FinishMove, QuarantinedRow};
use super::origin::{EnrolmentKind, NAME_MAX, Origin, Phase};
use super::orphaned_rows::{OrphanedRow, RemovedOrigin};
use super::proposals::ProposalRecord;
use crate::domain::audit::{Hash, digest};
use crate::domain::mirror::{Refused, Row, Table};
use crate::domain::proposal::Proposal;
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};
use crate::sync::protocol::wire::{Pace, Part, Push, Reply, StageReply};

/// How many quarantined rows one reply lists.
pub const QUARANTINE_MAX: i64 = 100;
/// Bytes of text after which a page of rows ends; the row that crosses the limit is still in it.
pub const PAGE_BYTES: usize = 4 << 20;

/// Whether a push was accepted, the origin after it, and what else the reply carries.
#[derive(Clone, Debug)]
pub struct PushResult {
    pub accepted: bool,
    pub origin: Origin,
    /// [`QUARANTINE_MAX`] at most.
    pub quarantine: Vec<Refused>,
    /// The oldest unanswered proposals, as many as [`super::proposals::offered`] allows, once the edge has sent
    /// everything.
    pub proposals: Vec<Proposal>,
}

impl PushResult {
    /// The reply to `request`.
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
            contents: true,
            quarantine: self.quarantine,
            proposals: self.proposals,
            pace,
            clock_ms: now.millis(),
            hub: None,
        }
    }
}

/// 503: the store is away, and may come back.
pub fn store_unreachable() -> Error {
    Error::Unavailable("The hub's store cannot be reached, try again")
}

/// A hub's store. Each call is one transaction: all of it is on disk when the call returns, or nothing.
///
/// Calls for one origin are serial. Those that name an origin answer 404 `origin` when there is none; those that change
/// one that is not [`Phase::Here`] are refused by [`Origin::check_here`], except those that move it.
///
/// What an operator asks for is recorded in the hub's audit trail in the same transaction.
pub trait HubStore: AdminStore {
    /// With these limits for each origin.
    #[must_use]
    fn with_limits(self, limits: OriginLimits) -> Self;

    /// Lets one edge enrol with the code of this hash. 409 `name` when there is an origin of the name.
    fn add_code(
        &self,
        code_hash: [u8; 32],
        kind: &EnrolmentKind,
        caller: Caller<'_>,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Spends a code: gives an origin with the token of this hash, under the id `origin` if it is a new one. `None` when
    /// there is no such code, or it is older than [`super::retention::CODE_MS`]. 409 `name` when there is an origin of the
    /// name by now.
    ///
    /// `attempt`: a code that was spent with it may be spent with it again, and gives the same origin another token, as
    /// long as the origin still has the token of the time before: the edge never had the answer.
    fn enroll(
        &self,
        code_hash: [u8; 32],
        token_hash: [u8; 32],
        origin: &str,
        attempt: Option<Uuid>,
        now: Time,
    ) -> impl Future<Output = Result<Option<Origin>>> + Send;

    /// The origin that has this token.
    fn origin_of(&self, token_hash: [u8; 32]) -> impl Future<Output = Result<Option<Origin>>> + Send;

    /// Every origin, by name.
    fn origins(&self) -> impl Future<Output = Result<Vec<Origin>>> + Send;

    /// Unlocks an origin: it goes on with whichever edge comes first. Gives whether it was locked.
    fn unlock(&self, origin: &str, caller: Caller<'_>) -> impl Future<Output = Result<bool>> + Send;

    /// Stages a part of a batch where [`super::rules::judge_part`] allows it, and discards the parts of any other batch. 409
    /// `stage` when it has too many parts, 507 when it becomes too large.
    fn stage(&self, origin: &str, part: &Part, now: Time) -> impl Future<Output = Result<()>> + Send;

    /// What is staged of an origin.
    fn staged(&self, origin: &str) -> impl Future<Output = Result<StageReply>> + Send;

    /// Applies a push that [`super::rules::accepts`], with the parts staged for it; any other push changes nothing. A
    /// row with a fault is quarantined with its whole write; 409 `schema` when so many have one that the fault is not
    /// theirs. 507 when the origin would store more than it may. 423 while the origin is locked; 404 `origin` when the token of this hash is not the origin's.
    fn push(
        &self,
        origin: &str,
        token_hash: &Hash,
        push: &Push,
        now: Time,
    ) -> impl Future<Output = Result<PushResult>> + Send;

    /// Calls `each` with table, id, rev and text of every row of an origin, in one snapshot; gives the origin of the same
    /// snapshot.
    fn scan(
        &self,
        origin: &str,
        each: impl FnMut(Table, &str, i64, &str) + Send,
    ) -> impl Future<Output = Result<Origin>> + Send;

    /// Rows of one table behind `after`, by id, and the origin of the same snapshot: at most `limit` rows and about
    /// [`PAGE_BYTES`]. An empty page is the end.
    fn rows(
        &self,
        origin: &str,
        table: Table,
        after: &str,
        limit: i64,
    ) -> impl Future<Output = Result<(Origin, Vec<Row>)>> + Send;

    /// The quarantined rows that have a fault of their own.
    fn quarantine(&self, origin: &str) -> impl Future<Output = Result<Vec<Refused>>> + Send;

    /// Files a proposal under the next number; the store reads its `base` from the mirror. A proposal whose uuid is filed
    /// already keeps its number. 409 `base_rev` when the mirror has another rev, 409 `uuid` when the same uuid asked for
    /// something else.
    fn file_proposal(
        &self,
        origin: &str,
        proposal: Proposal,
        now: Time,
    ) -> impl Future<Output = Result<ProposalRecord>> + Send;

    /// Proposals behind number `after`, in their order.
    fn proposals(
        &self,
        origin: &str,
        after: i64,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<ProposalRecord>>> + Send;

    /// Every quarantined row, as it is stored.
    fn quarantined_rows(&self, origin: &str) -> impl Future<Output = Result<Vec<QuarantinedRow>>> + Send;

    /// Changes the phase of an origin where [`super::migration::check_phase_change`] allows it, and gives the origin as it
    /// is then. Once an origin has moved, the store keeps nothing of it but where it went.
    fn change_phase(&self, origin: &str, to: &Phase, caller: Caller<'_>)
    -> impl Future<Output = Result<Origin>> + Send;

    /// Begins the arrival of an origin from another hub, as [`super::migration::judge_arrival`] decides. Rows that are
    /// here already stay.
    fn arrive(&self, announced: &Origin) -> impl Future<Output = Result<Arrival>> + Send;

    /// Stores a delivery for an origin that is arriving. 409 `phase` when it is not.
    fn deliver(&self, origin: &str, delivery: &Delivery) -> impl Future<Output = Result<()>> + Send;

    /// Ends an arrival once everything that was announced has arrived: from then on this hub serves the origin. Nothing of
    /// it is stable yet. A repeated call changes nothing. 409 when something is missing.
    fn finish_move(&self, finish: &FinishMove, caller: Caller<'_>) -> impl Future<Output = Result<()>> + Send;

    /// Orphaned rows behind this [`OrphanedRow::cursor`], the newest first.
    fn orphaned_rows(
        &self,
        origin: &str,
        behind: (Time, i64),
        limit: i64,
    ) -> impl Future<Output = Result<Vec<OrphanedRow>>> + Send;

    /// Removes an origin, whatever its phase, with everything that is stored of it and its token.
    fn remove(&self, origin: &str, caller: Caller<'_>) -> impl Future<Output = Result<RemovedOrigin>> + Send;

    /// Deletes what is past its retention: unspent codes after a week; answered proposals and orphaned rows after 90 days;
    /// staged parts a fortnight after the last of them. To be called once an hour; [`super::retention::effective_now`] decides
    /// how late it is.
    fn prune(&self, now: Time) -> impl Future<Output = Result<()>> + Send;
}

/// Makes a new one-time code. 422 `name`, 409 `name`.
pub async fn add_code(store: &impl HubStore, kind: &EnrolmentKind, caller: Caller<'_>) -> Result<String> {
    if let EnrolmentKind::New(name) = kind
        && (name.trim().is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control))
    {
        let message = format!("name must be 1 to {NAME_MAX} characters, none of them for control");
        return Err(Error::invalid("name", Check::Format, message));
    }
    let code = Uuid::new_v4().simple();
    let code = match kind {
        EnrolmentKind::New(_) => code.to_string(),
        // The code names the origin, so that the edge can see beforehand which one it would replace.
        EnrolmentKind::Replacement(origin) => [origin.as_str(), &code.to_string()].join("."),
    };
    store.add_code(digest(code.as_bytes()), kind, caller).await?;
    Ok(code)
}
