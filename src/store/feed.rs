//! The feed: what the mirror is still to hear of, as rows and tombstones in the order of their last write.

use rusqlite::named_params;
use serde_json::value::RawValue;

use super::{customers, employees, mobile_configs, queues};
use crate::db::ReadTx;
use crate::domain::id::Id;
use crate::domain::mirror::{Row, Table};
use crate::error::{Error, Result};

/// A place in the feed: behind this row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub chg: i64,
    table: i64,
    id: String,
}

impl Place {
    /// Behind everything that write `chg` has touched.
    pub fn after_write(chg: i64) -> Place {
        Place { chg: chg + 1, table: -1, id: String::new() }
    }
}

/// Number of the newest write.
pub fn high(tx: &ReadTx) -> Result<i64> {
    Ok(tx.conn.prepare_cached("select high from feed")?.query_row([], |row| row.get(0))?)
}

/// Calls `each` with every row behind `after` whose last write is not behind `to`, until it says stop (`false`).
pub fn rows(tx: &ReadTx, after: &Place, to: i64, mut each: impl FnMut(Row, Place) -> Result<bool>) -> Result<()> {
    // Only the indexes are read here; a table before the one that `after` is in begins behind its write.
    let mut statement = tx.conn.prepare_cached(
        "select chg, 0, id, rev, 0 from customers where chg >= :chg and chg <= :to and (chg, 0, id) > (:chg, :table, :id)
         union all
         select chg, 1, id, rev, 0 from queues where chg >= :chg and chg <= :to and (chg, 1, id) > (:chg, :table, :id)
         union all
         select chg, 2, id, rev, 0 from employees where chg >= :chg and chg <= :to and (chg, 2, id) > (:chg, :table, :id)
         union all
         select chg, 3, id, rev, 0 from mobile_configs
             where chg >= :chg and chg <= :to and (chg, 3, id) > (:chg, :table, :id)
         union all
         select chg, 3, id, rev, 1 from tombstones where chg >= :chg and chg <= :to and (chg, 3, id) > (:chg, :table, :id)
         order by 1, 2, 3",
    )?;
    let mut keys =
        statement.query(named_params! { ":chg": after.chg, ":to": to, ":table": after.table, ":id": after.id })?;
    while let Some(key) = keys.next()? {
        let (chg, table, id, rev) = (key.get(0)?, key.get(1)?, key.get::<_, Id>(2)?, key.get(3)?);
        let t = Table::ALL.into_iter().find(|t| t.number() == table).ok_or_else(|| Error::internal("no such table"))?;
        let v = if key.get(4)? { None } else { Some(object(tx, t, id)?) };
        let id = id.to_string();
        let place = Place { chg, table, id: id.clone() };
        if !each(Row { t, id, rev, chg, v }, place)? {
            break;
        }
    }
    Ok(())
}

/// A mirrored object as it is sent: in the API's shape.
fn object(tx: &ReadTx, table: Table, id: Id) -> Result<Box<RawValue>> {
    let text = match table {
        Table::Customer => customers::find(tx, id)?.map(|customer| to_text(&customer)),
        Table::Queue => queues::find(tx, id)?.map(|queue| to_text(&queue)),
        Table::Employee => employees::find(tx, id)?.map(|employee| to_text(&employee)),
        Table::MobileConfig => mobile_configs::find(tx, id)?
            .map(|config| String::from_utf8(config.to_json()).map_err(|error| Error::Internal(Box::new(error)))),
    };
    let text = text.ok_or_else(|| Error::internal(format!("{id} is in the feed and nowhere else")))??;
    RawValue::from_string(text).map_err(|error| Error::Internal(Box::new(error)))
}

fn to_text<T: serde::Serialize>(object: &T) -> Result<String> {
    serde_json::to_string(object).map_err(|error| Error::Internal(Box::new(error)))
}
