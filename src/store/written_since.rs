//! What the audit trail has beyond an entry. The columns read here are in every schema.

use rusqlite::OptionalExtension;
use serde::Serialize;

use crate::db::ReadTx;
use crate::domain::audit::Hash;
use crate::domain::time::Time;
use crate::error::Result;

/// What was written, refusals included.
#[derive(Debug, Default, Serialize)]
pub struct Written {
    pub entries: i64,
    /// When the last was written; `None` when there are none.
    pub last: Option<Time>,
    /// Sections of the change log with the number of their entries, the most first.
    pub sections: Vec<(String, i64)>,
}

/// Number and hash of the last entry, by which a trail that goes on behind it is known; `None` when there is none.
pub fn end(tx: &ReadTx) -> Result<Option<(i64, Hash)>> {
    let sql = "select seq, hash from audit order by seq desc limit 1";
    Ok(tx.conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// Whether the trail goes on behind this entry.
pub fn continues(tx: &ReadTx, (seq, hash): (i64, Hash)) -> Result<bool> {
    let sql = "select hash from audit where seq = ?1";
    let found: Option<Hash> = tx.conn.query_row(sql, [seq], |row| row.get(0)).optional()?;
    // What an archived entry was is no longer known here.
    Ok(found == Some(hash) || found.is_none() && seq <= archived(tx)?)
}

/// The last entry that was archived; the schemas before the tenth know of none.
fn archived(tx: &ReadTx) -> Result<i64> {
    let knows = "select exists (select 1 from sqlite_schema where name = 'audit_start')";
    if !tx.conn.query_row(knows, [], |row| row.get(0))? {
        return Ok(0);
    }
    Ok(tx.conn.query_row("select coalesce(max(seq), 0) from audit_start", [], |row| row.get(0))?)
}

/// All behind the entry of the number `seq`; archived entries are counted, and their sections are not.
pub fn since(tx: &ReadTx, seq: i64) -> Result<Written> {
    let whole = "select count(*), max(at) from audit where seq > ?1";
    let (here, last): (i64, _) = tx.conn.query_row(whole, [seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let entries = here + (archived(tx)? - seq).max(0);
    let by_section = "select section, count(*) from audit where seq > ?1 group by section order by 2 desc, 1";
    let mut statement = tx.conn.prepare(by_section)?;
    let sections = statement.query_map([seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Written { entries, last, sections: sections.collect::<rusqlite::Result<_>>()? })
}
