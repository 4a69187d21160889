//! Codes, tokens, and whom they let in.

use telecomx_local::domain::audit::digest;
use telecomx_local::sync::hub::origin::EnrolmentKind;
use telecomx_local::sync::hub::store::{HubStore, add_code};

use super::Place;
use super::edge::{DAY_MS, NOW, TestEdge, block_on, by, code, new_hash, queue};

pub fn a_code_is_spent_once(place: &impl Place) {
    let store = place.open();
    let made = block_on(add_code(&store, &EnrolmentKind::New("Bakery".into()), by(NOW))).unwrap();
    let hash = digest(made.as_bytes());
    assert!(block_on(store.enroll(new_hash(), new_hash(), "none", None, NOW)).unwrap().is_none(), "another code");
    let origin = block_on(store.enroll(hash, new_hash(), "first", None, NOW)).unwrap().unwrap();
    assert_eq!((&*origin.origin, &*origin.name, origin.enrolled_at), ("first", "Bakery", NOW));
    assert!(block_on(store.enroll(hash, new_hash(), "second", None, NOW)).unwrap().is_none());
    assert_eq!(block_on(store.origins()).unwrap().len(), 1);
}

pub fn a_code_for_a_replacement_shuts_the_old_token_out(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1")]);
    assert_eq!(code(block_on(add_code(&store, &EnrolmentKind::Replacement("nobody".into()), by(NOW)))), "origin");
    let made = block_on(add_code(&store, &EnrolmentKind::Replacement(edge.origin.clone()), by(NOW))).unwrap();
    assert_eq!(edge.found().head, edge.head, "a code that nobody has spent shuts nobody out");
    let (old, new) = (edge.token, new_hash());
    let replaced =
        block_on(store.enroll(digest(made.as_bytes()), new, "unused", None, NOW.plus_ms(5))).unwrap().unwrap();
    assert_eq!((&replaced.origin, &*replaced.name, replaced.head), (&edge.origin, "Bakery", edge.head));
    assert!(block_on(store.origin_of(old)).unwrap().is_none());
    assert_eq!(block_on(store.origin_of(new)).unwrap().unwrap().enrolled_at, NOW.plus_ms(5));
    assert_eq!(edge.queues(), "q1", "the mirror stays");
    assert_eq!(block_on(store.origins()).unwrap().len(), 1);
}

pub fn a_token_leads_to_its_origin_and_no_other_does(place: &impl Place) {
    let store = place.open();
    let (one, other) = (TestEdge::enrolled(&store, "One"), TestEdge::enrolled(&store, "Other"));
    assert_eq!((one.found().origin, other.found().origin), (one.origin.clone(), other.origin.clone()));
    assert!(block_on(store.origin_of(new_hash())).unwrap().is_none());
}

pub fn codes_that_nobody_spends_are_forgotten(place: &impl Place) {
    let store = place.open();
    let of = |name: &str, at| {
        digest(block_on(add_code(&store, &EnrolmentKind::New(name.into()), by(at))).unwrap().as_bytes())
    };
    let (old, young) = (of("Old", NOW), of("Young", NOW.plus_ms(2 * DAY_MS)));
    block_on(store.prune(NOW.plus_ms(8 * DAY_MS))).unwrap();
    assert!(block_on(store.enroll(old, new_hash(), "old", None, NOW)).unwrap().is_none());
    assert!(block_on(store.enroll(young, new_hash(), "young", None, NOW)).unwrap().is_some());
}
