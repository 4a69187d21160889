//! Which pushes a hub accepts. Pure: both stores decide by it.

use super::origin::{Origin, STUCK_AFTER};
use crate::domain::mirror::{AuditHead, Head};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::protocol::wire::{
    EPOCH_STEP_MAX, EdgeStatus, Epoch, Mode, NUMBER_MAX, PROTO, Part, Push, ResetProgress, STAGE_ORDER, StageState,
};

/// The largest epoch that an edge is expected to continue from. A hub of the version before may hold a larger one: it begins
/// again with a machine that takes the place.
pub const EPOCH_MAX: i64 = 1 << 50;
/// The oldest schema that the hub accepts of an edge. A schema newer than the hub's own only adds to it: the hub stores
/// properties that it does not know as they are, and quarantines rows of tables that it does not know.
pub const SCHEMA_MIN: i32 = 1;

/// 409 `upgrade_required` unless the hub speaks this protocol.
pub fn check_proto(proto: u32) -> Result<()> {
    if proto == PROTO {
        return Ok(());
    }
    let side = if proto < PROTO { "server" } else { "hub" };
    let message = format!("The hub speaks protocol {PROTO}, the server {proto}: the {side} must be upgraded");
    Err(Error::conflict("upgrade_required", message))
}

/// As [`crate::sync::protocol::wire::Reply::is_sound`] has it: what a hub takes it may answer, and the edge must believe it.
fn is_number(number: i64) -> bool {
    (0..NUMBER_MAX).contains(&number)
}

/// The longest name of an edge's version.
const VERSION_MAX: usize = 100;

/// 400 when the numbers in a push are out of bounds, or contradict each other: no edge sends such a push. 409
/// `upgrade_required` when its schema is older than [`SCHEMA_MIN`].
pub fn check_push(push: &Push) -> Result<()> {
    if push.schema < SCHEMA_MIN {
        let message = format!("The hub takes schema {SCHEMA_MIN} and newer ones, not {}", push.schema);
        return Err(Error::conflict("upgrade_required", format!("{message}: the server must be upgraded")));
    }
    let first = if push.mode == Mode::Append { push.base.acked } else { 0 };
    let [known, newest] = &push.audit;
    let others =
        [Some(push.base.acked), push.base.epoch.map(|epoch| epoch.0), push.parent, Some(known.0), Some(newest.0)];
    let others = others.into_iter().chain([push.staged.map(|staged| staged.parts)]).flatten();
    let is_sound = (1..NUMBER_MAX).contains(&push.epoch.0)
        && others.chain(push.outcomes.iter().filter_map(|outcome| outcome.rev)).all(is_number)
        && first <= push.to
        && push.to <= push.snap
        && is_number(push.snap)
        && push.rows.iter().all(|row| row.chg > first && row.chg <= push.to)
        && push.status.version.len() <= VERSION_MAX;
    if is_sound {
        Ok(())
    } else {
        Err(Error::bad_request("The numbers of the push are out of bounds, or contradict each other"))
    }
}

/// 400 when the numbers in a part are out of bounds.
pub fn check_part(part: &Part) -> Result<()> {
    let context = part.context.map(|context| [context.epoch.0, context.base.acked, context.expected]);
    if is_number(part.part)
        && context.into_iter().flatten().all(is_number)
        && part.rows.iter().all(|row| row.chg > 0 && is_number(row.chg))
    {
        return Ok(());
    }
    Err(Error::bad_request("Parts are counted from 0, writes from 1"))
}

/// Whether `push` builds on exactly what the hub has. A push that comes twice, late or out of order does not.
pub fn accepts(head: &Head, push: &Push) -> bool {
    builds_on(head, push.base, push.mode, push.epoch)
}

fn builds_on(head: &Head, base: Head, mode: Mode, epoch: Epoch) -> bool {
    let present = head.epoch.map_or(0, |present| present.0);
    let is_next = epoch.0 > present && epoch.0 - present <= EPOCH_STEP_MAX;
    base == *head
        && match mode {
            Mode::Append => head.epoch.map_or(is_next, |present| present == epoch),
            // A newer epoch, not an older one.
            Mode::Replace => is_next,
        }
}

/// What a hub does with a part of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartVerdict {
    /// It is staged already: nothing changes.
    Known,
    /// The hub stages it, and discards the parts of any other batch.
    Stage,
}

/// Decides on a part. `staged`: what is staged of the origin; `twin`: the id of the staged part with the stage and number of
/// this one, if there is one. 409 [`STAGE_ORDER`] when the part does not follow the newest one, or builds on another state than
/// the hub has: the edge then asks what is staged, and goes on behind that.
pub fn judge_part(
    head: &Head,
    staged: Option<&StageState>,
    twin: Option<Option<uuid::Uuid>>,
    part: &Part,
) -> Result<PartVerdict> {
    let Some(context) = &part.context else {
        // An edge of an older version sends its parts in any order.
        return Ok(if twin.is_some() { PartVerdict::Known } else { PartVerdict::Stage });
    };
    let out_of_order = |what: &'static str| Err(Error::conflict(STAGE_ORDER, what));
    if !builds_on(head, context.base, context.mode, context.epoch) {
        return out_of_order("The part builds on another state than the hub has: ask for the state, and begin anew");
    }
    match staged.filter(|staged| staged.stage == part.stage) {
        Some(_) if twin == Some(Some(context.id)) => Ok(PartVerdict::Known),
        Some(staged) if twin.is_none() && part.part == staged.parts && context.after == staged.last => {
            Ok(PartVerdict::Stage)
        }
        None if part.part == 0 => Ok(PartVerdict::Stage),
        _ => out_of_order("The part does not follow what is staged: ask for that, and go on behind it"),
    }
}

/// What the fleet page shows of an edge once the hub has staged `part`: from its first part on a reset is going on.
pub fn status_after_part(origin: &Origin, part: &Part) -> EdgeStatus {
    let mut status = origin.status.clone();
    if let Some(context) = part.context.filter(|context| context.mode == Mode::Replace) {
        let before = status.resetting.filter(|_| part.part > 0).map_or(0, |resetting| resetting.rows);
        let rows = before.saturating_add(i64::try_from(part.rows.len()).unwrap_or(i64::MAX));
        let expected = context.expected.max(rows);
        status.resetting = Some(ResetProgress { epoch: context.epoch.0, rows, expected });
    }
    status
}

/// Whether a push brings no rows: it only asks for the hub's state.
pub fn is_idle(push: &Push) -> bool {
    push.mode == Mode::Append && push.to == push.base.acked && push.rows.is_empty() && push.staged.is_none()
}

/// The hub's state after it has accepted `push`.
pub fn head_after(push: &Push) -> Head {
    Head { epoch: Some(push.epoch), acked: push.to, attempt: push.attempt }
}

/// Whether a reset shows a split brain, two edges under one name: it comes from an epoch that began after the one that the
/// present epoch came from, so both lines are alive.
///
/// An edge that is restored from the same image again and again comes from the same epoch each time.
pub fn is_split_brain(origin: &Origin, push: &Push) -> bool {
    let Some(present) = origin.head.epoch else { return false };
    push.mode == Mode::Replace
        && push.parent.is_some_and(|parent| parent < present.0 && origin.parent > 0 && parent > origin.parent)
}

/// What the hub knows of an edge's audit trail after a push: its newest entry, and whether the entry that the hub knew
/// before has changed. Where hub and edge remember different entries, as after a restore of the hub, they cannot be
/// compared.
pub fn audit_after(origin: &Origin, push: &Push) -> (AuditHead, bool) {
    let [known, newest] = &push.audit;
    if push.mode == Mode::Replace || (*known == origin.audit && newest.0 >= known.0) {
        (newest.clone(), false)
    } else {
        (origin.audit.clone(), origin.audit_differs || known.0 == origin.audit.0)
    }
}

/// Whether a push may undo the effect of a proposal that was answered. A machine that begins with what the hub has, from no
/// epoch of its own, undoes nothing.
pub fn may_undo_answers(push: &Push) -> bool {
    push.mode == Mode::Replace && push.parent != Some(0)
}

/// How old `last_seen` may be before an exchange that brings nothing updates it.
const SEEN_MS: i64 = 30_000;

/// What the hub does with a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushVerdict {
    /// The push does not build on what the hub has: nothing changes.
    Reject,
    /// The origin is locked already.
    Locked,
    /// The push shows a split brain: the hub locks the origin.
    Lock,
    /// The push brings no rows. The hub updates what the fleet page shows, but not each time.
    Idle {
        updates_fleet: bool,
    },
    Apply,
}

/// What the hub notes of an origin whose push it rejects: how many it has rejected in a row, and when it has last seen the
/// edge. `None` when that is noted already. A push that comes late changes nothing that lasts: the next one that is accepted
/// ends the count.
pub fn after_rejection(origin: &Origin, now: Time) -> Option<(i64, Option<Time>)> {
    let rejected = (origin.rejected + 1).min(STUCK_AFTER);
    let is_old = origin.last_seen.is_none_or(|seen| (now.millis() - seen.millis()).abs() >= SEEN_MS);
    // An edge that is stuck is not away: it comes, again and again.
    let seen = if rejected == STUCK_AFTER && is_old { Some(now) } else { origin.last_seen };
    ((rejected, seen) != (origin.rejected, origin.last_seen)).then_some((rejected, seen))
}

/// Decides on a push; `is_whole`: all parts that it names are staged.
pub fn judge(origin: &Origin, push: &Push, is_whole: bool, now: Time) -> PushVerdict {
    if origin.is_locked {
        PushVerdict::Locked
    } else if !is_whole || !accepts(&origin.head, push) {
        PushVerdict::Reject
    } else if is_split_brain(origin, push) {
        PushVerdict::Lock
    } else if is_idle(push) {
        let is_old = origin.last_seen.is_none_or(|seen| (now.millis() - seen.millis()).abs() >= SEEN_MS);
        let (audit, differs) = audit_after(origin, push);
        let status =
            |status: &EdgeStatus| (status.is_full, status.differs, status.proved_ms, status.resetting.is_some());
        let is_known = origin.rejected == 0
            && origin.high == push.snap
            && origin.audit == audit
            && origin.audit_differs == differs
            && status(&origin.status) == status(&push.status);
        PushVerdict::Idle { updates_fleet: is_old || !is_known }
    } else {
        PushVerdict::Apply
    }
}

/// 423: the origin is locked.
pub fn locked() -> Error {
    Error::Locked("Split brain: two edges use this name in turn, see the fleet page")
}

/// Whether the edge that sends this has sent everything: the hub offers proposals only then.
pub fn is_caught_up(push: &Push) -> bool {
    push.to == push.snap
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    /// Checks a push of one row on write 4, in which `given` replaces the value at `at`.
    fn push(at: &str, given: Value) -> Result<()> {
        let nil = uuid::Uuid::nil();
        let mut push = json!({
            "proto": 1, "schema": 3, "request": nil, "mode": "append", "epoch": [2, nil], "parent": 1,
            "base": { "epoch": [2, nil], "acked": 4, "attempt": nil }, "to": 6, "attempt": nil, "snap": 7,
            "staged": { "stage": nil, "parts": 1 }, "rows": [{ "t": "queue", "id": "a", "rev": 1, "chg": 5 }],
            "outcomes": [{ "uuid": nil, "result": "applied", "rev": 3 }], "audit": [[1, ""], [2, ""]], "status": {},
        });
        *push.pointer_mut(at).unwrap() = given;
        check_push(&from_value(push).unwrap())
    }

    #[test]
    fn numbers_that_no_edge_has_counted_are_refused_wherever_they_stand() {
        assert!(push("/to", json!(6)).is_ok());
        for at in [
            "/epoch/0",
            "/parent",
            "/base/epoch/0",
            "/base/acked",
            "/to",
            "/snap",
            "/staged/parts",
            "/rows/0/chg",
            "/outcomes/0/rev",
            "/audit/0/0",
            "/audit/1/0",
        ] {
            for number in [i64::MIN, -1, NUMBER_MAX, i64::MAX] {
                assert!(matches!(push(at, json!(number)), Err(Error::BadRequest { .. })), "{at}: {number}");
            }
        }
        assert!(push("/snap", json!(NUMBER_MAX - 1)).is_ok() && push("/epoch/0", json!(NUMBER_MAX - 1)).is_ok());
    }

    #[test]
    fn an_epoch_far_ahead_is_not_accepted() {
        let nil = uuid::Uuid::nil();
        let epoch = |n: i64| crate::domain::mirror::Epoch(n, nil);
        for present in [None, Some(epoch(4))] {
            let head = Head { epoch: present, ..Head::EMPTY };
            let first = present.map_or(0, |epoch| epoch.0);
            for (n, is_accepted) in
                [(first, false), (first + 1, true), (first + EPOCH_STEP_MAX, true), (first + EPOCH_STEP_MAX + 1, false)]
            {
                let push = json!({
                    "proto": 1, "schema": 3, "request": nil, "mode": "replace", "epoch": [n, nil], "parent": 1,
                    "base": head, "to": 6, "attempt": nil, "snap": 6, "status": {},
                });
                assert_eq!(accepts(&head, &from_value(push).unwrap()), is_accepted, "{n} after {first}");
            }
        }
    }

    #[test]
    fn numbers_that_contradict_each_other_are_refused() {
        for (at, number) in
            [("/epoch/0", 0), ("/to", 3), ("/to", 8), ("/snap", 5), ("/rows/0/chg", 4), ("/rows/0/chg", 7)]
        {
            assert!(push(at, json!(number)).is_err(), "{at}: {number}");
        }
        // A push that replaces everything begins at write 0.
        assert!(push("/mode", json!("replace")).is_ok());
    }

    #[test]
    fn an_older_schema_than_the_hub_accepts_must_be_upgraded_and_a_newer_one_need_not() {
        for schema in [0, -1, i32::MIN] {
            assert!(matches!(push("/schema", json!(schema)), Err(Error::Conflict { code: "upgrade_required", .. })));
        }
        assert!(push("/schema", json!(SCHEMA_MIN)).is_ok() && push("/schema", json!(99)).is_ok());
    }

    #[test]
    fn parts_are_counted_from_0_and_their_writes_from_1() {
        let part = |part: i64, chg: i64| {
            let rows = json!([{ "t": "queue", "id": "a", "rev": 1, "chg": chg }]);
            check_part(&from_value(json!({ "stage": uuid::Uuid::nil(), "part": part, "rows": rows })).unwrap())
        };
        assert!(part(0, 1).is_ok() && part(NUMBER_MAX - 1, NUMBER_MAX - 1).is_ok());
        for (number, chg) in [(-1, 1), (NUMBER_MAX, 1), (0, 0), (0, NUMBER_MAX)] {
            assert!(part(number, chg).is_err(), "{number} {chg}");
        }
    }
}
