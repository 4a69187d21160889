//! Two edges under one name.

use telecomx_local::domain::audit::digest;
use telecomx_local::sync::hub::origin::EnrolmentKind;
use telecomx_local::sync::hub::store::{HubStore, add_code};

use super::Place;
use super::edge::{NOW, TestEdge, block_on, by, code, new_hash, queue};

/// An edge and its clone: each resets from its own epoch, as long as it may.
fn locked<S: HubStore>(store: &S) -> TestEdge<'_, S> {
    let mut edge = TestEdge::enrolled(store, "Bakery");
    edge.pushes(vec![queue(1, "q1")]);
    edge.push(&edge.reset(2, 1, vec![queue(2, "clone")]));
    edge.push(&edge.reset(3, 1, vec![queue(3, "first")]));
    assert_eq!(code(edge.try_push(&edge.reset(4, 2, vec![queue(4, "clone")]))), "locked");
    edge
}

pub fn two_edges_that_take_turns_are_stopped_until_somebody_decides(place: &impl Place) {
    let store = place.open();
    let mut edge = locked(&store);
    assert_eq!(code(edge.try_push(&edge.batch(vec![queue(6, "q6")]))), "locked");
    assert_eq!(code(edge.try_push(&edge.batch(vec![]))), "locked");
    assert!(edge.found().is_locked && edge.queues() == "first");
    assert!(block_on(store.rows(&edge.origin, telecomx_local::domain::mirror::Table::Queue, "", 9)).is_ok());
    block_on(store.unlock(&edge.origin, by(NOW))).unwrap();
    assert!(!edge.found().is_locked);
    edge.push(&edge.reset(4, 2, vec![queue(4, "clone")]));
    assert_eq!(edge.queues(), "clone");
}

pub fn a_replacement_unlocks_what_was_locked(place: &impl Place) {
    let store = place.open();
    let mut edge = locked(&store);
    let made = block_on(add_code(&store, &EnrolmentKind::Replacement(edge.origin.clone()), by(NOW))).unwrap();
    edge.token = new_hash();
    block_on(store.enroll(digest(made.as_bytes()), edge.token, "unused", None, NOW)).unwrap().unwrap();
    assert!(!edge.found().is_locked);
    edge.pushes(vec![queue(6, "q6")]);
    assert_eq!(edge.queues(), "first q6");
}
