//! What a push does to its origin.

use rusqlite::{Connection, named_params, params};

use super::{origins, proposals, quarantine, rows};
use crate::domain::audit::Hash;
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::rules::{self, PushVerdict};
use crate::sync::hub::{Origin, retention, row_validation};
use crate::sync::protocol::wire::{Mode, Part, Push, Row, Staged};

/// Keeps a part of a batch, each row with what is wrong with it.
pub fn stage(tx: &Connection, origin: &str, part: &Part, now: Time) -> Result<()> {
    origins::get_here(tx, origin)?;
    let stage = part.stage.to_string();
    discard_others(tx, origin, &stage)?;
    let added = tx.execute(
        "insert or ignore into staged_parts (origin, stage, part, bytes, staged_at) values (?1, ?2, ?3, ?4, ?5)",
        params![origin, stage, part.part, retention::bytes_of(&part.rows), now],
    )?;
    if added == 0 {
        return Ok(());
    }
    let bytes = "select sum(bytes) from staged_parts where origin = ?1 and stage = ?2";
    retention::check_stage(part.part, tx.query_row(bytes, params![origin, stage], |row| row.get(0))?)?;
    keep(tx, origin, &stage, &part.rows)
}

fn keep(tx: &Connection, origin: &str, stage: &str, rows: &[Row]) -> Result<()> {
    let mut insert = tx.prepare_cached(
        "insert or ignore into staged (origin, stage, t, id, rev, chg, text, code, detail)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for row in rows {
        let text = row.v.as_ref().map(|v| rows::add_text(tx, v.get())).transpose()?;
        let (code, detail) = row_validation::fault(row).unzip();
        let staged = params![origin, stage, row.t.number(), row.id, row.rev, row.chg, text, code, detail];
        if insert.execute(staged)? == 0 {
            // It stands there already: as it stands last is how it is.
            discard_one(tx, origin, stage, row)?;
            insert.execute(staged)?;
        }
    }
    Ok(())
}

fn discard_one(tx: &Connection, origin: &str, stage: &str, row: &Row) -> Result<()> {
    let key = params![origin, stage, row.t.number(), row.id];
    let which = "origin = ?1 and stage = ?2 and t = ?3 and id = ?4";
    tx.execute(&format!("delete from texts where n in (select text from staged where {which})"), key)?;
    tx.execute(&format!("delete from staged where {which}"), key)?;
    Ok(())
}

/// Whatever was begun beside `stage` is not gone on with.
fn discard_others(tx: &Connection, origin: &str, stage: &str) -> Result<()> {
    let others = params![origin, stage];
    // Looked for among the parts: the rows are many.
    let are_there = "select exists (select 1 from staged_parts where origin = ?1 and stage <> ?2)";
    if !tx.query_row(are_there, others, |row| row.get(0))? {
        return Ok(());
    }
    tx.execute("delete from texts where n in (select text from staged where origin = ?1 and stage <> ?2)", others)?;
    tx.execute("delete from staged where origin = ?1 and stage <> ?2", others)?;
    tx.execute("delete from staged_parts where origin = ?1 and stage <> ?2", others)?;
    Ok(())
}

/// Whether all parts that a push names are there.
fn is_staged(tx: &Connection, origin: &str, staged: Staged) -> Result<bool> {
    let there: i64 = tx.query_row(
        "select count(*) from staged_parts where origin = ?1 and stage = ?2 and part < ?3",
        params![origin, staged.stage.to_string(), staged.parts],
        |row| row.get(0),
    )?;
    Ok(there == staged.parts)
}

/// What a push did, to be committed whichever it is.
pub enum PushOutcome {
    /// Nothing, but that the origin is locked.
    Locked,
    /// It was accepted or not; the origin as it is then.
    Answered { accepted: bool, origin: Box<Origin> },
}

/// Applies a push, if it may be applied.
pub fn take(tx: &Connection, origin: &str, token_hash: &Hash, push: &Push, now: Time) -> Result<PushOutcome> {
    let before = origins::get(tx, origin)?;
    before.check_token(token_hash)?;
    let is_whole = push.staged.map_or(Ok(true), |staged| is_staged(tx, origin, staged))?;
    let verdict = rules::judge(&before, push, is_whole, now);
    match verdict {
        PushVerdict::Locked => return Ok(PushOutcome::Locked),
        PushVerdict::Locks => {
            tx.execute("update origins set locked = 1 where origin = ?1", [origin])?;
            return Ok(PushOutcome::Locked);
        }
        PushVerdict::NotTaken => return Ok(PushOutcome::Answered { accepted: false, origin: Box::new(before) }),
        PushVerdict::Idle { .. } | PushVerdict::PushResult => {}
    }
    if rules::may_lose(push) {
        proposals::reopen(tx, origin)?;
    }
    for outcome in &push.outcomes {
        proposals::answer(tx, origin, outcome, now)?;
    }
    if let PushVerdict::Idle { is_noted } = verdict {
        let origin = Box::new(idle(tx, before, push, is_noted, now)?);
        return Ok(PushOutcome::Answered { accepted: true, origin });
    }
    apply(tx, &before, push, now)?;
    let head = rules::head_after(push);
    let is_reset = push.mode == Mode::Replace;
    let (audit, audit_differs) = rules::audit_after(&before, push);
    tx.prepare_cached(
        "update origins set epoch_n = :epoch_n, epoch = :epoch, acked = :acked, attempt = :attempt, high = :high,
            stable = iif(:is_reset, 0, stable), resets = resets + :is_reset, parent_n = iif(:is_reset, :parent, parent_n),
            quarantined = :quarantined, last_seen = :now, status = :status,
            audit_seq = :audit_seq, audit_hash = :audit_hash, audit_differs = :audit_differs
         where origin = :origin",
    )?
    .execute(named_params! {
        ":origin": origin,
        ":epoch_n": push.epoch.0,
        ":epoch": push.epoch.1.to_string(),
        ":acked": head.acked,
        ":attempt": head.attempt.to_string(),
        ":high": push.snap,
        ":is_reset": is_reset,
        ":parent": push.parent.unwrap_or(0),
        ":quarantined": quarantine::count(tx, origin)?,
        ":now": now,
        ":status": status(push),
        ":audit_seq": audit.0,
        ":audit_hash": audit.1,
        ":audit_differs": audit_differs,
    })?;
    Ok(PushOutcome::Answered { accepted: true, origin: Box::new(origins::get(tx, origin)?) })
}

/// One that brings no rows: only what the fleet page shows is brought up to date.
fn idle(tx: &Connection, before: Origin, push: &Push, is_noted: bool, now: Time) -> Result<Origin> {
    if !is_noted {
        return Ok(before);
    }
    let (audit, audit_differs) = rules::audit_after(&before, push);
    tx.prepare_cached(
        "update origins set high = ?2, last_seen = ?3, status = ?4, audit_seq = ?5, audit_hash = ?6, audit_differs = ?7
         where origin = ?1",
    )?
    .execute(params![before.origin, push.snap, now, status(push), audit.0, audit.1, audit_differs])?;
    let status = push.status.clone();
    Ok(Origin { high: push.snap, last_seen: Some(now), status, audit, audit_differs, ..before })
}

fn status(push: &Push) -> String {
    serde_json::to_string(&push.status).unwrap_or_default()
}

fn apply(tx: &Connection, before: &Origin, push: &Push, now: Time) -> Result<()> {
    let (origin, is_reset) = (&*before.origin, push.mode == Mode::Replace);
    if is_reset {
        rows::set_aside(tx, before, now)?;
    }
    match push.staged {
        Some(staged) => {
            // A write may begin in one part and end in this last one: it is taken or put aside whole.
            let stage = staged.stage.to_string();
            keep(tx, origin, &stage, &push.rows)?;
            apply_staged(tx, origin, &stage, now)?;
        }
        None => {
            let sorted = row_validation::sort(&push.rows)?;
            rows::apply(tx, origin, sorted.good.iter().copied())?;
            if before.quarantined > 0 || !sorted.aside.is_empty() {
                quarantine::settle(tx, origin, &sorted, now)?;
            }
        }
    }
    if is_reset {
        rows::discard_found(tx, before)?;
    }
    Ok(())
}

/// Applies what was staged, and clears it away.
fn apply_staged(tx: &Connection, origin: &str, stage: &str, now: Time) -> Result<()> {
    let (faulty, all): (i64, i64) = tx.query_row(
        "select count(*) filter (where code in ('schema', 'unreadable')), count(*) from staged
         where origin = ?1 and stage = ?2",
        params![origin, stage],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    row_validation::check_share(faulty.unsigned_abs() as usize, all.unsigned_abs() as usize)?;
    quarantine::settle_staged(tx, origin, stage, now)?;
    let of_stage = params![origin, stage];
    tx.execute(
        "delete from texts where n in (select m.text from staged s
            join mirror m on m.origin = s.origin and m.t = s.t and m.id = s.id where s.origin = ?1 and s.stage = ?2)",
        of_stage,
    )?;
    tx.execute(
        "insert into mirror (origin, t, id, rev, chg, text)
         select origin, t, id, rev, chg, text from staged where origin = ?1 and stage = ?2 and text is not null
         on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, text = excluded.text",
        of_stage,
    )?;
    tx.execute(
        "delete from mirror where origin = ?1 and (t, id) in
            (select t, id from staged where origin = ?1 and stage = ?2 and text is null)",
        of_stage,
    )?;
    discard_others(tx, origin, stage)?;
    tx.execute("delete from staged where origin = ?1 and stage = ?2", of_stage)?;
    tx.execute("delete from staged_parts where origin = ?1 and stage = ?2", of_stage)?;
    Ok(())
}
