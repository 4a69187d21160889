//! The feed: the rows and tombstones that the mirror has not sent yet, in the order of their last write.

use std::cmp::Ordering;
use std::collections::HashSet;

use rusqlite::{Row as SqlRow, Rows as SqlRows, params};
use serde_json::value::RawValue;

use super::mirrored_tables::{self, MIRRORED_TABLES, MirroredTable};
use super::quarantine;
use super::shared_contents::{self, SharedContents};
use crate::db::ReadTx;
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::domain::mirror::{Bad, Row, RowText, Table};
use crate::error::{Error, Result};

/// A position in the feed: behind this row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedCursor {
    pub chg: i64,
    pub(super) table: i64,
    pub(super) id: String,
}

impl FeedCursor {
    /// The position behind everything that write `chg` has touched.
    pub fn after_write(chg: i64) -> FeedCursor {
        FeedCursor { chg: chg + 1, table: -1, id: String::new() }
    }

    /// The write and the id behind which the rest of a table begins: the rows of one write come table by table.
    fn within(&self, table: i64) -> (i64, &str) {
        match table.cmp(&self.table) {
            Ordering::Less => (self.chg + 1, ""),
            Ordering::Equal => (self.chg, &self.id),
            Ordering::Greater => (self.chg, ""),
        }
    }
}

/// The number of the newest write: what the rows and tombstones carry, and what `high.rs` has noted.
pub fn high(tx: &ReadTx) -> Result<i64> {
    Ok(tx.conn.prepare_cached("select high from feed")?.query_row([], |row| row.get(0))?)
}

/// How many rows and tombstones the feed has behind write `chg`.
pub fn count(tx: &ReadTx, chg: i64) -> Result<u64> {
    mirrored_tables::count_behind(tx, chg)
}

/// The rows of a table behind a place, each with its rev and its write, in the order of the feed. One statement for each
/// table: with one for all, SQLite would first sort everything that a write has touched.
fn select_rows(table: &MirroredTable) -> String {
    format!("{} where (chg, id) > (?1, ?2) and chg <= ?3 order by chg, id", select(table, table.by_write))
}

fn select(table: &MirroredTable, from: &str) -> String {
    let columns = match table.t {
        Table::MobileConfig => shared_contents::COLUMNS,
        _ => table.columns,
    };
    format!("select {columns}, rev, chg from {from}")
}

fn select_tombstones(MirroredTable { name, .. }: &MirroredTable) -> String {
    format!(
        "select id, rev, chg from tombstones
         where \"table\" = '{name}' and (chg, id) > (?1, ?2) and chg <= ?3 order by chg, id"
    )
}

/// Reads a row of [`select`].
fn read_row(table: &MirroredTable, row: &SqlRow, contents: &mut SharedContents) -> Result<Row> {
    let (v, bad) = match table.t {
        Table::MobileConfig => match contents.text_of(row)? {
            Some(text) => (Some(text), None),
            None => readable(rendered(table, row, contents))?,
        },
        _ => readable((table.render)(row))?,
    };
    let width = row.as_ref().column_count();
    Ok(Row { t: table.t, id: row.get(0)?, rev: row.get(width - 2)?, chg: row.get(width - 1)?, v, bad })
}

/// A row whose content is not as the program writes it, as it is.
fn rendered(
    MirroredTable { columns, name, render, .. }: &MirroredTable,
    row: &SqlRow,
    contents: &SharedContents,
) -> Result<String> {
    let mut statement = contents.tx.conn.prepare_cached(&format!("select {columns} from {name} where id = ?1"))?;
    let mut found = statement.query([row.get::<_, String>(0)?])?;
    found.next()?.map_or_else(|| Err(Error::internal("a row is gone in one snapshot")), render)
}

/// About how many bytes rows take in a message: a content that they share counts with the first of them.
#[derive(Default)]
pub struct MessageSize {
    /// The message has contents apart.
    has_contents_apart: bool,
    counted: HashSet<Hash>,
}

impl MessageSize {
    pub fn new(has_contents_apart: bool) -> MessageSize {
        MessageSize { has_contents_apart, counted: HashSet::new() }
    }

    /// What one more row adds.
    pub fn add(&mut self, row: &Row) -> usize {
        const ROW: usize = 100;
        const DIGEST: usize = 64;
        let Some(v) = &row.v else { return ROW };
        match v.content().filter(|_| self.has_contents_apart) {
            None => v.length() + ROW,
            Some(content) => {
                let length = content.text().len();
                let of_content = if self.counted.insert(content.digest) { length + DIGEST } else { 0 };
                v.length() - length + DIGEST + ROW + of_content
            }
        }
    }
}

/// Calls `each` with every row and tombstone that was written behind `chg`, and of which there was a version before, in no
/// particular order, until it returns `false`.
pub fn rewritten(tx: &ReadTx, chg: i64, each: impl FnMut(Row) -> Result<bool>) -> Result<()> {
    // A row that was written once was made behind `chg`.
    scan(tx, |table| format!("{} where chg > ?1 and rev > 1", select(table, table.by_write)), chg, each)
}

/// The same with every row and tombstone that there is: also with those that the feed does not find.
pub fn everything(tx: &ReadTx, each: impl FnMut(Row) -> Result<bool>) -> Result<()> {
    scan(tx, |table| format!("{} where chg > ?1", select(table, table.name)), 0, each)
}

fn scan(
    tx: &ReadTx,
    sql: impl Fn(&MirroredTable) -> String,
    chg: i64,
    mut each: impl FnMut(Row) -> Result<bool>,
) -> Result<()> {
    let (dropped, mut contents) = (quarantine::dropped(tx)?, SharedContents::new(tx));
    for table in &MIRRORED_TABLES {
        let MirroredTable { name, t, .. } = table;
        let mut statement = tx.conn.prepare_cached(&sql(table))?;
        let mut rows = statement.query([chg])?;
        while let Some(found) = rows.next()? {
            let mut row = read_row(table, found, &mut contents)?;
            mark_dropped(&mut row, &dropped);
            if !each(row)? {
                return Ok(());
            }
        }
        let sql = format!("select id, rev, chg from tombstones where chg > ?1 and \"table\" = '{name}'");
        let mut statement = tx.conn.prepare_cached(&sql)?;
        let mut tombstones = statement.query([chg])?;
        while let Some(found) = tombstones.next()? {
            let (id, rev, chg) = (found.get(0)?, found.get(1)?, found.get(2)?);
            if !each(Row { t: *t, id, rev, chg, v: None, bad: None })? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// One mirrored row, as the feed sends it; `None` when there is none.
pub fn row(tx: &ReadTx, t: Table, id: Id) -> Result<Option<Row>> {
    let Some(mut row) = stored(tx, t, id)? else { return Ok(None) };
    mark_dropped(&mut row, &quarantine::dropped(tx)?);
    Ok(Some(row))
}

fn stored(tx: &ReadTx, t: Table, id: Id) -> Result<Option<Row>> {
    let Some(table) = mirrored_tables::of(t) else { return Ok(None) };
    let mut statement = tx.conn.prepare_cached(&format!("{} where id = ?1", select(table, table.name)))?;
    let mut found = statement.query([id])?;
    let row = found.next()?.map(|row| read_row(table, row, &mut SharedContents::new(tx)));
    row.transpose()
}

/// Leaves out the content of a row of which an operator has dropped this version.
fn mark_dropped(row: &mut Row, dropped: &[(Table, String, i64)]) {
    if dropped.iter().any(|(t, id, chg)| (*t, id, *chg) == (row.t, &row.id, row.chg)) {
        (row.v, row.bad) = (None, Some(Bad::Dropped));
    }
}

/// Calls `each` with every row behind `after` up to write `to`, until it returns `false`.
pub fn rows(
    tx: &ReadTx,
    after: &FeedCursor,
    to: i64,
    mut each: impl FnMut(Row, FeedCursor) -> Result<bool>,
) -> Result<()> {
    let (dropped, mut contents) = (quarantine::dropped(tx)?, SharedContents::new(tx));
    let mut statements = Vec::with_capacity(2 * MIRRORED_TABLES.len());
    for table in &MIRRORED_TABLES {
        statements.push((table, false, tx.conn.prepare_cached(&select_rows(table))?));
        statements.push((table, true, tx.conn.prepare_cached(&select_tombstones(table))?));
    }
    let mut streams = Vec::with_capacity(statements.len());
    for (table, is_deleted, statement) in &mut statements {
        let (chg, id) = after.within(table.t.number());
        let rows = statement.query(params![chg, id, to])?;
        let mut stream = Stream { table, is_deleted: *is_deleted, rows, next: None };
        stream.advance(&mut contents)?;
        streams.push(stream);
    }
    while let Some(stream) =
        streams.iter_mut().filter(|stream| stream.next.is_some()).min_by(|a, b| a.place().cmp(&b.place()))
    {
        let Some(mut row) = stream.next.take() else { break };
        mark_dropped(&mut row, &dropped);
        stream.advance(&mut contents)?;
        let place = FeedCursor { chg: row.chg, table: row.t.number(), id: row.id.clone() };
        if !each(row, place)? {
            break;
        }
    }
    Ok(())
}

/// The rest of one table, or of its tombstones, with the next row read ahead.
struct Stream<'s> {
    table: &'static MirroredTable,
    /// The stream has the table's tombstones.
    is_deleted: bool,
    rows: SqlRows<'s>,
    next: Option<Row>,
}

impl Stream<'_> {
    fn advance(&mut self, contents: &mut SharedContents) -> Result<()> {
        self.next = match self.rows.next()? {
            Some(row) if self.is_deleted => {
                let (id, rev, chg) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Some(Row { t: self.table.t, id, rev, chg, v: None, bad: None })
            }
            Some(row) => Some(read_row(self.table, row, contents)?),
            None => None,
        };
        Ok(())
    }

    /// The position of the next row in the feed.
    fn place(&self) -> Option<(i64, Table, &str)> {
        self.next.as_ref().map(|row| (row.chg, row.t, row.id.as_str()))
    }
}

/// A row's text, or that its content cannot be read. An error of the disk is returned as one.
fn readable(text: Result<String>) -> Result<(Option<RowText>, Option<Bad>)> {
    let checked = text.and_then(|text| RawValue::from_string(text).map_err(|error| Error::Internal(Box::new(error))));
    match checked {
        Ok(v) => Ok((Some(v.into()), None)),
        Err(error) if is_unreadable(&error) => Ok((None, Some(Bad::Unreadable))),
        Err(error) => Err(error),
    }
}

/// Whether the error is in the content of a row, and not in the disk.
pub fn is_unreadable(error: &Error) -> bool {
    let Error::Internal(cause) = error else { return false };
    match cause.downcast_ref::<rusqlite::Error>() {
        Some(error) => error.sqlite_error().is_none(),
        None => cause.is::<serde_json::Error>() || cause.is::<std::string::FromUtf8Error>(),
    }
}

/// Rev and text of a mirrored row; `None` when there is none. 409 `unreadable` when its content cannot be read.
pub fn find(tx: &ReadTx, t: Table, id: Id) -> Result<Option<(i64, RowText)>> {
    let Some(row) = stored(tx, t, id)? else { return Ok(None) };
    let unreadable = || Error::conflict("unreadable", "What is stored here cannot be read");
    Ok(Some((row.rev, row.v.ok_or_else(unreadable)?)))
}
