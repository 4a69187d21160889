//! What is forgotten in time.

use super::PostgresHub;
use super::tx::{Batch, Scope, WRITE, describe};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::retention::{CODE_MS, RETENTION_MS, open_stages, reached};

const REACHED: &str = "select reached, (select max(last_seen) from origins) from hub for update of hub";
const REACH: &str = "update hub set reached = $1";
/// Made by a clock that was wrong: it may wait from now on.
const CLAMP_CODES: &str = "update enrolment_codes set created_at = $1 where created_at > $1";
const FORGET_CODES: &str = "delete from enrolment_codes where created_at < $1";
const FORGET_LOST: &str = "delete from lost_tail where lost_at < $1";
/// Not the newest: the numbers go on behind it.
const FORGET_ANSWERED: &str = "
    delete from proposals p where answered_at < $1 and seq < (select max(seq) from proposals n where n.origin = p.origin)";

/// Nobody is to take, meanwhile, what is forgotten: whoever stages or pushes locks the origin too.
const LOCK_STAGES: &str = "
    select origin from origins where origin in
        (select origin from staged_parts group by origin, stage having not max(staged_at) between $1 and $2)
    for update";
const FORGET_PARTS: &str = "
    delete from staged_parts where (origin, stage) in
        (select origin, stage from staged_parts group by origin, stage having not max(staged_at) between $1 and $2)";
const FORGET_STAGED: &str = "
    delete from staged s where not exists (select from staged_parts p where p.origin = s.origin and p.stage = s.stage)";

pub async fn prune(hub: &PostgresHub, now: Time) -> Result<()> {
    let (tx, answers) = hub.begin(WRITE, Scope::Fleet, Batch::default().with(REACHED, &[])).await?;
    let row = answers[0].first().ok_or_else(|| Error::internal("the table hub is empty"))?;
    let time =
        |column: usize| row.try_get::<_, Option<i64>>(column).map(|ms| ms.map(Time::from_millis)).map_err(describe);
    let Some(reached) = reached(time(0)?, time(1)?, now) else { return Ok(()) };
    let (now, reached_ms) = (now.millis(), reached.millis());
    let (codes, over) = (reached.plus_ms(-CODE_MS).millis(), reached.plus_ms(-RETENTION_MS).millis());
    let [from, to] = open_stages(reached, Time::from_millis(now)).map(Time::millis);
    let batch = Batch::default()
        .with(REACH, &[&reached_ms])
        .with(CLAMP_CODES, &[&now])
        .with(FORGET_CODES, &[&codes])
        .with(FORGET_LOST, &[&over])
        .with(FORGET_ANSWERED, &[&over])
        .with(LOCK_STAGES, &[&from, &to])
        .with(FORGET_PARTS, &[&from, &to])
        .with(FORGET_STAGED, &[]);
    tx.commit(batch).await.map(drop)
}
