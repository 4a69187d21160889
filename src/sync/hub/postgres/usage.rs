//! How much is stored of an origin.

use deadpool_postgres::Pool;
use tokio_postgres::Row as SqlRow;

use super::tx::{self, Batch, Scope, Tx, WRITE, describe};
use crate::error::Result;
use crate::sync::hub::limits::{OriginLimits, OverLimit, Usage, UsageOfPush};
use crate::sync::hub::origin::{Origin, origin_not_found};
use crate::sync::protocol::wire::Push;

/// As [`crate::sync::hub::retention::bytes_of`] counts: each row takes 100 bytes besides its id and its text, and a content counts
/// once.
const COUNT: &str = "
    select count(*), (coalesce(sum(100 + octet_length(id) + coalesce(octet_length(head), 0) + coalesce(octet_length(tail), 0)), 0)
        + (select coalesce(sum(octet_length(v)), 0) from contents where origin = $1))::int8
    from (
        select id, head, tail from mirror where origin = $1
        union all select id, head, tail from lost_tail where origin = $1
        union all select id, head, tail from quarantine where origin = $1) stored";
const STAGED_BYTES: &str = "
    select (select count(*) from staged where origin = $1 and stage = $2),
        (select coalesce(sum(bytes), 0)::int8 from staged_parts where origin = $1 and stage = $2)";

const NOTE_OVER_LIMIT: &str = "update origins set over_limit = $2 where origin = $1";

/// What is stored before a push, and what it adds at most. Counts only where that comes near a limit, or was never counted.
pub async fn before_push(tx: &mut Tx, before: &Origin, push: &Push, limits: &OriginLimits) -> Result<UsageOfPush> {
    let mut added = Usage::of(&push.rows);
    if let Some(staged) = &push.staged {
        let answers = tx.send(Batch::default().with(STAGED_BYTES, &[&before.origin, &staged.stage])).await?;
        added = added.plus(from_rows(&answers[0])?);
    }
    let known = match limits.must_count_before(before.used, added) {
        None => before.used.unwrap_or_default(),
        Some(()) => count(tx, &before.origin).await?,
    };
    Ok(UsageOfPush { known, added })
}

pub async fn count(tx: &mut Tx, origin: &str) -> Result<Usage> {
    let answers = tx.send(Batch::default().with(COUNT, &[&origin])).await?;
    from_rows(&answers[0])
}

/// Notes that a call was refused because of a limit.
pub async fn note_over_limit(pool: &Pool, origin: &str, over: &OverLimit) -> Result<()> {
    let text = serde_json::to_string(over).unwrap_or_default();
    let note = Batch::default().with(NOTE_OVER_LIMIT, &[&origin, &text]);
    tx::at_once(pool, WRITE, Scope::Origin(origin), note).await.map(drop)
}

fn from_rows(rows: &[SqlRow]) -> Result<Usage> {
    let row = rows.first().ok_or_else(origin_not_found)?;
    Ok(Usage { rows: row.try_get(0).map_err(describe)?, bytes: row.try_get(1).map_err(describe)? })
}
