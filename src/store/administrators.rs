//! Employees by level: who administers this server.

use serde::Serialize;

use crate::db::ReadTx;
use crate::domain::access::Level;
use crate::domain::id::Id;
use crate::error::Result;

/// Whether a customer has an employee of a higher level than this that is not deleted.
pub fn has_any_above(tx: &ReadTx, customer: Id, level: Level) -> Result<bool> {
    let mut statement = tx
        .conn
        .prepare_cached("select distinct access_level from employees where customer = ?1 and state <> 'DELETED'")?;
    let levels = statement.query_map([customer], |row| row.get::<_, String>(0))?;
    for found in levels {
        if Level::parse(&found?).is_some_and(|found| found > level) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Id and customer of every ADMIN who may log in.
pub fn all(tx: &ReadTx) -> Result<Vec<(Id, Id)>> {
    let sql = "select e.id, e.customer from employees e join customers c on c.id = e.customer
        where e.access_level = ?1 and e.state = 'ENABLED' and not e.sms_validation and e.delete_at is null
          and c.state = 'ACTIVE' and c.authentication_security <> 'SMS'";
    let mut statement = tx.conn.prepare_cached(sql)?;
    let rows = statement.query_map([Level::Admin.name()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// An ADMIN as an operator of the machine sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Administrator {
    #[serde(rename = "_id")]
    pub id: Id,
    pub name: String,
    /// The name to log in with.
    pub login: Option<String>,
    pub customer: Id,
    pub customer_name: String,
    pub state: String,
    pub has_password: bool,
}

/// Every ADMIN that is not deleted, by name.
pub fn list(tx: &ReadTx) -> Result<Vec<Administrator>> {
    let mut statement = tx.conn.prepare_cached(
        "select e.id, e.name, e.email_address, c.id, c.name, e.state, k.password_hash is not null
         from employees e join customers c on c.id = e.customer left join credentials k on k.employee = e.id
         where e.access_level = ?1 and e.state <> 'DELETED' order by e.name collate danish, e.id",
    )?;
    let rows = statement.query_map([Level::Admin.name()], |row| {
        Ok(Administrator {
            id: row.get(0)?,
            name: row.get(1)?,
            login: row.get(2)?,
            customer: row.get(3)?,
            customer_name: row.get(4)?,
            state: row.get(5)?,
            has_password: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
