//! Orphaned rows (table `lost_tail`), and the removal of origins.

use rusqlite::{Connection, params};

use super::texts::Texts;
use super::{audit, origins, quarantine};
use crate::domain::mirror::Table;
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::audit::{AuditNote, Caller, HubAction};
use crate::sync::hub::origin::Origin;
use crate::sync::hub::orphaned_rows::{OrphanedRow, RemovedOrigin, orphaned_text};
use crate::sync::hub::stored_text::StoredText;

/// Orphaned rows behind a cursor, the newest first.
pub fn page(conn: &Connection, origin: &str, (at, n): (Time, i64), limit: i64) -> Result<Vec<OrphanedRow>> {
    let mut statement = conn.prepare_cached(
        "select l.rowid, lost_at, epoch_n, t, id, rev, chg, v from lost_tail l join whole_texts on n = text
         where origin = ?1 and (lost_at, l.rowid) < (?2, ?3) order by lost_at desc, l.rowid desc limit ?4",
    )?;
    let mut found = statement.query(params![origin, at, n, limit])?;
    let mut rows = vec![];
    while let Some(row) = found.next()? {
        rows.push(OrphanedRow {
            n: row.get(0)?,
            lost_at: row.get(1)?,
            epoch: row.get(2)?,
            table: Table::from_number(row.get(3)?).unwrap_or(Table::Other),
            id: row.get(4)?,
            rev: row.get(5)?,
            chg: row.get(6)?,
            v: orphaned_text(&row.get::<_, String>(7)?)?,
        });
    }
    Ok(rows)
}

/// Makes every row that the hub has of an origin an orphaned row: a reset replaces them all. [`discard_recovered`] deletes
/// those that the reset brings again.
pub fn orphan_all(tx: &Connection, origin: &Origin, now: Time) -> Result<()> {
    let epoch = origin.head.epoch.map_or(0, |epoch| epoch.0);
    let add = "insert into lost_tail (origin, epoch_n, t, id, rev, chg, text, lost_at)";
    tx.execute(
        &format!("{add} select origin, ?2, t, id, rev, chg, text, ?3 from mirror where origin = ?1"),
        params![origin.origin, epoch, now],
    )?;
    tx.execute("delete from mirror where origin = ?1", [&origin.origin])?;
    // Quarantined rows are kept too.
    let mut texts = Texts::new(tx, &origin.origin);
    for row in quarantine::all(tx, &origin.origin)? {
        let Some(v) = &row.v else { continue };
        let text = texts.add(&StoredText::of(row.t, v))?;
        tx.execute(
            &format!("{add} values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
            params![origin.origin, epoch, row.t.number(), row.id, row.rev, row.chg, text, now],
        )?;
    }
    tx.execute("delete from quarantine where origin = ?1", [&origin.origin])?;
    Ok(())
}

/// Deletes the orphaned rows that the edge has sent again, unchanged: they are not orphaned.
pub fn discard_recovered(tx: &Connection, origin: &Origin) -> Result<()> {
    let of_epoch = params![origin.origin, origin.head.epoch.map_or(0, |epoch| epoch.0)];
    tx.execute(
        "delete from texts where n in (
            select l.text from lost_tail l join whole_texts lost on lost.n = l.text
            left join mirror m on m.origin = l.origin and m.t = l.t and m.id = l.id and m.rev = l.rev
            left join whole_texts found on found.n = m.text
            left join whole_quarantine q on q.origin = l.origin and q.t = l.t and q.id = l.id and q.rev = l.rev
            where l.origin = ?1 and l.epoch_n = ?2 and (found.v = lost.v or q.v = lost.v))",
        of_epoch,
    )?;
    tx.execute(
        "delete from lost_tail where origin = ?1 and epoch_n = ?2 and text not in (select n from texts)",
        of_epoch,
    )?;
    Ok(())
}

/// Stores rows that were orphaned at another hub.
pub fn add(tx: &Connection, origin: &str, rows: &[OrphanedRow]) -> Result<()> {
    let mut insert = tx.prepare_cached(
        "insert into lost_tail (origin, epoch_n, t, id, rev, chg, text, lost_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut texts = Texts::new(tx, origin);
    for OrphanedRow { lost_at, epoch, table, id, rev, chg, v, .. } in rows {
        let text = texts.add(&StoredText::of_whole(*table, v.get()))?;
        insert.execute(params![origin, epoch, table.number(), id, rev, chg, text, lost_at])?;
    }
    Ok(())
}

/// Removes an origin with everything that is stored of it.
pub fn remove(tx: &Connection, origin: &str, caller: Caller) -> Result<RemovedOrigin> {
    let removed = clear(tx, &origins::get(tx, origin)?)?;
    tx.execute("delete from enrolment_codes where origin = ?1 or spent_by = ?1", [origin])?;
    tx.execute("delete from origins where origin = ?1", [origin])?;
    audit::append(tx, AuditNote::new(caller, HubAction::Remove, origin, &removed.to_string()))?;
    Ok(removed)
}

/// Deletes everything that is stored of an origin except its head.
pub fn clear(tx: &Connection, Origin { origin, name, .. }: &Origin) -> Result<RemovedOrigin> {
    for table in ["mirror", "staged", "lost_tail"] {
        let texts = format!("delete from texts where n in (select text from {table} where origin = ?1)");
        tx.execute(&texts, [origin])?;
    }
    let delete = |table: &str| -> Result<i64> {
        let deleted = tx.execute(&format!("delete from {table} where origin = ?1"), [origin])?;
        Ok(i64::try_from(deleted).unwrap_or(i64::MAX))
    };
    delete("staged_parts")?;
    let removed = RemovedOrigin {
        name: name.clone(),
        rows: delete("mirror")?,
        quarantined: delete("quarantine")?,
        proposals: delete("proposals")?,
        staged: delete("staged")?,
        orphaned: delete("lost_tail")?,
    };
    delete("contents")?;
    Ok(removed)
}
