//! The feed: what the mirror is still to hear of, as rows and tombstones in the order of their last write.

use std::cmp::Ordering;

use rusqlite::{Row as SqlRow, Rows as SqlRows, named_params, params};
use serde_json::value::RawValue;

use super::{customers, employees, mobile_configs, queues, to_json};
use crate::db::{ReadTx, WriteTx};
use crate::domain::id::Id;
use crate::domain::mirror::{Bad, Row, Table};
use crate::domain::mobile_config::MobileConfig;
use crate::error::{Error, Result};

/// The code of a quarantined row that is dropped: the rest of its write is sent, the row itself only once it changes.
pub(super) const DROPPED: &str = "dropped";

/// A place in the feed: behind this row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedCursor {
    pub chg: i64,
    table: i64,
    id: String,
}

impl FeedCursor {
    /// Behind everything that write `chg` has touched.
    pub fn after_write(chg: i64) -> FeedCursor {
        FeedCursor { chg: chg + 1, table: -1, id: String::new() }
    }

    /// The write and the id behind which the rest of a table begins: those of one write come table by table.
    fn within(&self, table: i64) -> (i64, &str) {
        match table.cmp(&self.table) {
            Ordering::Less => (self.chg + 1, ""),
            Ordering::Equal => (self.chg, &self.id),
            Ordering::Greater => (self.chg, ""),
        }
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

/// A mirrored table, and how a row of it is sent: in the API's shape.
struct Source {
    t: Table,
    name: &'static str,
    /// The id first.
    columns: &'static str,
    render: fn(&SqlRow) -> Result<String>,
}

static SOURCES: [Source; 4] = [
    Source {
        t: Table::Customer,
        name: "customers",
        columns: customers::COLUMNS,
        render: |row| to_json(&customers::from_row(row)?),
    },
    Source {
        t: Table::Queue,
        name: "queues",
        columns: queues::COLUMNS,
        render: |row| to_json(&queues::from_row(row)?),
    },
    Source {
        t: Table::Employee,
        name: "employees",
        columns: employees::COLUMNS,
        render: |row| to_json(&employees::from_row(row)?),
    },
    Source {
        t: Table::MobileConfig,
        name: "mobile_configs",
        columns: mobile_configs::COLUMNS,
        render: |row| mobile_config(&mobile_configs::from_row(row)?),
    },
];

fn mobile_config(config: &MobileConfig) -> Result<String> {
    String::from_utf8(config.to_json()).map_err(|error| Error::Internal(Box::new(error)))
}

impl Source {
    fn of(t: Table) -> Option<&'static Source> {
        SOURCES.iter().find(|source| source.t == t)
    }

    /// Its rows behind a place, each with its rev and its write, in the order of the feed. One statement for each table:
    /// SQLite would sort all that one write has touched, to begin with, if they were one.
    fn sql(&self) -> String {
        let Source { name, columns, .. } = self;
        format!("select {columns}, rev, chg from {name} where (chg, id) > (?1, ?2) and chg <= ?3 order by chg, id")
    }

    fn tombstones(&self) -> String {
        format!(
            "select id, rev, chg from tombstones
             where \"table\" = '{}' and (chg, id) > (?1, ?2) and chg <= ?3 order by chg, id",
            self.name
        )
    }

    fn read(&self, row: &SqlRow) -> Result<Row> {
        let (v, bad) = readable((self.render)(row))?;
        let width = row.as_ref().column_count();
        Ok(Row { t: self.t, id: row.get(0)?, rev: row.get(width - 2)?, chg: row.get(width - 1)?, v, bad })
    }
}

/// Calls `each` with every row behind `after` whose last write is not behind `to`, until it says stop (`false`).
pub fn rows(
    tx: &ReadTx,
    after: &FeedCursor,
    to: i64,
    mut each: impl FnMut(Row, FeedCursor) -> Result<bool>,
) -> Result<()> {
    let dropped = dropped(tx)?;
    let mut statements = Vec::with_capacity(2 * SOURCES.len());
    for source in &SOURCES {
        statements.push((source, false, tx.conn.prepare_cached(&source.sql())?));
        statements.push((source, true, tx.conn.prepare_cached(&source.tombstones())?));
    }
    let mut streams = Vec::with_capacity(statements.len());
    for (source, is_gone, statement) in &mut statements {
        let (chg, id) = after.within(source.t.number());
        let rows = statement.query(params![chg, id, to])?;
        let mut stream = Stream { source, is_gone: *is_gone, rows, next: None };
        stream.advance()?;
        streams.push(stream);
    }
    while let Some(stream) =
        streams.iter_mut().filter(|stream| stream.next.is_some()).min_by(|a, b| a.place().cmp(&b.place()))
    {
        let Some(mut row) = stream.next.take() else { break };
        if dropped.iter().any(|(t, id, chg)| (*t, id, *chg) == (row.t, &row.id, row.chg)) {
            (row.v, row.bad) = (None, Some(Bad::Dropped));
        }
        stream.advance()?;
        let place = FeedCursor { chg: row.chg, table: row.t.number(), id: row.id.clone() };
        if !each(row, place)? {
            break;
        }
    }
    Ok(())
}

/// What is left of one table, or of its tombstones, the next one read ahead.
struct Stream<'s> {
    source: &'static Source,
    /// Of its tombstones.
    is_gone: bool,
    rows: SqlRows<'s>,
    next: Option<Row>,
}

impl Stream<'_> {
    fn advance(&mut self) -> Result<()> {
        self.next = match self.rows.next()? {
            Some(row) if self.is_gone => {
                let (id, rev, chg) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Some(Row { t: self.source.t, id, rev, chg, v: None, bad: None })
            }
            Some(row) => Some(self.source.read(row)?),
            None => None,
        };
        Ok(())
    }

    /// Where its next row stands in the feed.
    fn place(&self) -> Option<(i64, Table, &str)> {
        self.next.as_ref().map(|row| (row.chg, row.t, row.id.as_str()))
    }
}

/// A row's text, or that it has none that can be read. A disk that cannot be read is another matter.
fn readable(text: Result<String>) -> Result<(Option<Box<RawValue>>, Option<Bad>)> {
    let checked = text.and_then(|text| RawValue::from_string(text).map_err(|error| Error::Internal(Box::new(error))));
    match checked {
        Ok(v) => Ok((Some(v), None)),
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

/// Rev and text of a mirrored row as it stands; `None` when there is none. 409 `unreadable` when it cannot be read.
pub fn find(tx: &ReadTx, table: Table, id: Id) -> Result<Option<(i64, Box<RawValue>)>> {
    let Some(source) = Source::of(table) else { return Ok(None) };
    let Source { name, columns, .. } = source;
    let mut statement = tx.conn.prepare_cached(&format!("select {columns}, rev, chg from {name} where id = ?1"))?;
    let mut found = statement.query([id])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let row = source.read(row)?;
    let unreadable = || Error::conflict("unreadable", "What is stored here cannot be read");
    Ok(Some((row.rev, row.v.ok_or_else(unreadable)?)))
}

/// Has a row sent again, as it stands.
pub fn touch(tx: &mut WriteTx, table: Table, id: &str) -> Result<()> {
    let Some(Source { name, .. }) = Source::of(table) else { return Ok(()) };
    let chg = tx.change()?;
    tx.conn.prepare_cached(&format!("update {name} set chg = ?2 where id = ?1"))?.execute(params![id, chg])?;
    Ok(())
}

/// Gives a row that this write has put another rev: that which it has at the hub.
pub fn set_rev(tx: &mut WriteTx, table: Table, id: &str, rev: i64) -> Result<()> {
    let Some(Source { name, .. }) = Source::of(table) else { return Ok(()) };
    let chg = tx.change()?;
    tx.conn
        .prepare_cached(&format!("update {name} set rev = ?2, chg = ?3 where id = ?1"))?
        .execute(params![id, rev, chg])?;
    Ok(())
}

/// Quarantined rows that are dropped, each as of the write with which it was.
fn dropped(tx: &ReadTx) -> Result<Vec<(Table, String, i64)>> {
    let mut statement = tx.conn.prepare_cached("select t, row, chg from quarantine where code = ?1")?;
    let rows = statement.query_map([DROPPED], |row| {
        Ok((Table::from_number(row.get(0)?).unwrap_or(Table::Other), row.get(1)?, row.get(2)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
