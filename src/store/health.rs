//! Laws that hold for every sound database.

use super::mirrored_tables::newest_change;
use crate::db::{ReadTx, SCHEMA_VERSION, schema_difference};
use crate::error::Result;

/// One law, and whether it holds.
pub struct HealthCheck {
    pub what: &'static str,
    /// What is wrong; `None` when nothing is.
    pub wrong: Option<String>,
    pub detail: String,
}

/// What is wrong, if anything, and what can be told of it when nothing is.
type Finding = (Option<String>, String);
type Law = (&'static str, fn(&ReadTx) -> Result<Finding>);

/// Laws in the order they are looked at.
const LAWS: [Law; 5] =
    [("file", integrity), ("schema", schema), ("references", references), ("feed", feed), ("contents", contents)];

/// Looks at the whole file: takes seconds for a large one. What cannot even be looked at is wrong.
pub fn examine(tx: &ReadTx) -> Vec<HealthCheck> {
    let check = |(what, law): Law| match law(tx) {
        Ok((wrong, detail)) => HealthCheck { what, wrong, detail },
        Err(error) => HealthCheck { what, wrong: Some(format!("cannot be read: {error}")), detail: String::new() },
    };
    LAWS.map(check).into()
}

/// The schema is the one that the migrations make: nothing is missing, changed or put in.
fn schema(tx: &ReadTx) -> Result<Finding> {
    Ok((schema_difference(tx.conn)?, format!("as version {SCHEMA_VERSION} makes it")))
}

fn integrity(tx: &ReadTx) -> Result<Finding> {
    let mut statement = tx.conn.prepare("pragma integrity_check(5)")?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let wrong = (lines != ["ok"]).then(|| lines.join("; "));
    Ok((wrong, "sound".into()))
}

fn references(tx: &ReadTx) -> Result<Finding> {
    let mut statement = tx.conn.prepare("pragma foreign_key_check")?;
    let tables: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let wrong =
        (!tables.is_empty()).then(|| format!("{} rows refer to nothing, the first in {}", tables.len(), tables[0]));
    Ok((wrong, "all lead somewhere".into()))
}

/// No row is newer than the feed, none is both there and deleted, and no write is left open.
fn feed(tx: &ReadTx) -> Result<Finding> {
    let sql = "select high, writing is not null from feed";
    let (high, is_open): (i64, bool) = tx.conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let newest = newest_change(tx)?;
    let risen: i64 = tx.conn.query_row(
        "select count(*) from tombstones t where \"table\" = 'mobile_configs'
            and exists (select 1 from mobile_configs m where m.id = t.id)",
        [],
        |row| row.get(0),
    )?;
    let wrong = if newest > high {
        Some(format!("a row carries the number {newest}, the newest write is {high}"))
    } else if is_open {
        Some("a write is marked as under way".to_owned())
    } else if risen > 0 {
        Some(format!("{risen} rows are both there and deleted"))
    } else {
        None
    };
    Ok((wrong, format!("{high} writes")))
}

fn contents(tx: &ReadTx) -> Result<Finding> {
    let (customers, employees, queues, configs): (i64, i64, i64, i64) = tx.conn.query_row(
        "select (select count(*) from customers), (select count(*) from employees), (select count(*) from queues),
            (select count(*) from mobile_configs)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let strays: i64 = tx.conn.query_row(
        "select count(*) from mobile_configs m join employees e on e.id = m.id
         where e.customer <> m.customer or e.state = 'DELETED' or not json_valid(m.configs)",
        [],
        |row| row.get(0),
    )?;
    let wrong = (strays > 0).then(|| format!("{strays} mobile configs do not fit their employee, or are not JSON"));
    let detail = format!("{customers} customers, {employees} employees, {queues} queues, {configs} mobile configs");
    Ok((wrong, detail))
}
