//! Laws that hold for every sound database.

use crate::db::ReadTx;
use crate::error::Result;

/// One law, and whether it holds.
pub struct HealthCheck {
    pub what: &'static str,
    /// What is wrong; `None` when nothing is.
    pub wrong: Option<String>,
    pub detail: String,
}

/// Looks at the whole file: takes seconds for a large one.
pub fn examine(tx: &ReadTx) -> Result<Vec<HealthCheck>> {
    Ok(vec![integrity(tx)?, references(tx)?, feed(tx)?, contents(tx)?])
}

fn integrity(tx: &ReadTx) -> Result<HealthCheck> {
    let mut statement = tx.conn.prepare("pragma integrity_check(5)")?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let wrong = (lines != ["ok"]).then(|| lines.join("; "));
    Ok(HealthCheck { what: "file", wrong, detail: "sound".into() })
}

fn references(tx: &ReadTx) -> Result<HealthCheck> {
    let mut statement = tx.conn.prepare("pragma foreign_key_check")?;
    let tables: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let wrong =
        (!tables.is_empty()).then(|| format!("{} rows refer to nothing, the first in {}", tables.len(), tables[0]));
    Ok(HealthCheck { what: "references", wrong, detail: "all lead somewhere".into() })
}

/// No row is newer than the feed, none is both there and deleted, and no write is left open.
fn feed(tx: &ReadTx) -> Result<HealthCheck> {
    let (high, newest, is_open): (i64, i64, bool) = tx.conn.query_row(
        "select high, writing is not null,
            (select max(chg) from (select max(chg) as chg from customers union all select max(chg) from employees
                union all select max(chg) from queues union all select max(chg) from mobile_configs
                union all select max(chg) from tombstones))
         from feed",
        [],
        |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(2)?.unwrap_or(0), row.get(1)?)),
    )?;
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
    Ok(HealthCheck { what: "feed", wrong, detail: format!("{high} writes") })
}

fn contents(tx: &ReadTx) -> Result<HealthCheck> {
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
    Ok(HealthCheck { what: "contents", wrong, detail })
}
