//! Ids that objects had here before the platform gave them theirs.

use std::collections::HashMap;

use rusqlite::params;

use crate::db::{ReadTx, WriteTx};
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::error::Result;

/// Every id that goes on answering, and the one that the object has now.
pub fn all(tx: &ReadTx) -> Result<HashMap<Id, Id>> {
    let mut statement = tx.conn.prepare_cached("select here, there from platform_ids")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Notes that an object has another id from now on; ids that led to the old one lead to the new one.
pub fn insert(tx: &mut WriteTx, kind: Table, here: Id, there: Id) -> Result<()> {
    tx.conn.prepare_cached("update platform_ids set there = ?2 where there = ?1")?.execute(params![here, there])?;
    tx.conn
        .prepare_cached("insert or replace into platform_ids (here, there, kind) values (?1, ?2, ?3)")?
        .execute(params![here, there, kind.number()])?;
    Ok(())
}

/// Lets everything that somebody logs in with belong to the employee's new id; what the new id has already stays.
pub fn carry_secrets(tx: &mut WriteTx, from: Id, to: Id) -> Result<()> {
    for sql in [
        "update or ignore credentials set employee = ?2 where employee = ?1",
        "update sessions set employee = ?2 where employee = ?1",
        "update sessions set impersonator = ?2 where impersonator = ?1",
        "update tokens set employee = ?2 where employee = ?1",
        "update platform_tokens set employee = ?2 where employee = ?1",
        "update failed_logins set employee = ?2 where employee = ?1",
        "update or ignore idempotency_keys set scope = ?2 where scope = ?1",
    ] {
        tx.conn.prepare_cached(sql)?.execute(params![from, to])?;
    }
    tx.conn.prepare_cached("delete from credentials where employee = ?1")?.execute([from])?;
    Ok(())
}

/// Forgets everything that somebody logs in with.
pub fn forget_secrets(tx: &mut WriteTx, employee: Id) -> Result<()> {
    for sql in [
        "delete from credentials where employee = ?1",
        "delete from sessions where employee = ?1 or impersonator = ?1",
        "delete from tokens where employee = ?1",
        "delete from platform_tokens where employee = ?1",
    ] {
        tx.conn.prepare_cached(sql)?.execute([employee])?;
    }
    Ok(())
}
