//! An edge that begins a new epoch.

use uuid::Uuid;

use super::Place;
use super::edge::{TestEdge, queue};
use telecomx_local::sync::protocol::wire::Push;

pub fn a_reset_takes_the_place_of_all_there_was(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1"), queue(2, "q2"), queue(3, "q3")]);
    let reset = edge.reset(2, 1, vec![queue(2, "q2"), queue(4, "q4")]);
    let result = edge.push(&reset);
    assert_eq!(edge.queues(), "q2 q4");
    let origin = result.origin;
    assert_eq!((origin.resets, origin.parent, origin.stable, origin.high), (1, 1, 0, 4));
    assert_eq!((origin.head.epoch, origin.is_locked), (Some(reset.epoch), false));
    assert!(!edge.try_push(&reset).unwrap().accepted, "once");
}

pub fn a_reset_goes_by_parts_and_is_seen_whole(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes((1..=50).map(|n| queue(n, &format!("old{n:02}"))).collect());
    let stage = Uuid::new_v4();
    for part in 0..5 {
        let rows = (0..10).map(|n| queue(60, &format!("new{part}{n}"))).collect();
        edge.stage(stage, part, rows);
    }
    assert_eq!(edge.rows().len(), 50);
    let named = edge.staged(stage, 5, 60, vec![queue(60, "last")]);
    let missing = edge.staged(stage, 6, 60, vec![]);
    let as_reset =
        |push: Push| Push { attempt: push.attempt, staged: push.staged, ..edge.reset(2, 1, push.rows.to_vec()) };
    let (reset, missing) = (Push { to: 60, snap: 60, ..as_reset(named) }, as_reset(missing));
    assert!(!edge.try_push(&missing).unwrap().accepted);
    assert_eq!(edge.rows().len(), 50);
    edge.push(&reset);
    assert_eq!(edge.rows().len(), 51);
    assert!(edge.queues().starts_with("last new00 ") || edge.queues().starts_with("last "));
}

pub fn an_older_epoch_resets_nothing(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1")]);
    edge.push(&edge.reset(3, 1, vec![queue(2, "q2")]));
    for n in [1, 2, 3] {
        let result = edge.try_push(&edge.reset(n, 1, vec![])).unwrap();
        assert!(!result.accepted && result.origin.head == edge.head);
    }
    assert_eq!((edge.queues().as_str(), edge.found().resets), ("q2", 1));
}
