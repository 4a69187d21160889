//! Password hashes and authenticator keys.

use rusqlite::{OptionalExtension, named_params, params};

use crate::db::{ReadTx, WriteTx};
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::Result;

/// The secrets of one employee.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// argon2id, PHC string.
    pub password_hash: Option<String>,
    /// When the platform last accepted the password.
    pub confirmed_at: Option<Time>,
    /// Sealed with the key file.
    pub totp_key: Option<Vec<u8>>,
    /// A code of this key has been seen: it is not presented any more.
    pub totp_confirmed: bool,
    /// Codes of this time step and older ones are spent.
    pub totp_last_step: i64,
}

pub fn get(tx: &ReadTx, employee: Id) -> Result<Credentials> {
    let mut statement = tx.conn.prepare_cached(
        "select password_hash, totp_key, totp_confirmed, totp_last_step, confirmed_at from credentials where employee = ?1",
    )?;
    let found = statement.query_row([employee], |row| {
        Ok(Credentials {
            password_hash: row.get(0)?,
            totp_key: row.get(1)?,
            totp_confirmed: row.get(2)?,
            totp_last_step: row.get(3)?,
            confirmed_at: row.get(4)?,
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// Every sealed authenticator key, and whose it is.
pub fn totp_keys(tx: &ReadTx) -> Result<Vec<(Id, Vec<u8>)>> {
    let mut statement = tx.conn.prepare("select employee, totp_key from credentials where totp_key is not null")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many employees may log in, but have no password to do it with.
pub fn without_password(tx: &ReadTx) -> Result<i64> {
    Ok(tx.conn.query_row(
        "select count(*) from employees e left join credentials c on c.employee = e.id
         where e.state = 'ENABLED' and e.access_level <> 'NO_LOGIN' and c.password_hash is null",
        [],
        |row| row.get(0),
    )?)
}

pub fn set_password(tx: &mut WriteTx, employee: Id, password_hash: &str) -> Result<()> {
    tx.conn
        .prepare_cached(
            "insert into credentials (employee, password_hash) values (?1, ?2)
             on conflict (employee) do update set password_hash = ?2, confirmed_at = null",
        )?
        .execute(params![employee, password_hash])?;
    Ok(())
}

/// Forgets the password: nobody logs in with it any more.
pub fn forget_password(tx: &mut WriteTx, employee: Id) -> Result<()> {
    tx.conn
        .prepare_cached("update credentials set password_hash = null, confirmed_at = null where employee = ?1")?
        .execute([employee])?;
    Ok(())
}

/// Notes that the platform has accepted the password just now.
pub fn confirm_password(tx: &mut WriteTx, employee: Id) -> Result<()> {
    tx.conn
        .prepare_cached("update credentials set confirmed_at = ?2 where employee = ?1")?
        .execute(params![employee, tx.now])?;
    Ok(())
}

/// Puts a new sealed authenticator key in the place of the old one; `None` clears it.
pub fn set_totp_key(tx: &mut WriteTx, employee: Id, sealed: Option<&[u8]>, confirmed: bool) -> Result<()> {
    tx.conn
        .prepare_cached(
            "insert into credentials (employee, totp_key, totp_confirmed) values (:employee, :key, :confirmed)
             on conflict (employee) do update set totp_key = :key, totp_confirmed = :confirmed, totp_last_step = 0",
        )?
        .execute(named_params! { ":employee": employee, ":key": sealed, ":confirmed": confirmed })?;
    Ok(())
}

/// Spends the code of a time step.
pub fn spend_totp_step(tx: &mut WriteTx, employee: Id, step: i64) -> Result<()> {
    tx.conn
        .prepare_cached("update credentials set totp_confirmed = 1, totp_last_step = ?2 where employee = ?1")?
        .execute(params![employee, step])?;
    Ok(())
}

pub fn delete(tx: &mut WriteTx, employee: Id) -> Result<()> {
    tx.conn.prepare_cached("delete from credentials where employee = ?1")?.execute([employee])?;
    Ok(())
}
