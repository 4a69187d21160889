//! Origins that come from another hub, or go to one.

use std::pin::pin;

use futures_util::TryStreamExt;
use serde_json::value::RawValue;
use tokio_postgres::Row as SqlRow;
use uuid::Uuid;

use super::PostgresHub;
use super::origins::{self, Seen};
use super::orphaned_rows;
use super::proposals;
use super::rows::{self, Columns, SCAN, without_nul};
use super::tx::{Batch, describe as failed};
use crate::domain::mirror::Row;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::migration::{Arrival, Checksum, Delivery, FinishMove, Phase, Quarantined};
use crate::sync::hub::{Origin, rules};

const ASIDE: &str = "
    select t, id, rev, chg, v, code, detail, first_seen, tries from quarantine where origin = $1 order by t, id";
const STEP: &str = concat!(
    "update origins set phase = $2, moved_to = $3, quarantined = case when $2 = 'moved' then 0 else quarantined end
     where origin = $1 returning ",
    origins::columns!()
);
/// Of one that has moved away and comes back, what was announced of its rows holds no longer.
const ARRIVE: &str = "
    insert into origins (origin, name, token_hash, enrolled_at, attempt, phase) values ($1, $2, $3, $4, $5, 'arriving')
    on conflict (origin) do update set name = excluded.name, token_hash = excluded.token_hash,
        enrolled_at = excluded.enrolled_at, attempt = excluded.attempt, phase = excluded.phase, moved_to = null,
        epoch_n = null, epoch = null, acked = 0, stable = 0, waiting_acked = null, waiting_lsn = null,
        newest_acked = null, newest_lsn = null";
const CLEAR: [&str; 3] = [
    "delete from quarantine where origin = $1",
    "delete from proposals where origin = $1",
    "delete from lost_tail where origin = $1",
];
const CLEAR_STAGED: [&str; 2] = ["delete from staged where origin = $1", "delete from staged_parts where origin = $1"];
const PUT_ASIDE: &str = "
    insert into quarantine (origin, t, id, rev, chg, v, code, detail, first_seen, tries)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const COUNTS: &str = "
    select (select count(*) from quarantine where origin = $1), (select count(*) from proposals where origin = $1),
        (select count(*) from lost_tail where origin = $1)";
const SETTLE: &str = "
    update origins set name = $2, token_hash = $3, enrolled_at = $4, epoch_n = $5, epoch = $6, acked = $7, attempt = $8,
        high = $9, stable = 0, last_seen = $10, status = $11, resets = $12, parent_n = $13, locked = $14,
        quarantined = $15, audit_seq = $16, audit_hash = $17, audit_differs = $18, phase = 'here'
    where origin = $1";

/// All that is put aside.
pub async fn aside(hub: &PostgresHub, origin: &str) -> Result<Vec<Quarantined>> {
    let (_, answers) = origins::read(hub, origin, Batch::default().with(ASIDE, &[&origin])).await?;
    answers[0].iter().map(aside_from_row).collect()
}

fn aside_from_row(row: &SqlRow) -> Result<Quarantined> {
    let v: Option<String> = row.try_get(4).map_err(failed)?;
    Ok(Quarantined {
        t: row.try_get::<_, i32>(0).map_err(failed)?.into(),
        id: row.try_get(1).map_err(failed)?,
        rev: row.try_get(2).map_err(failed)?,
        chg: row.try_get(3).map_err(failed)?,
        v: v.map(RawValue::from_string).transpose().map_err(|error| Error::Internal(Box::new(error)))?,
        code: row.try_get(5).map_err(failed)?,
        detail: row.try_get(6).map_err(failed)?,
        first_seen: Time::from_millis(row.try_get(7).map_err(failed)?),
        tries: row.try_get(8).map_err(failed)?,
    })
}

pub async fn step(hub: &PostgresHub, origin: &str, to: &Phase) -> Result<Origin> {
    let (tx, Seen { found, .. }, _) = origins::begin(hub, origin, Batch::default()).await?;
    rules::check_step(&found.origin.phase, to)?;
    let (name, target) = (to.name(), to.target());
    let mut batch = Batch::default().with(STEP, &[&origin, &name, &target]);
    if to.hub().is_some() {
        // It is there, whole: that was compared.
        orphaned_rows::clear(&mut batch, &origin);
    }
    let answers = tx.commit(batch).await?;
    Ok(origins::one(&answers[0])?.origin)
}

pub async fn arrive(hub: &PostgresHub, announced: &Origin) -> Result<Arrival> {
    let (origin, name) = (announced.origin.as_str(), without_nul(&announced.name));
    let (tx, seen, _) = origins::hold(hub, origin, Batch::default()).await?;
    let arrival = rules::arrival(seen.map(|seen| seen.found.origin).as_ref(), announced)?;
    let (token, at, nil) = (announced.token.as_slice(), announced.enrolled_at.millis(), Uuid::nil());
    let mut batch = Batch::default();
    if arrival == Arrival::Begun {
        batch.add(ARRIVE, &[&origin, &name, &token, &at, &nil]);
    }
    tx.commit(batch).await.map(|_| arrival)
}

pub async fn deliver(hub: &PostgresHub, origin: &str, delivery: &Delivery) -> Result<()> {
    let (tx, Seen { found, .. }, _) = origins::begin(hub, origin, Batch::default()).await?;
    rules::check_arriving(&found.origin)?;
    let (put, deleted): (Vec<&Row>, Vec<&Row>) = delivery.rows.iter().partition(|row| row.v.is_some());
    let put = Columns::of(put.into_iter().map(|row| (row, None)));
    let deleted = Columns::of(deleted.into_iter().map(|row| (row, None)));
    let aside: Vec<KeptAside> = delivery.aside.iter().map(KeptAside::of).collect();
    let filed = delivery.proposals.iter().map(proposals::Kept::of).collect::<Result<Vec<_>>>()?;
    let lost = orphaned_rows::Columns::of(&delivery.lost);
    let mut batch = Batch::default();
    for sql in CLEAR.into_iter().filter(|_| delivery.clears) {
        batch.add(sql, &[&origin]);
    }
    rows::apply(&mut batch, &origin, &put, &deleted);
    lost.add(&mut batch, &origin);
    for KeptAside { aside, t, id, v, detail, at } in &aside {
        let Quarantined { rev, chg, code, tries, .. } = aside;
        batch.add(PUT_ASIDE, &[&origin, t, id, rev, chg, v, code, detail, at, tries]);
    }
    filed.iter().for_each(|kept| kept.add(&mut batch, &origin));
    tx.commit(batch).await.map(drop)
}

/// A row that is put aside, as PostgreSQL can keep it.
struct KeptAside<'a> {
    aside: &'a Quarantined,
    t: i32,
    id: std::borrow::Cow<'a, str>,
    v: Option<&'a str>,
    detail: std::borrow::Cow<'a, str>,
    at: i64,
}

impl KeptAside<'_> {
    fn of(aside: &Quarantined) -> KeptAside<'_> {
        let t = i32::try_from(aside.t).unwrap_or(i32::MAX);
        let (id, v) = (rows::kept_id(&aside.id), aside.v.as_ref().map(|v| v.get()));
        KeptAside { aside, t, id, v, detail: without_nul(&aside.detail), at: aside.first_seen.millis() }
    }
}

pub async fn settle(hub: &PostgresHub, settling: &FinishMove) -> Result<()> {
    let announced = &settling.origin;
    let origin = announced.origin.as_str();
    let counts = Batch::default().with(COUNTS, &[&origin]);
    let (tx, Seen { found, .. }, answers) = origins::begin(hub, origin, counts).await?;
    let counts = answers[0].first().ok_or_else(origins::unknown)?;
    let count = |column: usize| counts.try_get(column).map_err(failed);
    let mut tally = Checksum { aside: count(0)?, proposals: count(1)?, lost: count(2)?, ..Checksum::default() };
    let statement = tx.conn().prepare_cached(SCAN).await.map_err(failed)?;
    {
        let mut there = pin!(tx.conn().query_raw(&statement, [&origin]).await.map_err(failed)?);
        while let Some(row) = there.try_next().await.map_err(failed)? {
            let text = |column: usize| row.try_get::<_, &str>(column).map_err(failed);
            let number = |column: usize| row.try_get(column).map_err(failed);
            tally.add(rows::table(&row, 0)?, text(1)?, [number(2)?, number(4)?], text(3)?);
        }
    }
    if !rules::settles(&found.origin, settling, &tally)? {
        return Ok(());
    }
    let (name, token, enrolled_at) =
        (without_nul(&announced.name), announced.token.as_slice(), announced.enrolled_at.millis());
    let (epoch_n, epoch) = announced.head.epoch.map(|epoch| (epoch.0, epoch.1)).unzip();
    let (last_seen, status) =
        (announced.last_seen.map(Time::millis), serde_json::to_string(&announced.status).unwrap_or_default());
    let hash = without_nul(&announced.audit.1);
    let mut batch = Batch::default().with(
        SETTLE,
        &[
            &origin,
            &name,
            &token,
            &enrolled_at,
            &epoch_n,
            &epoch,
            &announced.head.acked,
            &announced.head.attempt,
            &announced.high,
            &last_seen,
            &status,
            &announced.resets,
            &announced.parent,
            &announced.is_locked,
            &announced.quarantined,
            &announced.audit.0,
            &hash,
            &announced.audit_differs,
        ],
    );
    for sql in CLEAR_STAGED {
        batch.add(sql, &[&origin]);
    }
    tx.commit(batch).await.map(drop)
}
