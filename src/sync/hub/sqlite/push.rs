//! What a push changes in its origin.

use rusqlite::{Connection, named_params, params};

use super::staged::{apply_staged, insert_staged, is_staged};
use super::{origins, orphaned_rows, proposals, quarantine, rows, usage};
use crate::domain::audit::Hash;
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::limits::{OriginLimits, OverLimit};
use crate::sync::hub::origin::Origin;
use crate::sync::hub::row_validation;
use crate::sync::hub::rules::{self, PushVerdict};
use crate::sync::protocol::wire::{Mode, Push};

/// What a push did, to be committed whichever it is.
pub enum PushOutcome {
    /// Nothing, but that the origin is locked.
    Locked,
    /// It was accepted or not; the origin after it.
    Answered { accepted: bool, origin: Box<Origin> },
}

/// Applies a push where it is to be accepted.
pub fn apply(
    tx: &Connection,
    origin: &str,
    (token_hash, limits): (&Hash, &OriginLimits),
    push: &Push,
    now: Time,
) -> Result<PushOutcome> {
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
        PushVerdict::Reject => {
            let origin = note_rejection(tx, before, now)?;
            return Ok(PushOutcome::Answered { accepted: false, origin: Box::new(origin) });
        }
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
    let usage = usage::before_push(tx, &before, push, limits)?;
    apply_rows(tx, &before, push, now)?;
    let used = usage.after_push(tx, origin, limits)?;
    let over_limit = OverLimit::after_push(before.over_limit, now);
    let head = rules::head_after(push);
    let is_reset = push.mode == Mode::Replace;
    let (audit, audit_differs) = rules::audit_after(&before, push);
    tx.prepare_cached(
        "update origins set epoch_n = :epoch_n, epoch = :epoch, acked = :acked, attempt = :attempt, high = :high,
            stable = iif(:is_reset, 0, stable), resets = resets + :is_reset, parent_n = iif(:is_reset, :parent, parent_n),
            quarantined = :quarantined, last_seen = :now, status = :status,
            audit_seq = :audit_seq, audit_hash = :audit_hash, audit_differs = :audit_differs, rejected = 0,
            used_rows = :used_rows, used_bytes = :used_bytes, over_limit = :over_limit
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
        ":used_rows": used.rows,
        ":used_bytes": used.bytes,
        ":over_limit": over_limit.map(|over| usage::text(&over)),
    })?;
    Ok(PushOutcome::Answered { accepted: true, origin: Box::new(origins::get(tx, origin)?) })
}

/// Notes that a push was rejected: an edge whose every push is rejected is stuck.
fn note_rejection(tx: &Connection, before: Origin, now: Time) -> Result<Origin> {
    let Some((rejected, last_seen)) = rules::after_rejection(&before, now) else { return Ok(before) };
    tx.prepare_cached("update origins set rejected = ?2, last_seen = ?3 where origin = ?1")?.execute(params![
        before.origin,
        rejected,
        last_seen
    ])?;
    Ok(Origin { rejected, last_seen, ..before })
}

/// A push that brings no rows updates only what the fleet page shows.
fn apply_idle(tx: &Connection, before: Origin, push: &Push, updates_fleet: bool, now: Time) -> Result<Origin> {
    if !updates_fleet {
        return Ok(before);
    }
    let (audit, audit_differs) = rules::audit_after(&before, push);
    tx.prepare_cached(
        "update origins set high = ?2, last_seen = ?3, status = ?4, audit_seq = ?5, audit_hash = ?6, audit_differs = ?7,
            rejected = 0
         where origin = ?1",
    )?
    .execute(params![before.origin, push.snap, now, status(push), audit.0, audit.1, audit_differs])?;
    let status = push.status.clone();
    Ok(Origin { high: push.snap, last_seen: Some(now), status, audit, audit_differs, rejected: 0, ..before })
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
