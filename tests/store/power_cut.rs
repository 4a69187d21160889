//! The real server killed under write load, again and again: what was answered is there afterwards.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use serde_json::{Value, json};

use crate::support::{Place, Server, world};

const WRITERS: usize = 4;
const ROUNDS: usize = 50;

/// Writes rising numbers to the config of the `writer`th employee until the server is gone.
fn write_until_killed(server: &Server, token: &str, writer: usize, answered: &AtomicU64, tick: &mpsc::Sender<()>) {
    loop {
        let n = answered.load(Ordering::Relaxed) + 1;
        // Of differing length, so that a torn write can fall anywhere.
        let padding = "x".repeat((n as usize * 977) % 9_000);
        let body = json!({ "configs": [{ "type": "NUMBER", "n": n, "padding": padding }] });
        match server.try_post(&world::config_path(&world::nth(writer)), token, &body) {
            Ok(answer) if answer.status == 200 => answered.store(n, Ordering::Relaxed),
            Ok(answer) => panic!("{answer:?}"),
            Err(_) => return,
        }
        let _ = tick.send(());
    }
}

#[test]
fn every_answered_write_outlives_fifty_kills() {
    let place = Place::holding(&world::with_employees(WRITERS));
    let token = place.token();
    let answered: Vec<AtomicU64> = (0..WRITERS).map(|_| AtomicU64::new(0)).collect();
    for round in 0..ROUNDS {
        let server = place.serve();
        let (tick, ticks) = mpsc::channel();
        std::thread::scope(|scope| {
            for (writer, answered) in answered.iter().enumerate() {
                let (server, token, tick) = (&server, &token, tick.clone());
                scope.spawn(move || write_until_killed(server, token, writer, answered, &tick));
            }
            drop(tick);
            // After so many answers; the others are under way.
            assert_eq!(ticks.iter().take(10 + round * 13).count(), 10 + round * 13);
            server.signal_kill();
        });
        drop(server);
        everything_answered_is_there(&place, &token, &answered, round);
    }
    assert!(place.run(&["audit", "verify"]).contains("intact"));
}

/// As a server on the same file tells, and as the doctor finds; a write that was not answered may be there too.
fn everything_answered_is_there(place: &Place, token: &str, answered: &[AtomicU64], round: usize) {
    if round.is_multiple_of(4) {
        // Now and then the log of the killed server is read by a tool first, now and then by the next server.
        assert!(!place.run(&["doctor"]).contains("WRONG"));
    }
    let server = place.serve();
    for (writer, answered) in answered.iter().enumerate() {
        let path = world::config_path(&world::nth(writer));
        let answer = server.get(&path, token);
        let last = answered.load(Ordering::Relaxed);
        let found = if answer.status == 404 { 0 } else { answer.body["configs"][0]["n"].as_u64().unwrap() };
        assert!(found == last || found == last + 1, "round {round}: {last} was answered, {found} is there");
        answered.store(found, Ordering::Relaxed);
    }
    let recorded: Vec<Value> = answered.iter().map(|answered| json!(answered.load(Ordering::Relaxed))).collect();
    assert_eq!(json!(revs(place)), json!(recorded), "each number is one write, and each is in the trail");
    assert!(server.stop().success());
    assert!(!place.run(&["doctor"]).contains("WRONG"));
}

/// How often each employee's config has been written: by its row, which must agree with the audit trail.
fn revs(place: &Place) -> Vec<i64> {
    let conn = place.sqlite();
    let number = |sql: &str, id: &str| conn.query_row(sql, [id], |row| row.get::<_, i64>(0)).unwrap();
    (0..WRITERS)
        .map(|writer| {
            let id = world::nth(writer);
            let rev = number("select coalesce(max(rev), 0) from mobile_configs where id = ?1", &id);
            let entries =
                number("select count(*) from audit where object = ?1 and section = 'PbxAppMobileConfigs'", &id);
            assert_eq!(rev, entries);
            rev
        })
        .collect()
}
