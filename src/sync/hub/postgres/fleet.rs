//! The fleet as pages, tags, acknowledged alarms, and tokens that rotate.

use deadpool_postgres::Pool;

use super::audit;
use super::origins::{self, columns};
use super::rows::without_nul;
use super::tx::{self, Batch, READ, Scope, WRITE};
use crate::domain::audit::Hash;
use crate::error::{Error, Result};
use crate::sync::hub::alarms::Alarm;
use crate::sync::hub::audit::{AuditNote, Caller, HubAction};
use crate::sync::hub::fleet::{self, FleetCursor, FleetFilter, FleetState};
use crate::sync::hub::origin::{Origin, origin_not_found};

/// Behind ($1, $2), at most $8. $3: tag, $4: beginning of the status, $5: lag, $6: state, $7: unreachable before. Of a state
/// this tests only what every origin in it has: the rule itself is [`FleetState::of`].
const CANDIDATES: &str = concat!(
    "select ",
    columns!(),
    " from origins
     where (name collate \"C\", origin) > ($1::text collate \"C\", $2::text collate \"C\")
        and ($3::text is null or strpos(' ' || tags || ' ', ' ' || $3 || ' ') > 0)
        and ($4::text is null or starts_with(status, $4))
        and ($5::int8 is null or high - acked >= $5)
        and case $6::text
            when 'moved' then phase = 'moved'
            when 'moving' then phase in ('leaving', 'arriving')
            when 'locked' then locked
            when 'never_seen' then last_seen is null
            when 'unreachable' then last_seen < $7::int8
            when 'quarantine' then quarantined > 0
            when 'ok' then quarantined = 0 and not locked and acked = high
            else true end
     order by name collate \"C\", origin limit $8"
);
const SET_TAGS: &str = "update origins set tags = $2 where origin = $1";
const ACKNOWLEDGE: &str = concat!(
    "update origins set acknowledged = $2, audit_seq = case when $3 then 0 else audit_seq end,
        audit_hash = case when $3 then '' else audit_hash end, audit_differs = audit_differs and not $3
     where origin = $1 returning ",
    columns!()
);
const ROTATE: &str = "update origins set next_token_hash = $2 where origin = $1";
const CONFIRM: &str = "
    update origins set token_hash = next_token_hash, next_token_hash = null
    where origin = $1 and next_token_hash = $2";

/// Origins that may match a filter.
pub async fn candidates(pool: &Pool, filter: &FleetFilter, after: &FleetCursor, limit: i64) -> Result<Vec<Origin>> {
    let (state, oldest, status) = (filter.state.map(FleetState::name), filter.oldest.millis(), filter.status_prefix());
    let tag = filter.tag.as_deref().map(without_nul);
    let (name, origin, lag) = (&after.name, &after.origin, &filter.lag);
    let page = Batch::default().with(CANDIDATES, &[name, origin, &tag, &status, lag, &state, &oldest, &limit]);
    let answers = tx::at_once(pool, READ, Scope::Fleet, page).await?;
    answers[0].iter().map(|row| origins::from_row(row).map(|found| found.origin)).collect()
}

pub async fn set_tags(pool: &Pool, origin: &str, tags: &[String], caller: Caller<'_>) -> Result<()> {
    let joined = fleet::join_tags(tags)?;
    let (mut tx, _, _) = origins::begin(pool, origin, Batch::default()).await?;
    tx.send(Batch::default().with(SET_TAGS, &[&origin, &joined])).await?;
    audit::commit(tx, AuditNote::new(caller, HubAction::Tag, origin, &joined)).await
}

pub async fn acknowledge(pool: &Pool, origin: &str, alarm: Alarm, why: &str, caller: Caller<'_>) -> Result<Origin> {
    let (mut tx, locked, _) = origins::begin(pool, origin, Batch::default()).await?;
    let found = &locked.found.origin;
    found.check_here()?;
    let acknowledged = fleet::acknowledge(found, alarm, why, caller.name, caller.now)?;
    let stored = serde_json::to_string(&acknowledged).map_err(|error| Error::Internal(Box::new(error)))?;
    let is_audit = alarm == Alarm::Audit;
    let detail = fleet::describe_acknowledgement(found, alarm, why);
    let answers = tx.send(Batch::default().with(ACKNOWLEDGE, &[&origin, &stored, &is_audit])).await?;
    audit::commit(tx, AuditNote::new(caller, HubAction::Acknowledge, origin, &detail)).await?;
    answers[0].first().ok_or_else(origin_not_found).and_then(origins::from_row).map(|found| found.origin)
}

pub async fn rotate_token(pool: &Pool, origin: &str, token: Hash) -> Result<()> {
    let (tx, _) = origins::begin_here(pool, origin, Batch::default()).await?;
    let hash = token.as_slice();
    tx.commit(Batch::default().with(ROTATE, &[&origin, &hash])).await.map(drop)
}

pub async fn confirm_token(pool: &Pool, origin: &str, token: Hash) -> Result<()> {
    let hash = token.as_slice();
    let confirm = Batch::default().with(CONFIRM, &[&origin, &hash]);
    tx::at_once(pool, WRITE, Scope::Origin(origin), confirm).await.map(drop)
}
