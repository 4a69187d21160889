//! `export`, and that it is the whole truth: what is imported from it exports the same bytes.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Place, world};

const DEMO: &str = include_str!("../../sql/seed/demo.json");

/// What a program of ours does not know must come back as it was given.
const STRANGE: &str = r#"[
    {"type":"LATER","z":1,"a":[12345678901234567890123,1.50,-0.0,1e+400,0.1000],"nested":{"b":null,"a":[[],{}]}},
    {"type":"QUEUES","items":[],"others":[],"extra":"Ærøskøbing ☎ 日本 \u0000\u001f\ud83d\ude00 \"\\\/"},
    {"type":"COLLEAGUES","items":[{"_id":"e00000000000000000000003","name":"Bø 👩‍👩‍👧","later":{"x":[1]}}],"others":[]},
    {"type":"LATER"}
]"#;

fn strange_world() -> Value {
    let mut world = world::small();
    world["mobileConfigs"][0]["configs"] = serde_json::from_str(STRANGE).unwrap();
    world["customers"][1]["name"] = json!("Bageri Æ \u{1F956} & Søn");
    // An entry has the name of its employee.
    world["employees"][2]["name"] = json!("Bø 👩‍👩‍👧");
    world
}

/// Exports, imports into a new file, exports again.
fn goes_round(place: &Place, arguments: &[&str]) -> String {
    let first = place.run(arguments);
    let copy = Place::new();
    copy.put("export.json", &first);
    copy.run(&["import", "export.json"]);
    assert_eq!(copy.run(arguments), first);
    copy.run(&["doctor"]);
    first
}

#[test]
fn the_demo_world_goes_round() {
    let place = Place::new();
    place.put("demo.json", DEMO);
    place.run(&["import", "demo.json"]);
    let plain = goes_round(&place, &["export"]);
    assert!(!plain.contains("passwordHash") && !plain.contains("argon2") && !plain.contains("Demo-Passw0rd"));
    let given: Value = serde_json::from_str(DEMO).unwrap();
    let exported: Value = serde_json::from_str(&plain).unwrap();
    for list in ["customers", "queues", "employees", "mobileConfigs"] {
        assert_eq!(exported[list].as_array().unwrap().len(), given[list].as_array().unwrap().len(), "{list}");
    }
    let with_secrets = goes_round(&place, &["export", "--with-secrets"]);
    assert!(with_secrets.contains("$argon2id$") && !with_secrets.contains("Demo-Passw0rd"));
}

#[test]
fn what_it_does_not_know_comes_back_as_given() {
    let place = Place::holding(&strange_world());
    let exported = goes_round(&place, &["export"]);
    for text in
        ["12345678901234567890123,1.50,-0.0,1e+400,0.1000", r#""z":1,"a":["#, "☎ 日本", "👩‍👩‍👧", r#"{"type":"LATER"}"#]
    {
        assert!(exported.contains(text), "{text} is not in {exported}");
    }
    let configs: Value = serde_json::from_str::<Value>(&exported).unwrap()["mobileConfigs"][0]["configs"].clone();
    assert_eq!(configs, serde_json::from_str::<Value>(STRANGE).unwrap());
}

#[test]
fn order_and_digits_are_kept_from_the_text_that_was_given() {
    let place = Place::new();
    let text = json!({ "mobileConfigs": [world::config(world::MANAGER, json!("HERE"))] }).to_string();
    place.import(&world::small());
    place.put(
        "more.json",
        text.replace("\"HERE\"", r#"[{"z":0.10,"type":"LATER","a":[-0,1.000,99999999999999999999]}]"#),
    );
    place.run(&["import", "more.json"]);
    assert!(place.run(&["export"]).contains(r#"[{"z":0.10,"type":"LATER","a":[-0,1.000,99999999999999999999]}]"#));
}

#[test]
fn what_the_api_wrote_goes_round() {
    let place = Place::holding(&strange_world());
    let token = place.token();
    let server = place.serve();
    let copied = json!({ "_id": world::ANNA, "copyTo": world::BO });
    assert_eq!(server.post("/pbx/app/mobileconfig", &token, &copied).status, 200);
    let renamed = json!({ "name": "Børge 'the bread' Bo" });
    let answer = server.post(&format!("/employee/{}", world::BO), &token, &renamed);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(server.stop().success());
    let exported = goes_round(&place, &["export"]);
    assert_eq!(exported.matches("12345678901234567890123,1.50,-0.0,1e+400").count(), 2);
}

#[test]
fn with_secrets_one_can_log_in_on_the_new_file() {
    let mut world = world::small();
    world["employees"][1]["password"] = json!("Only-for-Anna-1");
    let place = Place::holding(&world);
    let copy = Place::new();
    copy.put("export.json", place.run(&["export", "--with-secrets"]));
    copy.run(&["import", "export.json"]);
    let login = json!({ "username": format!("{}@example.com", world::ANNA), "password": "Only-for-Anna-1" });
    assert_eq!(copy.serve().post("/auth/login", "", &login).status, 200);
    let without = Place::new();
    without.put("export.json", place.run(&["export"]));
    without.run(&["import", "export.json"]);
    assert_eq!(without.serve().post("/auth/login", "", &login).status, 401);
}

#[test]
fn the_file_is_for_its_owner_only_and_takes_the_place_of_an_old_one() {
    let place = Place::with_world();
    let file = place.put("out.json", "old");
    place.run(&["export", "out.json"]);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), place.run(&["export"]));
    let left: Vec<_> = std::fs::read_dir(place.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".part")), "{left:?}");
}

#[test]
fn a_file_that_cannot_be_written_is_one_sentence() {
    let place = Place::with_world();
    let sentence = place.refused(&["export", "missing/out.json"]);
    assert!(sentence.contains("missing/out.json cannot be written"), "{sentence}");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = place.on_db(&["export"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "a full disk is no success");
}

/// What is in the folder, by name, with its content.
fn content(place: &Place) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = std::fs::read_dir(place.folder()).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn the_database_s_own_files_are_never_overwritten() {
    let place = Place::with_world();
    std::os::unix::fs::symlink(place.folder(), place.path("folder")).unwrap();
    std::os::unix::fs::symlink(place.db(), place.path("link")).unwrap();
    std::fs::hard_link(place.path("telecomx.db.key"), place.path("key")).unwrap();
    let before = content(&place);
    // Some are there, some are yet to be made.
    let own = ["", ".key", ".lock", "-wal", "-shm", "-journal"].map(|suffix| format!("telecomx.db{suffix}"));
    let other_names = ["folder/telecomx.db", "folder/telecomx.db-wal", "link", "key"].map(str::to_owned);
    for file in own.iter().chain(&other_names) {
        let sentence = place.refused(&["export", file]);
        assert!(sentence.contains("is part of the database") && sentence.contains("name another file"), "{sentence}");
    }
    assert!(content(&place) == before);
    place.run(&["export", "telecomx.db.json"]);
}

#[test]
fn what_a_killed_export_left_is_removed_but_not_what_a_running_one_writes() {
    let place = Place::with_world();
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let left = place.put(&format!("out.json.{}.part", ended.id()), "half");
    let of_another_file = place.put(&format!("other.json.{}.part", ended.id()), "half");
    let being_written = place.put(&format!("out.json.{}.part", std::process::id()), "half");
    place.run(&["export", "out.json"]);
    assert!(!left.exists() && of_another_file.exists() && being_written.exists());
}
