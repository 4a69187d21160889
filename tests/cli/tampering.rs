//! `audit verify` and `doctor`: a database changed by hand does not pass for one that was written by the program.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;

use crate::support::place::{is_refused, set_content};
use crate::support::{Place, world};

/// A place whose trail has 9 entries of the import, one of a token, and four of writes: the second made Anna's config
/// what it is, the third Bo's; the last was refused.
fn place_with_writes() -> Place {
    let place = Place::with_world();
    let (token, weak) = (place.token(), place.token_of(world::ANNA));
    let server = place.serve();
    let write = |employee: &str, token: &str, n: i64| {
        server.post(&world::config_path(employee), token, &json!({ "configs": [{ "type": "NUMBER", "n": n }] })).status
    };
    assert_eq!([write(world::ANNA, &token, 1), write(world::ANNA, &token, 2), write(world::BO, &token, 3)], [200; 3]);
    assert_eq!(write(world::BO, &weak, 4), 403);
    assert!(server.stop().success());
    place
}

/// A copy of the place's database after `sql`, run as somebody with sqlite3 would: without the triggers and the foreign
/// keys that are in the way, which are there again afterwards.
pub fn tampered(place: &Place, sql: &str) -> PathBuf {
    let copy = place.path("copy.db");
    let _ = std::fs::remove_file(&copy);
    place.sqlite().execute("vacuum into ?1", [copy.to_str().unwrap()]).unwrap();
    std::fs::set_permissions(&copy, Permissions::from_mode(0o600)).unwrap();
    let conn = rusqlite::Connection::open(&copy).unwrap();
    let triggers: Vec<(String, String)> = {
        let mut statement = conn.prepare("select name, sql from sqlite_schema where type = 'trigger'").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    };
    for (name, _) in &triggers {
        conn.execute_batch(&format!("drop trigger {name}")).unwrap();
    }
    conn.execute_batch(&format!("pragma foreign_keys = off; {sql}")).unwrap();
    for (_, text) in &triggers {
        conn.execute_batch(text).unwrap();
    }
    copy
}

/// What `audit verify` and `doctor` say of a tampered copy, the latter's findings.
fn said_after(place: &Place, sql: &str) -> (String, String) {
    let copy = tampered(place, sql);
    let verified = is_refused(place.command(&["audit", "verify", "--db"]).arg(&copy));
    let doctor = place.command(&["doctor", "--db"]).arg(&copy).output().unwrap();
    assert_eq!(doctor.status.code(), Some(1), "{sql}");
    (verified, String::from_utf8(doctor.stdout).unwrap())
}

/// Both name `what`; the doctor finds it on the audit trail.
fn assert_told(place: &Place, sql: &str, what: &str) {
    let (verified, findings) = said_after(place, sql);
    assert!(verified.contains(what), "{sql}: {verified}");
    let finding = findings.lines().find(|line| line.starts_with("WRONG  audit trail: "));
    assert!(finding.is_some_and(|line| line.contains(what)), "{sql}: {findings}");
}

#[test]
fn an_object_that_was_changed_is_named() {
    let place = place_with_writes();
    let (bakery, anna, bo, sales) = (world::CUSTOMER, world::ANNA, world::BO, world::SALES);
    for (sql, what) in [
        (
            format!("update customers set notes = 'x' where id = '{bakery}'"),
            format!("customers {bakery} differs from audit entry 2"),
        ),
        (
            format!("update employees set access_level = 'ADMIN' where id = '{anna}'"),
            format!("employees {anna} differs from audit entry"),
        ),
        (
            format!("update queues set name = 'Sale' where id = '{sales}'"),
            format!("queues {sales} differs from audit entry 3"),
        ),
        (set_content(anna, "'[]'"), format!("mobile_configs {anna} differs from audit entry 13")),
        (
            format!("update mobile_configs set content = (select content from mobile_configs where id = '{bo}')"),
            format!("mobile_configs {anna} differs from audit entry 13"),
        ),
    ] {
        assert_told(&place, &sql, &what);
    }
}

#[test]
fn an_object_put_in_or_taken_out_is_named() {
    let place = place_with_writes();
    let stranger = "a000000000000000000000ff";
    let insert = format!(
        "insert into queues (id, customer, name, rev, chg) values ('{stranger}', '{}', 'X', 1, 1)",
        world::CUSTOMER
    );
    assert_told(&place, &insert, &format!("queues {stranger} has no audit entry"));
    let delete = format!("delete from mobile_configs where id = '{}'", world::BO);
    assert_told(&place, &delete, &format!("PbxAppMobileConfigs {} is missing: audit entry 14 left it", world::BO));
}

#[test]
fn a_row_that_cannot_be_read_is_named() {
    let place = place_with_writes();
    let (anna, bakery) = (world::ANNA, world::CUSTOMER);
    for (sql, what) in [
        (format!("update customers set limits = '{{\"sipUsageLimit\":\"x\"}}' where id = '{bakery}'"), "customers"),
        (format!("update employees set organization_resellers = '[1]' where id = '{anna}'"), "employees"),
        (set_content(anna, "cast(x'5bff5d' as text)"), "mobile_configs"),
        (format!("update queues set id = upper(id) where id = '{}'", world::SALES), "queues A0"),
    ] {
        let (verified, findings) = said_after(&place, &sql);
        assert!(verified.contains(what) && verified.contains("cannot be read"), "{sql}: {verified}");
        assert!(findings.contains("WRONG  audit trail: "), "{sql}: {findings}");
    }
}

#[test]
fn a_content_that_was_changed_is_found_wherever_it_is_referred_to() {
    let place = place_with_writes();
    let (anna, bo) = (world::ANNA, world::BO);
    // What Anna's config held before its second write: nothing refers to it but the trail.
    let before = "update contents set text = '[1]' where id = (select content_before from audit where seq = 13)";
    assert_told(&place, before, "broken at entry 13");
    let now =
        format!("update contents set text = '[1]' where id = (select content from mobile_configs where id = '{bo}')");
    assert_told(&place, &now, &format!("mobile_configs {bo} differs from audit entry 14"));
    let gone = format!("delete from contents where id = (select content from mobile_configs where id = '{anna}')");
    let (verified, findings) = said_after(&place, &gone);
    assert!(verified.contains("broken at entry 13"), "{verified}");
    assert!(
        findings
            .contains(&format!("WRONG  stored contents: 1 mobile configs refer to content that is not there ({anna})")),
        "{findings}"
    );
}

#[test]
fn a_trail_without_its_newest_entries_or_with_none_is_told() {
    let place = place_with_writes();
    let (anna, bo) = (world::ANNA, world::BO);
    assert_told(&place, "delete from audit where seq > 13", &format!("mobile_configs {bo} differs from audit entry"));
    assert_told(
        &place,
        "delete from audit where seq > 12",
        &format!("mobile_configs {anna} differs from audit entry 12"),
    );
    assert_told(
        &place,
        "delete from audit where seq > 1",
        &format!("customers {} has no audit entry", world::CUSTOMER),
    );
    assert_told(&place, "delete from audit", &format!("customers {} has no audit entry", world::RESELLER));
}

#[test]
fn a_schema_that_is_not_the_program_s_is_told() {
    let place = place_with_writes();
    for (sql, what) in [
        ("drop table audit_objects", "table audit_objects is missing"),
        ("drop table changelog_removed", "table changelog_removed is missing"),
        ("drop table credentials", "table credentials is missing"),
        ("drop view feed", "view feed is missing"),
        ("create table mine (x)", "table mine does not belong there"),
        (
            "drop index queues_customer; create index queues_customer on queues (customer)",
            "index queues_customer is not as it was made",
        ),
    ] {
        let (verified, findings) = said_after(&place, sql);
        assert!(verified.contains(what), "{sql}: {verified}");
        assert!(findings.contains(&format!("WRONG  schema: {what}")), "{sql}: {findings}");
    }
    place.sqlite().execute_batch("drop trigger employees_update").unwrap();
    for tool in [["audit", "verify"].as_slice(), &["doctor"]] {
        let output = place.on_db(tool).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!output.status.success() && said.contains("trigger employees_update is missing"), "{said}");
    }
}

#[test]
fn what_was_changed_by_hand_is_adopted_on_purpose_only() {
    let place = place_with_writes();
    let by_hand = format!(
        "drop trigger mobile_configs_update; drop trigger mobile_configs_delete; drop trigger queues_update;
        {};
        delete from mobile_configs where id = 'e00000000000000000000003';
        update queues set name = 'By hand' where id = 'a00000000000000000000001';",
        set_content("e00000000000000000000002", "'[]'")
    );
    place.sqlite().execute_batch(&by_hand).unwrap();
    assert!(place.refused(&["doctor"]).contains("2 of "), "the schema, and the objects");
    let high: i64 = place.sqlite().query_row("select high from feed", [], |row| row.get(0)).unwrap();
    let said = place.run(&["doctor", "--adopt"]);
    assert_eq!((said.matches("adopted: ").count(), said.matches("put back: ").count()), (3, 3), "{said}");
    assert!(!said.contains("WRONG"), "{said}");
    let due: i64 = place
        .sqlite()
        .query_row(
            "select (select count(*) from mobile_configs where chg > ?1) + (select count(*) from queues where chg > ?1)
                + (select count(*) from tombstones where chg > ?1)",
            [high],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(due, 3, "each is to be mirrored");
    assert!(!place.run(&["doctor", "--adopt"]).contains("adopted"), "there is nothing left to adopt");
    // What cannot be adopted does not keep the rest from being.
    let by_hand = "drop trigger queues_update; drop trigger queues_delete;
        update queues set name = 'Again' where id = 'a00000000000000000000001';
        delete from queues where id = 'a00000000000000000000002';";
    place.sqlite().execute_batch(by_hand).unwrap();
    let output = place.on_db(&["doctor", "--adopt"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!((said.matches("adopted: ").count(), said.matches("left as it is: ").count()), (1, 1), "{said}");
    assert!(!output.status.success() && said.contains("never deleted"), "{said}");
}

#[test]
fn an_edit_of_a_content_by_hand_fails() {
    let place = place_with_writes();
    let by_hand = rusqlite::Connection::open(place.db()).unwrap();
    for sql in ["update contents set text = '[1]'", "delete from contents"] {
        let error = by_hand.execute_batch(sql).unwrap_err().to_string();
        assert!(error.contains("written_by_telecomx_local_only"), "{sql}: {error}");
    }
}
