//! Tokens of the platform's that were shown here, and were good. Only the SHA-256 of a token is stored.

use rusqlite::{OptionalExtension, named_params};

use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::Result;

#[derive(Clone, Debug, PartialEq)]
pub struct PlatformToken {
    pub employee: Id,
    /// The address that it was shown from.
    pub ip: String,
    /// When the platform last said that it is good.
    pub confirmed_at: Time,
}

pub fn find(tx: &ReadTx, hash: &Hash) -> Result<Option<PlatformToken>> {
    let sql = "select employee, ip, confirmed_at from platform_tokens where token_hash = ?1";
    let found = tx.conn.prepare_cached(sql)?.query_row([hash], |row| {
        Ok(PlatformToken { employee: row.get(0)?, ip: row.get(1)?, confirmed_at: row.get(2)? })
    });
    Ok(found.optional()?)
}

pub fn put(tx: &mut WriteTx, hash: &Hash, token: &PlatformToken) -> Result<()> {
    tx.conn
        .prepare_cached(
            "insert into platform_tokens (token_hash, employee, ip, confirmed_at) values (:hash, :employee, :ip, :at)
             on conflict (token_hash) do update set employee = :employee, ip = :ip, confirmed_at = :at",
        )?
        .execute(named_params! {
            ":hash": hash, ":employee": token.employee, ":ip": token.ip, ":at": token.confirmed_at
        })?;
    tx.identities_change();
    Ok(())
}

pub fn delete(tx: &mut WriteTx, hash: &Hash) -> Result<()> {
    if tx.conn.prepare_cached("delete from platform_tokens where token_hash = ?1")?.execute([hash])? > 0 {
        tx.identities_change();
    }
    Ok(())
}

/// Those of an employee.
pub fn delete_of(tx: &mut WriteTx, employee: Id) -> Result<()> {
    if tx.conn.prepare_cached("delete from platform_tokens where employee = ?1")?.execute([employee])? > 0 {
        tx.identities_change();
    }
    Ok(())
}

/// Those that the platform has not confirmed since.
pub fn delete_older(tx: &mut WriteTx, than: Time) -> Result<()> {
    tx.conn.prepare_cached("delete from platform_tokens where confirmed_at < ?1")?.execute([than])?;
    Ok(())
}
