//! The mirror itself: rows as the edges hold them.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use super::{origins, quarantine};
use crate::domain::mirror::{Row, Table};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::{Origin, PAGE_BYTES};

/// Applies rows to the mirror: what is given is put, what is deleted is removed.
pub fn apply<'r>(tx: &Connection, origin: &str, rows: impl IntoIterator<Item = &'r Row>) -> Result<()> {
    let mut renew = tx.prepare_cached(
        "update mirror set rev = ?4, chg = ?5 where origin = ?1 and t = ?2 and id = ?3 returning text",
    )?;
    let mut rewrite = tx.prepare_cached("update texts set v = ?2 where n = ?1")?;
    let mut add =
        tx.prepare_cached("insert into mirror (origin, t, id, rev, chg, text) values (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let mut delete = tx.prepare_cached("delete from mirror where origin = ?1 and t = ?2 and id = ?3 returning text")?;
    let mut discard = tx.prepare_cached("delete from texts where n = ?1")?;
    let text_of = |row: &SqlRow| row.get::<_, i64>(0);
    for row in rows {
        let t = row.t.number();
        let Some(v) = &row.v else {
            if let Some(text) = delete.query_row(params![origin, t, row.id], text_of).optional()? {
                discard.execute([text])?;
            }
            continue;
        };
        match renew.query_row(params![origin, t, row.id, row.rev, row.chg], text_of).optional()? {
            Some(text) => drop(rewrite.execute(params![text, v.get()])?),
            None => {
                let text = add_text(tx, v.get())?;
                add.execute(params![origin, t, row.id, row.rev, row.chg, text])?;
            }
        }
    }
    Ok(())
}

/// Keeps a text; gives its number.
pub fn add_text(tx: &Connection, v: &str) -> Result<i64> {
    tx.prepare_cached("insert into texts (v) values (?1)")?.execute([v])?;
    Ok(tx.last_insert_rowid())
}

/// Moves what the hub has of an origin to the lost tail; what comes back is taken out of it again.
pub fn set_aside(tx: &Connection, origin: &Origin, now: Time) -> Result<()> {
    let epoch = origin.head.epoch.map_or(0, |epoch| epoch.0);
    let add = "insert into lost_tail (origin, epoch_n, t, id, rev, chg, text, lost_at)";
    tx.execute(
        &format!("{add} select origin, ?2, t, id, rev, chg, text, ?3 from mirror where origin = ?1"),
        params![origin.origin, epoch, now],
    )?;
    tx.execute("delete from mirror where origin = ?1", [&origin.origin])?;
    // What was put aside is not dropped silently either.
    for row in quarantine::all(tx, &origin.origin)? {
        let Some(v) = &row.v else { continue };
        let text = add_text(tx, v.get())?;
        tx.execute(
            &format!("{add} values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
            params![origin.origin, epoch, row.t.number(), row.id, row.rev, row.chg, text, now],
        )?;
    }
    tx.execute("delete from quarantine where origin = ?1", [&origin.origin])?;
    Ok(())
}

/// What came back was not lost.
pub fn discard_found(tx: &Connection, origin: &Origin) -> Result<()> {
    let lost_then = params![origin.origin, origin.head.epoch.map_or(0, |epoch| epoch.0)];
    tx.execute(
        "delete from texts where n in (
            select l.text from lost_tail l join texts lost on lost.n = l.text
            left join mirror m on m.origin = l.origin and m.t = l.t and m.id = l.id and m.rev = l.rev
            left join texts found on found.n = m.text
            left join quarantine q on q.origin = l.origin and q.t = l.t and q.id = l.id and q.rev = l.rev
            where l.origin = ?1 and l.epoch_n = ?2 and (found.v = lost.v or q.v = lost.v))",
        lost_then,
    )?;
    tx.execute(
        "delete from lost_tail where origin = ?1 and epoch_n = ?2 and text not in (select n from texts)",
        lost_then,
    )?;
    Ok(())
}

/// Table, id, rev and text of every row of an origin.
pub fn scan(tx: &Connection, origin: &str, mut each: impl FnMut(Table, &str, i64, &str)) -> Result<Origin> {
    let found = origins::get(tx, origin)?;
    let mut statement = tx.prepare("select t, id, rev, v from mirror join texts on n = text where origin = ?1")?;
    let mut rows = statement.query([origin])?;
    while let Some(row) = rows.next()? {
        let table = Table::from_number(row.get(0)?).ok_or_else(|| Error::internal("no such table"))?;
        let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        each(table, text(1)?, row.get(2)?, text(3)?);
    }
    Ok(found)
}

/// Rows of one table behind `after`, by id. A row whose text is damaged is in it too, as unreadable.
pub fn page(tx: &Connection, origin: &str, table: Table, after: &str, limit: i64) -> Result<Vec<Row>> {
    let mut statement = tx.prepare_cached(
        "select id, rev, chg, v from mirror join texts on n = text
         where origin = ?1 and t = ?2 and id > ?3 order by id limit ?4",
    )?;
    let mut found = statement.query(params![origin, table.number(), after, limit])?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while bytes < PAGE_BYTES
        && let Some(row) = found.next()?
    {
        let text: String = row.get(3)?;
        bytes += text.len();
        rows.push(Row::stored(table, row.get(0)?, row.get(1)?, row.get(2)?, text));
    }
    Ok(rows)
}

/// The rev and text of one row.
pub fn find(tx: &Connection, origin: &str, table: Table, id: &str) -> Result<Option<(i64, String)>> {
    let sql = "select rev, v from mirror join texts on n = text where origin = ?1 and t = ?2 and id = ?3";
    let mut statement = tx.prepare_cached(sql)?;
    let found = statement.query_row(params![origin, table.number(), id], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(found.optional()?)
}
