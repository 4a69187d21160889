//! The feed: what the mirror is still to hear of, as rows and tombstones in the order of their last write.

use rusqlite::{OptionalExtension, named_params, params};
use serde_json::value::RawValue;

use super::{customers, employees, mobile_configs, quarantine, queues};
use crate::db::{ReadTx, WriteTx};
use crate::domain::id::Id;
use crate::domain::mirror::{Bad, Row, Table};
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

/// How many rows and tombstones writes behind `chg` have touched.
pub fn count(tx: &ReadTx, chg: i64) -> Result<u64> {
    let mut statement = tx.conn.prepare_cached(
        "select (select count(*) from customers where chg > :chg) + (select count(*) from queues where chg > :chg)
            + (select count(*) from employees where chg > :chg) + (select count(*) from mobile_configs where chg > :chg)
            + (select count(*) from tombstones where chg > :chg)",
    )?;
    Ok(statement.query_row(named_params! { ":chg": chg }, |row| row.get::<_, i64>(0))?.unsigned_abs())
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
    let dropped = quarantine::dropped(tx)?;
    while let Some(key) = keys.next()? {
        let (chg, table, id, rev) = (key.get(0)?, key.get(1)?, key.get::<_, String>(2)?, key.get(3)?);
        let t = Table::from_number(table).ok_or_else(|| Error::internal("no such table"))?;
        let (v, bad) = match key.get(4)? {
            true => (None, None),
            false => readable(id.parse().map_or(Ok(None), |id| object(tx, t, id)))?,
        };
        let is_dropped = dropped.iter().any(|(table, row, as_of)| (*table, row, *as_of) == (t, &id, chg));
        let (v, bad) = if is_dropped { (None, Some(Bad::Dropped)) } else { (v, bad) };
        let place = Place { chg, table, id: id.clone() };
        if !each(Row { t, id, rev, chg, v, bad }, place)? {
            break;
        }
    }
    Ok(())
}

/// A row's text, or that it has none that can be read. A disk that cannot be read is another matter.
fn readable(object: Result<Option<Box<RawValue>>>) -> Result<(Option<Box<RawValue>>, Option<Bad>)> {
    match object {
        Ok(Some(v)) => Ok((Some(v), None)),
        // It is there, under an id that is none.
        Ok(None) => Ok((None, Some(Bad::Unreadable))),
        Err(error) if is_unreadable(&error) => Ok((None, Some(Bad::Unreadable))),
        Err(error) => Err(error),
    }
}

/// Whether it is what a row holds that cannot be read, and not the disk.
pub fn is_unreadable(error: &Error) -> bool {
    let Error::Internal(cause) = error else { return false };
    match cause.downcast_ref::<rusqlite::Error>() {
        Some(error) => error.sqlite_error().is_none(),
        None => cause.is::<serde_json::Error>() || cause.is::<std::string::FromUtf8Error>(),
    }
}

/// Rev and text of a mirrored row as it stands; `None` when there is none.
pub fn find(tx: &ReadTx, table: Table, id: Id) -> Result<Option<(i64, Box<RawValue>)>> {
    let Some(name) = name_of(table) else { return Ok(None) };
    let mut statement = tx.conn.prepare_cached(&format!("select rev from {name} where id = ?1"))?;
    let rev = statement.query_row([id], |row| row.get(0)).optional()?;
    let Some(rev) = rev else { return Ok(None) };
    Ok(object(tx, table, id)?.map(|object| (rev, object)))
}

/// Has a row sent again, as it stands.
pub fn touch(tx: &mut WriteTx, table: Table, id: &str) -> Result<()> {
    let Some(name) = name_of(table) else { return Ok(()) };
    let chg = tx.change()?;
    tx.conn.prepare_cached(&format!("update {name} set chg = ?2 where id = ?1"))?.execute(params![id, chg])?;
    Ok(())
}

/// Gives a row that this write has put another rev: that which it has at the hub.
pub fn set_rev(tx: &mut WriteTx, table: Table, id: &str, rev: i64) -> Result<()> {
    let Some(name) = name_of(table) else { return Ok(()) };
    let chg = tx.change()?;
    tx.conn
        .prepare_cached(&format!("update {name} set rev = ?2, chg = ?3 where id = ?1"))?
        .execute(params![id, rev, chg])?;
    Ok(())
}

fn name_of(table: Table) -> Option<&'static str> {
    match table {
        Table::Customer => Some("customers"),
        Table::Queue => Some("queues"),
        Table::Employee => Some("employees"),
        Table::MobileConfig => Some("mobile_configs"),
        Table::Other => None,
    }
}

/// A mirrored object as it is sent: in the API's shape.
fn object(tx: &ReadTx, table: Table, id: Id) -> Result<Option<Box<RawValue>>> {
    let text = match table {
        Table::Customer => customers::find(tx, id)?.map(|customer| to_text(&customer)),
        Table::Queue => queues::find(tx, id)?.map(|queue| to_text(&queue)),
        Table::Employee => employees::find(tx, id)?.map(|employee| to_text(&employee)),
        Table::MobileConfig => mobile_configs::find(tx, id)?
            .map(|config| String::from_utf8(config.to_json()).map_err(|error| Error::Internal(Box::new(error)))),
        Table::Other => None,
    };
    let text = text.transpose()?;
    text.map(RawValue::from_string).transpose().map_err(|error| Error::Internal(Box::new(error)))
}

fn to_text<T: serde::Serialize>(object: &T) -> Result<String> {
    serde_json::to_string(object).map_err(|error| Error::Internal(Box::new(error)))
}
