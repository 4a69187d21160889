//! A server archives its audit trail by itself, while others write, and whenever it is killed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;
use telecomx_local::domain::audit::{AuditEntry, GENESIS};

use crate::content_once::append_updates;
use crate::support::server::Server;
use crate::support::{Place, older, world};

/// Entries of the old database, and those that are put behind it: more than two runs of the index.
const UPDATES: usize = 2_500;
const KEEP_A_DAY: [&str; 2] = ["--audit-keep-days", "1"];

/// Every entry is so much older than it was written.
const AGE_MS: i64 = 30 * 24 * 3_600_000;
/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A place whose trail has two full runs of entries of the past.
fn place_with_a_past() -> Place {
    let place = older::place_of(8);
    append_updates(&mut place.sqlite(), UPDATES);
    // Its key file is not kept, its clock has stood still, and its hub has not seen these entries.
    assert!(place.serve_with(&["--new-key"]).stop().success());
    place.run(&["clock", "reset"]);
    place.sqlite().execute("update sync_state set audit_acked = (select max(seq) from audit)", []).unwrap();
    let conn = place.sqlite();
    let trigger: String =
        conn.query_row("select sql from sqlite_schema where name = 'audit_no_update'", [], |row| row.get(0)).unwrap();
    conn.execute_batch("begin; drop trigger audit_no_update").unwrap();
    make_older(&conn);
    conn.execute_batch(&trigger).unwrap();
    conn.execute_batch("commit").unwrap();
    place
}

/// Has all entries written earlier, with the hashes that they would have had.
fn make_older(conn: &Connection) {
    conn.execute("update audit_runs set from_at = from_at - ?1, to_at = to_at - ?1", [AGE_MS]).unwrap();
    let mut statement = conn
        .prepare(
            "select seq, at - ?1, actor, actor_name, impersonator, source, request, operation, action, outcome, section, object, customer,
                description, coalesce(digest_before, (select digest from contents c where c.id = content_before)),
                coalesce(digest_after, (select digest from contents c where c.id = content_after)) from audit order by seq",
        )
        .unwrap();
    let mut rows = statement.query([AGE_MS]).unwrap();
    let mut hash = GENESIS;
    while let Some(row) = rows.next().unwrap() {
        let text = |column: usize| row.get::<_, String>(column).unwrap();
        let [actor_name, source, request, operation, action, outcome, section, description] =
            [3, 5, 6, 7, 8, 9, 10, 13].map(text);
        let entry = AuditEntry {
            seq: row.get(0).unwrap(),
            at: row.get(1).unwrap(),
            actor: row.get(2).unwrap(),
            actor_name: &actor_name,
            impersonator: row.get(4).unwrap(),
            source: &source,
            request: &request,
            operation: &operation,
            action: &action,
            outcome: &outcome,
            section: &section,
            object: row.get(11).unwrap(),
            customer: row.get(12).unwrap(),
            description: &description,
            digest_before: row.get(14).unwrap(),
            digest_after: row.get(15).unwrap(),
        };
        hash = entry.hash(&hash);
        conn.execute("update audit set at = ?2, hash = ?3 where seq = ?1", (entry.seq, entry.at, hash)).unwrap();
    }
}

/// Waits until the server has removed the entries up to `seq`, and gives up to where it has.
fn wait_for(place: &Place, server: &Server, seq: i64) -> i64 {
    let begun = Instant::now();
    loop {
        let removed = number(place, "select seq from audit_start");
        if removed >= seq {
            return removed;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "{removed} of {seq}: {}",
            std::fs::read_to_string(place.path("server.log")).unwrap()
        );
        server.get("/healthz", "");
    }
}

fn number(place: &Place, sql: &str) -> i64 {
    place.sqlite().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Asserts that every entry is in one archive or in the database, and none in both.
fn is_whole(place: &Place, entries: i64) {
    let said = place.run(&["audit", "verify"]);
    assert!(said.contains(&format!("{entries} entries")), "{said}");
    let folder = place.path("telecomx.db.audit");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let output = place.on_db(&["audit", "verify", "--and-database"]).arg(&files[0]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(number(place, "select min(seq) from audit"), 2049);
    assert_eq!(number(place, "select count(*) from audit") + 2048, entries);
    place.run(&["export"]);
}

/// Ends the writers, also when the test fails before.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn the_server_archives_while_others_write() {
    let place = place_with_a_past();
    let tokens: Vec<String> = (0..4).map(|_| place.token()).collect();
    let server = place.serve_with(&KEEP_A_DAY);
    let is_archived = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writers = tokens.iter().enumerate().map(|(writer, token)| {
            let (server, is_archived) = (&server, &is_archived);
            scope.spawn(move || {
                let mut written = 0;
                while !is_archived.load(Ordering::Relaxed) {
                    let body = json!({ "configs": [{ "type": "NUMBER", "n": [writer, written] }] });
                    assert_eq!(server.post(&world::config_path(world::ANNA), token, &body).status, 200);
                    written += 1;
                }
                written
            })
        });
        let writers: Vec<_> = writers.collect();
        let end = End(&is_archived);
        wait_for(&place, &server, 2048);
        drop(end);
        writers.into_iter().map(|writer| writer.join().unwrap()).sum::<i64>()
    });
    assert!(written > 0);
    assert!(server.stop().success());
    let made =
        number(&place, "select count(*) from audit where action = 'update' and seq > 2048 and source = '127.0.0.1'");
    assert_eq!(made, written, "every write that was answered is there");
    is_whole(&place, number(&place, "select max(seq) from audit"));
}

#[test]
fn a_server_that_is_killed_while_it_archives_goes_on_when_it_starts_again() {
    let place = place_with_a_past();
    let before = number(&place, "select max(seq) from audit");
    let mut reached = 0;
    for part in [1, 1, 400, 1_000, 1_700] {
        let server = place.serve_with(&KEEP_A_DAY);
        reached = wait_for(&place, &server, part.max(reached));
        server.kill();
        assert!(place.run(&["audit", "verify"]).contains("is intact"));
    }
    let server = place.serve_with(&KEEP_A_DAY);
    wait_for(&place, &server, 2048);
    assert!(server.stop().success());
    is_whole(&place, before + 1);
}

#[test]
fn settings_that_say_nothing_that_can_be_done_are_refused() {
    let place = Place::new();
    assert!(place.refused(&["serve", "--audit-keep-days", "0"]).contains("audit_keep_days is 0"));
    assert!(place.refused(&["serve", "--audit-archive-to", "x"]).contains("audit_keep_days is missing"));
}
