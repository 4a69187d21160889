//! Rows lost by a reset, and origins that are removed.

use std::borrow::Cow;

use tokio_postgres::Row as SqlRow;

use super::PostgresHub;
use super::origins::{self, Seen};
use super::rows;
use super::tx::{Answers, Batch, FLEET, describe};
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::orphaned_rows::{Lost, Removed, lost_text};

/// Behind ($2, $3), $4 at most, the newest first.
const PAGE: &str = "
    select n, lost_at, epoch_n, t, id, rev, chg, v from lost_tail where origin = $1 and (lost_at, n) < ($2, $3)
    order by lost_at desc, n desc limit $4";
/// $2 to $8: arrays of when, epoch, table, id, rev, chg, text.
const ADD: &str = "
    insert into lost_tail (origin, lost_at, epoch_n, t, id, rev, chg, v)
    select $1, * from unnest($2::int8[], $3::int8[], $4::int4[], $5::text[], $6::int8[], $7::int8[], $8::text[])";
/// All that is kept of an origin but its head, each with how much it was.
const CLEAR: [&str; 6] = [
    "with gone as (delete from mirror where origin = $1 returning 1) select count(*) from gone",
    "with gone as (delete from quarantine where origin = $1 returning 1) select count(*) from gone",
    "with gone as (delete from proposals where origin = $1 returning 1) select count(*) from gone",
    "with gone as (delete from staged where origin = $1 returning 1) select count(*) from gone",
    "with gone as (delete from lost_tail where origin = $1 returning 1) select count(*) from gone",
    "delete from staged_parts where origin = $1",
];
const REMOVE_CODES: &str = "delete from enrolment_codes where origin = $1";
const REMOVE: &str = "delete from origins where origin = $1";

pub async fn page(hub: &PostgresHub, origin: &str, (at, n): (Time, i64), limit: i64) -> Result<Vec<Lost>> {
    let at = at.millis();
    let page = Batch::default().with(PAGE, &[&origin, &at, &n, &limit]);
    origins::read(hub, origin, page).await?.1[0].iter().map(from_row).collect()
}

fn from_row(row: &SqlRow) -> Result<Lost> {
    Ok(Lost {
        n: row.try_get(0).map_err(describe)?,
        lost_at: Time::from_millis(row.try_get(1).map_err(describe)?),
        epoch: row.try_get(2).map_err(describe)?,
        table: rows::table(row, 3)?,
        id: row.try_get(4).map_err(describe)?,
        rev: row.try_get(5).map_err(describe)?,
        chg: row.try_get(6).map_err(describe)?,
        v: lost_text(row.try_get(7).map_err(describe)?)?,
    })
}

/// Rows that were lost at another hub, as arrays.
pub struct Columns<'l> {
    at: Vec<i64>,
    epoch: Vec<i64>,
    t: Vec<i32>,
    id: Vec<Cow<'l, str>>,
    rev: Vec<i64>,
    chg: Vec<i64>,
    v: Vec<&'l str>,
}

impl<'l> Columns<'l> {
    pub fn of(lost: &'l [Lost]) -> Columns<'l> {
        Columns {
            at: lost.iter().map(|lost| lost.lost_at.millis()).collect(),
            epoch: lost.iter().map(|lost| lost.epoch).collect(),
            t: lost.iter().map(|lost| rows::number(lost.table)).collect(),
            id: lost.iter().map(|lost| rows::kept_id(&lost.id)).collect(),
            rev: lost.iter().map(|lost| lost.rev).collect(),
            chg: lost.iter().map(|lost| lost.chg).collect(),
            v: lost.iter().map(|lost| lost.v.get()).collect(),
        }
    }

    /// Keeps them.
    pub fn add<'p>(&'p self, batch: &mut Batch<'p>, origin: &'p &str) {
        let Columns { at, epoch, t, id, rev, chg, v } = self;
        if !at.is_empty() {
            batch.add(ADD, &[origin, at, epoch, t, id, rev, chg, v]);
        }
    }
}

/// Removes an origin with all that is kept of it. Codes are seen by the fleet alone.
pub async fn remove(hub: &PostgresHub, origin: &str) -> Result<Removed> {
    let (tx, Seen { found, .. }, _) = origins::begin(hub, origin, Batch::default().with(FLEET, &[])).await?;
    let name = found.origin.name;
    let mut batch = Batch::default();
    clear(&mut batch, &origin);
    let answers = tx.commit(batch.with(REMOVE_CODES, &[&origin]).with(REMOVE, &[&origin])).await?;
    removed(name, &answers)
}

/// Removes all that is kept of an origin but its head.
pub fn clear<'p>(batch: &mut Batch<'p>, origin: &'p &str) {
    for sql in CLEAR {
        batch.add(sql, &[origin]);
    }
}

fn removed(name: String, answers: &Answers) -> Result<Removed> {
    let count = |i: usize| -> Result<i64> { answers[i].first().map_or(Ok(0), |row| row.try_get(0).map_err(describe)) };
    let [rows, aside, proposals, staged, lost] = [count(0)?, count(1)?, count(2)?, count(3)?, count(4)?];
    Ok(Removed { name, rows, aside, proposals, staged, lost })
}
