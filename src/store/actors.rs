//! Employees as callers.

use rusqlite::{OptionalExtension, Row};

use crate::db::ReadTx;
use crate::db::types::known;
use crate::domain::access::{Actor, Level};
use crate::domain::id::Id;
use crate::error::Result;

/// The employee as a caller, as of this transaction; `None` when it may not call (any more).
pub fn find(tx: &ReadTx, id: Id) -> Result<Option<Actor>> {
    let mut statement = tx.conn.prepare_cached(
        "select e.customer, e.access_level, e.name from employees e join customers c on c.id = e.customer
         where e.id = ?1 and e.state = 'ENABLED' and c.state = 'ACTIVE' and e.access_level <> 'NO_LOGIN'",
    )?;
    let from_row = |row: &Row| {
        Ok(Actor {
            employee: id,
            customer: row.get(0)?,
            level: known(row.get_ref(1)?.as_str()?, Level::parse)?,
            name: row.get(2)?,
            impersonator: None,
            is_machine: false,
        })
    };
    Ok(statement.query_row([id], from_row).optional()?)
}
