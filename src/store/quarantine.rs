//! Rows that the hub has quarantined, as it reported them.

use rusqlite::{OptionalExtension, named_params, params};
use serde::Serialize;

use super::mirrored_tables::touch;
use crate::db::{ReadTx, WriteTx};
use crate::domain::mirror::{Refused, Table};
use crate::domain::time::Time;
use crate::error::{Error, Result};

/// The code of a row that an operator has dropped.
const DROPPED: &str = "dropped";

/// A row in quarantine, as `GET /sync/quarantine` shows it.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct QuarantineEntry {
    /// The id of the entry.
    pub id: i64,
    pub table: &'static str,
    pub row: String,
    /// The write that the hub refused.
    pub write: i64,
    pub code: String,
    pub detail: String,
    pub first_seen: Time,
    pub tries: i64,
}

pub fn list(tx: &ReadTx) -> Result<Vec<QuarantineEntry>> {
    let mut statement = tx
        .conn
        .prepare_cached("select id, t, row, chg, code, detail, first_seen, tries from quarantine order by chg, id")?;
    let rows = statement.query_map([], |row| {
        Ok(QuarantineEntry {
            id: row.get(0)?,
            table: Table::from_number(row.get(1)?).unwrap_or(Table::Other).name(),
            row: row.get(2)?,
            write: row.get(3)?,
            code: row.get(4)?,
            detail: row.get(5)?,
            first_seen: row.get(6)?,
            tries: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub fn count(tx: &ReadTx) -> Result<i64> {
    Ok(tx.conn.prepare_cached("select count(*) from quarantine")?.query_row([], |row| row.get(0))?)
}

/// Stores the quarantine of a hub that has everything up to `acked`. Entries that were retried or dropped here since stay as
/// they are.
pub fn set(tx: &mut WriteTx, refused_rows: &[Refused], acked: i64) -> Result<()> {
    if refused_rows.is_empty() && count(tx)? == 0 {
        return Ok(());
    }
    let known: Vec<(i64, i64, String, i64)> = {
        let mut statement = tx.conn.prepare_cached("select id, t, row, chg from quarantine")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    for (id, t, row, chg) in &known {
        if *chg <= acked && !refused_rows.iter().any(|refused| refused.row().0.number() == *t && refused.row().1 == row)
        {
            tx.conn.execute("delete from quarantine where id = ?1", [id])?;
        }
    }
    for refused in refused_rows {
        let (table, row) = refused.row();
        tx.conn
            .prepare_cached(
                "insert into quarantine (t, row, chg, code, detail, first_seen)
                 values (:t, :row, :chg, :code, :detail, :now)
                 on conflict (t, row) do update set chg = excluded.chg, code = excluded.code, detail = excluded.detail,
                    tries = tries + (excluded.chg > chg) where excluded.chg >= chg",
            )?
            .execute(named_params! {
                ":t": table.number(), ":row": row, ":chg": refused.chg, ":code": refused.code,
                ":detail": refused.detail, ":now": tx.now,
            })?;
    }
    Ok(())
}

/// Sends the row of an entry again. 404 `quarantine` when there is no such entry.
pub fn retry(tx: &mut WriteTx, id: i64) -> Result<()> {
    let (t, row) = find(tx, id)?;
    touch(tx, t, &row)
}

/// Drops the present version of a row: the hub accepts the rest of its write, and the row itself once it changes.
pub fn drop(tx: &mut WriteTx, id: i64) -> Result<()> {
    let (t, row) = find(tx, id)?;
    touch(tx, t, &row)?;
    let chg = tx.change()?;
    tx.conn.execute("update quarantine set code = ?2, chg = ?3 where id = ?1", params![id, DROPPED, chg])?;
    Ok(())
}

fn find(tx: &ReadTx, id: i64) -> Result<(Table, String)> {
    let mut statement = tx.conn.prepare_cached("select t, row from quarantine where id = ?1")?;
    let found = statement.query_row([id], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).optional()?;
    let (t, row) = found.ok_or_else(|| Error::not_found("quarantine", "There is no such row in quarantine"))?;
    Ok((Table::from_number(t).ok_or_else(|| Error::internal("no such table"))?, row))
}

/// Dropped rows, and the write in which each was dropped.
pub fn dropped(tx: &ReadTx) -> Result<Vec<(Table, String, i64)>> {
    let mut statement = tx.conn.prepare_cached("select t, row, chg from quarantine where code = ?1")?;
    let rows = statement.query_map([DROPPED], |row| {
        Ok((Table::from_number(row.get(0)?).unwrap_or(Table::Other), row.get(1)?, row.get(2)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
