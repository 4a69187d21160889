//! A write without the writer thread, and where every write begins.

use rusqlite::Connection;

use super::tx::{Author, Counters, WriteTx};
use super::under_way::UnderWay;
use crate::domain::audit::GENESIS;
use crate::domain::time::Time;
use crate::error::Result;

/// What the next write builds on.
pub(super) fn read_counters(conn: &Connection) -> Result<Counters> {
    let high = conn.query_row("select high from feed", [], |row| row.get(0))?;
    let head = conn
        .query_row("select seq, hash from audit order by seq desc limit 1", [], |row| Ok((row.get(0)?, row.get(1)?)));
    let (audit_seq, audit_hash) = match head {
        Err(rusqlite::Error::QueryReturnedNoRows) => (0, GENESIS),
        other => other?,
    };
    Ok(Counters { high, audit_seq, audit_hash })
}

/// Stores the number of the newest write if the feed does not find the config that carries it, because somebody has edited the
/// database by hand: no number may be given twice. Reads every config, and writes nothing else. A damaged page is left to the
/// examination, which reports it.
pub(super) fn keep_newest(conn: &Connection) {
    if let Err(error) = try_to_keep_newest(conn) {
        tracing::warn!(%error, "the numbers of the writes of mobile configs cannot be read");
    }
}

fn try_to_keep_newest(conn: &Connection) -> rusqlite::Result<()> {
    let sql = "select (select coalesce(max(chg), 0) from mobile_configs), (select high from feed)";
    let (newest, high): (i64, i64) = conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if newest > high {
        conn.execute("update feed_kept set high = ?1", [newest])?;
    }
    Ok(())
}

/// Runs `work` as the only request of its own transaction on `conn`: for the command line, which has the file to itself.
pub fn write_once<T>(
    conn: &Connection,
    under_way: &UnderWay,
    now: Time,
    author: Author,
    work: impl FnOnce(&mut WriteTx) -> Result<T>,
) -> Result<T> {
    conn.execute_batch("begin immediate")?;
    let mut tx = WriteTx::new(conn, under_way, now, author, read_counters(conn)?);
    let result = work(&mut tx);
    drop(tx);
    match &result {
        Ok(_) => conn.execute_batch("commit")?,
        // A full disk makes SQLite roll back by itself.
        Err(_) if conn.is_autocommit() => {}
        Err(_) => conn.execute_batch("rollback")?,
    }
    result
}
