//! Orphaned rows, and origins that are removed.

use telecomx_local::domain::audit::digest;
use telecomx_local::domain::time::Time;
use telecomx_local::sync::hub::origin::EnrolmentKind;
use telecomx_local::sync::hub::orphaned_rows::{NEWEST, OrphanedRow, RemovedOrigin};
use telecomx_local::sync::hub::store::{HubStore, add_code};
use uuid::Uuid;

use super::Place;
use super::edge::{NOW, TestEdge, block_on, by, code, new_hash, queue, row};
use super::proposals::patch;

/// All orphaned rows of an edge, read in pages of `limit`.
pub fn orphaned<S: HubStore>(edge: &TestEdge<'_, S>, limit: i64) -> Vec<OrphanedRow> {
    let (mut all, mut behind) = (vec![], NEWEST);
    loop {
        let page = block_on(edge.store.orphaned_rows(&edge.origin, behind, limit)).unwrap();
        let Some(last) = page.last() else { return all };
        behind = last.cursor();
        all.extend(page);
    }
}

/// Something in every table.
fn full<'s, S: HubStore>(store: &'s S, name: &str) -> TestEdge<'s, S> {
    let mut edge = TestEdge::enrolled(store, name);
    edge.pushes(vec![queue(1, "lost"), queue(2, "q1")]);
    edge.push(&edge.reset(2, 1, vec![queue(3, "q1"), queue(3, "q2"), row(4, "bad", "7")]));
    edge.stage(Uuid::new_v4(), 0, vec![queue(5, "staged")]);
    block_on(store.file_proposal(&edge.origin, patch("q1", "{}"), NOW)).unwrap();
    edge
}

pub fn orphaned_rows_are_read_the_newest_first(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes((1..=3).map(|n| queue(n, &format!("first{n}"))).collect());
    let (mut n, mut at) = (3, NOW);
    for life in [2, 3] {
        at = at.plus_ms(1_000);
        n += 1;
        let reset = edge.reset(life, life - 1, vec![queue(n, &format!("of{life}"))]);
        let result = block_on(store.push(&edge.origin, &edge.token, &reset, at)).unwrap();
        (edge.head, edge.epoch) = (result.origin.head, reset.epoch);
    }
    let all = orphaned(&edge, 2);
    let seen: Vec<(Time, i64, String)> = all.iter().map(|row| (row.lost_at, row.epoch, row.id.clone())).collect();
    let first = |n: i64| (NOW.plus_ms(1_000), 1, format!("first{n}"));
    assert_eq!(seen[0], (NOW.plus_ms(2_000), 2, "of2".into()));
    let mut of_first = seen[1..].to_vec();
    of_first.sort();
    assert_eq!(of_first, [first(1), first(2), first(3)]);
    assert_eq!(
        serde_json::to_string(&all[0]).unwrap(),
        r#"{"lostAt":"2023-11-14T22:13:22.000Z","epoch":2,"table":"queue","id":"of2","rev":4,"chg":4,"v":{"_id":"of2","customer":"c","name":"Queue 4"}}"#
    );
    assert!(orphaned(&TestEdge::enrolled(&store, "Other"), 9).is_empty());
}

pub fn an_origin_that_is_removed_leaves_nothing_and_no_other_is_touched(place: &impl Place) {
    let store = place.open();
    let (edge, other) = (full(&store, "Bakery"), full(&store, "Other"));
    let codes = [&edge, &other].map(|edge| {
        let made = block_on(add_code(&store, &EnrolmentKind::Replacement(edge.origin.clone()), by(NOW))).unwrap();
        digest(made.as_bytes())
    });
    let before = (other.found(), other.rows(), orphaned(&other, 9).len());
    let removed = block_on(store.remove(&edge.origin, by(NOW))).unwrap();
    let all = RemovedOrigin { name: "Bakery".into(), rows: 2, quarantined: 1, proposals: 1, staged: 1, orphaned: 2 };
    assert_eq!(removed, all);
    assert!(block_on(store.origin_of(edge.token)).unwrap().is_none());
    assert_eq!(code(edge.try_push(&edge.batch(vec![]))), "origin");
    assert_eq!(code(block_on(store.remove(&edge.origin, by(NOW)))), "origin");
    assert_eq!((other.found(), other.rows(), orphaned(&other, 9).len()), before);
    let [gone, good] =
        codes.map(|code| block_on(store.enroll(code, new_hash(), "unused", None, NOW)).unwrap().is_some());
    assert!(!gone && good);
    assert_eq!(block_on(store.origins()).unwrap().len(), 1);
    // A new one of this id would find nothing.
    let code = digest(block_on(add_code(&store, &EnrolmentKind::New("Again".into()), by(NOW))).unwrap().as_bytes());
    let token = new_hash();
    block_on(store.enroll(code, token, &edge.origin, None, NOW)).unwrap().unwrap();
    let again = TestEdge { token, ..edge };
    assert!(again.rows().is_empty() && orphaned(&again, 9).is_empty() && again.found().quarantined == 0);
    assert!(block_on(store.proposals(&again.origin, 0, 9)).unwrap().is_empty());
}
