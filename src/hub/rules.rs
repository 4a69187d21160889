//! What a hub accepts. Pure: both stores decide by it.

use crate::domain::mirror::Head;
use crate::mirror::wire::{Mode, Push};

/// Whether `push` builds on exactly what the hub has. Whatever came twice, late or out of order does not.
pub fn accepts(head: &Head, push: &Push) -> bool {
    let builds_on_it = push.base == *head;
    match push.mode {
        Mode::Append => builds_on_it && head.epoch.is_none_or(|epoch| epoch == push.epoch),
        // A new life of the edge, not an older one.
        Mode::Replace => builds_on_it && head.epoch.is_none_or(|epoch| epoch.0 < push.epoch.0),
    }
}

/// Whether a push that is accepted brings nothing: it asks how the hub stands.
pub fn is_idle(push: &Push) -> bool {
    push.mode == Mode::Append && push.to == push.base.acked && push.rows.is_empty() && push.staged.is_none()
}

/// The hub's state when it has taken `push`.
pub fn head_after(push: &Push) -> Head {
    Head { epoch: Some(push.epoch), acked: push.to, attempt: push.attempt }
}
