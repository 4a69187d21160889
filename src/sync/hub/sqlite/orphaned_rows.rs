//! Rows lost by a reset, and origins that are removed.

use rusqlite::{Connection, params};

use super::origins;
use super::rows::add_text;
use crate::domain::mirror::Table;
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::Origin;
use crate::sync::hub::orphaned_rows::{Lost, Removed, lost_text};

/// Those behind `behind`, the newest first.
pub fn page(conn: &Connection, origin: &str, (at, n): (Time, i64), limit: i64) -> Result<Vec<Lost>> {
    let mut statement = conn.prepare_cached(
        "select l.rowid, lost_at, epoch_n, t, id, rev, chg, v from lost_tail l join texts on texts.n = text
         where origin = ?1 and (lost_at, l.rowid) < (?2, ?3) order by lost_at desc, l.rowid desc limit ?4",
    )?;
    let mut found = statement.query(params![origin, at, n, limit])?;
    let mut lost = vec![];
    while let Some(row) = found.next()? {
        lost.push(Lost {
            n: row.get(0)?,
            lost_at: row.get(1)?,
            epoch: row.get(2)?,
            table: Table::from_number(row.get(3)?).unwrap_or(Table::Other),
            id: row.get(4)?,
            rev: row.get(5)?,
            chg: row.get(6)?,
            v: lost_text(&row.get::<_, String>(7)?)?,
        });
    }
    Ok(lost)
}

/// Keeps rows that were lost at another hub.
pub fn add(tx: &Connection, origin: &str, lost: &[Lost]) -> Result<()> {
    let mut insert = tx.prepare_cached(
        "insert into lost_tail (origin, epoch_n, t, id, rev, chg, text, lost_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for Lost { lost_at, epoch, table, id, rev, chg, v, .. } in lost {
        let text = add_text(tx, v.get())?;
        insert.execute(params![origin, epoch, table.number(), id, rev, chg, text, lost_at])?;
    }
    Ok(())
}

/// Removes an origin with all that is kept of it.
pub fn remove(tx: &Connection, origin: &str) -> Result<Removed> {
    let removed = clear(tx, &origins::get(tx, origin)?)?;
    tx.execute("delete from enrolment_codes where origin = ?1", [origin])?;
    tx.execute("delete from origins where origin = ?1", [origin])?;
    Ok(removed)
}

/// Removes all that is kept of an origin but its head.
pub fn clear(tx: &Connection, Origin { origin, name, .. }: &Origin) -> Result<Removed> {
    for table in ["mirror", "staged", "lost_tail"] {
        let texts = format!("delete from texts where n in (select text from {table} where origin = ?1)");
        tx.execute(&texts, [origin])?;
    }
    let delete = |table: &str| -> Result<i64> {
        let deleted = tx.execute(&format!("delete from {table} where origin = ?1"), [origin])?;
        Ok(i64::try_from(deleted).unwrap_or(i64::MAX))
    };
    delete("staged_parts")?;
    Ok(Removed {
        name: name.clone(),
        rows: delete("mirror")?,
        aside: delete("quarantine")?,
        proposals: delete("proposals")?,
        staged: delete("staged")?,
        lost: delete("lost_tail")?,
    })
}
