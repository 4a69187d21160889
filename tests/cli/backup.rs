//! `backup`

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::{Place, world};

#[test]
fn the_copy_stands_alone_and_serves() {
    let place = Place::with_world();
    let token = place.token();
    let said = place.run(&["backup", "copy.db"]);
    assert!(said.contains("backed up") && said.contains("telecomx.db.key"), "{said}");
    let copy = place.path("copy.db");
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!place.path("copy.db-wal").exists() && !place.path("copy.db-shm").exists());

    let other = Place::new();
    std::fs::copy(&copy, other.db()).unwrap();
    other.run(&["doctor"]);
    assert_eq!(other.run(&["export"]), place.run(&["export"]));
    assert_eq!(other.run(&["audit", "verify"]), place.run(&["audit", "verify"]));
    let server = other.serve();
    let body = json!({ "configs": [{ "type": "ON THE COPY" }] });
    assert_eq!(server.post(&world::config_path(world::ANNA), &token, &body).status, 200);
    assert!(!place.run(&["export"]).contains("ON THE COPY"));
}

#[test]
fn an_existing_file_is_never_overwritten() {
    let place = Place::with_world();
    place.put("copy.db", "precious");
    let sentence = place.refused(&["backup", "copy.db"]);
    assert!(sentence.contains("copy.db exists already"), "{sentence}");
    assert_eq!(std::fs::read(place.path("copy.db")).unwrap(), b"precious");
    let itself = place.db();
    let sentence = place.refused(&["backup", itself.to_str().unwrap()]);
    assert!(sentence.contains("exists already"), "{sentence}");
    place.run(&["doctor"]);
}

#[test]
fn a_folder_that_is_not_there_is_one_sentence() {
    let sentence = Place::with_world().refused(&["backup", "missing/copy.db"]);
    assert!(sentence.contains("missing/copy.db cannot be written"), "{sentence}");
}

#[test]
fn a_large_database_is_copied_in_several_steps() {
    let place = Place::holding(&world::with_large_configs(200));
    assert!(std::fs::metadata(place.db()).unwrap().len() > 1_000 * 4096, "more than one step");
    place.run(&["backup", "copy.db"]);
    let copy = place.path("copy.db");
    let exported = crate::support::place::succeeds(place.command(&["export", "--db"]).arg(copy));
    assert!(exported == place.run(&["export"]));
}

#[test]
fn the_database_s_own_files_are_not_made_by_it() {
    let place = Place::with_world();
    std::fs::remove_file(place.path("telecomx.db.key")).unwrap();
    for suffix in [".key", "-wal", "-shm", "-journal"] {
        let file = format!("telecomx.db{suffix}");
        let sentence = place.refused(&["backup", &file]);
        assert!(sentence.contains("is part of the database") && !place.path(&file).exists(), "{sentence}");
    }
    assert!(place.serve().stop().success());
}

#[test]
fn what_a_killed_backup_left_is_removed() {
    let place = Place::with_world();
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let left = ["part", "part-journal"].map(|end| place.put(&format!("copy.db.{}.{end}", ended.id()), "half"));
    place.run(&["backup", "copy.db"]);
    assert!(!left.iter().any(|path| path.exists()));
}
