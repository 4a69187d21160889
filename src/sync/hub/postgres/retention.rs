//! Deletes what is past its retention.

use super::contents;
use super::tx::{Batch, Scope, Tx, WRITE, describe};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::retention::{CODE_MS, RETENTION_MS, effective_now, open_stages};
use deadpool_postgres::Pool;

const SELECT_REACHED: &str = "select reached, (select max(last_seen) from origins) from hub for update of hub";
const UPDATE_REACHED: &str = "update hub set reached = $1";
/// A code from the future was made by a wrong clock: it is valid from now on.
const CLAMP_CODES: &str = "update enrolment_codes set created_at = $1 where created_at > $1";
const DELETE_CODES: &str = "delete from enrolment_codes where created_at < $1";
/// What the orphaned rows refer to may be referred to by nothing else.
const UNSWEEP: &str = "
    update origins set contents_swept = false where origin in (select origin from lost_tail where lost_at < $1)";
const DELETE_ORPHANED: &str = "delete from lost_tail where lost_at < $1";
/// Never the newest proposal: the next number is one more than its number.
const DELETE_ANSWERED: &str = "
    delete from proposals p where answered_at < $1 and seq < (select max(seq) from proposals n where n.origin = p.origin)";

/// No push may use a stage while it is deleted: calls that stage or push lock the origin too.
const LOCK_STAGES: &str = "
    update origins set contents_swept = false where origin in
        (select origin from staged_parts group by origin, stage having not max(staged_at) between $1 and $2)";
const DELETE_PARTS: &str = "
    delete from staged_parts where (origin, stage) in
        (select origin, stage from staged_parts group by origin, stage having not max(staged_at) between $1 and $2)";
const DELETE_STAGED: &str = "
    delete from staged s where not exists (select from staged_parts p where p.origin = s.origin and p.stage = s.stage)";

pub async fn prune(pool: &Pool, now: Time) -> Result<()> {
    let (tx, answers) = Tx::begin(pool, WRITE, Scope::Fleet, Batch::default().with(SELECT_REACHED, &[])).await?;
    let row = answers[0].first().ok_or_else(|| Error::internal("the table hub is empty"))?;
    let time =
        |column: usize| row.try_get::<_, Option<i64>>(column).map(|ms| ms.map(Time::from_millis)).map_err(describe);
    let Some(effective_now) = effective_now(time(0)?, time(1)?, now) else { return Ok(()) };
    let [from, to] = open_stages(effective_now, now).map(Time::millis);
    let (now, reached) = (now.millis(), effective_now.millis());
    let (codes, expired) = (effective_now.plus_ms(-CODE_MS).millis(), effective_now.plus_ms(-RETENTION_MS).millis());
    let batch = Batch::default()
        .with(UPDATE_REACHED, &[&reached])
        .with(CLAMP_CODES, &[&now])
        .with(DELETE_CODES, &[&codes])
        .with(UNSWEEP, &[&expired])
        .with(DELETE_ORPHANED, &[&expired])
        .with(DELETE_ANSWERED, &[&expired])
        .with(LOCK_STAGES, &[&from, &to])
        .with(DELETE_PARTS, &[&from, &to])
        .with(DELETE_STAGED, &[]);
    tx.commit(batch).await?;
    contents::sweep(pool).await
}
