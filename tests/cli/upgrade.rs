//! An upgrade of the database: copied first, whole at every point, and taken back by `rollback`.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::mirror_pair::{HubPlace, is_proved, mirrored, sync, world_with_operator};
use crate::support::disk::SmallDisk;
use crate::support::older::{self, OLDER, schema_of};
use crate::support::place::{Ended, is_refused, succeeds};
use crate::support::trace::{is_full_from, is_killed_at};
use crate::support::{Place, needs, world};

const NEWEST: i32 = telecomx_local::db::SCHEMA_VERSION;

fn copy(place: &Place) -> PathBuf {
    place.path(&format!("telecomx.db.schema-{OLDER}"))
}

/// The databases that rollbacks have replaced.
fn replaced(place: &Place) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place.folder()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains("-replaced-")).collect()
}

fn write(place: &Place, arguments: &[&str]) {
    let token = place.token();
    let server = place.serve_with(arguments);
    let body = json!({ "configs": [{ "type": "LATER", "data": "after the upgrade" }] });
    assert_eq!(server.post(&world::config_path(world::ANNA), &token, &body).status, 200);
    assert!(server.stop().success());
}

#[test]
fn the_database_is_copied_first_and_rollback_returns_to_the_copy_and_keeps_the_newer_one() {
    let place = older::place();
    write(&place, &["--new-key"]);
    assert_eq!((schema_of(&place.db()), schema_of(&copy(&place))), (NEWEST, OLDER));
    let name = copy(&place).file_name().unwrap().to_str().unwrap().to_owned();
    assert!(String::from_utf8_lossy(&place.on_db(&["doctor"]).output().unwrap().stdout).contains(&name));
    let screen = String::from_utf8(place.on_db(&["status"]).output().unwrap().stdout).unwrap();
    assert!(screen.contains("1 from before an upgrade"), "{screen}");

    let said = place.run(&["rollback"]);
    assert!(said.contains(&format!("is back at schema {OLDER}")), "{said}");
    assert!(said.contains("1 of PbxAppMobileConfigs") && said.contains("audit log --db "), "{said}");
    assert!(said.contains("start the program of before the upgrade"), "{said}");
    assert_eq!(schema_of(&place.db()), OLDER);
    let [kept] = &replaced(&place)[..] else { panic!("{:?}", replaced(&place)) };
    assert!(!copy(&place).exists() && said.contains(kept.to_str().unwrap()), "{said}");
    let log = succeeds(place.command(&["audit", "log", "--limit", "2", "--db"]).arg(kept));
    assert!(log.contains("PbxAppMobileConfigs"), "{log}");
    let held = succeeds(place.command(&["export", "--db"]).arg(kept));
    assert!(held.contains("after the upgrade"));
    assert!(place.refused(&["rollback"]).contains("there is no copy of"), "there is nothing older");

    // And forward again.
    assert!(place.serve().stop().success());
    assert_eq!((schema_of(&place.db()), schema_of(&copy(&place))), (NEWEST, OLDER));
    assert_eq!(place.run(&["export"]), older::export());
    assert_eq!(replaced(&place).len(), 1, "what was replaced stays until somebody removes it");
    let json: Value = serde_json::from_str(&place.run(&["rollback", "--json"])).unwrap();
    assert_eq!((&json["schema"], &json["written"]["entries"]), (&json!(OLDER), &json!(0)), "{json}");
    assert_eq!(replaced(&place).len(), 2);
}

#[test]
fn a_rollback_is_refused_beside_a_server_without_a_copy_and_to_a_damaged_one() {
    let place = older::place();
    let server = place.serve_with(&["--new-key"]);
    assert!(place.refused(&["rollback"]).contains("in use by a running telecomx-local"));
    assert!(server.stop().success());
    assert!(place.refused(&["rollback", "--to-schema", "3"]).contains("no copy"));
    let whole = std::fs::read(copy(&place)).unwrap();
    let mut damaged = whole.clone();
    damaged[8_192..16_384].fill(0xaa);
    std::fs::write(copy(&place), damaged).unwrap();
    let sentence = place.refused(&["rollback"]);
    assert!(sentence.contains("damaged") || sentence.contains("malformed"), "{sentence}");
    assert_eq!(schema_of(&place.db()), NEWEST);
    std::fs::write(copy(&place), whole).unwrap();
    place.run(&["rollback"]);
}

#[test]
fn a_rollback_that_was_cut_off_between_its_steps_loses_nothing() {
    let place = older::place();
    write(&place, &["--new-key"]);
    let (db, copied) = (place.db(), copy(&place));
    let newer = std::fs::read(&db).unwrap();
    // As right after the exchange of the two: each has the other's name.
    let older = std::fs::read(&copied).unwrap();
    std::fs::write(&copied, &newer).unwrap();
    std::fs::write(&db, older).unwrap();
    assert!(place.serve().stop().success());
    assert_eq!((schema_of(&db), schema_of(&copied)), (NEWEST, OLDER));
    let [kept] = &replaced(&place)[..] else { panic!("{:?}", replaced(&place)) };
    assert_eq!(std::fs::read(kept).unwrap(), newer);
    // As where the file system has no exchange, between the two renames.
    std::fs::rename(&db, place.path("telecomx.db.schema-8-replaced-now")).unwrap();
    assert!(place.run(&["rollback"]).contains("is back at schema"));
    assert_eq!(schema_of(&db), OLDER);
}

#[test]
fn the_database_of_a_server_is_not_rolled_back_as_the_store_of_a_hub() {
    let place = older::place();
    place.run(&["token", "create", "--employee", world::MANAGER]);
    let store = format!("sqlite:{}", place.db().display());
    let said = is_refused(&mut place.command(&["hub", "rollback", "--store", &store]));
    assert!(said.contains("is the database of a server, and no store of a hub: nothing was changed"), "{said}");
    assert_eq!(schema_of(&place.db()), NEWEST);
}

/// Asserts that the database is the old one or the new one after an upgrade that was cut off, and that the next start brings it to the end.
fn is_old_or_new(place: &Place, schema: i32, entries: i64, when: &str) {
    let conn = place.sqlite();
    let found: (i32, i64) = (
        conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap(),
        conn.query_row("select count(*) from audit", [], |row| row.get(0)).unwrap(),
    );
    assert!([schema, NEWEST].contains(&found.0), "{when}: {found:?}");
    assert!(found.1 == entries || found == (NEWEST, entries + 1), "{when}: {found:?}");
    if found.0 == NEWEST {
        let copy = place.path(&format!("telecomx.db.schema-{schema}"));
        let sound: String = rusqlite::Connection::open(&copy)
            .unwrap()
            .query_row("pragma integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!((sound.as_str(), schema_of(&copy)), ("ok", schema), "{when}");
    }
    drop(conn);
    place.run(&["token", "create", "--employee", world::MANAGER]);
    assert_eq!(place.run(&["export"]), older::export_of(schema), "{when}");
    let left = std::fs::read_dir(place.folder()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().ends_with(".part")), "{when}");
    place.run(&["audit", "verify"]);
}

/// Upgrades databases of `schema`, cut off at every `step`th of `calls` by `cut_off`.
fn upgrade_cut_off(schema: i32, calls: &str, step: usize, cut_off: fn(&Command, &str, usize) -> bool) {
    for n in (1..).step_by(step) {
        let place = older::place_of(schema);
        let entries = place.sqlite().query_row("select count(*) from audit", [], |row| row.get(0)).unwrap();
        let tool = place.on_db(&["token", "create", "--employee", world::MANAGER]);
        let is_cut_off = cut_off(&tool, calls, n);
        is_old_or_new(&place, schema, entries, &format!("{schema} {calls} {n}"));
        if !is_cut_off {
            break;
        }
    }
}

/// The schema before content was kept once: the upgrade that writes the most.
const BEFORE_CONTENTS: i32 = 8;

#[test]
fn killed_anywhere_the_file_is_the_old_one_or_the_new_one() {
    if !needs("strace") {
        return;
    }
    // Each flush and each change of a name, and every so often a write of a page.
    for schema in [BEFORE_CONTENTS, OLDER] {
        upgrade_cut_off(schema, "fsync,fdatasync", 1, is_killed_at);
        upgrade_cut_off(schema, "?rename,?renameat,renameat2,?unlink,unlinkat", 1, is_killed_at);
        upgrade_cut_off(schema, "pwrite64", 29, is_killed_at);
    }
}

#[test]
fn on_a_disk_that_fills_up_anywhere_the_file_is_the_old_one_or_the_new_one() {
    if !needs("strace") {
        return;
    }
    for schema in [BEFORE_CONTENTS, OLDER] {
        upgrade_cut_off(schema, "pwrite64", 31, is_full_from);
    }
}

#[test]
fn without_room_for_the_copy_nothing_is_upgraded_and_the_sentence_says_what_is_needed() {
    if !needs("mount") {
        return;
    }
    let place = older::place();
    let disk = SmallDisk::at(place.path("disk"), "8m");
    let db = disk.path().join("telecomx.db");
    std::fs::copy(place.db(), &db).unwrap();
    let length = std::fs::metadata(&db).unwrap().len();
    let ballast = disk.fill();
    let filled = std::fs::metadata(&ballast).unwrap().len();
    std::fs::File::options().write(true).open(&ballast).unwrap().set_len(filled - length / 2 - 500_000).unwrap();
    let tool = || {
        let mut command = place.command(&["token", "create", "--employee", world::MANAGER, "--db"]);
        command.arg(&db);
        command
    };
    let sentence = is_refused(&mut tool());
    assert!(sentence.contains("is copied before it is upgraded") && sentence.contains("make room"), "{sentence}");
    assert_eq!(schema_of(&db), OLDER);
    assert!(!disk.path().join(format!("telecomx.db.schema-{OLDER}")).exists());
    std::fs::remove_file(ballast).unwrap();
    tool().output().unwrap().stdout_of_success();
    assert_eq!(schema_of(&db), NEWEST);
}

#[test]
fn a_hub_sees_a_rollback_as_a_restore_and_keeps_what_was_written_since() {
    let (hub_place, hub, place, operator) = mirrored(&world_with_operator(0));
    let epoch = hub.only()["epoch"].as_i64().unwrap();
    older::take_back_newest_migration(&place.db());

    let token = place.token();
    assert!(copy(&place).exists(), "upgraded");
    let edge = place.serve();
    let body = json!({ "configs": [{ "type": "LATER", "data": "after the upgrade" }] });
    assert_eq!(edge.post(&world::config_path(world::ANNA), &token, &body).status, 200);
    sync(&edge, &operator);
    assert!(edge.stop().success());

    let said = place.run(&["rollback"]);
    assert!(said.contains("it mirrors to a hub") && said.contains("hub lost"), "{said}");
    let edge = place.serve();
    let status = sync(&edge, &operator);
    assert_eq!(status["consistent"], json!(true), "{status}");
    assert_eq!(hub.only()["epoch"].as_i64().unwrap(), epoch + 1);
    is_proved(&edge, &operator);
    let lost =
        succeeds(hub_place.place.command(&["hub", "lost", &hub.origin(), "--store", &hub_place.store()]).arg("--"));
    assert!(lost.contains("after the upgrade"), "{lost}");
}

#[test]
fn the_store_of_a_hub_is_copied_and_rolled_back_too() {
    let hub_place = HubPlace::new();
    assert!(hub_place.start().server.stop().success());
    let path = hub_place.place.path("hub.db");
    let newest = schema_of(&path);
    let conn = rusqlite::Connection::open(&path).unwrap();
    // As the program before the newest migration of a hub.
    let before = "drop view whole_texts; drop view whole_quarantine; drop index texts_content;
        alter table texts drop column content; alter table texts drop column tail;
        alter table quarantine drop column content; alter table quarantine drop column tail; drop table contents;";
    conn.execute_batch(before).unwrap();
    conn.pragma_update(None, "user_version", newest - 1).unwrap();
    drop(conn);
    drop(hub_place.start());
    let copied = hub_place.place.path(&format!("hub.db.schema-{}", newest - 1));
    assert_eq!((schema_of(&path), schema_of(&copied)), (newest, newest - 1));
    let rollback = || {
        let mut command = hub_place.place.command(&["hub", "rollback", "--store", &hub_place.store()]);
        command.env("LC_ALL", "C");
        command
    };
    let hub = hub_place.start();
    assert!(is_refused(&mut rollback()).contains("in use by a running telecomx-local"));
    assert!(hub.server.stop().success());
    let said = succeeds(&mut rollback());
    assert!(said.contains(&format!("is back at schema {}", newest - 1)), "{said}");
    assert_eq!(schema_of(&path), newest - 1);
    drop(hub_place.start());
    assert_eq!(schema_of(&path), newest);
}

#[test]
fn a_copy_of_another_database_is_not_put_in_the_place_of_this_one() {
    let place = older::place();
    write(&place, &["--new-key"]);
    let conn = rusqlite::Connection::open(copy(&place)).unwrap();
    let sql =
        "drop trigger audit_no_update; update audit set hash = zeroblob(32) where seq = (select max(seq) from audit)";
    conn.execute_batch(sql).unwrap();
    drop(conn);
    let before = place.run(&["export"]);
    let sentence = place.refused(&["rollback"]);
    assert!(sentence.contains("is the copy of another database"), "{sentence}");
    assert_eq!(place.run(&["export"]), before);
    assert!(copy(&place).exists() && replaced(&place).is_empty());
}
