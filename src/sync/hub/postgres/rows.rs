//! The mirror itself: the rows as the edges have them.

use std::borrow::Cow;
use std::collections::HashSet;

use deadpool_postgres::Pool;
use tokio_postgres::Row as SqlRow;

use super::contents::{Contents, whole_text, with_content};
use super::origins;
use super::tx::{Batch, READ, Scope, Tx, describe};
use crate::domain::mirror::{Row, Table};
use crate::error::Result;
use crate::sync::hub::origin::Origin;
use crate::sync::hub::row_validation::Fault;
use crate::sync::hub::store::PAGE_BYTES;
use crate::sync::hub::stored_text::StoredText;

/// Rows as arrays, one for each column, so that one statement applies them all.
#[derive(Default)]
pub struct Columns<'r> {
    pub t: Vec<i32>,
    pub id: Vec<Cow<'r, str>>,
    pub rev: Vec<i64>,
    pub chg: Vec<i64>,
    pub head: Vec<Option<&'r str>>,
    pub content: Vec<Option<Vec<u8>>>,
    pub tail: Vec<Option<&'r str>>,
    pub code: Vec<Option<&'static str>>,
    pub detail: Vec<Option<String>>,
    /// What the rows refer to.
    pub contents: Contents<'r>,
}

impl<'r> Columns<'r> {
    /// Of rows and their faults; the last one counts where a row occurs twice.
    pub fn of(rows: impl DoubleEndedIterator<Item = (&'r Row, Option<Fault>)>) -> Columns<'r> {
        let (mut columns, mut seen) = (Columns::default(), HashSet::new());
        for (row, fault) in rows.rev().filter(|(row, _)| seen.insert((row.t, row.id.as_str()))) {
            let (code, detail) = fault.unzip();
            columns.t.push(number(row.t));
            columns.id.push(storable_id(&row.id));
            columns.rev.push(row.rev);
            columns.chg.push(row.chg);
            let text = row.v.as_ref().map(|v| StoredText::of(row.t, v));
            columns.head.push(text.map(|text| text.head));
            columns.content.push(text.and_then(|text| columns.contents.add(&text)));
            columns.tail.push(text.and_then(|text| text.tail()));
            columns.code.push(code);
            columns.detail.push(detail.map(|detail| without_nul(&detail).into_owned()));
        }
        columns
    }

    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }
}

/// Only the last occurrence of each row: one statement can upsert a row only once.
pub fn last_of_each<'r>(rows: &[&'r Row]) -> Vec<&'r Row> {
    let mut seen = HashSet::new();
    rows.iter().rev().filter(|row| seen.insert((row.t, row.id.as_str()))).copied().collect()
}

pub fn number(table: Table) -> i32 {
    table as i32
}

/// The text as PostgreSQL can store it.
pub fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// An id that can be a key. Only quarantined rows have ids that cannot, and no edge of this program makes them.
pub fn storable_id(id: &str) -> Cow<'_, str> {
    if id.len() <= 200 && !id.contains('\0') {
        return id.into();
    }
    let digest = crate::domain::audit::digest(id.as_bytes());
    format!("sha256:{}", hex::encode(digest)).into()
}

/// $2 to $8: arrays of table, id, rev, chg, and the parts of the text.
const UPSERT: &str = "
    insert into mirror (origin, t, id, rev, chg, head, content, tail)
    select $1, * from unnest($2::int4[], $3::text[], $4::int8[], $5::int8[], $6::text[], $7::bytea[], $8::text[])
    on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, head = excluded.head,
        content = excluded.content, tail = excluded.tail";
const DELETE: &str = "
    delete from mirror m using unnest($2::int4[], $3::text[]) as r (t, id)
    where m.origin = $1 and m.t = r.t and m.id = r.id";
const UPSERT_STAGED: &str = "
    insert into mirror (origin, t, id, rev, chg, head, content, tail)
    select origin, t, id, rev, chg, head, content, tail from staged where origin = $1 and stage = $2 and head is not null
    on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, head = excluded.head,
        content = excluded.content, tail = excluded.tail";
const DELETE_STAGED: &str = "
    delete from mirror m using staged s
    where m.origin = $1 and s.origin = $1 and s.stage = $2 and s.head is null and m.t = s.t and m.id = s.id";
pub const FIND: &str = concat!(
    "select rev, ",
    whole_text!("m"),
    " from mirror m ",
    with_content!("m"),
    " where m.origin = $1 and t = $2 and id = $3"
);
/// $5: bytes of text after which the page ends. Only texts that are on the page are put together.
const PAGE: &str = concat!(
    "select id, rev, chg, ",
    whole_text!("p"),
    " from (
        select *, sum(bytes) over (order by id rows between unbounded preceding and 1 preceding) as before from (
            select origin, id, rev, chg, head, content, tail, octet_length(head) + coalesce(octet_length(tail) +
                (select octet_length(v) from contents where origin = $1 and digest = m.content), 0) as bytes
            from mirror m where origin = $1 and t = $2 and id > $3 order by id limit $4) found
    ) p ",
    with_content!("p"),
    " where coalesce(before, 0) < $5 order by id"
);
pub const SCAN: &str = concat!(
    "select t, id, rev, ",
    whole_text!("m"),
    ", chg from mirror m ",
    with_content!("m"),
    " where m.origin = $1"
);

/// Applies rows to the mirror.
pub fn apply<'p>(batch: &mut Batch<'p>, origin: &'p &str, upserted: &'p Columns, deleted: &'p Columns) {
    if !upserted.is_empty() {
        upserted.contents.put(batch, origin);
        let Columns { t, id, rev, chg, head, content, tail, .. } = upserted;
        batch.add(UPSERT, &[origin, t, id, rev, chg, head, content, tail]);
    }
    if !deleted.is_empty() {
        batch.add(DELETE, &[origin, &deleted.t, &deleted.id]);
    }
}

pub fn apply_staged<'p>(batch: &mut Batch<'p>, origin: &'p &str, stage: &'p uuid::Uuid) {
    batch.add(UPSERT_STAGED, &[origin, stage]);
    batch.add(DELETE_STAGED, &[origin, stage]);
}

/// Calls `each` with table, id, rev and text of every row of an origin, while they are read.
pub async fn scan(pool: &Pool, origin: &str, mut each: impl FnMut(Table, &str, i64, &str) + Send) -> Result<Origin> {
    let first = Batch::default().with(origins::GET, &[&origin]);
    let (mut tx, answers) = Tx::begin(pool, READ, Scope::Origin(origin), first).await?;
    let found = origins::one(&answers[0])?;
    tx.stream(SCAN, origin, |row| {
        let text = |column: usize| row.try_get::<_, &str>(column).map_err(describe);
        each(table(row, 0)?, text(1)?, row.try_get(2).map_err(describe)?, text(3)?);
        Ok(())
    })
    .await?;
    tx.commit(Batch::default()).await?;
    Ok(found.origin)
}

pub fn table(row: &SqlRow, column: usize) -> Result<Table> {
    let number: i32 = row.try_get(column).map_err(describe)?;
    Ok(Table::from_number(number.into()).unwrap_or(Table::Other))
}

/// Rows of one table behind `after`, by id. A row whose text is damaged is in it too, as unreadable.
pub async fn page(pool: &Pool, origin: &str, table: Table, after: &str, limit: i64) -> Result<(Origin, Vec<Row>)> {
    let (t, after, bytes) = (number(table), without_nul(after), PAGE_BYTES as i64);
    let page = Batch::default().with(PAGE, &[&origin, &t, &after, &limit, &bytes]);
    let (found, answers) = origins::read(pool, origin, page).await?;
    let rows = answers[0].iter().map(|row| {
        let text = row.try_get(3).map_err(describe)?;
        let (id, rev, chg) =
            (row.try_get(0).map_err(describe)?, row.try_get(1).map_err(describe)?, row.try_get(2).map_err(describe)?);
        Ok(Row::stored(table, id, rev, chg, text))
    });
    Ok((found.origin, rows.collect::<Result<_>>()?))
}
