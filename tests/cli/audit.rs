//! `audit verify`: every kind of tampering is named at the right entry.

use serde_json::json;

use crate::support::place::is_refused;
use crate::support::{Place, world};

/// A place whose trail has 9 entries of the import, one of a token, and `writes` more of an employee's work,
/// a refused one after each third.
fn place_with_trail(writes: usize) -> Place {
    let place = Place::with_world();
    let (token, weak) = (place.token(), place.token_of(world::ANNA));
    let server = place.serve();
    for n in 1..=writes {
        let body = json!({ "configs": [{ "type": "NUMBER", "n": n }] });
        assert_eq!(server.post(&world::config_path(world::ANNA), &token, &body).status, 200);
        if n % 3 == 0 {
            assert_eq!(server.post(&world::config_path(world::BO), &weak, &body).status, 403);
        }
    }
    assert!(server.stop().success());
    place
}

/// Does `sql` to a copy of the place's database, triggers out of the way; gives what `audit verify` says of it.
fn verdict_after(place: &Place, name: &str, sql: &str) -> String {
    let copy = place.path(name);
    place.sqlite().execute("vacuum into ?1", [copy.to_str().unwrap()]).unwrap();
    let conn = rusqlite::Connection::open(&copy).unwrap();
    conn.execute_batch("drop trigger audit_no_update; drop trigger audit_no_delete").unwrap();
    assert!(conn.prepare(sql).unwrap().execute([]).unwrap() > 0, "{sql} changed nothing");
    is_refused(place.command(&["audit", "verify", "--db"]).arg(copy))
}

#[test]
fn a_long_trail_is_intact() {
    let place = place_with_trail(60);
    let said = place.run(&["audit", "verify"]);
    assert!(said.starts_with("the audit trail is intact: 91 entries, head "), "{said}");
    let head = said.trim_end().rsplit(' ').next().unwrap();
    let stored: String = place
        .sqlite()
        .query_row("select lower(hex(hash)) from audit order by seq desc limit 1", [], |row| row.get(0))
        .unwrap();
    assert_eq!(head, stored);
}

#[test]
fn every_changed_column_is_named_at_its_entry() {
    let place = place_with_trail(6);
    let changes = [
        "at = at + 1",
        "actor = 'e00000000000000000000009'",
        "actor = null",
        "actor_name = 'Somebody else'",
        "impersonator = actor",
        "source = '10.0.0.1'",
        "request = 'another'",
        "operation = 'another'",
        "action = 'copy'",
        "outcome = 'refused'",
        "section = 'Employees'",
        "object = 'e00000000000000000000003'",
        "customer = null",
        "description = description || ' '",
        "before = '[]'",
        "digest_before = zeroblob(32)",
        "digest_after = zeroblob(32)",
        "content_before = null",
        "content_before = content_after",
        "content_before = 1000",
        "content_after = null",
        "content_after = content_before",
        "content_after = 1000",
        "hash = zeroblob(32)",
    ];
    // An entry of an employee: what that held before stands in the entry.
    let changes_of_text = [
        "before = '[]'",
        "before = null",
        "digest_before = zeroblob(32)",
        "digest_before = null, before = null",
        "digest_after = zeroblob(32)",
        "digest_after = null",
        "content_before = 1",
        "content_after = 1",
    ];
    let changes = changes.map(|change| (13, change)).into_iter().chain(changes_of_text.map(|change| (10, change)));
    for (i, (entry, change)) in changes.enumerate() {
        let sentence =
            verdict_after(&place, &format!("copy-{i}.db"), &format!("update audit set {change} where seq = {entry}"));
        assert!(sentence.contains(&format!("the audit trail is broken at entry {entry}: ")), "{change}: {sentence}");
    }
}

#[test]
fn a_change_of_letter_case_only_is_named() {
    let place = place_with_trail(6);
    let texts =
        ["actor", "actor_name", "operation", "request", "action", "section", "object", "customer", "description"];
    for (column, entry) in texts.map(|column| (column, 13)).into_iter().chain([("before", 10)]) {
        let sql =
            format!("update audit set {column} = upper({column}) where seq = {entry} and upper({column}) <> {column}");
        let sentence = verdict_after(&place, &format!("{column}.db"), &sql);
        assert!(sentence.contains(&format!("the audit trail is broken at entry {entry}: ")), "{column}: {sentence}");
    }
}

#[test]
fn entries_taken_out_put_in_or_moved_are_named() {
    let place = place_with_trail(6);
    let all = "at, actor, actor_name, impersonator, source, request, operation, action, outcome, section, object,
        customer, description, before, digest_before, digest_after, content_before, content_after, hash";
    let cases = [
        ("delete from audit where seq = 13".to_owned(), 13),
        ("delete from audit where seq = 1".to_owned(), 1),
        ("delete from audit where seq < 5".to_owned(), 1),
        ("update audit set seq = seq - 100 where seq = 1".to_owned(), 1),
        (format!("insert into audit (seq, {all}) select 20, {all} from audit where seq = 13"), 20),
        ("update audit set seq = 50 where seq = 19".to_owned(), 19),
    ];
    for (i, (sql, entry)) in cases.iter().enumerate() {
        let sentence = verdict_after(&place, &format!("copy-{i}.db"), sql);
        assert!(sentence.contains(&format!("the audit trail is broken at entry {entry}: ")), "{sql}: {sentence}");
    }
}

#[test]
fn an_entry_taken_out_with_the_rest_moved_up_is_named() {
    let place = place_with_trail(6);
    let copy = place.path("moved.db");
    place.sqlite().execute("vacuum into ?1", [copy.to_str().unwrap()]).unwrap();
    let conn = rusqlite::Connection::open(&copy).unwrap();
    conn.execute_batch(
        "drop trigger audit_no_update; drop trigger audit_no_delete; delete from audit where seq = 13;
         update audit set seq = -seq where seq > 13; update audit set seq = -seq - 1 where seq < 0",
    )
    .unwrap();
    let sentence = is_refused(place.command(&["audit", "verify", "--db"]).arg(&copy));
    assert!(sentence.contains("broken at entry 13: "), "{sentence}");
    // The doctor sees it too, and says so among its findings.
    let output = place.command(&["doctor", "--db"]).arg(&copy).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("WRONG  audit trail: broken at entry 13"));
}

#[test]
fn a_tail_of_attempts_that_is_cut_off_shows_in_the_head_only() {
    let place = place_with_trail(6);
    let said = place.run(&["audit", "verify"]);
    let conn = place.sqlite();
    let trigger: String =
        conn.query_row("select sql from sqlite_schema where name = 'audit_no_delete'", [], |row| row.get(0)).unwrap();
    // The last was refused: no object tells of it.
    conn.execute_batch(&format!("drop trigger audit_no_delete; delete from audit where seq > 18; {trigger}")).unwrap();
    let cut = place.run(&["audit", "verify"]);
    assert!(cut.contains("18 entries") && said.contains("19 entries"), "{cut} {said}");
    assert_ne!(cut.rsplit(' ').next(), said.rsplit(' ').next());
}

#[test]
fn the_trail_only_grows() {
    let place = place_with_trail(1);
    let conn = place.sqlite();
    for sql in ["update audit set description = ''", "delete from audit", "update audit set seq = 99 where seq = 1"] {
        let error = conn.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("the audit trail is append-only"), "{sql}: {error}");
    }
    place.run(&["audit", "verify"]);
}

#[test]
fn an_edit_of_a_mirrored_row_by_hand_fails_loudly() {
    let place = Place::with_world();
    let conn = place.sqlite();
    for table in ["customers", "employees", "queues", "mobile_configs"] {
        let edits = [
            format!("update {table} set rev = rev + 1"),
            format!("update {table} set chg = chg + 1"),
            format!("insert into {table} select * from {table} limit 1"),
            format!("delete from {table}"),
        ];
        for sql in edits {
            let error = conn.execute(&sql, []).unwrap_err().to_string();
            assert!(error.contains("no such function: written_by_telecomx_local_only"), "{sql}: {error}");
        }
    }
    place.run(&["doctor"]);
}
