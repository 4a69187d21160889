//! The batch that is being sent in parts, and the position in the feed behind each of them: after a broken connection or a
//! restart the edge goes on behind the last part that the hub has.

use rusqlite::{OptionalExtension, Row as SqlRow, params};
use uuid::Uuid;

use super::feed::FeedCursor;
use crate::db::{ReadTx, WriteTx};
use crate::error::{Error, Result};

/// A part that was about to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentPart {
    pub id: Uuid,
    /// From 0.
    pub part: i64,
    /// The position behind its rows.
    pub after: FeedCursor,
    /// The write at which the batch was to end, and how often that was put off.
    pub end: (i64, i64),
}

/// Begins a batch in the place of any other. `builds_on`: what it builds on, as a text that is the same for the same.
pub fn begin(tx: &mut WriteTx, stage: Uuid, builds_on: &str) -> Result<()> {
    clear(tx)?;
    tx.conn.execute(
        "insert into stage (id, stage, builds_on) values (1, ?1, ?2)",
        params![stage.to_string(), builds_on],
    )?;
    Ok(())
}

/// Records a part, before it is sent.
pub fn add(tx: &mut WriteTx, sent: &SentPart) -> Result<()> {
    let FeedCursor { chg, table, id } = &sent.after;
    tx.conn
        .prepare_cached(
            "insert into stage_parts (id, part, chg, t, row, last_write, extensions) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![sent.id.to_string(), sent.part, chg, table, id, sent.end.0, sent.end.1])?;
    Ok(())
}

/// Forgets the batch: the hub has it, or it is begun anew.
pub fn clear(tx: &mut WriteTx) -> Result<()> {
    tx.conn.execute("delete from stage", [])?;
    tx.conn.execute("delete from stage_parts", [])?;
    Ok(())
}

/// The batch that was begun, and what it builds on; `None` when there is none.
pub fn current(tx: &ReadTx) -> Result<Option<(Uuid, String)>> {
    let mut statement = tx.conn.prepare_cached("select stage, builds_on from stage")?;
    let found = statement.query_row([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?))).optional()?;
    found.map(|(stage, builds_on)| Ok((uuid(&stage)?, builds_on))).transpose()
}

const COLUMNS: &str = "id, part, chg, t, row, last_write, extensions";

/// The part with this id; `None` when the edge has recorded none.
pub fn find(tx: &ReadTx, id: Uuid) -> Result<Option<SentPart>> {
    let mut statement = tx.conn.prepare_cached(&format!("select {COLUMNS} from stage_parts where id = ?1"))?;
    statement.query_row([id.to_string()], |row| Ok(from_row(row))).optional()?.transpose()
}

/// The newest part of this number.
pub fn numbered(tx: &ReadTx, part: i64) -> Result<Option<SentPart>> {
    let sql = format!("select {COLUMNS} from stage_parts where part = ?1 order by chg desc limit 1");
    tx.conn.prepare_cached(&sql)?.query_row([part], |row| Ok(from_row(row))).optional()?.transpose()
}

fn from_row(row: &SqlRow) -> Result<SentPart> {
    Ok(SentPart {
        id: uuid(&row.get::<_, String>(0)?)?,
        part: row.get(1)?,
        after: FeedCursor { chg: row.get(2)?, table: row.get(3)?, id: row.get(4)? },
        end: (row.get(5)?, row.get(6)?),
    })
}

fn uuid(text: &str) -> Result<Uuid> {
    Uuid::parse_str(text).map_err(|error| Error::Internal(Box::new(error)))
}
