//! What the administration of a hub needs of its store: operators, the audit trail, and the fleet as pages.

use super::alarms::Alarm;
use super::audit::{AuditNote, AuditRecord, Caller};
use super::fleet::{FleetCursor, FleetFilter};
use super::limits::OverLimit;
use super::operators::Operator;
use super::origin::Origin;
use crate::domain::audit::Hash;
use crate::domain::proposal::HubLevel;
use crate::error::Result;

/// Entries of the audit trail that are read at a time.
pub const AUDIT_PAGE: i64 = 1_000;

/// The administrative part of a hub's store. Each call is one transaction; each change and its entry in the audit trail
/// commit together.
pub trait AdminStore: Send + Sync + 'static {
    /// Fails when nothing can be committed and a new start of the hub may help. A PostgreSQL that is away is waited for, so it is
    /// no reason.
    fn check_writer(&self) -> impl Future<Output = Result<()>> + Send;

    /// Sets the administrator's token, by its hash. With a caller this is a rotation, which is recorded; without one it is
    /// what a start of the hub has found in its token file.
    fn set_administrator(&self, token: Hash, caller: Option<Caller<'_>>) -> impl Future<Output = Result<()>> + Send;

    /// Adds an operator with the token of this hash. 409 `operator` when there is one of this name.
    fn add_operator(
        &self,
        name: &str,
        level: HubLevel,
        token: Hash,
        caller: Caller<'_>,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Replaces the token of an operator: the one before is revoked. 404 `operator`.
    fn rotate_operator(&self, name: &str, token: Hash, caller: Caller<'_>) -> impl Future<Output = Result<()>> + Send;

    /// Removes an operator, whose token is revoked. 404 `operator`.
    fn remove_operator(&self, name: &str, caller: Caller<'_>) -> impl Future<Output = Result<()>> + Send;

    /// Every operator by name, without the administrator.
    fn operators(&self) -> impl Future<Output = Result<Vec<Operator>>> + Send;

    /// The operator that has this token; the administrator too.
    fn operator_of(&self, token: Hash) -> impl Future<Output = Result<Option<Operator>>> + Send;

    /// Appends an entry to the audit trail. With `once`, nothing is appended when there is an entry with that key.
    fn note(&self, note: AuditNote, once: Option<&str>) -> impl Future<Output = Result<()>> + Send;

    /// Entries of the audit trail behind number `after`, the oldest first.
    fn audit_after(&self, after: i64, limit: i64) -> impl Future<Output = Result<Vec<AuditRecord>>> + Send;

    /// Entries of the audit trail before number `before`, the newest first.
    fn audit_before(&self, before: i64, limit: i64) -> impl Future<Output = Result<Vec<AuditRecord>>> + Send;

    /// Number and hash of the newest entry, as the store has noted them beside the trail.
    fn audit_head(&self) -> impl Future<Output = Result<(i64, Hash)>> + Send;

    /// Candidates for a fleet page behind `after`, in order of name and id: at least every origin that
    /// [`FleetFilter::matches`], up to `limit` origins. An empty result is the end.
    fn fleet_candidates(
        &self,
        filter: &FleetFilter,
        after: &FleetCursor,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<Origin>>> + Send;

    /// Gives an origin these tags in place of those that it has. 404 `origin`, 422 `tags`.
    fn set_tags(&self, origin: &str, tags: &[String], caller: Caller<'_>) -> impl Future<Output = Result<()>> + Send;

    /// Acknowledges an alarm, as [`super::fleet::acknowledge`] decides, and gives the origin as it is then. An audit alarm
    /// is cleared: the hub goes on with the audit trail that the server presents next.
    fn acknowledge(
        &self,
        origin: &str,
        alarm: Alarm,
        why: &str,
        caller: Caller<'_>,
    ) -> impl Future<Output = Result<Origin>> + Send;

    /// Gives an origin that is here another token, of this hash; the present one is good until the other is used first.
    fn rotate_token(&self, origin: &str, token: Hash) -> impl Future<Output = Result<()>> + Send;

    /// Notes that a call of an origin was refused because of a limit: an alarm on the fleet page.
    fn note_over_limit(&self, origin: &str, over: OverLimit) -> impl Future<Output = Result<()>> + Send;

    /// Notes that an origin has used the token that [`AdminStore::rotate_token`] gave it: the one before is revoked.
    fn confirm_token(&self, origin: &str, token: Hash) -> impl Future<Output = Result<()>> + Send;
}

/// A page of the fleet: at most `limit` origins that match, and the cursor of the next page unless this is the last.
pub async fn fleet_page(
    store: &impl AdminStore,
    filter: &FleetFilter,
    after: FleetCursor,
    limit: i64,
) -> Result<(Vec<Origin>, Option<FleetCursor>)> {
    let most = usize::try_from(limit).unwrap_or_default();
    let (mut page, mut after) = (vec![], after);
    loop {
        // One more than the page holds says whether there is another page.
        let candidates = store.fleet_candidates(filter, &after, limit + 1).await?;
        let Some(last) = candidates.last() else { return Ok((page, None)) };
        after = FleetCursor::behind(last);
        let is_end = (candidates.len() as i64) <= limit;
        for origin in candidates.into_iter().filter(|origin| filter.matches(origin)) {
            if page.len() == most {
                let next = page.last().map(FleetCursor::behind);
                return Ok((page, next));
            }
            page.push(origin);
        }
        if is_end {
            return Ok((page, None));
        }
    }
}
