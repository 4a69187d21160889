//! `copy` and `undo`: one config onto many, on a server that is stopped.

use serde_json::Value;

use crate::support::Place;
use crate::support::world::{ANNA, BO};

/// The contents of two employees' mobile configs.
fn configs(place: &Place) -> [Value; 2] {
    let export: Value = serde_json::from_str(&place.run(&["export"])).unwrap();
    [ANNA, BO].map(|id| {
        let configs = export["mobileConfigs"].as_array().unwrap();
        configs.iter().find(|config| config["_id"] == id).unwrap()["configs"].clone()
    })
}

#[test]
fn a_config_is_copied_onto_many_and_taken_back() {
    let place = Place::with_world();
    let before = configs(&place);
    let planned = place.run(&["copy", "--from", ANNA, "--level", "PERSONAL", "--dry-run"]);
    assert!(
        planned.contains("Bo\tCOLLEAGUES items: 1 added, 0 removed, 0 moved; QUEUES items: 1 added, 1 removed")
            && planned.contains("nothing was copied"),
        "{planned}"
    );
    assert_eq!(configs(&place), before);
    let copied = place.run(&["copy", "--from", ANNA, "--to", BO]);
    let [anna, bo] = configs(&place);
    assert_eq!(anna, bo);
    let again = place.run(&["copy", "--from", ANNA, "--to", BO]);
    assert!(again.ends_with("nothing was changed: everything was so already\n"), "{again}");
    assert!(copied.contains(&format!(" --db '{}' takes it back", place.db().display())), "{copied}");
    let operation = copied.lines().last().unwrap().split_whitespace().nth(1).unwrap().trim_end_matches(':').to_owned();
    let undone = place.run(&["undo", &operation]);
    assert!(undone.starts_with("1 mobile configs hold again"), "{undone}");
    assert_eq!(configs(&place), before);
}

#[test]
fn what_cannot_be_copied_or_undone_is_one_sentence() {
    let place = Place::with_world();
    let before = configs(&place);
    let absent = "ffffffffffffffffffffffff";
    for (arguments, said) in [
        (vec!["copy", "--from", ANNA, "--to", BO, absent], "copyTo[1]"),
        (vec!["copy", "--from", absent, "--all"], "Object not found"),
        (vec!["copy", "--from", ANNA, "--department", "Nowhere"], "nobody with a mobile config"),
        (vec!["undo", "6f1c7f6e-2b9e-4a57-9d8c-0d6c1a3f9b11"], "no such operation"),
    ] {
        let sentence = place.refused(&arguments);
        assert!(sentence.contains(said), "{arguments:?}: {sentence}");
    }
    assert_eq!(configs(&place), before);
}

#[test]
fn colleagues_and_queues_are_offered_to_many_and_taken_back() {
    let place = Place::with_world();
    let before = configs(&place);
    let customer = serde_json::from_str::<Value>(&place.run(&["export"])).unwrap()["employees"]
        .as_array()
        .unwrap()
        .iter()
        .find(|employee| employee["_id"] == ANNA)
        .unwrap()["customer"]
        .as_str()
        .unwrap()
        .to_owned();
    let offer = ["offer", "--customer", &customer, "--all-employees", "--all-queues"];
    let planned = place.run(&[&offer[..], &["--dry-run"]].concat());
    assert!(planned.ends_with("nothing was offered: this is what would change\n"), "{planned}");
    assert_eq!(configs(&place), before);
    let offered = place.run(&offer);
    assert_ne!(configs(&place), before);
    let operation = offered.lines().last().unwrap().split_whitespace().nth(1).unwrap().trim_end_matches(':').to_owned();
    place.run(&["undo", &operation]);
    assert_eq!(configs(&place), before);
    let sentence = place.refused(&["offer", "--customer", &customer]);
    assert!(sentence.contains("nothing is offered: name employees or queues"), "{sentence}");
}
