//! How late it was when this was last written: what time never goes back behind.

use rusqlite::OptionalExtension;

use crate::db::{ReadTx, WriteTx};
use crate::domain::time::Time;
use crate::error::Result;

pub fn find(tx: &ReadTx) -> Result<Option<Time>> {
    let mut statement = tx.conn.prepare_cached("select at from clock_floor")?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?)
}

pub fn put(tx: &mut WriteTx) -> Result<()> {
    tx.conn.prepare_cached("insert or replace into clock_floor (id, at) values (1, ?1)")?.execute([tx.now])?;
    Ok(())
}
