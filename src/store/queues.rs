//! Queues: reference data.

use rusqlite::{OptionalExtension, Row, named_params};

use crate::db::types::from_json;
use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::audit::{Action, QUEUES};
use crate::domain::id::Id;
use crate::domain::queue::Queue;
use crate::error::Result;
use crate::store::{audit, to_json};

pub(super) const COLUMNS: &str =
    "id, customer, name, number, dynamic, service_level, service_level_critical, priority, lock_last_member, more";

pub(super) fn from_row(row: &Row) -> rusqlite::Result<Queue> {
    Ok(Queue {
        id: row.get(0)?,
        customer: row.get(1)?,
        name: row.get(2)?,
        number: row.get(3)?,
        dynamic: row.get(4)?,
        service_level: row.get(5)?,
        service_level_critical: row.get(6)?,
        priority: row.get(7)?,
        lock_last_member: row.get(8)?,
        more: from_json(row.get_ref(9)?.as_str()?)?,
    })
}

pub fn find(tx: &ReadTx, id: Id) -> Result<Option<Queue>> {
    let mut statement = tx.conn.prepare_cached(&format!("select {COLUMNS} from queues where id = ?1"))?;
    Ok(statement.query_row([id], from_row).optional()?)
}

/// The version of a queue that is there.
pub fn rev(tx: &ReadTx, id: Id) -> Result<i64> {
    Ok(tx.conn.prepare_cached("select rev from queues where id = ?1")?.query_row([id], |row| row.get(0))?)
}

/// The customer's queues by name.
pub fn list(tx: &ReadTx, customer: Id) -> Result<Vec<Queue>> {
    let sql = format!("select {COLUMNS} from queues where customer = ?1 order by name collate danish, id");
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let rows = statement.query_map([customer], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Calls `each` with every queue, in the order of their ids.
pub fn all(tx: &ReadTx, mut each: impl FnMut(Queue) -> Result<()>) -> Result<()> {
    let mut statement = tx.conn.prepare(&format!("select {COLUMNS} from queues order by id"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(from_row(row)?)?;
    }
    Ok(())
}

/// Writes the row as it is, with this rev or the next one; the audit entry is for the caller.
pub(super) fn write_row(tx: &mut WriteTx, queue: &Queue, rev: Option<i64>) -> Result<()> {
    let more = to_json(&queue.more)?;
    let change = tx.change()?;
    tx.conn
        .prepare_cached(
            "insert into queues (id, customer, name, number, dynamic, service_level, service_level_critical, priority,
                lock_last_member, more, rev, chg)
             values (:id, :customer, :name, :number, :dynamic, :service_level, :service_level_critical, :priority,
                :lock_last_member, :more, coalesce(:rev, 1), :chg)
             on conflict (id) do update set name = :name, number = :number, dynamic = :dynamic,
                service_level = :service_level, service_level_critical = :service_level_critical, priority = :priority,
                lock_last_member = :lock_last_member, more = :more, rev = coalesce(:rev, rev + 1), chg = :chg",
        )?
        .execute(named_params! {
            ":id": queue.id, ":customer": queue.customer, ":name": queue.name, ":number": queue.number,
            ":dynamic": queue.dynamic, ":service_level": queue.service_level,
            ":service_level_critical": queue.service_level_critical, ":priority": queue.priority,
            ":lock_last_member": queue.lock_last_member, ":more": more, ":rev": rev, ":chg": change
        })?;
    Ok(())
}

pub fn subject(queue: &Queue) -> Subject {
    Subject { section: QUEUES, object: queue.id, customer: Some(queue.customer) }
}

/// Inserts the queue, or overwrites the one of that id, and records it.
pub fn upsert(tx: &mut WriteTx, queue: &Queue, old: Option<&Queue>) -> Result<()> {
    if old == Some(queue) {
        return Ok(());
    }
    write_row(tx, queue, None)?;
    let before = old.map(to_json).transpose()?;
    let entry = audit::Change {
        subject: subject(queue),
        action: if old.is_some() { Action::Update } else { Action::Create },
        description: if old.is_some() { "Queue updated" } else { "Queue created" },
        before: before.as_deref(),
        after: Some(&to_json(queue)?),
    };
    audit::append(tx, &entry)
}
