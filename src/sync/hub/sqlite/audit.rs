//! The hub's audit trail.

use rusqlite::{Connection, Params, Row as SqlRow, params};

use crate::domain::audit::Hash;
use crate::error::Result;
use crate::sync::hub::audit::{AuditNote, AuditRecord};

const COLUMNS: &str = "seq, at, who, action, origin, outcome, detail, hash";

/// Appends an entry, in the transaction of what it records.
pub fn append(tx: &Connection, note: AuditNote) -> Result<()> {
    insert(tx, note, None)
}

/// Appends an entry unless there is one with this key.
pub fn append_once(tx: &Connection, note: AuditNote, once: &str) -> Result<()> {
    let sql = "select exists (select 1 from audit where once = ?1)";
    if tx.query_row(sql, [once], |row| row.get(0))? { Ok(()) } else { insert(tx, note, Some(once)) }
}

fn insert(tx: &Connection, note: AuditNote, once: Option<&str>) -> Result<()> {
    let (seq, hash) = head(tx)?;
    let record = note.follow((seq, &hash));
    tx.prepare_cached(
        "insert into audit (seq, at, who, action, origin, outcome, detail, hash, once)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        record.seq,
        record.at,
        record.who,
        record.action,
        record.origin,
        record.outcome,
        record.detail,
        record.hash,
        once
    ])?;
    tx.prepare_cached("update hub set audit_seq = ?1, audit_hash = ?2")?.execute(params![record.seq, record.hash])?;
    Ok(())
}

/// Number and hash of the newest entry, as they are noted beside the trail.
pub fn head(conn: &Connection) -> Result<(i64, Hash)> {
    let of_row = |row: &SqlRow| Ok((row.get(0)?, row.get(1)?));
    Ok(conn.prepare_cached("select audit_seq, audit_hash from hub")?.query_row([], of_row)?)
}

/// Entries behind a number, the oldest first.
pub fn after(conn: &Connection, after: i64, limit: i64) -> Result<Vec<AuditRecord>> {
    select(conn, "seq > ?1 order by seq limit ?2", [after, limit])
}

/// Entries before a number, the newest first.
pub fn before(conn: &Connection, before: i64, limit: i64) -> Result<Vec<AuditRecord>> {
    select(conn, "seq < ?1 order by seq desc limit ?2", [before, limit])
}

fn select(conn: &Connection, condition: &str, params: impl Params) -> Result<Vec<AuditRecord>> {
    let mut statement = conn.prepare_cached(&format!("select {COLUMNS} from audit where {condition}"))?;
    let rows = statement.query_map(params, |row| {
        Ok(AuditRecord {
            seq: row.get(0)?,
            at: row.get(1)?,
            who: row.get(2)?,
            action: row.get(3)?,
            origin: row.get(4)?,
            outcome: row.get(5)?,
            detail: row.get(6)?,
            hash: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
