//! A copy that fails half way leaves nothing: not in the rows, the feed, the numbers or the trail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use telecomx_local::clock::Clock;
use telecomx_local::db::{Author, Db, WriteTx};
use telecomx_local::error::Result;
use telecomx_local::store::audit_chain::{self, ChainVerdict};
use telecomx_local::store::{actors, health};
use telecomx_local::usecases::{copy_mobile_config, export};

use crate::support::{Place, world};

/// The copy of Anna's config onto Bo's, as the manager.
fn copy(tx: &mut WriteTx) -> Result<()> {
    let manager = actors::find(tx, world::MANAGER.parse().unwrap())?.unwrap();
    let (from, to) = (world::ANNA.parse().unwrap(), world::BO.parse().unwrap());
    copy_mobile_config::run(tx, &manager, from, to, |_| Ok(())).map(drop)
}

fn attempt(db: &Db, prepare: impl FnOnce(&WriteTx) -> rusqlite::Result<()> + Send + 'static) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(db.write(Author::system("test"), move |tx| {
        prepare(tx)?;
        copy(tx)
    }))
}

/// All that a copy could have touched.
fn state(db: &Db) -> (String, i64, i64) {
    db.read(|tx| {
        let mut rows = vec![];
        export::write(tx, None, &mut rows)?;
        let high = tx.conn.query_row("select high from feed", [], |row| row.get(0))?;
        let ChainVerdict::Intact { entries, .. } = audit_chain::verify(tx, |_| {})? else {
            panic!("the chain is broken")
        };
        Ok((String::from_utf8(rows).unwrap(), high, entries))
    })
    .unwrap()
}

fn assert_is_healthy(db: &Db) {
    for check in db.read(|tx| Ok(health::examine(tx))).unwrap() {
        assert_eq!(check.wrong, None, "{}", check.what);
    }
}

/// `create trigger` of every event that fails before or after a row is written.
fn failing_triggers(db: &Db) -> Vec<String> {
    let tables: Vec<String> = db
        .read(|tx| {
            let mut statement = tx.conn.prepare("select name from sqlite_schema where type = 'table'")?;
            let names = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            Ok(names)
        })
        .unwrap();
    let mut triggers = vec![];
    for table in tables.iter().filter(|table| !table.starts_with("sqlite_")) {
        for event in ["before insert", "after insert", "before update", "after update", "before delete"] {
            let failure = "select raise(abort, 'injected')";
            triggers.push(format!("create temp trigger injected {event} on main.{table} begin {failure}; end"));
        }
    }
    triggers
}

#[test]
fn a_failure_around_any_row_it_writes_leaves_nothing() {
    let place = Place::holding(&world::small());
    let db = Db::open(&place.db(), Clock::default()).unwrap();
    let mut failed = vec![];
    for trigger in failing_triggers(&db) {
        let before = state(&db);
        let sql = trigger.clone();
        // Undone with the request where it fails; dropped by the next one where the copy does not touch the table.
        let outcome = attempt(&db, move |tx| tx.conn.execute_batch(&format!("drop trigger if exists injected; {sql}")));
        if outcome.is_err() {
            assert_eq!(state(&db), before, "{trigger}");
            failed.push(trigger);
        } else {
            assert_eq!(state(&db).2, before.2 + 1, "{trigger}");
        }
    }
    for written in ["update on main.mobile_configs", "insert on main.audit "] {
        let both = failed.iter().filter(|trigger| trigger.contains(written)).count();
        assert_eq!(both, 2, "before and after: {written}");
    }
    assert_is_healthy(&db);
}

#[test]
fn a_failure_at_any_step_of_any_statement_leaves_nothing() {
    let place = Place::holding(&world::small());
    let db = Db::open(&place.db(), Clock::default()).unwrap();
    let (mut failures, mut done_all_the_same) = (0, 0);
    for step in 1.. {
        let before = state(&db);
        let passed = Arc::new(AtomicU64::new(0));
        let counted = passed.clone();
        // Counts on through the statements that end the request and the group, the commit with them.
        let stop_at = move || counted.fetch_add(1, Ordering::Relaxed) + 1 == step;
        let outcome = attempt(&db, move |tx| tx.conn.progress_handler(1, Some(stop_at)));
        let after = state(&db);
        let is_done = (after.1, after.2) == (before.1 + 1, before.2 + 1);
        if outcome.is_ok() {
            assert!(is_done, "step {step}");
        } else if is_done {
            // The last step of the commit: all of it is on disk when SQLite is stopped.
            done_all_the_same += 1;
        } else {
            assert_eq!(after, before, "step {step}");
            failures += 1;
        }
        if passed.load(Ordering::Relaxed) < step {
            break;
        }
    }
    assert!(failures > 50 && done_all_the_same <= 1, "{failures} steps failed, {done_all_the_same} were done");
    assert_is_healthy(&db);
}
