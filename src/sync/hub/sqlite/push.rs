//! What a push changes in its origin.

use rusqlite::{Connection, named_params, params};

use super::{origins, orphaned_rows, proposals, quarantine, rows};
use crate::domain::audit::Hash;
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::origin::Origin;
use crate::sync::hub::rules::{self, PushVerdict};
use crate::sync::hub::{retention, row_validation};
use crate::sync::protocol::wire::{Mode, Part, Push, Row, Staged};

/// Stages a part of a batch, each row with its fault.
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
    insert_staged(tx, origin, &stage, &part.rows)
}

fn insert_staged(tx: &Connection, origin: &str, stage: &str, rows: &[Row]) -> Result<()> {
    let mut insert = tx.prepare_cached(
        "insert or ignore into staged (origin, stage, t, id, rev, chg, text, code, detail)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for row in rows {
        let text = row.v.as_ref().map(|v| rows::add_text(tx, v.get())).transpose()?;
        let (code, detail) = row_validation::fault(row).unzip();
        let staged = params![origin, stage, row.t.number(), row.id, row.rev, row.chg, text, code, detail];
        if insert.execute(staged)? == 0 {
            // The batch has the row twice: the last one counts.
            delete_staged(tx, origin, stage, row)?;
            insert.execute(staged)?;
        }
    }
    Ok(())
}

fn delete_staged(tx: &Connection, origin: &str, stage: &str, row: &Row) -> Result<()> {
    let key = params![origin, stage, row.t.number(), row.id];
    let condition = "origin = ?1 and stage = ?2 and t = ?3 and id = ?4";
    tx.execute(&format!("delete from texts where n in (select text from staged where {condition})"), key)?;
    tx.execute(&format!("delete from staged where {condition}"), key)?;
    Ok(())
}

/// Discards all parts of other stages than `stage`.
fn discard_others(tx: &Connection, origin: &str, stage: &str) -> Result<()> {
    let others = params![origin, stage];
    // Looks at the parts: the rows are many.
    let has_others = "select exists (select 1 from staged_parts where origin = ?1 and stage <> ?2)";
    if !tx.query_row(has_others, others, |row| row.get(0))? {
        return Ok(());
    }
    tx.execute("delete from texts where n in (select text from staged where origin = ?1 and stage <> ?2)", others)?;
    tx.execute("delete from staged where origin = ?1 and stage <> ?2", others)?;
    tx.execute("delete from staged_parts where origin = ?1 and stage <> ?2", others)?;
    Ok(())
}

/// Whether all parts that a push names are staged.
fn is_staged(tx: &Connection, origin: &str, staged: Staged) -> Result<bool> {
    let staged_parts: i64 = tx.query_row(
        "select count(*) from staged_parts where origin = ?1 and stage = ?2 and part < ?3",
        params![origin, staged.stage.to_string(), staged.parts],
        |row| row.get(0),
    )?;
    Ok(staged_parts == staged.parts)
}

/// What a push did, to be committed whichever it is.
pub enum PushOutcome {
    /// Nothing, but that the origin is locked.
    Locked,
    /// It was accepted or not; the origin after it.
    Answered { accepted: bool, origin: Box<Origin> },
}

/// Applies a push where it is to be accepted.
pub fn apply(tx: &Connection, origin: &str, token_hash: &Hash, push: &Push, now: Time) -> Result<PushOutcome> {
    let before = origins::get(tx, origin)?;
    before.check_token(token_hash)?;
    let is_whole = push.staged.map_or(Ok(true), |staged| is_staged(tx, origin, staged))?;
    let verdict = rules::judge(&before, push, is_whole, now);
    match verdict {
        PushVerdict::Locked => return Ok(PushOutcome::Locked),
        PushVerdict::Lock => {
            tx.execute("update origins set locked = 1 where origin = ?1", [origin])?;
            return Ok(PushOutcome::Locked);
        }
        PushVerdict::Reject => return Ok(PushOutcome::Answered { accepted: false, origin: Box::new(before) }),
        PushVerdict::Idle { .. } | PushVerdict::Apply => {}
    }
    if rules::may_undo_answers(push) {
        proposals::reopen(tx, origin)?;
    }
    for answer in &push.outcomes {
        proposals::set_answer(tx, origin, answer, now)?;
    }
    if let PushVerdict::Idle { updates_fleet } = verdict {
        let origin = apply_idle(tx, before, push, updates_fleet, now)?;
        return Ok(PushOutcome::Answered { accepted: true, origin: Box::new(origin) });
    }
    apply_rows(tx, &before, push, now)?;
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

/// A push that brings no rows updates only what the fleet page shows.
fn apply_idle(tx: &Connection, before: Origin, push: &Push, updates_fleet: bool, now: Time) -> Result<Origin> {
    if !updates_fleet {
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

fn apply_rows(tx: &Connection, before: &Origin, push: &Push, now: Time) -> Result<()> {
    let (origin, is_reset) = (&*before.origin, push.mode == Mode::Replace);
    if is_reset {
        orphaned_rows::orphan_all(tx, before, now)?;
    }
    match push.staged {
        Some(staged) => {
            // A write may begin in one part and end in this last one: it is accepted or quarantined whole.
            let stage = staged.stage.to_string();
            insert_staged(tx, origin, &stage, &push.rows)?;
            apply_staged(tx, origin, &stage, now)?;
        }
        None => {
            let validated = row_validation::validate(&push.rows)?;
            rows::apply(tx, origin, validated.accepted.iter().copied())?;
            if before.quarantined > 0 || !validated.quarantined.is_empty() {
                quarantine::update(tx, origin, &validated, now)?;
            }
        }
    }
    if is_reset {
        orphaned_rows::discard_recovered(tx, before)?;
    }
    Ok(())
}

/// Applies the rows of a stage, and deletes the stage.
fn apply_staged(tx: &Connection, origin: &str, stage: &str, now: Time) -> Result<()> {
    let (faulty, all): (i64, i64) = tx.query_row(
        "select count(*) filter (where code in ('schema', 'unreadable')), count(*) from staged
         where origin = ?1 and stage = ?2",
        params![origin, stage],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    row_validation::check_fault_share(faulty.unsigned_abs() as usize, all.unsigned_abs() as usize)?;
    quarantine::update_from_stage(tx, origin, stage, now)?;
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
