//! What a hub accepts. Pure: both stores decide by it.

use serde_json::Map;
use serde_json::value::RawValue;

use super::migration::{Arrival, Checksum, FinishMove, Phase};
use super::{Origin, PROPOSALS_MAX_BYTES};
use crate::domain::mirror::{AuditHead, Head};
use crate::domain::proposal::Proposal;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::protocol::wire::{EdgeStatus, Mode, PROTO, Part, Push};

/// No number in a push is larger: nobody has counted so far, and every reader of JSON knows those below exactly.
pub const NUMBER_MAX: i64 = 1 << 53;
/// The oldest schema of an edge that the hub takes. One that is newer than the hub's own only adds to it: what the hub
/// does not know of it is kept as it is, or put aside with its table.
pub const SCHEMA_MIN: i32 = 1;

/// 409 `upgrade_required` unless the hub speaks this protocol.
pub fn check_proto(proto: u32) -> Result<()> {
    if proto == PROTO {
        return Ok(());
    }
    let side = if proto < PROTO { "edge" } else { "hub" };
    let message = format!("The hub speaks protocol {PROTO}, the edge {proto}: the {side} must be upgraded");
    Err(Error::conflict("upgrade_required", message))
}

fn is_number(number: i64) -> bool {
    (0..=NUMBER_MAX).contains(&number)
}

/// The longest name of an edge's version.
const VERSION_MAX: usize = 100;

/// 400 when the numbers in a push are out of bounds, or contradict each other: no edge makes such a one. 409
/// `upgrade_required` when its schema is older than the hub takes.
pub fn check_push(push: &Push) -> Result<()> {
    if push.schema < SCHEMA_MIN {
        let message = format!("The hub takes schema {SCHEMA_MIN} and newer ones, not {}", push.schema);
        return Err(Error::conflict("upgrade_required", format!("{message}: the edge must be upgraded")));
    }
    let first = if push.mode == Mode::Append { push.base.acked } else { 0 };
    let [known, newest] = &push.audit;
    let others =
        [Some(push.base.acked), push.base.epoch.map(|epoch| epoch.0), push.parent, Some(known.0), Some(newest.0)];
    let others = others.into_iter().chain([push.staged.map(|staged| staged.parts)]).flatten();
    let is_sound = (1..=NUMBER_MAX).contains(&push.epoch.0)
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
    if is_number(part.part) && part.rows.iter().all(|row| row.chg > 0 && is_number(row.chg)) {
        return Ok(());
    }
    Err(Error::bad_request("Parts are counted from 0, writes from 1"))
}

/// Whether `push` builds on exactly what the hub has. Whatever came twice, late or out of order does not.
pub fn accepts(head: &Head, push: &Push) -> bool {
    let builds_on_it = push.base == *head;
    match push.mode {
        Mode::Append => builds_on_it && head.epoch.is_none_or(|epoch| epoch == push.epoch),
        // A new life of the edge, not an older one.
        Mode::Replace => builds_on_it && head.epoch.is_none_or(|epoch| epoch.0 < push.epoch.0),
    }
}

/// Whether a push that is accepted brings no rows: it asks how the hub stands.
pub fn is_idle(push: &Push) -> bool {
    push.mode == Mode::Append && push.to == push.base.acked && push.rows.is_empty() && push.staged.is_none()
}

/// The hub's state when it has taken `push`.
pub fn head_after(push: &Push) -> Head {
    Head { epoch: Some(push.epoch), acked: push.to, attempt: push.attempt }
}

/// Whether a reset shows that two edges take turns under one name: it comes from an epoch that began after the one the
/// present epoch came from, so both of these lines are alive.
///
/// One that is restored from the same image again and again comes from the same epoch each time.
pub fn is_split_brain(origin: &Origin, push: &Push) -> bool {
    let Some(present) = origin.head.epoch else { return false };
    push.mode == Mode::Replace
        && push.parent.is_some_and(|parent| parent < present.0 && origin.parent > 0 && parent > origin.parent)
}

/// What is known of an edge's audit trail after a push: its newest entry, and whether the entry that was known before has
/// become another one. Where both know another entry, as after the hub was restored, nothing can be said.
pub fn audit_after(origin: &Origin, push: &Push) -> (AuditHead, bool) {
    let [known, newest] = &push.audit;
    if push.mode == Mode::Replace || (*known == origin.audit && newest.0 >= known.0) {
        (newest.clone(), false)
    } else {
        (origin.audit.clone(), origin.audit_differs || known.0 == origin.audit.0)
    }
}

/// Whether a push may lose something that was there because of a proposal. A machine that begins with what the hub has,
/// from no epoch of its own, loses nothing.
pub fn may_lose(push: &Push) -> bool {
    push.mode == Mode::Replace && push.parent != Some(0)
}

/// How old `last_seen` may be before an exchange that brings nothing writes it anew.
const SEEN_MS: i64 = 30_000;

/// What becomes of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushVerdict {
    /// It does not build on what is there: nothing changes.
    NotTaken,
    /// The origin is locked.
    Locked,
    /// It shows that two edges take turns: the origin is locked from now on.
    Locks,
    /// It brings no rows. What the fleet page shows is brought up to date, but not each time.
    Idle {
        is_noted: bool,
    },
    PushResult,
}

/// Decides on a push; `is_whole`: all parts that it names are there.
pub fn judge(origin: &Origin, push: &Push, is_whole: bool, now: Time) -> PushVerdict {
    if origin.is_locked {
        PushVerdict::Locked
    } else if !is_whole || !accepts(&origin.head, push) {
        PushVerdict::NotTaken
    } else if is_split_brain(origin, push) {
        PushVerdict::Locks
    } else if is_idle(push) {
        let is_old = origin.last_seen.is_none_or(|seen| (now.millis() - seen.millis()).abs() >= SEEN_MS);
        let (audit, differs) = audit_after(origin, push);
        let status = |status: &EdgeStatus| (status.is_full, status.differs, status.proved_ms);
        let is_known = origin.high == push.snap
            && origin.audit == audit
            && origin.audit_differs == differs
            && status(&origin.status) == status(&push.status);
        PushVerdict::Idle { is_noted: is_old || !is_known }
    } else {
        PushVerdict::PushResult
    }
}

/// 423: what an edge is told whose origin is locked.
pub fn locked() -> Error {
    Error::Locked("Two edges take turns under this name: see the fleet page, and decide")
}

/// Whether an edge that sends this is to be told of proposals: not before it has sent everything.
pub fn is_caught_up(push: &Push) -> bool {
    push.to == push.snap
}

/// As many proposals as one answer may carry, in their order.
pub fn offered(open: impl Iterator<Item = Proposal>) -> Vec<Proposal> {
    let mut bytes = 0;
    open.take_while(|proposal| {
        let is_first = bytes == 0;
        let texts = [&proposal.patch, &proposal.base].into_iter().flatten();
        bytes += texts.map(|text| text.get().len()).sum::<usize>() + 500;
        is_first || bytes <= PROPOSALS_MAX_BYTES
    })
    .collect()
}

/// Gives a proposal what it builds on, by the mirrored row (rev and text). 409 `base_rev` when that is another.
pub fn complete(proposal: &mut Proposal, mirrored: Option<(i64, &str)>) -> Result<()> {
    let rev = mirrored.map_or(0, |(rev, _)| rev);
    if proposal.base_rev.is_some_and(|base| base != rev) {
        return Err(Error::conflict("base_rev", format!("The mirror has rev {rev} of this row")));
    }
    if let Some(patch) = &proposal.patch {
        proposal.base = Some(base_of(patch, mirrored.map(|(_, v)| v))?);
        proposal.base_rev = Some(rev);
    }
    Ok(())
}

/// 409 `uuid` when a proposal that comes again asks for something else.
pub fn same_proposal(filed: &Proposal, again: &Proposal) -> Result<()> {
    let patch = |proposal: &Proposal| proposal.patch.as_ref().map(|patch| patch.get().to_owned());
    let is_same = (filed.table, &filed.id, filed.copy) == (again.table, &again.id, again.copy);
    if is_same && patch(filed) == patch(again) {
        return Ok(());
    }
    Err(Error::conflict("uuid", "A proposal with this uuid asks for something else"))
}

/// What the properties in `patch` are in a mirrored row.
fn base_of(patch: &RawValue, v: Option<&str>) -> Result<Box<RawValue>> {
    let object = |text: &str| serde_json::from_str::<Map<String, serde_json::Value>>(text);
    let describe = |error: serde_json::Error| Error::Internal(Box::new(error));
    let (patch, mut v) = (object(patch.get()).map_err(describe)?, object(v.unwrap_or("{}")).map_err(describe)?);
    v.retain(|name, _| patch.contains_key(name));
    serde_json::value::to_raw_value(&v).map_err(describe)
}

/// 409 `phase` unless an origin may go from one phase to the next by the command that moves it. What has moved comes back
/// by arriving anew; what is leaving for one hub goes to no other: it may be there already.
pub fn check_step(from: &Phase, to: &Phase) -> Result<()> {
    match (from, to) {
        (Phase::Leaving(hub), Phase::Leaving(other) | Phase::Moved(other)) if hub != other => Err(Error::conflict(
            "phase",
            format!("The origin is leaving for {hub}: end that move, or give it up with --stay"),
        )),
        (Phase::Here, Phase::Leaving(_)) | (Phase::Leaving(_), Phase::Leaving(_) | Phase::Here | Phase::Moved(_)) => {
            Ok(())
        }
        _ => Err(Error::conflict("phase", format!("The origin is {} on this hub", from.name()))),
    }
}

/// What becomes of an origin that comes from another hub, where it stands as told. 409 `origin` when it is here and is not
/// arriving, unless it has come from there: what is here is as far as what is told, or further.
pub fn arrival(found: Option<&Origin>, announced: &Origin) -> Result<Arrival> {
    let Some(found) = found else { return Ok(Arrival::Begun) };
    let has_come = found.head == announced.head
        || (found.head.epoch == announced.head.epoch
            && found.head.epoch.is_some()
            && found.head.acked > announced.head.acked);
    match found.phase {
        Phase::Arriving | Phase::Moved(_) => Ok(Arrival::Begun),
        Phase::Here if has_come => Ok(Arrival::Settled),
        Phase::Here | Phase::Leaving(_) => {
            Err(Error::conflict("origin", "The origin is on this hub, and not arriving"))
        }
    }
}

/// 409 `phase` unless the origin is arriving.
pub fn check_arriving(found: &Origin) -> Result<()> {
    match found.phase {
        Phase::Arriving => Ok(()),
        _ => Err(Error::conflict("phase", "The origin is not arriving")),
    }
}

/// Whether an arrival is to be ended; it may be that it was already. 409 `incomplete` when what is there is not what is
/// told.
pub fn settles(found: &Origin, settling: &FinishMove, there: &Checksum) -> Result<bool> {
    if found.phase == Phase::Here && arrival(Some(found), &settling.origin)? == Arrival::Settled {
        return Ok(false);
    }
    check_arriving(found)?;
    if *there == settling.tally {
        return Ok(true);
    }
    Err(Error::conflict("incomplete", format!("{there} have arrived of {}", settling.tally)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    /// A push of one row on write 4, and what is put in the place of what stands in it.
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
    fn what_a_proposal_builds_on_counts_for_the_length_of_an_answer() {
        let text = |length: usize| RawValue::from_string(format!("\"{}\"", "x".repeat(length))).ok();
        let proposal = Proposal {
            uuid: uuid::Uuid::nil(),
            seq: 1,
            table: crate::domain::mirror::Table::Queue,
            id: "q".into(),
            base_rev: None,
            base: text(600_000),
            patch: text(1),
            copy: None,
            expires_ms: 0,
            author: String::new(),
        };
        assert_eq!(offered(std::iter::repeat_n(proposal, 10)).len(), 1);
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
            for number in [i64::MIN, -1, NUMBER_MAX + 1, i64::MAX] {
                assert!(matches!(push(at, json!(number)), Err(Error::BadRequest { .. })), "{at}: {number}");
            }
        }
        assert!(push("/snap", json!(NUMBER_MAX)).is_ok() && push("/epoch/0", json!(NUMBER_MAX)).is_ok());
    }

    #[test]
    fn numbers_that_contradict_each_other_are_refused() {
        for (at, number) in
            [("/epoch/0", 0), ("/to", 3), ("/to", 8), ("/snap", 5), ("/rows/0/chg", 4), ("/rows/0/chg", 7)]
        {
            assert!(push(at, json!(number)).is_err(), "{at}: {number}");
        }
        // What takes the place of all there is begins at the beginning.
        assert!(push("/mode", json!("replace")).is_ok());
    }

    #[test]
    fn an_older_schema_than_the_hub_takes_must_be_upgraded_and_a_newer_one_need_not() {
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
        assert!(part(0, 1).is_ok() && part(NUMBER_MAX, NUMBER_MAX).is_ok());
        for (number, chg) in [(-1, 1), (NUMBER_MAX + 1, 1), (0, 0), (0, NUMBER_MAX + 1)] {
            assert!(part(number, chg).is_err(), "{number} {chg}");
        }
    }
}
