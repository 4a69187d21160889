//! The outbox: mails, text messages and actions of the app, within bounds. Not mirrored.

use rusqlite::{Row, named_params, params};
use serde_json::{Map, Value};

use crate::db::types::from_json;
use crate::db::{ReadTx, WriteTx};
use crate::domain::id::Id;
use crate::domain::outbox::{OutboxEntry, OutboxKind};
use crate::domain::time::Time;
use crate::error::Result;
use crate::store::to_json;

/// How many entries are kept, and how long.
pub const KEPT_MAX: i64 = 1_000;
const KEPT_MS: i64 = 30 * 24 * 3_600_000;

/// An entry to be made.
pub struct NewEntry<'a> {
    pub kind: OutboxKind,
    pub customer: Id,
    /// Who caused it.
    pub employee: Option<Id>,
    /// Without secrets.
    pub content: &'a Map<String, Value>,
    /// Of a mail that is to be handed over: why it is not yet.
    pub error: Option<&'a str>,
}

/// Adds an entry, and gives its number; the oldest make room.
pub fn insert(tx: &mut WriteTx, new: &NewEntry) -> Result<i64> {
    let content = to_json(new.content)?;
    tx.conn
        .prepare_cached(
            "insert into outbox (at, kind, customer, employee, content, error)
             values (:at, :kind, :customer, :employee, :content, :error)",
        )?
        .execute(named_params! {
            ":at": tx.now, ":kind": <&str>::from(new.kind), ":customer": new.customer, ":employee": new.employee,
            ":content": content, ":error": new.error,
        })?;
    let seq = tx.conn.last_insert_rowid();
    tx.conn.prepare_cached("delete from outbox where seq <= ?1")?.execute([seq - KEPT_MAX])?;
    Ok(seq)
}

fn from_row(row: &Row) -> rusqlite::Result<OutboxEntry> {
    let kind: String = row.get("kind")?;
    Ok(OutboxEntry {
        id: row.get("seq")?,
        at: row.get("at")?,
        kind: kind.parse().unwrap_or(OutboxKind::Action),
        customer: row.get("customer")?,
        employee: row.get("employee")?,
        content: from_json(row.get_ref("content")?.as_str()?)?,
        sent_at: row.get("sent_at")?,
        error: row.get("error")?,
    })
}

/// How many entries of the kind are behind `after`, and the newest `limit` of them, the oldest first.
pub fn list(tx: &ReadTx, kind: Option<OutboxKind>, after: i64, limit: i64) -> Result<(i64, Vec<OutboxEntry>)> {
    let kind = kind.map(<&str>::from);
    let condition = "seq > ?1 and (?2 is null or kind = ?2)";
    let count = format!("select count(*) from outbox where {condition}");
    let total = tx.conn.prepare_cached(&count)?.query_row(params![after, kind], |row| row.get(0))?;
    let sql = format!("select * from (select * from outbox where {condition} order by seq desc limit ?3) order by seq");
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params![after, kind, limit], from_row)?;
    Ok((total, rows.collect::<rusqlite::Result<_>>()?))
}

/// Notes what came of a mail: it was handed over at `sent_at`, or `error` says why not. Another entry may have its number by now.
pub fn note(tx: &mut WriteTx, entry: i64, made: Time, sent_at: Option<Time>, error: Option<&str>) -> Result<()> {
    tx.conn
        .prepare_cached("update outbox set sent_at = ?3, error = ?4 where seq = ?1 and at = ?2 and kind = 'mail'")?
        .execute(params![entry, made, sent_at, error])?;
    Ok(())
}

/// Mails that stand there as `waiting` get another reason: who was to hand them over is gone.
pub fn give_up(tx: &mut WriteTx, waiting: &str, error: &str) -> Result<()> {
    tx.conn.execute("update outbox set error = ?2 where sent_at is null and error = ?1", params![waiting, error])?;
    Ok(())
}

/// Deletes what is older than is kept.
pub fn delete_old(tx: &mut WriteTx, now: Time) -> Result<()> {
    tx.conn.prepare_cached("delete from outbox where at < ?1")?.execute([now.plus_ms(-KEPT_MS)])?;
    Ok(())
}

pub fn clear(tx: &mut WriteTx) -> Result<()> {
    tx.conn.execute("delete from outbox", [])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::db::Exclusive;

    #[test]
    fn the_oldest_make_room_and_those_of_a_month_ago_are_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::default();
        let database = Exclusive::open(&folder.path().join("telecomx.db"), clock.clone()).unwrap();
        let content = Map::new();
        let customer = Id::from_number(1);
        let new = |kind| NewEntry { kind, customer, employee: None, content: &content, error: None };
        let add = |count: i64| {
            database
                .write("test", |tx| {
                    (0..count).try_for_each(|_| insert(tx, &new(OutboxKind::Sms)).map(drop))?;
                    insert(tx, &new(OutboxKind::Mail))
                })
                .unwrap()
        };
        let newest = add(KEPT_MAX + 5);
        let (total, rows) = database.read(|tx| list(tx, None, 0, 2)).unwrap();
        assert_eq!((total, rows.len(), rows[1].id), (KEPT_MAX, 2, newest));
        assert_eq!(database.read(|tx| list(tx, Some(OutboxKind::Mail), 0, 10)).unwrap().0, 1);
        assert_eq!(database.read(|tx| list(tx, None, newest, 10)).unwrap().0, 0);
        database.write("test", |tx| delete_old(tx, tx.now.plus_ms(KEPT_MS + 1))).unwrap();
        assert_eq!(database.read(|tx| list(tx, None, 0, 10)).unwrap().0, 0);
    }
}
