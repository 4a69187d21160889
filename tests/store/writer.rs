//! The one writer under parallel load: what is accepted is numbered without gaps, what fails leaves no trace.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use telecomx_local::clock::Clock;
use telecomx_local::db::{Author, Db, Subject, WriteTx};
use telecomx_local::domain::audit::{Action, MOBILE_CONFIGS};
use telecomx_local::domain::id::Id;
use telecomx_local::error::{Error, Result};
use telecomx_local::store::audit_chain::{self, ChainVerdict};
use telecomx_local::store::{health, mobile_configs};

use crate::support::{Place, world};

const TASKS: usize = 8;
const WRITES: usize = 120;

/// What becomes of a write.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Accepted,
    TouchesNothing,
    Fails,
    Panics,
    BreaksAConstraint,
    Refused,
}

fn fate(task: usize, n: usize) -> Fate {
    match (task * 31 + n * 7) % 12 {
        0 => Fate::Fails,
        1 => Fate::Panics,
        2 => Fate::Refused,
        3 => Fate::TouchesNothing,
        4 => Fate::BreaksAConstraint,
        _ => Fate::Accepted,
    }
}

/// Replaces the task's config by the number `n`, and then meets its fate. Gives the number of the write.
fn write(tx: &mut WriteTx, task: usize, n: usize, fate: Fate) -> Result<i64> {
    if fate == Fate::TouchesNothing {
        return Ok(0);
    }
    let id: Id = world::nth(task).parse().unwrap();
    let content = format!("[{{\"type\":\"NUMBER\",\"n\":{n},\"fate\":\"{fate:?}\"}}]");
    let config = match mobile_configs::find(tx, id)? {
        Some(old) => mobile_configs::replace(tx, old, content, Action::Update, "Number")?,
        None => mobile_configs::insert(tx, id, world::CUSTOMER.parse().unwrap(), content)?,
    };
    match fate {
        Fate::Accepted => tx.change(),
        Fate::Fails => Err(Error::bad_request("it was to fail")),
        Fate::Refused => {
            let subject = Subject { section: MOBILE_CONFIGS, object: id, customer: Some(config.customer) };
            Err(tx.refuse(Error::bad_request("it was to be refused"), Action::Update, subject))
        }
        Fate::BreaksAConstraint => {
            mobile_configs::insert(tx, id, config.customer, "[]".into())?;
            tx.change()
        }
        Fate::Panics | Fate::TouchesNothing => panic!("it was to panic"),
    }
}

/// One task's writes, one after the other, on a thread and runtime of its own. Gives the numbers of the accepted.
fn run_task(db: &Db, task: usize) -> Vec<i64> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut numbers = vec![];
    for n in 1..=WRITES {
        let fate = fate(task, n);
        let outcome = runtime.block_on(db.write(Author::system("test"), move |tx| write(tx, task, n, fate)));
        match (fate, outcome) {
            (Fate::Accepted, Ok(number)) => numbers.push(number),
            (Fate::TouchesNothing, Ok(0)) => {}
            (Fate::Fails | Fate::Refused, Err(Error::BadRequest { .. })) => {}
            (Fate::Panics | Fate::BreaksAConstraint, Err(Error::Internal(_))) => {}
            (_, other) => panic!("{fate:?} became {other:?}"),
        }
    }
    numbers
}

fn count(fates: &[Fate]) -> i64 {
    let all = (0..TASKS).flat_map(|task| (1..=WRITES).map(move |n| fate(task, n)));
    all.filter(|fate| fates.contains(fate)).count() as i64
}

#[test]
fn many_tasks_write_and_every_law_holds() {
    let place = Place::holding(&world::with_employees(TASKS));
    let db = Arc::new(Db::open(&place.db(), Clock::default()).unwrap());
    let (high_before, entries_before) = (high(&db), entries(&db));
    let numbers: Vec<Vec<i64>> = std::thread::scope(|scope| {
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                scope.spawn({
                    let db = &db;
                    move || run_task(db, task)
                })
            })
            .collect();
        tasks.into_iter().map(|task| task.join().unwrap()).collect()
    });

    let accepted = count(&[Fate::Accepted]);
    assert!(accepted > 400 && count(&[Fate::Panics]) > 20);
    let all: BTreeSet<i64> = numbers.iter().flatten().copied().collect();
    assert_eq!(all, (high_before + 1..=high_before + accepted).collect(), "numbers without gaps, none given twice");
    assert_eq!(high(&db), high_before + accepted);
    assert!(numbers.iter().all(|of_task| of_task.is_sorted()), "a task's later write has the higher number");

    assert_eq!(entries(&db), entries_before + accepted + count(&[Fate::Refused]));
    let refused: i64 = db
        .read(|tx| {
            Ok(tx.conn.query_row("select count(*) from audit where outcome = 'refused'", [], |row| row.get(0))?)
        })
        .unwrap();
    assert_eq!(refused, count(&[Fate::Refused]));

    for (task, of_task) in numbers.iter().enumerate() {
        let config = db.read(|tx| mobile_configs::get(tx, world::nth(task).parse().unwrap())).unwrap();
        let last = (1..=WRITES).rev().find(|n| fate(task, *n) == Fate::Accepted).unwrap();
        let content: Value = serde_json::from_str(&config.configs).unwrap();
        assert_eq!((&content[0]["n"], &content[0]["fate"]), (&Value::from(last), &Value::from("Accepted")));
        assert_eq!(config.rev, of_task.len() as i64, "each accepted write raised rev by one, no other did");
    }
    for check in db.read(|tx| Ok(health::examine(tx))).unwrap() {
        assert_eq!(check.wrong, None, "{}", check.what);
    }
    drop(db);
    place.run(&["doctor"]);
}

#[test]
fn what_waits_when_the_database_is_closed_is_still_written() {
    let place = Place::holding(&world::with_employees(1));
    let db = Db::open(&place.db(), Clock::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    // Polled once, so that they are queued, and never again: their callers have gone away.
    runtime.block_on(async {
        for n in 1..=50 {
            let mut writing =
                std::pin::pin!(db.write(Author::system("test"), move |tx| write(tx, 0, n, Fate::Accepted)));
            std::future::poll_fn(|context| {
                let _ = writing.as_mut().poll(context);
                std::task::Poll::Ready(())
            })
            .await;
        }
    });
    drop(db);
    let db = Db::open(&place.db(), Clock::default()).unwrap();
    let config = db.read(|tx| mobile_configs::get(tx, world::nth(0).parse().unwrap())).unwrap();
    assert_eq!(config.rev, 50);
    assert!(config.configs.contains("\"n\":50"), "in the order they were queued");
}

#[test]
fn a_reader_sees_one_moment_however_long_it_looks() {
    let place = Place::holding(&world::with_employees(1));
    let db = Db::open(&place.db(), Clock::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    db.read(|tx| {
        let high = || tx.conn.query_row("select high from feed", [], |row| row.get::<_, i64>(0));
        let before = high()?;
        for n in 1..=3 {
            runtime.block_on(db.write(Author::system("test"), move |tx| write(tx, 0, n, Fate::Accepted)))?;
        }
        assert_eq!(high()?, before);
        Ok(())
    })
    .unwrap();
    assert_eq!(high(&db), 4);
}

fn high(db: &Db) -> i64 {
    db.read(|tx| Ok(tx.conn.query_row("select high from feed", [], |row| row.get(0))?)).unwrap()
}

/// How many entries the trail has; it must be intact.
fn entries(db: &Db) -> i64 {
    match db.read(|tx| audit_chain::verify(tx, |_| {})).unwrap() {
        ChainVerdict::Intact { entries, .. } => entries,
        broken => panic!("{broken:?}"),
    }
}
