//! Orphaned rows (table `lost_tail`), and the removal of origins.

use std::borrow::Cow;

use deadpool_postgres::Pool;
use tokio_postgres::Row as SqlRow;

use super::audit;
use super::contents::{Contents, whole_text, whole_text_of, with_content};
use super::origins::{self, LockedOrigin};
use super::rows::{number, storable_id, table};
use super::tx::{Answers, Batch, FLEET, describe};
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::audit::{AuditNote, Caller, HubAction};
use crate::sync::hub::orphaned_rows::{OrphanedRow, RemovedOrigin, orphaned_text};
use crate::sync::hub::stored_text::StoredText;

/// Rows behind ($2, $3), at most $4, the newest first.
const PAGE: &str = concat!(
    "select n, lost_at, epoch_n, t, id, rev, chg, ",
    whole_text!("l"),
    " from lost_tail l ",
    with_content!("l"),
    "
    where l.origin = $1 and (lost_at, n) < ($2, $3) order by lost_at desc, n desc limit $4"
);
/// $2 to $10: arrays of when, epoch, table, id, rev, chg, and the parts of the text.
const ADD: &str = "
    insert into lost_tail (origin, lost_at, epoch_n, t, id, rev, chg, head, content, tail)
    select $1, * from unnest($2::int8[], $3::int8[], $4::int4[], $5::text[], $6::int8[], $7::int8[], $8::text[], $9::bytea[],
        $10::text[])";
const ORPHAN_ALL: [&str; 4] = [
    "insert into lost_tail (origin, epoch_n, t, id, rev, chg, head, content, tail, lost_at)
     select origin, $2, t, id, rev, chg, head, content, tail, $3 from mirror where origin = $1",
    "delete from mirror where origin = $1",
    // Quarantined rows are kept too.
    "insert into lost_tail (origin, epoch_n, t, id, rev, chg, head, content, tail, lost_at)
     select origin, $2, t, id, rev, chg, head, content, tail, $3 from quarantine where origin = $1 and head is not null",
    "delete from quarantine where origin = $1",
];
/// Whole texts are compared: that of an older row may not be in parts.
const DISCARD_RECOVERED: [&str; 2] = [
    concat!(
        "delete from lost_tail l using (
            select m.t, m.id, m.rev, ", whole_text!("m"), " as v from mirror m ", with_content!("m"), " where m.origin = $1) found
         where l.origin = $1 and l.epoch_n = $2 and found.t = l.t and found.id = l.id and found.rev = l.rev and found.v = ",
        whole_text_of!("l")
    ),
    concat!(
        "delete from lost_tail l using (
            select m.t, m.id, m.rev, ", whole_text!("m"), " as v from quarantine m ", with_content!("m"), " where m.origin = $1) found
         where l.origin = $1 and l.epoch_n = $2 and found.t = l.t and found.id = l.id and found.rev = l.rev and found.v = ",
        whole_text_of!("l")
    ),
];
/// Deletes everything that is stored of an origin except its head; each statement but the last two counts what it deleted.
const CLEAR: [&str; 7] = [
    "with gone as (delete from mirror where origin = $1 returning 1) select count(*) from gone",
    "with gone as (delete from quarantine where origin = $1 returning 1) select count(*) from gone",
    "with gone as (delete from proposals where origin = $1 returning 1) select count(*) from gone",
    "with gone as (delete from staged where origin = $1 returning 1) select count(*) from gone",
    "with gone as (delete from lost_tail where origin = $1 returning 1) select count(*) from gone",
    "delete from staged_parts where origin = $1",
    "delete from contents where origin = $1",
];
const REMOVE_CODES: &str = "delete from enrolment_codes where origin = $1 or spent_by = $1";
const REMOVE: &str = "delete from origins where origin = $1";

pub async fn page(pool: &Pool, origin: &str, (at, n): (Time, i64), limit: i64) -> Result<Vec<OrphanedRow>> {
    let at = at.millis();
    let page = Batch::default().with(PAGE, &[&origin, &at, &n, &limit]);
    origins::read(pool, origin, page).await?.1[0].iter().map(from_row).collect()
}

fn from_row(row: &SqlRow) -> Result<OrphanedRow> {
    Ok(OrphanedRow {
        n: row.try_get(0).map_err(describe)?,
        lost_at: Time::from_millis(row.try_get(1).map_err(describe)?),
        epoch: row.try_get(2).map_err(describe)?,
        table: table(row, 3)?,
        id: row.try_get(4).map_err(describe)?,
        rev: row.try_get(5).map_err(describe)?,
        chg: row.try_get(6).map_err(describe)?,
        v: orphaned_text(row.try_get(7).map_err(describe)?)?,
    })
}

/// Rows that were orphaned at another hub, as arrays.
pub struct Columns<'l> {
    at: Vec<i64>,
    epoch: Vec<i64>,
    t: Vec<i32>,
    id: Vec<Cow<'l, str>>,
    rev: Vec<i64>,
    chg: Vec<i64>,
    head: Vec<&'l str>,
    content: Vec<Option<Vec<u8>>>,
    tail: Vec<Option<&'l str>>,
    contents: Contents<'l>,
}

impl<'l> Columns<'l> {
    pub fn of(rows: &'l [OrphanedRow]) -> Columns<'l> {
        let texts: Vec<_> = rows.iter().map(|row| StoredText::of_whole(row.table, row.v.get())).collect();
        let mut contents = Contents::default();
        Columns {
            at: rows.iter().map(|row| row.lost_at.millis()).collect(),
            epoch: rows.iter().map(|row| row.epoch).collect(),
            t: rows.iter().map(|row| number(row.table)).collect(),
            id: rows.iter().map(|row| storable_id(&row.id)).collect(),
            rev: rows.iter().map(|row| row.rev).collect(),
            chg: rows.iter().map(|row| row.chg).collect(),
            head: texts.iter().map(|text| text.head).collect(),
            content: texts.iter().map(|text| contents.add(text)).collect(),
            tail: texts.iter().map(StoredText::tail).collect(),
            contents,
        }
    }

    /// Stores them.
    pub fn add<'p>(&'p self, batch: &mut Batch<'p>, origin: &'p &str) {
        let Columns { at, epoch, t, id, rev, chg, head, content, tail, contents } = self;
        if !at.is_empty() {
            contents.put(batch, origin);
            batch.add(ADD, &[origin, at, epoch, t, id, rev, chg, head, content, tail]);
        }
    }
}

/// Makes every row that the hub has of an origin an orphaned row: a reset replaces them all. [`discard_recovered`] deletes
/// those that the reset brings again.
pub fn orphan_all<'p>(batch: &mut Batch<'p>, origin: &'p &str, epoch_n: &'p i64, at: &'p i64) {
    let [orphan_mirror, delete_mirror, orphan_quarantine, delete_quarantine] = ORPHAN_ALL;
    batch.add(orphan_mirror, &[origin, epoch_n, at]);
    batch.add(delete_mirror, &[origin]);
    batch.add(orphan_quarantine, &[origin, epoch_n, at]);
    batch.add(delete_quarantine, &[origin]);
}

/// Deletes the orphaned rows that the edge has sent again, unchanged: they are not orphaned.
pub fn discard_recovered<'p>(batch: &mut Batch<'p>, origin: &'p &str, epoch_n: &'p i64) {
    for sql in DISCARD_RECOVERED {
        batch.add(sql, &[origin, epoch_n]);
    }
}

/// Removes an origin with everything that is stored of it. Only the scope of the fleet sees enrolment codes, and it does
/// not see mirrored rows: those go first.
pub async fn remove(pool: &Pool, origin: &str, caller: Caller<'_>) -> Result<RemovedOrigin> {
    let (mut tx, LockedOrigin { found, .. }, _) = origins::begin(pool, origin, Batch::default()).await?;
    let mut batch = Batch::default();
    clear(&mut batch, &origin);
    let batch = batch.with(FLEET, &[]).with(REMOVE_CODES, &[&origin]).with(REMOVE, &[&origin]);
    let removed = removed_origin(found.origin.name, &tx.send(batch).await?)?;
    let note = AuditNote::new(caller, HubAction::Remove, origin, &removed.to_string());
    audit::commit(tx, note).await.map(|()| removed)
}

/// Deletes everything that is stored of an origin except its head.
pub fn clear<'p>(batch: &mut Batch<'p>, origin: &'p &str) {
    for sql in CLEAR {
        batch.add(sql, &[origin]);
    }
}

fn removed_origin(name: String, answers: &Answers) -> Result<RemovedOrigin> {
    let count = |i: usize| -> Result<i64> { answers[i].first().map_or(Ok(0), |row| row.try_get(0).map_err(describe)) };
    let [rows, quarantined, proposals, staged, orphaned] = [count(0)?, count(1)?, count(2)?, count(3)?, count(4)?];
    Ok(RemovedOrigin { name, rows, quarantined, proposals, staged, orphaned })
}
