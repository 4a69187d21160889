//! Machine-to-machine tokens (api:employee:createtoken). Only the SHA-256 is stored.

use rusqlite::{OptionalExtension, params};

use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::error::Result;

/// The employee a token belongs to.
pub fn find(tx: &ReadTx, token: &Hash) -> Result<Option<Id>> {
    let mut statement = tx.conn.prepare_cached("select employee from tokens where token_hash = ?1")?;
    Ok(statement.query_row([token], |row| row.get(0)).optional()?)
}

pub fn insert(tx: &mut WriteTx, token: &Hash, employee: Id) -> Result<()> {
    tx.conn
        .prepare_cached("insert into tokens (token_hash, employee, created_at) values (?1, ?2, ?3)")?
        .execute(params![token, employee, tx.now])?;
    Ok(())
}

/// Deletes one token of an employee; false when there is none.
pub fn delete(tx: &mut WriteTx, token: &Hash, employee: Id) -> Result<bool> {
    tx.identities_change();
    let deleted = tx
        .conn
        .prepare_cached("delete from tokens where token_hash = ?1 and employee = ?2")?
        .execute(params![token, employee])?;
    Ok(deleted > 0)
}

pub fn delete_of(tx: &mut WriteTx, employee: Id) -> Result<()> {
    tx.identities_change();
    tx.conn.prepare_cached("delete from tokens where employee = ?1")?.execute([employee])?;
    Ok(())
}
