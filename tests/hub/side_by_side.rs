//! Many at once, through two doors to one store.

use std::sync::Barrier;

use serde_json::value::RawValue;
use telecomx_local::domain::audit::digest;
use telecomx_local::domain::mirror::Table;
use telecomx_local::domain::proposal::{HubLevel, Proposal};
use telecomx_local::sync::hub::admin_store::AdminStore;
use telecomx_local::sync::hub::audit::ChainCheck;
use telecomx_local::sync::hub::origin::EnrolmentKind;
use telecomx_local::sync::hub::store::{HubStore, add_code};
use uuid::Uuid;

use super::Place;
use super::edge::{NOW, TestEdge, block_on, by, new_hash, queue};

const THREADS: usize = 8;

/// What `work` gives on each of many threads that begin together, half of them on either store.
fn together<S: HubStore, T: Send>(doors: &[S; 2], work: impl Fn(usize, &S) -> T + Sync) -> Vec<T> {
    let (start, work) = (&Barrier::new(THREADS), &work);
    std::thread::scope(|scope| {
        let begun: Vec<_> = (0..THREADS)
            .map(|n| {
                scope.spawn(move || {
                    start.wait();
                    work(n, &doors[n % 2])
                })
            })
            .collect();
        begun.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

pub fn origins_are_written_to_side_by_side(place: &impl Place) {
    let doors = [place.open(), place.open()];
    let rows = together(&doors, |n, store| {
        let mut edge = TestEdge::enrolled(store, &format!("Edge {n}"));
        for round in 0..10 {
            edge.pushes((0..20).map(|row| queue(round * 20 + row + 1, &format!("q{:02}", row * 7 % 31))).collect());
            assert!(edge.push(&edge.batch(vec![])).origin.is_consistent());
        }
        edge.rows().len()
    });
    assert_eq!(rows, [20; THREADS]);
    assert!(block_on(doors[0].origins()).unwrap().iter().all(|origin| origin.head.acked == 200));
}

pub fn of_two_pushes_on_one_state_one_is_taken(place: &impl Place) {
    let doors = [place.open(), place.open()];
    let mut edge = TestEdge::enrolled(&doors[0], "Bakery");
    for round in 1..=10 {
        let batch = edge.batch(vec![]);
        let result = together(&doors, |n, store| {
            let row = queue(round, &format!("r{round}n{n}"));
            let push = telecomx_local::sync::protocol::wire::Push {
                rows: vec![row].into(),
                to: round,
                snap: round,
                ..batch.clone()
            };
            let push = telecomx_local::sync::protocol::wire::Push { attempt: Uuid::new_v4(), ..push };
            let result = block_on(store.push(&edge.origin, &edge.token, &push, NOW)).unwrap();
            result.accepted.then_some(result.origin.head)
        });
        let heads: Vec<_> = result.into_iter().flatten().collect();
        assert_eq!(heads.len(), 1, "round {round}");
        edge.head = heads[0];
        assert_eq!((edge.found().head, edge.rows().len()), (edge.head, round as usize));
    }
}

pub fn a_code_that_many_spend_at_once_lets_one_in(place: &impl Place) {
    let doors = [place.open(), place.open()];
    let made = block_on(add_code(&doors[0], &EnrolmentKind::New("Bakery".into()), by(NOW))).unwrap();
    let hash = digest(made.as_bytes());
    let let_in = together(&doors, |n, store| {
        block_on(store.enroll(hash, new_hash(), &format!("origin{n}"), None, NOW)).unwrap().is_some()
    });
    assert_eq!(let_in.into_iter().filter(|let_in| *let_in).count(), 1);
    assert_eq!(block_on(doors[1].origins()).unwrap().len(), 1);
}

pub fn proposals_filed_at_once_have_numbers_of_their_own(place: &impl Place) {
    let doors = [place.open(), place.open()];
    let edge = TestEdge::enrolled(&doors[0], "Bakery");
    let mut numbers = together(&doors, |n, store| {
        let proposal = Proposal {
            uuid: Uuid::new_v4(),
            seq: 0,
            table: Table::Queue,
            id: format!("q{n}"),
            base_rev: None,
            base: None,
            patch: Some(RawValue::from_string("{}".into()).unwrap()),
            copy: None,
            expires_ms: NOW.millis(),
            author: "Olga".into(),
            level: None,
            task: None,
        };
        block_on(store.file_proposal(&edge.origin, proposal, NOW)).unwrap().proposal.seq
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=THREADS as i64).collect::<Vec<_>>());
}

pub fn entries_that_are_appended_at_once_are_one_chain(place: &impl Place) {
    let doors = [place.open(), place.open()];
    let edges: Vec<_> = (0..THREADS).map(|n| TestEdge::enrolled(&doors[0], &format!("Bakery {n}"))).collect();
    let before = block_on(doors[0].audit_head()).unwrap().0;
    together(&doors, |n, store| {
        for round in 0..5 {
            block_on(store.set_tags(&edges[n].origin, &[format!("t{round}")], by(NOW))).unwrap();
            block_on(store.add_operator(&format!("o{n}.{round}"), HubLevel::Read, new_hash(), by(NOW))).unwrap();
        }
    });
    let mut check = ChainCheck::default();
    block_on(doors[1].audit_after(0, 1_000)).unwrap().iter().for_each(|record| check.check(record).unwrap());
    check.finish(block_on(doors[0].audit_head()).unwrap()).unwrap();
    assert_eq!(check.seq() - before, THREADS as i64 * 10);
}
