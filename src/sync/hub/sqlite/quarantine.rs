//! Rows that are put aside: whole writes of which a row cannot be taken.

use rusqlite::{Connection, named_params, params};
use serde_json::value::RawValue;

use super::rows;
use crate::domain::mirror::{Refused, Row, Table};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::row_validation::{Fault, Sorted};

/// The code of a row that has no fault of its own.
const GROUP: &str = "group";

fn put(tx: &Connection, origin: &str, row: &Row, fault: Option<&Fault>, now: Time) -> Result<()> {
    let (code, detail) = fault.map_or((GROUP, "Of the same write as a row with a fault"), |(code, why)| (*code, why));
    tx.prepare_cached(
        "insert into quarantine (origin, t, id, rev, chg, v, code, detail, first_seen)
         values (:origin, :t, :id, :rev, :chg, :v, :code, :detail, :now)
         on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, v = excluded.v,
            code = excluded.code, detail = excluded.detail, tries = tries + 1",
    )?
    .execute(named_params! {
        ":origin": origin, ":t": row.t.number(), ":id": row.id, ":rev": row.rev, ":chg": row.chg,
        ":v": row.v.as_ref().map(|v| v.get()), ":code": code, ":detail": detail, ":now": now,
    })?;
    Ok(())
}

/// Puts aside what could not be taken; what has been taken is aside no longer, nor is what stood with it.
pub fn settle(tx: &Connection, origin: &str, sorted: &Sorted, now: Time) -> Result<()> {
    for (row, fault) in &sorted.aside {
        put(tx, origin, row, fault.as_ref(), now)?;
    }
    let mut taken = tx.prepare_cached("delete from quarantine where origin = ?1 and t = ?2 and id = ?3")?;
    for row in &sorted.good {
        taken.execute(params![origin, row.t.number(), row.id])?;
    }
    release(tx, origin)
}

/// What was staged and could not be taken goes the same way.
pub fn settle_staged(tx: &Connection, origin: &str, stage: &str, now: Time) -> Result<()> {
    const SPOILED: &str = "origin = :origin and stage = :stage and (code is not null or chg in
        (select chg from staged where origin = :origin and stage = :stage and code in ('schema', 'unreadable')))";
    let which = named_params! { ":origin": origin, ":stage": stage };
    tx.execute(
        &format!(
            "insert into quarantine (origin, t, id, rev, chg, v, code, detail, first_seen)
             select origin, t, id, rev, chg, (select v from texts where n = text), coalesce(code, 'group'),
                coalesce(detail, 'Of the same write as a row with a fault'), :now
             from staged where {SPOILED}
             on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, v = excluded.v,
                code = excluded.code, detail = excluded.detail, tries = tries + 1"
        ),
        named_params! { ":origin": origin, ":stage": stage, ":now": now },
    )?;
    tx.execute(&format!("delete from texts where n in (select text from staged where {SPOILED})"), which)?;
    tx.execute(&format!("delete from staged where {SPOILED}"), which)?;
    tx.execute(
        "delete from quarantine where origin = :origin
            and (t, id) in (select t, id from staged where origin = :origin and stage = :stage)",
        which,
    )?;
    release(tx, origin)
}

/// Takes the rows that are aside only because of others, when those are gone.
fn release(tx: &Connection, origin: &str) -> Result<()> {
    const FREE: &str = "origin = ?1 and code = 'group' and chg not in
        (select chg from quarantine where origin = ?1 and code in ('schema', 'unreadable'))";
    rows::apply(tx, origin, &those(tx, origin, FREE)?)?;
    tx.execute(&format!("delete from quarantine where {FREE}"), [origin])?;
    Ok(())
}

/// Gives rows of tables that this program has come to know their place: they are known by it when they come again.
pub fn name_known_tables(conn: &Connection) -> rusqlite::Result<()> {
    let sql = "update or replace quarantine set t = ?1, id = substr(id, length(?2) + 2)
        where t = ?3 and substr(id, 1, length(?2) + 1) = ?2 || '/'";
    for table in Table::ALL {
        conn.execute(sql, params![table.number(), table.name(), Table::Other.number()])?;
    }
    // Two names of one row have become one.
    let sql = "update origins set quarantined = (select count(*) from quarantine q where q.origin = origins.origin)
        where quarantined > 0";
    conn.execute(sql, [])?;
    // Parts that are waiting were looked at by a program that knew less: they are to come again.
    const WAITING: &str = "(origin, stage) in (select origin, stage from staged where t = ?1)";
    let other = [Table::Other.number()];
    conn.execute(&format!("delete from staged_parts where {WAITING}"), other)?;
    conn.execute(&format!("delete from texts where n in (select text from staged where {WAITING})"), other)?;
    conn.execute(&format!("delete from staged where {WAITING}"), other)?;
    Ok(())
}

/// All that is aside.
pub fn all(tx: &Connection, origin: &str) -> Result<Vec<Row>> {
    those(tx, origin, "origin = ?1")
}

fn those(tx: &Connection, origin: &str, which: &str) -> Result<Vec<Row>> {
    let mut statement = tx.prepare(&format!("select t, id, rev, chg, v from quarantine where {which}"))?;
    let mut found = statement.query([origin])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let v: Option<String> = row.get(4)?;
        let v = v.map(RawValue::from_string).transpose().map_err(|error| Error::Internal(Box::new(error)))?;
        let t = Table::from_number(row.get(0)?).unwrap_or(Table::Other);
        rows.push(Row { t, id: row.get(1)?, rev: row.get(2)?, chg: row.get(3)?, v, bad: None });
    }
    Ok(rows)
}

pub fn count(tx: &Connection, origin: &str) -> Result<i64> {
    let mut statement = tx.prepare_cached("select count(*) from quarantine where origin = ?1")?;
    Ok(statement.query_row([origin], |row| row.get(0))?)
}

/// Those with a fault of their own, the oldest write first.
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
