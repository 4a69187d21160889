//! The quarantine: whole writes of which the hub cannot accept a row.

use rusqlite::{Connection, named_params, params};
use serde_json::value::RawValue;

use super::rows;
use super::texts::Texts;
use crate::domain::mirror::{Refused, Row, RowText, Table};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::migration::QuarantinedRow;
use crate::sync::hub::row_validation::{Fault, ValidatedRows};
use crate::sync::hub::stored_text::StoredText;

/// The code of a row that has no fault of its own.
const GROUP: &str = "group";

fn upsert(tx: &Connection, origin: &str, row: &Row, fault: Option<&Fault>, texts: &mut Texts, now: Time) -> Result<()> {
    let text = row.v.as_ref().map(|v| StoredText::of(row.t, v));
    let content = text.as_ref().map_or(Ok(None), |text| texts.content_of(text))?;
    let (code, detail) = fault.map_or((GROUP, "Of the same write as a row with a fault"), |(code, why)| (*code, why));
    tx.prepare_cached(
        "insert into quarantine (origin, t, id, rev, chg, v, content, tail, code, detail, first_seen)
         values (:origin, :t, :id, :rev, :chg, :v, :content, :tail, :code, :detail, :now)
         on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, v = excluded.v,
            content = excluded.content, tail = excluded.tail, code = excluded.code, detail = excluded.detail, tries = tries + 1",
    )?
    .execute(named_params! {
        ":origin": origin, ":t": row.t.number(), ":id": row.id, ":rev": row.rev, ":chg": row.chg,
        ":v": text.map(|text| text.head), ":content": content, ":tail": text.and_then(|text| text.tail()),
        ":code": code, ":detail": detail, ":now": now,
    })?;
    Ok(())
}

/// Quarantines the rows that were not accepted, and releases those that were, with the rows that were quarantined only
/// because of them.
pub fn update(tx: &Connection, origin: &str, validated: &ValidatedRows, now: Time) -> Result<()> {
    let mut texts = Texts::new(tx, origin);
    for (row, fault) in &validated.quarantined {
        upsert(tx, origin, row, fault.as_ref(), &mut texts, now)?;
    }
    let mut delete = tx.prepare_cached("delete from quarantine where origin = ?1 and t = ?2 and id = ?3")?;
    for row in &validated.accepted {
        delete.execute(params![origin, row.t.number(), row.id])?;
    }
    release(tx, origin)
}

/// The same for the rows of a stage: those that cannot be accepted leave the stage for the quarantine.
pub fn update_from_stage(tx: &Connection, origin: &str, stage: &str, now: Time) -> Result<()> {
    const POISONED: &str = "origin = :origin and stage = :stage and (code is not null or chg in
        (select chg from staged where origin = :origin and stage = :stage and code in ('schema', 'unreadable')))";
    let which = named_params! { ":origin": origin, ":stage": stage };
    tx.execute(
        &format!(
            "insert into quarantine (origin, t, id, rev, chg, v, content, tail, code, detail, first_seen)
             select origin, t, id, rev, chg, v, content, tail, coalesce(code, 'group'),
                coalesce(detail, 'Of the same write as a row with a fault'), :now
             from staged left join texts on n = text where {POISONED}
             on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, v = excluded.v,
                content = excluded.content, tail = excluded.tail, code = excluded.code, detail = excluded.detail, tries = tries + 1"
        ),
        named_params! { ":origin": origin, ":stage": stage, ":now": now },
    )?;
    tx.execute(&format!("delete from texts where n in (select text from staged where {POISONED})"), which)?;
    tx.execute(&format!("delete from staged where {POISONED}"), which)?;
    tx.execute(
        "delete from quarantine where origin = :origin
            and (t, id) in (select t, id from staged where origin = :origin and stage = :stage)",
        which,
    )?;
    release(tx, origin)
}

/// Applies the quarantined rows without a fault of their own, once the rows that they were quarantined with are gone.
fn release(tx: &Connection, origin: &str) -> Result<()> {
    const RELEASED: &str = "origin = ?1 and code = 'group' and chg not in
        (select chg from quarantine where origin = ?1 and code in ('schema', 'unreadable'))";
    rows::apply(tx, origin, &select(tx, origin, RELEASED)?)?;
    tx.execute(&format!("delete from quarantine where {RELEASED}"), [origin])?;
    Ok(())
}

/// Files quarantined rows of tables that an older version of this program did not know under their table, so that they are
/// found when they come again.
pub fn name_known_tables(conn: &Connection) -> rusqlite::Result<()> {
    let sql = "update or replace quarantine set t = ?1, id = substr(id, length(?2) + 2)
        where t = ?3 and substr(id, 1, length(?2) + 1) = ?2 || '/'";
    for table in Table::ALL {
        conn.execute(sql, params![table.number(), table.name(), Table::Other.number()])?;
    }
    // A row may have been quarantined under both names.
    let sql = "update origins set quarantined = (select count(*) from quarantine q where q.origin = origins.origin)
        where quarantined > 0";
    conn.execute(sql, [])?;
    // Staged parts were validated by the older version: the edge must send them again.
    const STAGED_BEFORE: &str = "(origin, stage) in (select origin, stage from staged where t = ?1)";
    let other = [Table::Other.number()];
    conn.execute(&format!("delete from staged_parts where {STAGED_BEFORE}"), other)?;
    conn.execute(&format!("delete from texts where n in (select text from staged where {STAGED_BEFORE})"), other)?;
    conn.execute(&format!("delete from staged where {STAGED_BEFORE}"), other)?;
    Ok(())
}

/// Stores rows that were quarantined at another hub.
pub fn add(tx: &Connection, origin: &str, rows: &[QuarantinedRow]) -> Result<()> {
    let mut insert = tx.prepare_cached(
        "insert into quarantine (origin, t, id, rev, chg, v, content, tail, code, detail, first_seen, tries)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    let mut texts = Texts::new(tx, origin);
    for row in rows {
        let QuarantinedRow { t, id, rev, chg, code, detail, first_seen, tries, .. } = row;
        let text = row.stored_text();
        let content = text.as_ref().map_or(Ok(None), |text| texts.content_of(text))?;
        let (head, tail) = (text.map(|text| text.head), text.and_then(|text| text.tail()));
        insert.execute(params![origin, t, id, rev, chg, head, content, tail, code, detail, first_seen, tries])?;
    }
    Ok(())
}

/// Every quarantined row.
pub fn all(tx: &Connection, origin: &str) -> Result<Vec<Row>> {
    select(tx, origin, "origin = ?1")
}

fn select(tx: &Connection, origin: &str, condition: &str) -> Result<Vec<Row>> {
    let mut statement = tx.prepare(&format!("select t, id, rev, chg, v from whole_quarantine where {condition}"))?;
    let mut found = statement.query([origin])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let v: Option<String> = row.get(4)?;
        let v = v.map(RawValue::from_string).transpose().map_err(|error| Error::Internal(Box::new(error)))?;
        let v = v.map(RowText::Whole);
        let t = Table::from_number(row.get(0)?).unwrap_or(Table::Other);
        rows.push(Row { t, id: row.get(1)?, rev: row.get(2)?, chg: row.get(3)?, v, bad: None });
    }
    Ok(rows)
}

pub fn count(tx: &Connection, origin: &str) -> Result<i64> {
    let mut statement = tx.prepare_cached("select count(*) from quarantine where origin = ?1")?;
    Ok(statement.query_row([origin], |row| row.get(0))?)
}

/// Rows with a fault of their own, the oldest write first.
pub fn list(conn: &Connection, origin: &str, limit: i64) -> Result<Vec<Refused>> {
    let mut statement = conn.prepare_cached(
        "select t, id, chg, code, detail from quarantine where origin = ?1 and code <> ?2 order by chg, t, id limit ?3",
    )?;
    let rows = statement.query_map(params![origin, GROUP, limit], |row| {
        Ok(Refused {
            t: Table::from_number(row.get(0)?).unwrap_or(Table::Other),
            id: row.get(1)?,
            chg: row.get(2)?,
            code: row.get(3)?,
            detail: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
