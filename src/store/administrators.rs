//! Employees by level: who administers this server.

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
        where e.access_level = ?1 and e.state = 'ENABLED' and c.state = 'ACTIVE'";
    let mut statement = tx.conn.prepare_cached(sql)?;
    let rows = statement.query_map([Level::Admin.name()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
