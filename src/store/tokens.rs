//! Machine-to-machine tokens (api:employee:createtoken). Only the SHA-256 is stored.

use rusqlite::{OptionalExtension, Row, named_params, params};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Page, Window};
use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::Result;

/// What is shown of a machine-to-machine token.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MachineToken {
    /// The first 24 hex digits of the token's SHA-256: it names the token and reveals nothing of it.
    #[serde(rename = "_id")]
    pub id: Id,
    /// The employee whose access it gives.
    pub employee: Id,
    /// The employee's name.
    #[schemars(example = "Anna Manager")]
    pub name: String,
    /// The employee's customer.
    pub customer: Id,
    pub created_at: Time,
    /// When it was last used, to the minute; null: not since that is noted.
    pub last_used_at: Option<Time>,
}

/// The id of the token of which `hash` is the SHA-256.
pub fn id_of(hash: &Hash) -> Id {
    Id::of_hash(hash)
}

/// Which tokens a list holds; `None`: all.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenFilter {
    pub employee: Option<Id>,
    pub customer: Option<Id>,
}

/// A page of the tokens there are, the oldest first.
pub fn list(tx: &ReadTx, filter: TokenFilter, window: Window) -> Result<Page<MachineToken>> {
    let source = "from tokens t join employees e on e.id = t.employee
        where (:employee is null or t.employee = :employee) and (:customer is null or e.customer = :customer)";
    let conditions = named_params! { ":employee": filter.employee, ":customer": filter.customer };
    let total =
        tx.conn.prepare_cached(&format!("select count(*) {source}"))?.query_row(conditions, |row| row.get(0))?;
    let sql = format!(
        "select t.token_hash, t.employee, e.name, e.customer, t.created_at, t.last_used_at {source}
         order by t.created_at, t.token_hash limit {} offset {}",
        window.limit, window.offset
    );
    let from_row = |row: &Row| {
        Ok(MachineToken {
            id: id_of(&row.get(0)?),
            employee: row.get(1)?,
            name: row.get(2)?,
            customer: row.get(3)?,
            created_at: row.get(4)?,
            last_used_at: row.get(5)?,
        })
    };
    let rows = tx.conn.prepare(&sql)?.query_map(conditions, from_row)?.collect::<rusqlite::Result<_>>()?;
    Ok(Page { total, rows })
}

/// The SHA-256 of the token of this id, and the employee it belongs to.
pub fn find_by_id(tx: &ReadTx, id: Id) -> Result<Option<(Hash, Id)>> {
    let mut statement = tx
        .conn
        .prepare_cached("select token_hash, employee from tokens where lower(hex(substr(token_hash, 1, 12))) = ?1")?;
    Ok(statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// The employee a token belongs to, and when it was last used.
pub fn find(tx: &ReadTx, token: &Hash) -> Result<Option<(Id, Option<Time>)>> {
    let mut statement = tx.conn.prepare_cached("select employee, last_used_at from tokens where token_hash = ?1")?;
    Ok(statement.query_row([token], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
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

/// Deletes all tokens of an employee; how many there were.
pub fn delete_of(tx: &mut WriteTx, employee: Id) -> Result<usize> {
    tx.identities_change();
    Ok(tx.conn.prepare_cached("delete from tokens where employee = ?1")?.execute([employee])?)
}

/// Notes when a token was last used.
pub fn touch(tx: &mut WriteTx, token: &Hash, last_used_at: Time) -> Result<()> {
    tx.conn
        .prepare_cached("update tokens set last_used_at = max(coalesce(last_used_at, 0), ?2) where token_hash = ?1")?
        .execute(params![token, last_used_at])?;
    Ok(())
}
