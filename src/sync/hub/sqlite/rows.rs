//! The mirror itself: the rows as the edges have them.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use super::origins;
use super::texts::Texts;
use crate::domain::mirror::{Row, Table};
use crate::error::{Error, Result};
use crate::sync::hub::origin::Origin;
use crate::sync::hub::store::PAGE_BYTES;
use crate::sync::hub::stored_text::StoredText;

/// Applies rows to the mirror: upserts those that have a text, deletes those that have none.
pub fn apply<'r>(tx: &Connection, origin: &str, rows: impl IntoIterator<Item = &'r Row>) -> Result<()> {
    let mut update = tx.prepare_cached(
        "update mirror set rev = ?4, chg = ?5 where origin = ?1 and t = ?2 and id = ?3 returning text",
    )?;
    let mut texts = Texts::new(tx, origin);
    let mut insert =
        tx.prepare_cached("insert into mirror (origin, t, id, rev, chg, text) values (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let mut delete = tx.prepare_cached("delete from mirror where origin = ?1 and t = ?2 and id = ?3 returning text")?;
    let mut delete_text = tx.prepare_cached("delete from texts where n = ?1")?;
    let text_of = |row: &SqlRow| row.get::<_, i64>(0);
    for row in rows {
        let t = row.t.number();
        let Some(v) = &row.v else {
            if let Some(text) = delete.query_row(params![origin, t, row.id], text_of).optional()? {
                delete_text.execute([text])?;
            }
            continue;
        };
        match update.query_row(params![origin, t, row.id, row.rev, row.chg], text_of).optional()? {
            Some(text) => texts.replace(text, &StoredText::of(row.t, v))?,
            None => {
                let text = texts.add(&StoredText::of(row.t, v))?;
                insert.execute(params![origin, t, row.id, row.rev, row.chg, text])?;
            }
        }
    }
    Ok(())
}

/// Calls `each` with table, id, rev and text of every row of an origin.
pub fn scan(tx: &Connection, origin: &str, mut each: impl FnMut(Table, &str, i64, &str)) -> Result<Origin> {
    let found = origins::get(tx, origin)?;
    let mut statement =
        tx.prepare("select t, id, rev, v from mirror join whole_texts on n = text where origin = ?1")?;
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
        "select id, rev, chg, v from mirror join whole_texts on n = text
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
    let sql = "select rev, v from mirror join whole_texts on n = text where origin = ?1 and t = ?2 and id = ?3";
    let mut statement = tx.prepare_cached(sql)?;
    let found = statement.query_row(params![origin, table.number(), id], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(found.optional()?)
}
