//! A proposal for one row costs as much among ten thousand employees as among ten: it holds the writer up no longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json, value::to_raw_value};
use telecomx_local::clock::Clock;
use telecomx_local::db::{Exclusive, ReadTx};
use telecomx_local::domain::mirror::Table;
use telecomx_local::domain::proposal::{HubLevel, Proposal, ProposalResult};
use telecomx_local::domain::time::Time;
use telecomx_local::usecases::proposals;
use uuid::Uuid;

use crate::support::{Place, world};

/// The steps of SQLite's machine that `work` takes.
fn steps<T>(tx: &ReadTx, work: impl FnOnce() -> T) -> (u64, T) {
    let count = Arc::new(AtomicU64::new(0));
    let counted = count.clone();
    let count_one = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    tx.conn.progress_handler(1, Some(count_one)).unwrap();
    let done = work();
    tx.conn.progress_handler(0, None::<fn() -> bool>).unwrap();
    (count.load(Ordering::Relaxed), done)
}

fn proposal(table: Table, id: &str, patch: &Value) -> Proposal {
    Proposal {
        uuid: Uuid::new_v4(),
        seq: 1,
        table,
        id: id.into(),
        base_rev: None,
        base: None,
        patch: Some(to_raw_value(patch).unwrap()),
        copy: None,
        expires_ms: i64::MAX,
        author: "Operator".into(),
        level: None,
        task: None,
    }
}

/// What each of the proposals costs in a world of `count` employees more.
fn costs(count: usize) -> Vec<u64> {
    let place = Place::new();
    place.import(&world::with_employees(count));
    let database = Exclusive::open(&place.db(), Clock::default()).unwrap();
    let section = json!([world::section("COLLEAGUES", &[(world::ANNA, "Anna")])]);
    let proposals = [
        proposal(Table::Employee, world::ANNA, &json!({ "title": "Baker", "emailAddress": "anna@bakery.example.com" })),
        proposal(Table::Customer, world::RESELLER, &json!({ "website": "https://reseller.example.com" })),
        proposal(Table::Queue, world::SALES, &json!({ "number": "801" })),
        proposal(Table::MobileConfig, world::BO, &json!({ "configs": section })),
    ];
    let cost = |proposal: &Proposal| {
        let applied = database.write("test", |tx| {
            // What is counted must not borrow the transaction that it changes.
            let connection = ReadTx { conn: tx.conn, now: Time::from_millis(0) };
            Ok(steps(&connection, || {
                proposals::apply(tx, proposal, Time::from_millis(1), HubLevel::Administer, Default::default())
            }))
        });
        let (cost, outcome) = applied.unwrap();
        assert_eq!(outcome.unwrap().result, ProposalResult::Applied, "{proposal:?}");
        cost
    };
    proposals.iter().map(cost).collect()
}

#[test]
fn a_proposal_for_one_row_costs_the_same_however_many_employees_there_are() {
    let (few, many) = (costs(10), costs(10_000));
    for (few, many) in few.iter().zip(&many) {
        assert!(*few > 100 && *many < few * 2, "{few} steps among few, {many} among many");
    }
}
