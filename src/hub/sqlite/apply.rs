//! What a push does to the rows of its origin.

use rusqlite::{Connection, named_params, params};

use crate::domain::mirror::Row;
use crate::domain::time::Time;
use crate::error::Result;
use crate::hub::Origin;
use crate::mirror::wire::Staged;

/// Applies rows to the mirror: what is given is put, what is deleted is removed.
pub fn apply<'r>(tx: &Connection, origin: &str, rows: impl Iterator<Item = &'r Row>) -> Result<()> {
    let mut put = tx.prepare_cached(
        "insert into mirror (origin, t, id, rev, chg, v) values (?1, ?2, ?3, ?4, ?5, ?6)
         on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, v = excluded.v",
    )?;
    let mut delete = tx.prepare_cached("delete from mirror where origin = ?1 and t = ?2 and id = ?3")?;
    for row in rows {
        match &row.v {
            Some(v) => put.execute(params![origin, row.t.number(), row.id, row.rev, row.chg, v.get()])?,
            None => delete.execute(params![origin, row.t.number(), row.id])?,
        };
    }
    Ok(())
}

/// Whether all parts that a push names are there.
pub fn is_staged(tx: &Connection, origin: &str, staged: Staged) -> Result<bool> {
    let there: i64 = tx.query_row(
        "select count(*) from staged_parts where origin = ?1 and stage = ?2 and part < ?3",
        params![origin, staged.stage.to_string(), staged.parts],
        |row| row.get(0),
    )?;
    Ok(there == staged.parts)
}

/// Applies what was staged, and clears it away.
pub fn apply_staged(tx: &Connection, origin: &str, staged: Staged) -> Result<()> {
    let stage = staged.stage.to_string();
    tx.execute(
        "insert into mirror (origin, t, id, rev, chg, v)
         select origin, t, id, rev, chg, v from staged where origin = ?1 and stage = ?2 and v is not null
         on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, v = excluded.v",
        params![origin, stage],
    )?;
    tx.execute(
        "delete from mirror where origin = ?1 and (t, id) in
            (select t, id from staged where origin = ?1 and stage = ?2 and v is null)",
        params![origin, stage],
    )?;
    tx.execute("delete from staged where origin = ?1", [origin])?;
    tx.execute("delete from staged_parts where origin = ?1", [origin])?;
    Ok(())
}

/// Moves what the hub has of an origin to the lost tail; what comes back is taken out of it again.
pub fn set_aside(tx: &Connection, origin: &Origin, now: Time) -> Result<()> {
    tx.execute(
        "insert into lost_tail (origin, epoch_n, t, id, rev, chg, v, lost_at)
         select origin, :epoch_n, t, id, rev, chg, v, :now from mirror where origin = :origin",
        named_params! {
            ":origin": origin.origin, ":epoch_n": origin.head.epoch.map_or(0, |epoch| epoch.0), ":now": now
        },
    )?;
    tx.execute("delete from mirror where origin = ?1", [&origin.origin])?;
    Ok(())
}

/// What came back was not lost.
pub fn discard_found(tx: &Connection, origin: &Origin) -> Result<()> {
    tx.execute(
        "delete from lost_tail where origin = ?1 and epoch_n = ?2
            and exists (select 1 from mirror m where m.origin = ?1 and m.t = lost_tail.t and m.id = lost_tail.id
                and m.rev = lost_tail.rev and m.v = lost_tail.v)",
        params![origin.origin, origin.head.epoch.map_or(0, |epoch| epoch.0)],
    )?;
    Ok(())
}
