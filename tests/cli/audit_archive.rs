//! `audit archive`: what is in the file, what stays in the database, and what is noticed of both.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::place::{is_refused, succeeds};
use crate::support::trace::is_killed_at;
use crate::support::{Place, needs, world};

/// Later than everything in a test.
const LATER: &str = "2999-01-01";

/// A place whose trail has more than two runs of entries, all of them old enough.
fn place_with_runs() -> Place {
    let place = Place::new();
    place.import(&world::small());
    let document = place.path("world.json");
    succeeds(place.command(&["generate", "--employees", "650"]).arg(&document));
    succeeds(place.command(&["import", "--db"]).arg(place.db()).arg(&document));
    assert!((2051..3072).contains(&entries(&place)));
    place
}

fn entries(place: &Place) -> i64 {
    place.sqlite().query_row("select max(seq) from audit", [], |row| row.get(0)).unwrap()
}

fn first_entry(db: &Path) -> i64 {
    rusqlite::Connection::open(db).unwrap().query_row("select min(seq) from audit", [], |row| row.get(0)).unwrap()
}

fn archive(place: &Place, name: &str) -> PathBuf {
    let file = place.path(name);
    let said = succeeds(place.on_db(&["audit", "archive", "--before", LATER]).arg(&file));
    assert!(said.starts_with("audit entries "), "{said}");
    file
}

/// The lines of an archive, as whoever has no telecomx-local reads them.
fn lines(file: &Path) -> Vec<Value> {
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
    assert!(page["archived"]["file"].is_null(), "where it is is for whoever administers the server");
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
fn a_file_that_differs_in_one_byte_is_refused_wherever_that_is() {
    let place = place_with_runs();
    let whole = std::fs::read(archive(&place, "first.jsonl.zst")).unwrap();
    let changed = place.path("changed.jsonl.zst");
    let end = whole.len() - 1;
    for at in (0..end).step_by(whole.len() / 60).chain(end - 45..=end) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&changed, bytes).unwrap();
        let sentence = is_refused(place.command(&["audit", "verify"]).arg(&changed));
        assert!(sentence.contains("its checksum does not fit"), "{at}: {sentence}");
    }
    for length in [0, 1, 39, 40, 41, whole.len() / 2, end] {
        std::fs::write(&changed, &whole[..length]).unwrap();
        assert!(is_refused(place.command(&["audit", "verify"]).arg(&changed)).contains("is no archive"), "{length}");
    }
    let sentence = is_refused(place.command(&["audit", "verify"]).arg(place.path("absent")));
    assert!(sentence.contains("cannot be read"), "{sentence}");
}

#[test]
fn what_is_changed_by_hand_behind_an_archive_is_noticed() {
    let place = place_with_runs();
    archive(&place, "first.jsonl.zst");
    let verdict_after = |sql: &str| {
        let copy = place.path("tampered.db");
        let _ = std::fs::remove_file(&copy);
        place.sqlite().execute("vacuum into ?1", [copy.to_str().unwrap()]).unwrap();
        let conn = rusqlite::Connection::open(&copy).unwrap();
        let of_all = |column: &str| -> String {
            let sql = format!("select group_concat({column}, ';') from sqlite_schema where type = 'trigger'");
            conn.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let (drop, make) = (of_all("'drop trigger ' || name"), of_all("sql"));
        conn.execute_batch(&drop).unwrap();
        assert!(conn.execute(sql, []).unwrap() > 0, "{sql} changed nothing");
        conn.execute_batch(&make).unwrap();
        is_refused(place.command(&["audit", "verify", "--db"]).arg(copy))
    };
    for sql in [
        "update audit_segments set digest = randomblob(32)",
        "update audit_segments set hash = randomblob(32)",
        "update audit_segments set last = last - 1",
        "update audit_segments set until = until + 1",
        "delete from audit_segments",
        "update audit_start set seq = seq - 1",
        "update audit_start set (seq, hash) = (select seq, hash from audit where seq = 2050)",
        "update audit_start set hash = randomblob(32)",
        "update audit_segments set left = randomblob(32)",
        "insert into audit_segments select 1024, hash, until, file, digest, left from audit_segments",
        "update audit_left set digest = randomblob(32) where object = (select max(object) from audit_left)",
        "delete from audit_left where object = (select max(object) from audit_left)",
        "delete from audit where seq = 2049",
        "insert into audit select 7, at, actor, actor_name, impersonator, source, request, operation, action, outcome, section, object, customer,
            description, hash, content_before, content_after, digest_before, digest_after, before from audit where seq = 2050",
    ] {
        assert!(verdict_after(sql).contains("the audit trail is broken at entry"), "{sql}");
    }
    // An object whose entries are all archived is still compared with what they left of it.
    let sentence = verdict_after(
        "update employees set name = 'Somebody else' where id = (select object from audit_left where place = 'employees' limit 1)",
    );
    assert!(sentence.contains("differs from audit entry"), "{sentence}");
    for (sql, why) in [
        ("delete from audit_start", "where the audit trail begins was removed by hand"),
        ("update audit_left set place = 'queues' where place = 'employees'", "entries left was changed by hand"),
    ] {
        assert!(verdict_after(sql).contains(why), "{sql}");
    }
    // Only what is in a file may be removed.
    let error = place.sqlite().execute("delete from audit where seq = 2049", []).unwrap_err().to_string();
    assert!(error.contains("append-only"), "{error}");
}

/// An archive of the same form with other lines, sealed anew by somebody who knows the form.
fn forged(lines: &[Value]) -> Vec<u8> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut bytes = zstd::encode_all(text.as_bytes(), 9).unwrap();
    let seal = telecomx_local::domain::audit::digest(&bytes);
    bytes.extend([0x50, 0x2a, 0x4d, 0x18, 32, 0, 0, 0]);
    bytes.extend(seal);
    bytes
}

#[test]
fn a_file_that_somebody_wrote_anew_is_not_taken_for_the_archive() {
    let place = place_with_runs();
    let untouched = place.path("untouched.db");
    place.sqlite().execute("vacuum into ?1", [untouched.to_str().unwrap()]).unwrap();
    std::fs::set_permissions(&untouched, std::fs::Permissions::from_mode(0o600)).unwrap();
    let whole = lines(&archive(&place, "first.jsonl.zst"));
    let mut without_content = whole.clone();
    without_content.retain(|line| line.get("content").is_none());
    let mut later = whole.clone();
    later[0]["until"] = "1999-01-01T00:00:00.000Z".into();
    let mut empty = whole[..1].to_vec();
    empty[0]["first"] = 2049.into();
    let mut below = whole[..1].to_vec();
    below[0]["first"] = i64::MIN.into();
    let mut more = whole.clone();
    more.insert(1, serde_json::json!({ "content": "[1]" }));
    let mut other_form = whole.clone();
    other_form[0]["telecomxLocalAudit"] = 99.into();
    for (lines, why) in [
        (&later, "is not the one that it names"),
        (&empty, "it holds no entries"),
        (&below, "it holds no entries"),
        (&more, "content that belongs to no entry"),
        (&other_form, "written by a newer program"),
    ] {
        let file = place.put("forged.jsonl.zst", forged(lines));
        assert!(is_refused(place.command(&["audit", "verify"]).arg(file)).contains(why), "{why}");
    }
    // By itself it proves: the database knows better.
    let last = whole.len() - 1;
    let mut described = whole.clone();
    described[last]["before"] = Value::Null;
    for lines in [&without_content, &described] {
        let file = place.put("forged.jsonl.zst", forged(lines));
        is_refused(place.on_db(&["audit", "verify", "--and-database"]).arg(&file));
        let mut archive = place.command(&["audit", "archive", "--before", LATER, "--db"]);
        assert!(is_refused(archive.arg(&untouched).arg(&file)).contains("is not the archive of entries"));
    }
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
            // Whole as it is, whether its removal has come to its end or not. A write that was cut off is undone by whoever comes next.
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
