//! Rows that the hub cannot accept.

use telecomx_local::domain::mirror::{Bad, Row, Table};
use telecomx_local::sync::hub::store::HubStore;
use uuid::Uuid;

use super::Place;
use super::edge::{TestEdge, block_on, code, deleted, queue, row};

/// Ids and codes of the quarantined rows that have a fault of their own.
fn quarantined<S: HubStore>(edge: &TestEdge<'_, S>) -> String {
    let refused = block_on(edge.store.quarantine(&edge.origin)).unwrap();
    refused.iter().map(|row| format!("{}:{}", row.id, row.code)).collect::<Vec<_>>().join(" ")
}

fn unknown(chg: i64, id: &str) -> Row {
    Row { t: Table::Other, ..row(chg, id, "{}") }
}

pub fn a_write_with_a_bad_row_is_quarantined_whole_while_the_rest_flows(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1"), queue(1, "q9")]);
    let unreadable = Row { v: None, bad: Some(Bad::Unreadable), ..queue(5, "torn") };
    let rows = vec![queue(2, "q2"), row(3, "bad", "7"), queue(3, "with"), deleted(3, "q9"), queue(4, "q4"), unreadable];
    let result = edge.pushes(rows);
    assert_eq!(edge.queues(), "q1 q2 q4 q9");
    assert_eq!(quarantined(&edge), "bad:schema torn:unreadable");
    assert_eq!(result.quarantine, block_on(store.quarantine(&edge.origin)).unwrap());
    let origin = edge.found();
    assert_eq!((origin.head.acked, origin.quarantined, origin.is_consistent()), (5, 4, false));
    assert_eq!(result.origin, origin);
    let idle = edge.batch(vec![]);
    assert_eq!(edge.push(&idle).quarantine, result.quarantine, "each reply lists it");
}

pub fn what_nobody_could_read_is_quarantined_and_what_only_looks_like_it_is_taken(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let with = |chg, id: &str, more: &str| {
        row(chg, id, &format!(r#"{{"_id":"{id}","customer":"c","name":"n","more":{more}}}"#))
    };
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let rows = vec![
        with(1, "deep", &nested(127)),
        with(2, "half", r#""\ud800""#),
        with(3, "half-key", r#"{"\udfff":1}"#),
        with(4, "inner", r#"{"$serde_json::private::Number":"x"}"#),
        with(5, "whole", r#"["\ud83d\ude00","\\ud800"]"#),
        with(6, "wide", &format!("[{}]", vec!["[]"; 300].join(","))),
        with(7, "within", &nested(126)),
    ];
    edge.pushes(rows);
    assert_eq!(quarantined(&edge), "deep:schema half:schema half-key:schema inner:schema");
    assert_eq!(edge.queues(), "whole wide within");
}

pub fn a_write_that_is_mended_is_taken_with_all_its_rows(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "gone")]);
    edge.pushes(vec![row(2, "bad", "7"), queue(2, "with"), deleted(2, "gone"), row(3, "worse", "8")]);
    assert_eq!(edge.queues(), "gone");
    let result = edge.pushes(vec![queue(4, "bad")]);
    assert_eq!((edge.queues().as_str(), quarantined(&edge).as_str()), ("bad with", "worse:schema"));
    assert_eq!(result.origin.quarantined, 1);
    let result = edge.pushes(vec![deleted(5, "worse")]);
    assert!(result.origin.is_consistent() && result.quarantine.is_empty());
    assert_eq!(edge.queues(), "bad with");
}

pub fn a_table_that_is_not_known_is_refused_alone(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let mut rows: Vec<Row> = (0..20).map(|n| unknown(1, &format!("u{n:02}"))).collect();
    rows.push(queue(1, "q1"));
    let result = edge.pushes(rows);
    assert_eq!((edge.queues().as_str(), result.origin.quarantined), ("q1", 20));
    assert!(result.quarantine.iter().all(|row| row.code == "unknown_table" && row.t == Table::Other));
}

pub fn so_many_bad_rows_that_it_is_not_the_data_change_nothing(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1")]);
    let before = edge.found();
    let bad = || (0..20).map(|n| row(2, &format!("bad{n}"), "7"));
    let batch = edge.batch(bad().chain([queue(3, "q3")]).collect());
    assert_eq!(code(edge.try_push(&batch)), "schema");
    let stage = Uuid::new_v4();
    edge.stage(stage, 0, bad().collect());
    let staged = edge.staged(stage, 1, 3, vec![]);
    assert_eq!(code(edge.try_push(&staged)), "schema");
    assert_eq!((edge.queues().as_str(), quarantined(&edge).as_str()), ("q1", ""));
    assert_eq!(edge.found(), before);
    edge.pushes(vec![queue(4, "q4")]);
    assert_eq!(edge.queues(), "q1 q4");
}

pub fn bad_rows_in_parts_are_quarantined_too(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1"), queue(1, "q2")]);
    let stage = Uuid::new_v4();
    edge.stage(stage, 0, vec![row(2, "bad", "7"), queue(3, "q3"), unknown(3, "u1")]);
    edge.stage(stage, 1, vec![queue(2, "with"), deleted(3, "q2")]);
    edge.push(&edge.staged(stage, 2, 3, vec![]));
    assert_eq!((edge.queues().as_str(), quarantined(&edge).as_str()), ("q1 q3", "bad:schema u1:unknown_table"));
    assert_eq!(edge.found().quarantined, 3);
    edge.pushes(vec![queue(4, "bad")]);
    assert_eq!((edge.queues().as_str(), edge.found().quarantined), ("bad q1 q3 with", 1));
    // A reset keeps quarantined rows as orphaned rows, and they do not hinder it.
    edge.push(&edge.reset(2, 1, vec![queue(5, "q5")]));
    assert_eq!((edge.queues().as_str(), quarantined(&edge).as_str(), edge.found().quarantined), ("q5", "", 0));
}

pub fn ids_that_no_edge_of_ours_makes_are_quarantined_like_others(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let long = "x".repeat(10_000);
    let (one, other) = (format!("{long}1"), format!("{long}2"));
    let nul = row(2, "a\0b", r#"{"_id":"a\u0000b","customer":"c","name":"n"}"#);
    let result = edge.pushes(vec![queue(1, "q1"), queue(2, &one), queue(3, &other), row(4, "", "{}"), nul]);
    assert!(result.accepted && result.origin.quarantined >= 3);
    assert!(edge.queues().contains("q1"));
    edge.pushes(vec![queue(5, "q5")]);
    assert!(edge.queues().contains("q5"));
}

pub fn a_row_of_a_table_that_has_become_known_is_known_by_it(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![unknown(1, "queue/q1"), unknown(1, "later/x1"), queue(1, "q2")]);
    assert_eq!(quarantined(&edge), "later/x1:unknown_table queue/q1:unknown_table");
    let again = place.open();
    let mut edge =
        TestEdge { store: &again, origin: edge.origin, token: edge.token, epoch: edge.epoch, head: edge.head };
    assert_eq!(quarantined(&edge), "q1:unknown_table later/x1:unknown_table");
    edge.pushes(vec![queue(2, "q1")]);
    assert_eq!((edge.queues().as_str(), quarantined(&edge).as_str()), ("q1 q2", "later/x1:unknown_table"));
}

pub fn a_write_that_is_spread_over_parts_is_quarantined_whole(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let stage = Uuid::new_v4();
    edge.stage(stage, 0, vec![queue(1, "q1"), queue(2, "begins")]);
    edge.push(&edge.staged(stage, 1, 3, vec![row(2, "bad", "7"), queue(3, "q3")]));
    assert_eq!((edge.queues().as_str(), quarantined(&edge).as_str()), ("q1 q3", "bad:schema"));
    assert_eq!(edge.found().quarantined, 2);
    edge.stage(stage, 0, vec![queue(4, "bad")]);
    edge.push(&edge.staged(stage, 1, 4, vec![]));
    assert_eq!((edge.queues().as_str(), quarantined(&edge).as_str()), ("bad begins q1 q3", ""));
}

pub fn parts_with_rows_of_a_table_that_is_not_known_come_again_to_a_hub_that_is_started_anew(place: &impl Place) {
    let store = place.open();
    let edge = TestEdge::enrolled(&store, "Bakery");
    let stage = Uuid::new_v4();
    edge.stage(stage, 0, vec![unknown(1, "queue/q1"), queue(1, "q2")]);
    let again = place.open();
    let mut edge =
        TestEdge { store: &again, origin: edge.origin, token: edge.token, epoch: edge.epoch, head: edge.head };
    assert!(!edge.try_push(&edge.staged(stage, 1, 1, vec![])).unwrap().accepted);
    edge.stage(stage, 0, vec![queue(1, "q1"), queue(1, "q2")]);
    let result = edge.push(&edge.staged(stage, 1, 1, vec![]));
    assert_eq!((edge.queues().as_str(), result.origin.is_consistent()), ("q1 q2", true));
}
