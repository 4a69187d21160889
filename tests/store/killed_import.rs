//! An import killed in the middle: all of it is there afterwards, or nothing.

use std::process::Stdio;

use serde_json::json;

use crate::support::{Place, world};

const EMPLOYEES: usize = 300;

/// The world of many employees, each with a config of `letter`s.
fn world_of(letter: &str) -> serde_json::Value {
    let mut world = world::with_employees(EMPLOYEES);
    let config = |n| world::config(&world::nth(n), json!([{ "type": "LATER", "data": letter.repeat(8_000) }]));
    world["mobileConfigs"].as_array_mut().unwrap().extend((0..EMPLOYEES).map(config));
    world
}

#[test]
fn all_or_nothing_is_there_afterwards() {
    let place = Place::holding(&world_of("a"));
    let before = place.run(&["export"]);
    place.put("second.json", world_of("b").to_string());
    let journal = place.path("telecomx.db-journal");
    // Killed when it has come this far, in bytes of its journal; the last one is in the middle of the commit.
    for reached in [1, 500_000, 1_500_000, 2_400_000] {
        let mut command = place.on_db(&["import", "second.json"]);
        let mut import = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while import.try_wait().unwrap().is_none() {
            if std::fs::metadata(&journal).is_ok_and(|data| data.len() >= reached) {
                import.kill().unwrap();
            }
            std::thread::yield_now();
        }
        // The next server puts the file in order before it answers.
        assert!(place.serve().stop().success());
        let found = place.run(&["doctor"]);
        assert!(!found.contains("WRONG"), "{found}");
        let after = place.run(&["export"]);
        assert!(after == before || after == before.replace(&"a".repeat(8_000), &"b".repeat(8_000)), "at {reached}");
    }
    place.run(&["import", "second.json"]);
    assert!(place.run(&["export"]) != before);
    place.run(&["doctor"]);
}
