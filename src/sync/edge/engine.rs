//! The decisions of an edge, without I/O, clock or randomness: what a reply of the hub means.

use uuid::Uuid;

use crate::domain::mirror::Position;
use crate::sync::protocol::wire::{EPOCH_STEP_MAX, Epoch, Head, Reply};

/// What a reply means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyVerdict {
    /// The reply is not to the current request.
    Ignore,
    /// The hub's state is one that this edge has caused: go on from there.
    Adopt(Position),
    /// It is not: begin a new epoch.
    Reset { position: Position, reason: Fork },
}

/// Why an edge must begin a new epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// The hub is on a different epoch: this database was restored or cloned.
    OtherEpoch,
    /// The hub's state is from an attempt that this edge has not made.
    UnknownAttempt,
    /// The hub has lost writes that it had reported as stable.
    BehindStable,
}

/// Judges the reply to the request `sent`.
///
/// `made`: the last write of an attempt; `None` when this edge has made no such attempt. `fresh`: the uuid of the new epoch,
/// if one must begin.
pub fn judge(
    position: &Position,
    sent: Uuid,
    reply: &Reply,
    made: impl Fn(Uuid) -> Option<i64>,
    fresh: Uuid,
) -> ReplyVerdict {
    if reply.request != sent && !rule(Rule::Request) {
        return ReplyVerdict::Ignore;
    }
    let hub = reply.head;
    let hub_epoch = hub.epoch.map_or(0, |epoch| epoch.0);
    // A hub takes an epoch that is so far ahead, and none that is further.
    let ahead = if rule(Rule::WayBack) { 0 } else { position.epoch.0.saturating_sub(hub_epoch) };
    let reset = |reason| {
        let newest = if ahead < EPOCH_STEP_MAX { hub_epoch.max(position.epoch.0) } else { hub_epoch };
        let epoch = Epoch(newest + 1, fresh);
        // The hub does not know an epoch that has only begun here.
        let parent = if position.resetting.is_some() { position.parent } else { position.epoch.0 };
        let position = Position { epoch, resetting: Some(hub), acked: 0, attempt: Uuid::nil(), stable: 0, parent };
        ReplyVerdict::Reset { position, reason }
    };
    // Only wrong answers can have led to such an epoch: the edge comes back to those of the hub.
    if ahead > EPOCH_STEP_MAX {
        return reset(Fork::OtherEpoch);
    }
    // A reset goes on as long as the hub still has the state that it replaces.
    if position.resetting == Some(hub) {
        return ReplyVerdict::Adopt(position.clone());
    }
    let begins = hub == Head::EMPTY && position.resetting.is_none();
    if hub.epoch != Some(position.epoch) && !begins {
        return reset(Fork::OtherEpoch);
    }
    let last_write = if begins { Some(0) } else { made(hub.attempt) };
    if last_write != Some(hub.acked) && !rule(Rule::Attempt) {
        return reset(Fork::UnknownAttempt);
    }
    if hub.acked < position.stable {
        return reset(Fork::BehindStable);
    }
    let stable = reply.stable.min(hub.acked).max(position.stable);
    let (acked, attempt) = (hub.acked, hub.attempt);
    ReplyVerdict::Adopt(Position { resetting: None, acked, attempt, stable, ..position.clone() })
}

/// Whether the edge believes a reply at all: every number in it is one that can have been counted.
pub fn is_plausible(reply: &Reply) -> bool {
    reply.is_sound() || rule(Rule::Bounds)
}

/// The rules that keep the mirror from diverging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// An attempt is recorded before it is sent.
    Record,
    /// The attempt that the hub names is one of ours.
    Attempt,
    /// An edge forgets attempts that are stable, not those that are only acknowledged.
    Stable,
    /// A reply belongs to the current request.
    Request,
    /// The rows of one write are never separated.
    Groups,
    /// What a row refers to is sent no later than the row.
    References,
    /// Numbers in a reply are in bounds.
    Bounds,
    /// From an epoch that the hub cannot take an edge comes back to those that it can.
    WayBack,
    /// A batch in parts goes on behind the last part that the hub has.
    Resume,
}

/// Whether a test breaks this rule on purpose, to show that the simulation notices.
#[cfg(not(feature = "mutants"))]
pub const fn rule(_: Rule) -> bool {
    false
}

#[cfg(feature = "mutants")]
pub use mutants::{broken as rule, with};

/// Switches that break one rule each. Not compiled into the program.
#[cfg(feature = "mutants")]
mod mutants {
    use super::Rule;
    use std::cell::Cell;

    thread_local! {
        static BROKEN: Cell<Option<Rule>> = const { Cell::new(None) };
    }

    pub fn broken(rule: Rule) -> bool {
        BROKEN.get() == Some(rule)
    }

    /// Runs `work` with `rule` broken, on this thread.
    pub fn with<T>(rule: Option<Rule>, work: impl FnOnce() -> T) -> T {
        BROKEN.set(rule);
        let result = work();
        BROKEN.set(None);
        result
    }
}
