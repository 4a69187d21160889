//! `audit archive`: what is in the file, what stays in the database, and what is noticed of both.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::mirror_pair::HubPlace;
use crate::support::place::{is_refused, succeeds};
use crate::support::trace::is_killed_at;
use crate::support::{Place, needs, world};

/// Later than everything in a test.
pub const LATER: &str = "2999-01-01";

/// A place whose trail has more than two runs of entries, all of them old enough.
pub fn place_with_runs() -> Place {
    let place = Place::new();
    place.import(&world::small());
    let document = place.path("world.json");
    succeeds(place.command(&["generate", "--employees", "650"]).arg(&document));
    succeeds(place.command(&["import", "--db"]).arg(place.db()).arg(&document));
    assert!((2051..3072).contains(&entries(&place)));
    place
}

pub fn entries(place: &Place) -> i64 {
    place.sqlite().query_row("select max(seq) from audit", [], |row| row.get(0)).unwrap()
}

pub fn first_entry(db: &Path) -> i64 {
    rusqlite::Connection::open(db).unwrap().query_row("select min(seq) from audit", [], |row| row.get(0)).unwrap()
}

pub fn archive(place: &Place, name: &str) -> PathBuf {
    let file = place.path(name);
    let said = succeeds(place.on_db(&["audit", "archive", "--before", LATER]).arg(&file));
    assert!(said.starts_with("audit entries "), "{said}");
    file
}

/// The lines of an archive, decompressed with zstd alone.
pub fn lines(file: &Path) -> Vec<Value> {
    let text = zstd::decode_all(std::fs::File::open(file).unwrap()).unwrap();
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn numbers(lines: &[Value]) -> BTreeSet<i64> {
    lines.iter().filter_map(|line| line["seq"].as_i64()).collect()
}

#[test]
fn the_older_part_goes_to_a_file_and_the_trail_is_proved_across_both() {
    let place = place_with_runs();
    let before = entries(&place);
    let exported = place.run(&["export"]);
    let file = archive(&place, "first.jsonl.zst");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(first_entry(&place.db()), 2049);
    assert_eq!(entries(&place), before + 1, "one entry vouches for the archive");
    assert_eq!(numbers(&lines(&file)), (1..=2048).collect());
    assert_eq!(place.run(&["export"]), exported);

    let said = place.run(&["audit", "verify"]);
    assert!(said.contains(&format!("{} entries", before + 1)) && said.contains("entries up to 2048"), "{said}");
    let said = succeeds(place.command(&["audit", "verify"]).arg(&file));
    assert_eq!(said.trim(), "the archive is intact: entries 1 to 2048");
    let said = succeeds(place.on_db(&["audit", "verify", "--and-database"]).arg(&file));
    assert!(said.contains("goes on there"), "{said}");
    place.run(&["doctor"]);

    // The change log and the audit log say where the rest is.
    let output = place.on_db(&["audit", "log", "--limit", "1"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("older entries") && told.contains("first.jsonl.zst"), "{told}");
    let token = place.token();
    let server = place.serve();
    let page = server.get("/local/audit?limit=1", &token).body;
    assert_eq!(page["archived"]["entries"], 2048);
    assert!(page["archived"]["file"].is_null(), "only an ADMIN is told where the file is");
    let page = server.get(&format!("/log/changelog/customer/{}", world::CUSTOMER), &token).body;
    assert!(page["archivedUntil"].is_string(), "{page}");
    assert!(server.stop().success());
}

#[test]
fn there_is_nothing_to_archive_until_a_run_is_full_and_old_enough() {
    let place = Place::with_world();
    let file = place.path("none.jsonl.zst");
    let say = |place: &Place, before: &str| succeeds(place.on_db(&["audit", "archive", "--before", before]).arg(&file));
    assert!(say(&place, LATER).contains("the run behind entry 0 is not full yet"));
    let place = place_with_runs();
    assert!(
        say(&place, "2001-01-01")
            .contains("nothing was archived: entries go in runs of 1024, and that from entry 1 on has one of")
    );
    assert!(!file.exists());
    archive(&place, "first.jsonl.zst");
    assert!(say(&place, LATER).contains("the run behind entry 2048 is not full yet"));
}

#[test]
fn archives_are_a_chain_and_one_that_is_missing_is_noticed() {
    let place = place_with_runs();
    let first = archive(&place, "first.jsonl.zst");
    let grow = |place: &Place, seed: &str| {
        let document = place.path("more.json");
        succeeds(place.command(&["generate", "--employees", "650", "--seed", seed]).arg(&document));
        succeeds(place.command(&["import", "--db"]).arg(place.db()).arg(&document));
    };
    grow(&place, "2");
    let second = archive(&place, "second.jsonl.zst");
    grow(&place, "3");
    let third = archive(&place, "third.jsonl.zst");
    let verify = |files: &[&PathBuf]| {
        let mut command = place.on_db(&["audit", "verify", "--and-database"]);
        command.args(files);
        command
    };
    assert!(succeeds(&mut verify(&[&third, &first, &second])).contains("goes on there"));
    assert!(is_refused(&mut verify(&[&first, &third])).contains("does not go on there"));
    assert!(is_refused(&mut verify(&[&first, &second])).contains("name that file too"));
    assert!(place.run(&["audit", "verify"]).contains("third.jsonl.zst"));
    let other = place_with_runs();
    let foreign = other.path("first.jsonl.zst");
    succeeds(other.on_db(&["audit", "archive", "--before", LATER]).arg(&foreign));
    assert!(is_refused(&mut verify(&[&foreign])).contains("is not what"));
    assert!(is_refused(&mut verify(&[&first, &first])).contains("leave one of them out"));
}

#[test]
fn a_broken_trail_is_not_archived_and_no_other_file_is_taken_for_the_archive() {
    let place = place_with_runs();
    let refused = |file: &Path| is_refused(place.on_db(&["audit", "archive", "--before", LATER]).arg(file));
    let taken = place.put("taken", "mine");
    assert!(refused(&taken).contains("is there already, and is not the archive of entries 1 to 2048"));
    assert_eq!(std::fs::read(&taken).unwrap(), b"mine");
    assert!(refused(&place.db()).contains("is part of the database"));
    let pipe = place.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(refused(&pipe).contains("it is no regular file"));
    assert!(is_refused(place.command(&["audit", "verify"]).arg(&pipe)).contains("is no regular file"));
    assert!(refused(&place.path("no/folder/file")).contains("cannot be written, and nothing was archived"));
    place
        .sqlite()
        .execute_batch("drop trigger audit_no_update; update audit set description = 'x' where seq = 9")
        .unwrap();
    let sentence = refused(&place.path("new"));
    assert!(
        sentence.contains("the audit trail is broken at entry 9") && sentence.contains("nothing was archived"),
        "{sentence}"
    );
    assert!(!place.path("new").exists());
    assert_eq!(first_entry(&place.db()), 1);
}

#[test]
fn killed_anywhere_nothing_is_lost_and_nothing_is_there_twice() {
    if !needs("strace") {
        return;
    }
    let prepared = place_with_runs();
    let all = entries(&prepared);
    for (calls, step) in
        [("fsync,fdatasync", 7), ("?rename,?renameat,renameat2,?unlink,unlinkat", 9), ("pwrite64,write", 197)]
    {
        for n in (1..).step_by(step) {
            let place = Place::new();
            std::fs::copy(prepared.db(), place.db()).unwrap();
            let file = place.path("first.jsonl.zst");
            let mut tool = place.on_db(&["audit", "archive", "--before", LATER]);
            tool.arg(&file);
            let is_killed = is_killed_at(&tool, calls, n);
            // The trail is whole, whether or not all entries were removed. The next process that opens the database undoes a write that was cut off.
            let first = first_entry(&place.db());
            let said = place.run(&["audit", "verify"]);
            assert!(said.starts_with("the audit trail is intact"), "{calls} {n}: {said}");
            assert!(first == 1 || numbers(&lines(&file)) == (1..=2048).collect(), "{calls} {n}: {first}");
            // The same command goes on.
            succeeds(&mut tool);
            succeeds(place.on_db(&["audit", "verify", "--and-database"]).arg(&file));
            assert_eq!((first_entry(&place.db()), entries(&place)), (2049, all + 1), "{calls} {n}");
            if !is_killed {
                break;
            }
        }
    }
}

#[test]
fn of_a_mirrored_server_what_the_hub_has_seen_is_archived_and_the_hub_still_notices_a_trail_that_was_cut() {
    let (hub_place, place) = (HubPlace::new(), place_with_runs());
    let hub = hub_place.start();
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    let file = place.path("first.jsonl.zst");
    let archived = || succeeds(place.on_db(&["audit", "archive", "--before", LATER]).arg(&file));
    let said = archived();
    assert!(said.contains("nothing was archived: the hub has seen entries up to 0 only"), "{said}");
    // The second exchange tells the hub of the head that the first has reached.
    for _ in 0..2 {
        place.run(&["sync", "run"]);
    }
    assert!(archived().starts_with("audit entries 1 to 2048"));
    place.run(&["sync", "run"]);
    assert_eq!((&hub.only()["auditDiffers"], &hub.only()["consistent"]), (&false.into(), &true.into()));
    place
        .sqlite()
        .execute_batch("drop trigger audit_no_delete; delete from audit where seq = (select max(seq) from audit)")
        .unwrap();
    place.on_db(&["sync", "run"]).output().unwrap();
    assert_eq!(hub.only()["auditDiffers"], true);
    assert!(hub.server.stop().success());
}
