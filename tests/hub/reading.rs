//! The mirror, read.

use telecomx_local::domain::mirror::{Row, Table};
use telecomx_local::sync::hub::migration::Delivery;
use telecomx_local::sync::hub::origin::EnrolmentKind;
use telecomx_local::sync::hub::origin::Phase;
use telecomx_local::sync::hub::orphaned_rows::NEWEST;
use telecomx_local::sync::hub::store::{HubStore, add_code};
use telecomx_local::sync::protocol::wire::Part;
use uuid::Uuid;

use super::Place;
use super::edge::{NOW, Rows, TestEdge, block_on, by, code, deleted, queue, row};

pub fn rows_come_in_pages_by_id(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let customer = Row { t: Table::Customer, ..row(26, "c1", r#"{"_id":"c1","name":"n"}"#) };
    let mut all: Vec<Row> = (1..=25).map(|n| queue(n, &format!("q{:02}", 26 - n))).collect();
    // By their bytes, as the edge sorts them.
    all.extend([customer, queue(27, "Q1"), queue(28, "q-1")]);
    edge.pushes(all);
    let (mut after, mut seen) = (String::new(), vec![]);
    loop {
        let (origin, page) = block_on(store.rows(&edge.origin, Table::Queue, &after, 10)).unwrap();
        assert_eq!(origin.head, edge.head);
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 10);
        after.clone_from(&last.id);
        seen.extend(page.into_iter().map(|row| row.id));
    }
    let mut sorted = seen.clone();
    sorted.sort();
    assert_eq!((seen.len(), &seen), (27, &sorted));
}

pub fn a_page_has_an_end_in_bytes_too(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let padding = "x".repeat(3 << 20);
    for n in 1..=3 {
        let id = format!("q{n}");
        let v = format!(r#"{{"_id":"{id}","customer":"c","name":"n","padding":"{padding}"}}"#);
        edge.pushes(vec![row(n, &id, &v)]);
    }
    let ids = |after: &str| {
        let (_, page) = block_on(store.rows(&edge.origin, Table::Queue, after, 10)).unwrap();
        page.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!((ids(""), ids("q2"), ids("q3")), (vec!["q1".into(), "q2".into()], vec!["q3".into()], vec![]));
}

pub fn a_scan_is_every_row_and_the_head_they_are_of(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let mut other = TestEdge::enrolled(&store, "Other");
    other.pushes(vec![queue(1, "not mine")]);
    edge.pushes((1..=300).map(|n| queue(n, &format!("q{n:03}"))).collect());
    let mut rows = Rows::new();
    let origin = block_on(store.scan(&edge.origin, |t, id, rev, v| {
        rows.insert((t, id.into()), (rev, rev, v.into()));
    }));
    assert_eq!((origin.unwrap(), rows), (edge.found(), edge.rows()));
}

pub fn the_fleet_is_every_origin_by_name(place: &impl Place) {
    let store = place.open();
    for name in ["Charlie", "Alpha", "Bravo"] {
        TestEdge::enrolled(&store, name);
    }
    let names: Vec<String> = block_on(store.origins()).unwrap().into_iter().map(|origin| origin.name).collect();
    assert_eq!(names, ["Alpha", "Bravo", "Charlie"]);
}

pub fn an_origin_that_is_not_there_is_404_to_every_call(place: &impl Place) {
    let store = place.open();
    let edge = TestEdge::enrolled(&store, "Bakery");
    let part = Part { stage: Uuid::new_v4(), part: 0, context: None, rows: vec![].into() };
    for none in ["", "nobody", "*", "a\0b"] {
        assert_eq!(code(block_on(store.push(none, &edge.token, &edge.batch(vec![]), NOW)).map(drop)), "origin");
        let others = edge.batch(vec![queue(1, "q1")]);
        assert_eq!(code(block_on(store.push(&edge.origin, &[7; 32], &others, NOW)).map(drop)), "origin");
        assert_eq!(code(block_on(store.stage(none, &part, NOW))), "origin");
        assert_eq!(code(block_on(store.rows(none, Table::Queue, "", 9)).map(drop)), "origin");
        assert_eq!(code(block_on(store.scan(none, |_, _, _, _| ())).map(drop)), "origin");
        assert_eq!(code(block_on(store.quarantine(none))), "origin");
        assert_eq!(code(block_on(store.proposals(none, 0, 9)).map(drop)), "origin");
        assert_eq!(code(block_on(store.unlock(none, by(NOW)))), "origin");
        assert_eq!(code(block_on(store.quarantined_rows(none))), "origin");
        assert_eq!(code(block_on(store.orphaned_rows(none, NEWEST, 9)).map(drop)), "origin");
        assert_eq!(code(block_on(store.remove(none, by(NOW)))), "origin");
        assert_eq!(code(block_on(store.change_phase(none, &Phase::Leaving(String::new()), by(NOW)))), "origin");
        assert_eq!(code(block_on(store.deliver(none, &Delivery::default()))), "origin");
        assert_eq!(code(block_on(add_code(&store, &EnrolmentKind::Replacement(none.into()), by(NOW)))), "origin");
    }
}

pub fn one_origin_never_touches_anothers_rows(place: &impl Place) {
    let store = place.open();
    let (mut one, mut other) = (TestEdge::enrolled(&store, "One"), TestEdge::enrolled(&store, "Other"));
    one.pushes(vec![queue(1, "same"), row(2, "bad", "7"), queue(2, "with")]);
    let stage = Uuid::new_v4();
    one.stage(stage, 0, vec![queue(3, "staged")]);
    let before = (one.rows(), one.found());
    other.pushes(vec![queue(5, "same"), queue(6, "bad"), queue(7, "with")]);
    other.stage(stage, 0, vec![queue(8, "theirs"), deleted(8, "same")]);
    other.stage(Uuid::new_v4(), 0, vec![]);
    other.stage(stage, 0, vec![queue(8, "theirs")]);
    other.push(&other.staged(stage, 1, 8, vec![]));
    other.push(&other.reset(2, 1, vec![deleted(9, "same")]));
    assert_eq!((one.rows(), one.found()), before);
    assert_eq!(block_on(store.quarantine(&one.origin)).unwrap().len(), 1);
    one.push(&one.staged(stage, 1, 3, vec![]));
    assert_eq!((one.queues().as_str(), other.queues().as_str()), ("same staged", ""));
}
