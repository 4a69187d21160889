//! What a push does, and what it must not.

use telecomx_local::domain::mirror::{Epoch, Head, Table};
use telecomx_local::sync::hub::origin::Origin;
use telecomx_local::sync::hub::rules;
use telecomx_local::sync::hub::store::HubStore;
use telecomx_local::sync::protocol::wire::{EdgeStatus, Mode, Push};
use uuid::Uuid;

use super::Place;
use super::edge::{NOW, TestEdge, block_on, deleted, queue, row};

pub fn a_push_is_taken_exactly_when_it_builds_on_what_is_there(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1")]);
    edge.push(&edge.reset(2, 1, vec![queue(2, "q2")]));
    let (head, good) = (edge.head, edge.batch(vec![queue(3, "q3")]));
    let heads = [
        Head::EMPTY,
        head,
        Head { acked: head.acked + 1, ..head },
        Head { attempt: Uuid::new_v4(), ..head },
        Head { epoch: Some(Epoch(2, Uuid::new_v4())), ..head },
        Head { epoch: Some(Epoch(1, edge.epoch.1)), ..head },
    ];
    let epochs = [edge.epoch, Epoch(1, Uuid::new_v4()), Epoch(2, Uuid::new_v4()), Epoch(3, Uuid::new_v4())];
    let mut tried = 0;
    for base in heads {
        for epoch in epochs {
            for mode in [Mode::Append, Mode::Replace] {
                let push = Push { base, epoch, mode, ..good.clone() };
                if rules::accepts(&head, &push) {
                    continue;
                }
                let result = edge.try_push(&push).unwrap();
                assert!(!result.accepted && result.origin.head == head, "{push:?}");
                tried += 1;
            }
        }
    }
    assert_eq!((tried, edge.queues().as_str()), (46, "q2"));
    assert!(rules::accepts(&head, &good));
    assert_eq!(edge.push(&good).origin.head, rules::head_after(&good));
    let reset = edge.reset(3, 2, vec![queue(4, "q4")]);
    assert_eq!(edge.push(&reset).origin.head, rules::head_after(&reset));
}

pub fn rows_are_put_replaced_and_removed(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let result = edge.pushes(vec![queue(1, "q1"), queue(2, "q2"), queue(3, "q3")]);
    assert!(result.origin.is_consistent() && result.origin.high == 3 && result.quarantine.is_empty());
    let behind = Push { snap: 9, ..edge.batch(vec![queue(4, "q2"), deleted(5, "q1"), deleted(5, "never")]) };
    let result = edge.push(&behind);
    assert_eq!((result.origin.head.acked, result.origin.high, result.origin.is_consistent()), (5, 9, false));
    let rows = edge.rows();
    assert_eq!(edge.queues(), "q2 q3");
    assert_eq!(rows[&(Table::Queue, "q2".into())].0, 4);
    assert_eq!(rows[&(Table::Queue, "q2".into())].2, r#"{"_id":"q2","customer":"c","name":"Queue 4"}"#);
}

pub fn what_comes_twice_late_or_out_of_order_changes_nothing(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let first = edge.batch(vec![queue(1, "q1")]);
    edge.push(&first);
    let second = edge.batch(vec![queue(2, "q1"), queue(2, "q2")]);
    edge.push(&second);
    let third = edge.batch(vec![deleted(3, "q2")]);
    for late in [&first, &second] {
        let result = edge.try_push(late).unwrap();
        assert!(!result.accepted && result.origin.head == edge.head);
    }
    edge.push(&third);
    let before = (edge.rows(), edge.found());
    for late in [&third, &second, &first, &third] {
        assert!(!edge.try_push(late).unwrap().accepted);
    }
    let counted = edge.found();
    assert_eq!((counted.rejected, counted.is_stuck()), (4, false), "only how many were rejected is noted");
    assert_eq!((edge.rows(), Origin { rejected: 0, ..counted }), before);
}

pub fn an_exchange_with_nothing_to_say_changes_nothing_but_what_the_fleet_page_shows(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1")]);
    let before = edge.found();
    let idle = edge.batch(vec![]);
    assert!(rules::is_idle(&idle));
    assert_eq!(edge.push(&idle).origin, before, "it was seen a moment ago");
    let status = EdgeStatus { forks: 3, version: "9.9".into(), ..EdgeStatus::default() };
    let idle = Push { snap: 7, status: status.clone(), ..idle };
    let later = NOW.plus_ms(60_000);
    let result = block_on(store.push(&edge.origin, &edge.token, &idle, later)).unwrap();
    assert!(result.accepted && !result.origin.is_consistent());
    let after = edge.found();
    assert_eq!((after.high, after.last_seen, &after.status), (7, Some(later), &status));
    assert_eq!((after.head, edge.queues().as_str()), (before.head, "q1"));
    assert_eq!(result.origin, after);
}

pub fn parts_are_seen_with_the_push_that_names_them_and_not_before(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1"), queue(2, "q2")]);
    let stage = Uuid::new_v4();
    edge.stage(stage, 0, vec![queue(3, "q3"), deleted(3, "q1")]);
    assert!(!edge.try_push(&edge.staged(stage, 2, 3, vec![])).unwrap().accepted, "a part is missing");
    edge.stage(stage, 1, vec![]);
    edge.stage(stage, 0, vec![queue(3, "twice")]);
    assert_eq!(edge.queues(), "q1 q2");
    let whole = edge.staged(stage, 2, 3, vec![queue(3, "q4")]);
    edge.push(&whole);
    assert_eq!(edge.queues(), "q2 q3 q4");
    assert!(!edge.try_push(&edge.staged(stage, 2, 4, vec![])).unwrap().accepted, "the parts are used up");
}

pub fn parts_of_a_batch_that_was_given_up_are_not_mixed_into_another(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let (given_up, other) = (Uuid::new_v4(), Uuid::new_v4());
    edge.stage(given_up, 0, vec![queue(1, "old")]);
    edge.stage(other, 0, vec![queue(1, "new")]);
    assert!(!edge.try_push(&edge.staged(given_up, 1, 1, vec![])).unwrap().accepted);
    edge.push(&edge.staged(other, 1, 1, vec![]));
    assert_eq!(edge.queues(), "new");
}

pub fn a_row_that_stands_twice_in_a_batch_is_as_it_stands_last(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1"), queue(2, "q1"), queue(3, "q2"), deleted(4, "q2")]);
    assert_eq!((edge.queues().as_str(), edge.rows()[&(Table::Queue, "q1".into())].0), ("q1", 2));
    let stage = Uuid::new_v4();
    edge.stage(stage, 0, vec![queue(5, "q3"), queue(6, "q3")]);
    edge.stage(stage, 1, vec![queue(7, "q3")]);
    edge.push(&edge.staged(stage, 2, 7, vec![]));
    assert_eq!(edge.rows()[&(Table::Queue, "q3".into())].0, 7);
}

pub fn what_was_answered_is_there_when_the_store_is_opened_again(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1")]);
    let stage = Uuid::new_v4();
    edge.stage(stage, 0, vec![queue(2, "q2")]);
    let (found, rows) = (edge.found(), edge.rows());
    drop(place.open());
    let again = place.open();
    let mut edge =
        TestEdge { store: &again, origin: edge.origin, token: edge.token, epoch: edge.epoch, head: edge.head };
    assert_eq!((edge.found(), edge.rows()), (found, rows));
    edge.push(&edge.staged(stage, 1, 2, vec![]));
    assert_eq!(edge.queues(), "q1 q2");
}

pub fn text_comes_back_as_it_was_given(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery «Æble» \u{1f35e}");
    let text =
        r#"{"name":"a","_id":"q1" , "customer":"c","n":1.0000000000000000000001e400,"x":"\u0000é","b":null,"a":1}"#;
    edge.pushes(vec![row(1, "q1", text)]);
    assert_eq!(edge.rows()[&(Table::Queue, "q1".into())].2, text);
    assert_eq!(edge.found().name, "Bakery «Æble» \u{1f35e}");
}
