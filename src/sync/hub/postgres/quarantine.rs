//! The quarantine: whole writes of which the hub cannot accept a row.

use std::sync::LazyLock;

use tokio_postgres::Row as SqlRow;
use uuid::Uuid;

use super::rows::{self, Columns};
use super::tx::{Batch, describe};
use crate::domain::mirror::{Refused, Table};
use crate::error::Result;

/// $2 to $10: arrays of table, id, rev, chg, the parts of the text, code, detail; $11: now.
const UPSERT: &str = "
    insert into quarantine (origin, t, id, rev, chg, head, content, tail, code, detail, first_seen)
    select $1, t, id, rev, chg, head, content, tail, coalesce(code, 'group'),
        coalesce(detail, 'Of the same write as a row with a fault'), $11
    from unnest($2::int4[], $3::text[], $4::int8[], $5::int8[], $6::text[], $7::bytea[], $8::text[], $9::text[], $10::text[])
        as r (t, id, rev, chg, head, content, tail, code, detail)
    on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, head = excluded.head,
        content = excluded.content, tail = excluded.tail, code = excluded.code, detail = excluded.detail, tries = quarantine.tries + 1";
const DELETE_ACCEPTED: &str = "
    delete from quarantine q using unnest($2::int4[], $3::text[]) as r (t, id)
    where q.origin = $1 and q.t = r.t and q.id = r.id";
const UPSERT_STAGED: &str = "
    insert into quarantine (origin, t, id, rev, chg, head, content, tail, code, detail, first_seen)
    select origin, t, id, rev, chg, head, content, tail, coalesce(code, 'group'),
        coalesce(detail, 'Of the same write as a row with a fault'), $3
    from staged where origin = $1 and stage = $2
        and (code is not null or chg in
            (select chg from staged where origin = $1 and stage = $2 and code in ('schema', 'unreadable')))
    on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, head = excluded.head,
        content = excluded.content, tail = excluded.tail, code = excluded.code, detail = excluded.detail, tries = quarantine.tries + 1";
const DELETE_POISONED: &str = "
    delete from staged where origin = $1 and stage = $2
        and (code is not null or chg in
            (select chg from staged where origin = $1 and stage = $2 and code in ('schema', 'unreadable')))";
const DELETE_ACCEPTED_STAGED: &str = "
    delete from quarantine q using staged s
    where q.origin = $1 and s.origin = $1 and s.stage = $2 and q.t = s.t and q.id = s.id";
/// Applies the quarantined rows without a fault of their own, once the rows that they were quarantined with are gone.
const RELEASE: [&str; 3] = [
    "insert into mirror (origin, t, id, rev, chg, head, content, tail)
     select origin, t, id, rev, chg, head, content, tail from quarantine where origin = $1 and head is not null
        and code = 'group'
        and chg not in (select chg from quarantine where origin = $1 and code in ('schema', 'unreadable'))
     on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, head = excluded.head,
        content = excluded.content, tail = excluded.tail",
    "delete from mirror m using quarantine q
     where m.origin = $1 and q.origin = $1 and q.t = m.t and q.id = m.id and q.head is null and q.code = 'group'
        and q.chg not in (select chg from quarantine where origin = $1 and code in ('schema', 'unreadable'))",
    "delete from quarantine where origin = $1 and code = 'group'
        and chg not in (select chg from quarantine where origin = $1 and code in ('schema', 'unreadable'))",
];
const COUNT: &str =
    "update origins set quarantined = (select count(*) from quarantine where origin = $1) where origin = $1";
const OTHER: i32 = Table::Other as i32;
const OUTDATED: &str = "
    delete from quarantine q using quarantine o
    where o.t = $3 and q.origin = o.origin and q.t = $2 and o.id = $1 || '/' || q.id";
const KNOWN: &str = "
    update quarantine set t = $2, id = substr(id, length($1) + 2) where t = $3 and starts_with(id, $1 || '/')";
const UNKNOWN_PARTS: &str = "
    delete from staged_parts p using staged s where s.t = $1 and p.origin = s.origin and p.stage = s.stage";
const UNKNOWN_STAGED: &str = "
    delete from staged where (origin, stage) in (select origin, stage from staged where t = $1)";
/// Rows with a fault of their own, the oldest write first.
pub const LIST: &str = "
    select t, id, chg, code, detail from quarantine where origin = $1 and code <> 'group' order by chg, t, id limit $2";

/// Quarantines the rows that were not accepted, and releases those that were, with the rows that were quarantined only
/// because of them. Then counts what is left.
pub fn update<'p>(
    batch: &mut Batch<'p>,
    origin: &'p &str,
    quarantined: &'p Columns,
    accepted: [&'p Columns; 2],
    at: &'p i64,
) {
    let Columns { t, id, rev, chg, head, content, tail, code, detail, contents } = quarantined;
    if !quarantined.is_empty() {
        contents.put(batch, origin);
        batch.add(UPSERT, &[origin, t, id, rev, chg, head, content, tail, code, detail, at]);
    }
    for columns in accepted.into_iter().filter(|columns| !columns.is_empty()) {
        batch.add(DELETE_ACCEPTED, &[origin, &columns.t, &columns.id]);
    }
    for sql in RELEASE {
        batch.add(sql, &[origin]);
    }
    batch.add(COUNT, &[origin]);
}

/// The same for the rows of a stage: those that cannot be accepted leave the stage for the quarantine, before the rest is
/// applied.
pub fn update_from_stage<'p>(batch: &mut Batch<'p>, origin: &'p &str, stage: &'p Uuid, at: &'p i64) {
    batch.add(UPSERT_STAGED, &[origin, stage, at]);
    batch.add(DELETE_POISONED, &[origin, stage]);
    batch.add(DELETE_ACCEPTED_STAGED, &[origin, stage]);
    for sql in RELEASE {
        batch.add(sql, &[origin]);
    }
}

/// Files quarantined rows of tables that an older version of this program did not know under their table, so that they are
/// found when they come again.
pub fn name_known_tables() -> Batch<'static> {
    static NAMES: LazyLock<Vec<(&str, i32)>> =
        LazyLock::new(|| Table::ALL.iter().map(|table| (table.name(), rows::number(*table))).collect());
    let mut batch = Batch::default();
    for known in NAMES.iter() {
        batch.add(OUTDATED, &[&known.0, &known.1, &OTHER]);
        batch.add(KNOWN, &[&known.0, &known.1, &OTHER]);
    }
    // Staged parts were validated by the older version: the edge must send them again.
    batch.with(UNKNOWN_PARTS, &[&OTHER]).with(UNKNOWN_STAGED, &[&OTHER])
}

pub fn from_rows(found: &[SqlRow]) -> Result<Vec<Refused>> {
    let refused = found.iter().map(|row| {
        Ok(Refused {
            t: rows::table(row, 0)?,
            id: row.try_get(1).map_err(describe)?,
            chg: row.try_get(2).map_err(describe)?,
            code: row.try_get(3).map_err(describe)?,
            detail: row.try_get(4).map_err(describe)?,
        })
    });
    refused.collect()
}
