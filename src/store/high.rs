//! The number of the newest write, where no row and no tombstone carries it any more.

use crate::db::WriteTx;
use crate::error::Result;

/// Notes the number of a write before a row that may carry it is deleted without a tombstone: a number never comes again.
pub fn keep(tx: &WriteTx, chg: i64) -> Result<()> {
    tx.conn.prepare_cached("update feed_kept set high = ?1 where high < ?1")?.execute([chg])?;
    Ok(())
}
