//! The time that was last known, kept for the next start.

use rusqlite::{OptionalExtension, params};

use crate::clock::KnownTime;
use crate::db::{ReadTx, WriteTx};
use crate::error::Result;

pub fn find(tx: &ReadTx) -> Result<Option<KnownTime>> {
    let mut statement = tx.conn.prepare_cached("select at, hub_at from clock_floor")?;
    Ok(statement.query_row([], |row| Ok(KnownTime { at: row.get(0)?, hub: row.get(1)? })).optional()?)
}

pub fn put(tx: &mut WriteTx, known: KnownTime) -> Result<()> {
    let sql = "insert or replace into clock_floor (id, at, hub_at) values (1, ?1, ?2)";
    tx.conn.prepare_cached(sql)?.execute(params![known.at, known.hub])?;
    Ok(())
}
