//! The mirror itself: rows as the edges hold them.

use rusqlite::{Connection, named_params, params};
use serde_json::value::RawValue;

use super::origins;
use crate::domain::mirror::{Row, Table};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::hub::Origin;

/// Applies rows to the mirror: what is given is put, what is deleted is removed.
pub fn apply(tx: &Connection, origin: &str, rows: &[&Row]) -> Result<()> {
    let mut put = tx.prepare_cached(
        "insert into mirror (origin, t, id, rev, chg, v) values (?1, ?2, ?3, ?4, ?5, ?6)
         on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, v = excluded.v",
    )?;
    let mut delete = tx.prepare_cached("delete from mirror where origin = ?1 and t = ?2 and id = ?3")?;
    for row in rows {
        match &row.v {
            Some(v) => put.execute(params![origin, row.t.number(), row.id, row.rev, row.chg, v.get()])?,
            None => delete.execute(params![origin, row.t.number(), row.id])?,
        };
    }
    Ok(())
}

/// Moves what the hub has of an origin to the lost tail; what comes back is taken out of it again.
pub fn set_aside(tx: &Connection, origin: &Origin, now: Time) -> Result<()> {
    tx.execute(
        "insert into lost_tail (origin, epoch_n, t, id, rev, chg, v, lost_at)
         select origin, :epoch_n, t, id, rev, chg, v, :now from mirror where origin = :origin",
        named_params! {
            ":origin": origin.origin, ":epoch_n": origin.head.epoch.map_or(0, |epoch| epoch.0), ":now": now
        },
    )?;
    tx.execute("delete from mirror where origin = ?1", [&origin.origin])?;
    // What was put aside is not dropped silently either.
    tx.execute(
        "insert into lost_tail (origin, epoch_n, t, id, rev, chg, v, lost_at)
         select origin, :epoch_n, t, id, rev, chg, v, :now from quarantine where origin = :origin and v is not null",
        named_params! {
            ":origin": origin.origin, ":epoch_n": origin.head.epoch.map_or(0, |epoch| epoch.0), ":now": now
        },
    )?;
    tx.execute("delete from quarantine where origin = ?1", [&origin.origin])?;
    Ok(())
}

/// What came back was not lost.
pub fn discard_found(tx: &Connection, origin: &Origin) -> Result<()> {
    tx.execute(
        "delete from lost_tail where origin = ?1 and epoch_n = ?2
            and (exists (select 1 from mirror m where m.origin = ?1 and m.t = lost_tail.t and m.id = lost_tail.id
                and m.rev = lost_tail.rev and m.v = lost_tail.v)
            or exists (select 1 from quarantine q where q.origin = ?1 and q.t = lost_tail.t and q.id = lost_tail.id
                and q.rev = lost_tail.rev and q.v = lost_tail.v))",
        params![origin.origin, origin.head.epoch.map_or(0, |epoch| epoch.0)],
    )?;
    Ok(())
}

/// Table, id, rev and text of every row of an origin.
pub fn scan(tx: &Connection, origin: &str, mut each: impl FnMut(Table, &str, i64, &str)) -> Result<Origin> {
    let found = origins::get(tx, origin)?;
    let mut statement = tx.prepare("select t, id, rev, v from mirror where origin = ?1")?;
    let mut rows = statement.query([origin])?;
    while let Some(row) = rows.next()? {
        let table = Table::from_number(row.get(0)?).ok_or_else(|| Error::internal("no such table"))?;
        let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        each(table, text(1)?, row.get(2)?, text(3)?);
    }
    Ok(found)
}

/// Rows of one table behind `after`, by id.
pub fn page(tx: &Connection, origin: &str, table: Table, after: &str, limit: i64) -> Result<Vec<Row>> {
    let mut statement = tx.prepare_cached(
        "select id, rev, chg, v from mirror where origin = ?1 and t = ?2 and id > ?3 order by id limit ?4",
    )?;
    let mut found = statement.query(params![origin, table.number(), after, limit])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let v = RawValue::from_string(row.get(3)?).map_err(|error| Error::Internal(Box::new(error)))?;
        rows.push(Row { t: table, id: row.get(0)?, rev: row.get(1)?, chg: row.get(2)?, v: Some(v), bad: None });
    }
    Ok(rows)
}

/// The rev and text of one row.
pub fn find(tx: &Connection, origin: &str, table: Table, id: &str) -> Result<Option<(i64, String)>> {
    use rusqlite::OptionalExtension;
    let mut statement = tx.prepare_cached("select rev, v from mirror where origin = ?1 and t = ?2 and id = ?3")?;
    let found = statement.query_row(params![origin, table.number(), id], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(found.optional()?)
}
