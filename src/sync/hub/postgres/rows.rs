//! The mirror itself: rows as the edges hold them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::pin::pin;

use futures_util::TryStreamExt;
use serde_json::value::RawValue;
use tokio_postgres::Row as SqlRow;

use super::PostgresHub;
use super::origins;
use super::tx::{Batch, READ, Scope, describe};
use crate::domain::mirror::{Row, Table};
use crate::error::{Error, Result};
use crate::sync::hub::row_validation::Fault;
use crate::sync::hub::{Origin, PAGE_BYTES};

/// Rows as arrays, one for each column, for one statement to take them all.
#[derive(Default)]
pub struct Columns<'r> {
    pub t: Vec<i32>,
    pub id: Vec<Cow<'r, str>>,
    pub rev: Vec<i64>,
    pub chg: Vec<i64>,
    pub v: Vec<Option<&'r str>>,
    pub code: Vec<Option<&'static str>>,
    pub detail: Vec<Option<String>>,
}

impl<'r> Columns<'r> {
    /// Of rows and what is wrong with them; of one that stands there twice as it stands last.
    pub fn of(rows: impl DoubleEndedIterator<Item = (&'r Row, Option<Fault>)>) -> Columns<'r> {
        let (mut columns, mut seen) = (Columns::default(), HashSet::new());
        for (row, fault) in rows.rev().filter(|(row, _)| seen.insert((row.t, row.id.as_str()))) {
            let (code, detail) = fault.unzip();
            columns.t.push(number(row.t));
            columns.id.push(kept_id(&row.id));
            columns.rev.push(row.rev);
            columns.chg.push(row.chg);
            columns.v.push(row.v.as_ref().map(|v| v.get()));
            columns.code.push(code);
            columns.detail.push(detail.map(|detail| without_nul(&detail).into_owned()));
        }
        columns
    }

    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }
}

/// Each row as it stands last: one statement can put a row only once.
pub fn last_of_each<'r>(rows: &[&'r Row]) -> Vec<&'r Row> {
    let mut seen = HashSet::new();
    rows.iter().rev().filter(|row| seen.insert((row.t, row.id.as_str()))).copied().collect()
}

pub fn number(table: Table) -> i32 {
    table as i32
}

/// The text as PostgreSQL can keep it.
pub fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// An id as it can be a key. Those that cannot are of rows that are put aside, and no edge of ours makes them.
pub fn kept_id(id: &str) -> Cow<'_, str> {
    if id.len() <= 200 && !id.contains('\0') {
        return id.into();
    }
    let digest = crate::domain::audit::digest(id.as_bytes());
    format!("sha256:{}", hex::encode(digest)).into()
}

/// $2 to $6: arrays of table, id, rev, chg, text.
const PUT: &str = "
    insert into mirror (origin, t, id, rev, chg, v)
    select $1, t, id, rev, chg, v from unnest($2::int4[], $3::text[], $4::int8[], $5::int8[], $6::text[])
        as r (t, id, rev, chg, v)
    on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, v = excluded.v";
const DELETE: &str = "
    delete from mirror m using unnest($2::int4[], $3::text[]) as r (t, id)
    where m.origin = $1 and m.t = r.t and m.id = r.id";
const PUT_STAGED: &str = "
    insert into mirror (origin, t, id, rev, chg, v)
    select origin, t, id, rev, chg, v from staged where origin = $1 and stage = $2 and v is not null
    on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, v = excluded.v";
const DELETE_STAGED: &str = "
    delete from mirror m using staged s
    where m.origin = $1 and s.origin = $1 and s.stage = $2 and s.v is null and m.t = s.t and m.id = s.id";
const SET_ASIDE: [&str; 4] = [
    "insert into lost_tail (origin, epoch_n, t, id, rev, chg, v, lost_at)
     select origin, $2, t, id, rev, chg, v, $3 from mirror where origin = $1",
    "delete from mirror where origin = $1",
    // What was put aside is not dropped silently either.
    "insert into lost_tail (origin, epoch_n, t, id, rev, chg, v, lost_at)
     select origin, $2, t, id, rev, chg, v, $3 from quarantine where origin = $1 and v is not null",
    "delete from quarantine where origin = $1",
];
const DISCARD_FOUND: [&str; 2] = [
    "delete from lost_tail l using mirror m
     where l.origin = $1 and l.epoch_n = $2 and m.origin = $1 and m.t = l.t and m.id = l.id and m.rev = l.rev
        and m.v = l.v",
    "delete from lost_tail l using quarantine q
     where l.origin = $1 and l.epoch_n = $2 and q.origin = $1 and q.t = l.t and q.id = l.id and q.rev = l.rev
        and q.v = l.v",
];
pub const FIND: &str = "select rev, v from mirror where origin = $1 and t = $2 and id = $3";
/// $5: bytes of text after which there are no more.
const PAGE: &str = "
    select id, rev, chg, v from (
        select id, rev, chg, v, sum(octet_length(v)) over (order by id rows between unbounded preceding and 1 preceding)
        from (select id, rev, chg, v from mirror where origin = $1 and t = $2 and id > $3 order by id limit $4) page
    ) counted (id, rev, chg, v, before) where coalesce(before, 0) < $5 order by id";
pub const SCAN: &str = "select t, id, rev, v, chg from mirror where origin = $1";

/// Applies rows to the mirror: what is given is put, what is deleted is removed.
pub fn apply<'p>(batch: &mut Batch<'p>, origin: &'p &str, put: &'p Columns, deleted: &'p Columns) {
    if !put.is_empty() {
        batch.add(PUT, &[origin, &put.t, &put.id, &put.rev, &put.chg, &put.v]);
    }
    if !deleted.is_empty() {
        batch.add(DELETE, &[origin, &deleted.t, &deleted.id]);
    }
}

pub fn apply_staged<'p>(batch: &mut Batch<'p>, origin: &'p &str, stage: &'p uuid::Uuid) {
    batch.add(PUT_STAGED, &[origin, stage]);
    batch.add(DELETE_STAGED, &[origin, stage]);
}

/// Moves what the hub has of an origin to the lost tail.
pub fn set_aside<'p>(batch: &mut Batch<'p>, origin: &'p &str, epoch_n: &'p i64, at: &'p i64) {
    let [keep, delete, keep_aside, delete_aside] = SET_ASIDE;
    batch.add(keep, &[origin, epoch_n, at]);
    batch.add(delete, &[origin]);
    batch.add(keep_aside, &[origin, epoch_n, at]);
    batch.add(delete_aside, &[origin]);
}

/// What came back was not lost.
pub fn discard_found<'p>(batch: &mut Batch<'p>, origin: &'p &str, epoch_n: &'p i64) {
    for sql in DISCARD_FOUND {
        batch.add(sql, &[origin, epoch_n]);
    }
}

/// Table, id, rev and text of every row of an origin, as they come.
pub async fn scan(
    hub: &PostgresHub,
    origin: &str,
    mut each: impl FnMut(Table, &str, i64, &str) + Send,
) -> Result<Origin> {
    let first = Batch::default().with(origins::GET, &[&origin]);
    let (tx, answers) = hub.begin(READ, Scope::Origin(origin), first).await?;
    let found = origins::one(&answers[0])?;
    let statement = tx.conn().prepare_cached(SCAN).await.map_err(describe)?;
    let mut rows = pin!(tx.conn().query_raw(&statement, [&origin]).await.map_err(describe)?);
    while let Some(row) = rows.try_next().await.map_err(describe)? {
        let text = |column: usize| row.try_get::<_, &str>(column).map_err(describe);
        each(table(&row, 0)?, text(1)?, row.try_get(2).map_err(describe)?, text(3)?);
    }
    tx.commit(Batch::default()).await?;
    Ok(found.origin)
}

pub fn table(row: &SqlRow, column: usize) -> Result<Table> {
    let number: i32 = row.try_get(column).map_err(describe)?;
    Ok(Table::from_number(number.into()).unwrap_or(Table::Other))
}

/// Rows of one table behind `after`, by id.
pub async fn page(
    hub: &PostgresHub,
    origin: &str,
    table: Table,
    after: &str,
    limit: i64,
) -> Result<(Origin, Vec<Row>)> {
    let (t, after, bytes) = (number(table), without_nul(after), PAGE_BYTES as i64);
    let page = Batch::default().with(PAGE, &[&origin, &t, &after, &limit, &bytes]);
    let (found, answers) = origins::read(hub, origin, page).await?;
    let rows = answers[0].iter().map(|row| {
        let v = RawValue::from_string(row.try_get(3).map_err(describe)?)
            .map_err(|error| Error::Internal(Box::new(error)))?;
        let (id, rev, chg) =
            (row.try_get(0).map_err(describe)?, row.try_get(1).map_err(describe)?, row.try_get(2).map_err(describe)?);
        Ok(Row { t: table, id, rev, chg, v: Some(v), bad: None })
    });
    Ok((found.origin, rows.collect::<Result<_>>()?))
}
