//! A power cut tears the write-ahead log anywhere: what is left opens, and is the database as some write has left it.

use std::collections::HashMap;
use std::path::Path;

use serde_json::json;
use telecomx_local::clock::Clock;
use telecomx_local::db::{Author, Db, WriteTx};
use telecomx_local::domain::audit::Action;
use telecomx_local::domain::id::Id;
use telecomx_local::error::{Error, Result};
use telecomx_local::store::audit_chain::{self, ChainVerdict};
use telecomx_local::store::feed::{self, FeedCursor as FeedPlace};
use telecomx_local::store::{actors, employees, health, mobile_configs};
use telecomx_local::usecases::export;

use crate::support::chance::Chance;
use crate::support::{Place, world};

const EMPLOYEES: u64 = 6;
const WRITES: usize = 60;
/// Of SQLite's log (file format, 4.1): its head, and what stands before each page.
const HEAD: usize = 32;
const FRAME: usize = 24 + 4_096;

/// Everything that must agree: number of the newest write, of the newest audit entry, all rows, and the feed.
#[derive(Clone, Debug, PartialEq)]
struct State {
    high: i64,
    entries: i64,
    rows: String,
    feed: Vec<(String, i64, i64, bool)>,
}

fn state(db: &Db) -> State {
    db.read(|tx| {
        for check in health::examine(tx) {
            assert_eq!(check.wrong, None, "{}", check.what);
        }
        let ChainVerdict::Intact { entries, .. } = audit_chain::verify(tx, |_| {})? else {
            panic!("the chain is broken")
        };
        let mut rows = vec![];
        export::write(tx, None, &mut rows)?;
        let (high, mut sent) = (feed::high(tx)?, vec![]);
        feed::rows(tx, &FeedPlace::after_write(0), high, |row, _| {
            sent.push((row.id, row.rev, row.chg, row.v.is_some()));
            Ok(true)
        })?;
        Ok(State { high, entries, rows: String::from_utf8(rows).unwrap(), feed: sent })
    })
    .unwrap()
}

/// One write of the workload: a config put, copied, deleted, an employee renamed, several of those, or a refusal.
fn work(tx: &mut WriteTx, what: u64, n: u64, mark: u64) -> Result<()> {
    let id = |n: u64| -> Id { world::nth(n as usize).parse().unwrap() };
    let content = json!([{ "type": "MARK", "mark": mark, "padding": "x".repeat((mark % 6_000) as usize) }]).to_string();
    let employee = employees::get(tx, id(n))?;
    match (what, mobile_configs::find(tx, id(n))?) {
        (0, Some(_)) => mobile_configs::delete(tx, id(n)),
        (1, _) => {
            let renamed =
                telecomx_local::domain::employee::Employee { name: format!("Name {mark}"), ..employee.clone() };
            employees::upsert(tx, renamed, Some(&employee)).map(drop)
        }
        (2, Some(_)) => {
            let manager = actors::find(tx, world::MANAGER.parse().unwrap())?.unwrap();
            let from = world::ANNA.parse().unwrap();
            telecomx_local::usecases::copy_mobile_config::run(tx, &manager, from, id(n), |_| Ok(())).map(drop)
        }
        (3, _) => {
            (0..EMPLOYEES).filter(|other| *other != n).try_for_each(|other| work(tx, 4, other, mark + other))?;
            work(tx, 4, n, mark)
        }
        (_, Some(old)) => mobile_configs::replace(tx, old, content, Action::Update, "Marked").map(drop),
        (_, None) => mobile_configs::insert(tx, id(n), employee.customer, content).map(drop),
    }
}

/// The states that the workload went through, by their counters; the last one too.
fn play(place: &Place) -> (HashMap<(i64, i64), State>, State) {
    let db = Db::open(&place.db(), Clock::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (mut chance, mut states) = (Chance(3), HashMap::new());
    let mut last = state(&db);
    states.insert((last.high, last.entries), last.clone());
    for n in 0..WRITES {
        let (what, who, mark) = (chance.below(6), chance.below(EMPLOYEES), chance.number() >> 20);
        let is_undone = n % 10 == 9;
        let done = runtime.block_on(db.write(Author::system("test"), move |tx| {
            work(tx, what, who, mark)?;
            if is_undone { Err(Error::access_denied()) } else { Ok(()) }
        }));
        assert_eq!(done.is_err(), is_undone);
        last = state(&db);
        states.insert((last.high, last.entries), last.clone());
    }
    // As the power leaves it: nothing is folded into the file when the process ends.
    std::fs::copy(place.path("telecomx.db-wal"), place.path("log")).unwrap();
    std::fs::copy(place.db(), place.path("file")).unwrap();
    (states, last)
}

/// Opens the file with `log` beside it.
fn open_torn(place: &Place, folder: &Path, log: &[u8]) -> State {
    let path = folder.join("telecomx.db");
    std::fs::copy(place.path("file"), &path).unwrap();
    std::fs::write(folder.join("telecomx.db-wal"), log).unwrap();
    let found = state(&Db::open(&path, Clock::default()).unwrap());
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let _ = std::fs::remove_file(folder.join(format!("telecomx.db{suffix}")));
    }
    found
}

#[test]
fn a_log_cut_at_every_frame_and_at_torn_places_is_as_a_write_has_left_it() {
    let place = Place::holding(&world::with_employees(EMPLOYEES as usize));
    let (states, last) = play(&place);
    let log = std::fs::read(place.path("log")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let frames = (log.len() - HEAD) / FRAME;
    assert!(frames > WRITES, "{frames} frames");
    let mut before = -1;
    for frame in 0..=frames {
        let found = open_torn(&place, folder.path(), &log[..HEAD + frame * FRAME]);
        assert_eq!(Some(&found), states.get(&(found.high, found.entries)), "cut at frame {frame}");
        assert!(found.high >= before, "cut at frame {frame}");
        before = found.high;
    }
    assert_eq!(before, last.high);
    let mut chance = Chance(11);
    for _ in 0..100 {
        // Torn within a frame; or whole in length, with a page that was never written.
        let cut = chance.below(log.len() as u64) as usize;
        let mut torn = log[..cut].to_vec();
        if chance.below(2) == 0 {
            let lost = cut / 512 * 512;
            torn = log.clone();
            torn[lost..(lost + 512).min(log.len())].fill(0);
        }
        let found = open_torn(&place, folder.path(), &torn);
        assert_eq!(Some(&found), states.get(&(found.high, found.entries)), "torn at {cut}");
    }
}
