//! Links to set a new password with: of each the SHA-256 of its token, and whose it is. Not mirrored.

use rusqlite::{OptionalExtension, params};

use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::Result;

/// Makes this the employee's one link.
pub fn replace(tx: &mut WriteTx, token: &Hash, employee: Id) -> Result<()> {
    delete_of(tx, employee)?;
    tx.conn
        .prepare_cached("insert into password_resets (token_hash, employee, created_at) values (?1, ?2, ?3)")?
        .execute(params![token, employee, tx.now])?;
    Ok(())
}

/// Whose link it is, if it was made after `since`.
pub fn find(tx: &ReadTx, token: &Hash, since: Time) -> Result<Option<Id>> {
    let sql = "select employee from password_resets where token_hash = ?1 and created_at > ?2";
    Ok(tx.conn.prepare_cached(sql)?.query_row(params![token, since], |row| row.get(0)).optional()?)
}

/// Whether the employee has a link that was made after `since`.
pub fn has(tx: &ReadTx, employee: Id, since: Time) -> Result<bool> {
    let sql = "select exists (select 1 from password_resets where employee = ?1 and created_at > ?2)";
    Ok(tx.conn.prepare_cached(sql)?.query_row(params![employee, since], |row| row.get(0))?)
}

pub fn delete_of(tx: &mut WriteTx, employee: Id) -> Result<()> {
    tx.conn.prepare_cached("delete from password_resets where employee = ?1")?.execute([employee])?;
    Ok(())
}

/// Deletes those that are no longer good.
pub fn delete_old(tx: &mut WriteTx, since: Time) -> Result<()> {
    tx.conn.prepare_cached("delete from password_resets where created_at <= ?1")?.execute([since])?;
    Ok(())
}
