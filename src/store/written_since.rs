//! What the audit trail has beyond an entry. The columns read here are in every schema.

use serde::Serialize;

use crate::db::ReadTx;
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

/// Number of the last entry; 0 when there is none.
pub fn last(tx: &ReadTx) -> Result<i64> {
    Ok(tx.conn.query_row("select coalesce(max(seq), 0) from audit", [], |row| row.get(0))?)
}

/// All behind the entry of the number `seq`.
pub fn since(tx: &ReadTx, seq: i64) -> Result<Written> {
    let whole = "select count(*), max(at) from audit where seq > ?1";
    let (entries, last) = tx.conn.query_row(whole, [seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let by_section = "select section, count(*) from audit where seq > ?1 group by section order by 2 desc, 1";
    let mut statement = tx.conn.prepare(by_section)?;
    let sections = statement.query_map([seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Written { entries, last, sections: sections.collect::<rusqlite::Result<_>>()? })
}
