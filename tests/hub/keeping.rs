//! What is kept for a time, whatever the clock says.

use telecomx_local::domain::audit::digest;
use telecomx_local::domain::proposal::{Fate, Outcome};
use telecomx_local::domain::time::Time;
use telecomx_local::hub::{Admits, HubStore, add_code};
use telecomx_local::mirror::wire::Push;

use super::Place;
use super::edge::{DAY_MS, Edge, NOW, block_on, grows_old, new_hash, queue};
use super::proposals::patch;

const YEAR_MS: i64 = 365 * DAY_MS;

/// A hash of a code that was made at this time.
fn code_of(store: &impl HubStore, at: Time) -> [u8; 32] {
    digest(block_on(add_code(store, &Admits::New("Code".into()), at)).unwrap().as_bytes())
}

fn is_good(store: &impl HubStore, code: [u8; 32]) -> bool {
    let origin = uuid::Uuid::new_v4().to_string();
    block_on(store.enroll(code, new_hash(), &origin, NOW)).unwrap().is_some()
}

/// One with an answered proposal, and another behind it.
fn answered<S: HubStore>(store: &S) -> Edge<'_, S> {
    let mut edge = Edge::enrolled(store, "Bakery");
    let (answered, open) = (patch("q1", "{}"), patch("q1", "{}"));
    for proposal in [&answered, &open] {
        block_on(store.file(&edge.origin, proposal.clone(), NOW)).unwrap();
    }
    let outcome = Outcome { uuid: answered.uuid, result: Fate::Expired, rev: None, detail: String::new() };
    edge.push(&Push { outcomes: vec![outcome], ..edge.batch(vec![queue(1, "q1")]) });
    edge
}

fn filed<S: HubStore>(edge: &Edge<'_, S>) -> usize {
    block_on(edge.store.proposals(&edge.origin, 0, 9)).unwrap().len()
}

pub fn a_clock_that_is_wrong_for_a_while_has_nothing_forgotten(place: &impl Place) {
    let store = place.open();
    let (edge, code) = (answered(&store), code_of(&store, NOW));
    // The first round after it was made by an older program, and one after another round.
    for _ in 0..2 {
        for wrong in [NOW.plus_ms(4 * YEAR_MS), NOW.plus_ms(67 * YEAR_MS)] {
            for _ in 0..10 {
                block_on(store.prune(wrong)).unwrap();
            }
        }
        block_on(store.prune(NOW)).unwrap();
    }
    assert_eq!(filed(&edge), 2);
    assert!(is_good(&store, code));
}

pub fn a_hub_that_was_off_for_long_forgets_after_all(place: &impl Place) {
    let store = place.open();
    let (edge, code) = (answered(&store), code_of(&store, NOW));
    block_on(store.prune(NOW)).unwrap();
    grows_old(&store, NOW.plus_ms(95 * DAY_MS));
    assert_eq!(filed(&edge), 1);
    assert!(!is_good(&store, code));
}

pub fn a_code_of_a_clock_that_was_wrong_waits_no_longer_than_others(place: &impl Place) {
    let store = place.open();
    let wrong = NOW.plus_ms(64 * YEAR_MS);
    let (spent, left) = (code_of(&store, wrong), code_of(&store, wrong));
    block_on(store.prune(wrong)).unwrap();
    block_on(store.prune(NOW)).unwrap();
    assert!(is_good(&store, spent));
    grows_old(&store, NOW.plus_ms(8 * DAY_MS));
    assert!(!is_good(&store, left));
}
