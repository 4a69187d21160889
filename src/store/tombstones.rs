//! Tombstones: the records of deleted mirrored rows.

use rusqlite::{OptionalExtension, params};

use super::high;
use crate::db::WriteTx;
use crate::domain::id::Id;
use crate::error::Result;

/// Stores the tombstone of a row that had this rev.
pub fn insert(tx: &mut WriteTx, table: &str, id: Id, rev: i64) -> Result<()> {
    let change = tx.change()?;
    tx.conn
        .prepare_cached("insert or replace into tombstones (\"table\", id, rev, chg) values (?1, ?2, ?3, ?4)")?
        .execute(params![table, id, rev + 1, change])?;
    Ok(())
}

/// Deletes the tombstone of a row that is created again, and gives its last rev; 0 when there is none.
pub fn remove(tx: &mut WriteTx, table: &str, id: Id) -> Result<i64> {
    let rev = tx
        .conn
        .prepare_cached("delete from tombstones where \"table\" = ?1 and id = ?2 returning rev")?
        .query_row(params![table, id], |row| row.get(0))
        .optional()?;
    Ok(rev.unwrap_or(0))
}

/// Deletes the tombstones of all writes up to `chg`, which both sides know; the number of the newest is not forgotten with it.
pub fn forget(tx: &mut WriteTx, chg: i64) -> Result<()> {
    let newest: Option<i64> = tx
        .conn
        .prepare_cached("select max(chg) from tombstones where chg <= ?1")?
        .query_row([chg], |row| row.get(0))?;
    if let Some(newest) = newest {
        high::keep(tx, newest)?;
        tx.conn.prepare_cached("delete from tombstones where chg <= ?1")?.execute([chg])?;
    }
    Ok(())
}
