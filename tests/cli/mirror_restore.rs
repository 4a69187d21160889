//! A machine that takes an edge's place, from what the hub holds.

use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::AtomicU32;

use serde_json::json;

use super::gate::Gate;
use super::mirror_pair::{HubPlace, OPERATOR, is_proved, sync, world_with_operator};
use crate::support::place::{is_refused, succeeds};
use crate::support::{Place, world};

/// `restore` of a new database in `place`.
fn restore(place: &Place, url: &str, code: &str) -> String {
    place.run(&["restore", "--from-hub", url, code])
}

#[test]
fn it_holds_what_the_hub_held_and_carries_on_under_a_new_epoch() {
    let (hub_place, old) = (HubPlace::new(), Place::holding(&world_with_operator(30)));
    let hub = hub_place.start();
    old.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    let (writer, operator) = (old.token(), old.token_of(OPERATOR));
    let edge = old.serve();
    for n in 0..3 {
        let body = json!({ "configs": [{ "type": "NUMBER", "n": n }] });
        assert_eq!(edge.post(&world::config_path(&world::nth(n)), &writer, &body).status, 200);
        assert_eq!(edge.post(&world::config_path(&world::nth(0)), &writer, &body).status, 200);
    }
    assert_eq!(sync(&edge, &operator)["consistent"], true);
    let (held, exported, epoch) = (hub.rows(), old.run(&["export"]), hub.only()["epoch"].as_i64().unwrap());

    let new = Place::new();
    let said = restore(&new, &hub.server.url, &hub_place.replacement_code(&hub.origin()));
    let into = format!("restored Bakery as of write {} into {}: ", hub.only()["acked"], new.db().display());
    assert!(said.starts_with(&into) && said.contains("34 employees"), "{said}");
    assert_eq!(new.run(&["export"]), exported);
    new.run(&["doctor"]);
    // The machine before it is shut out, and says that somebody must act.
    let status = sync(&edge, &operator);
    assert!(status["alarm"].as_str().unwrap().contains("401"), "{status}");

    let (writer, operator) = (new.token(), new.token_of(OPERATOR));
    let edge = new.serve();
    let status = sync(&edge, &operator);
    assert_eq!((&status["consistent"], &status["forks"]), (&json!(true), &json!(0)), "{status}");
    assert_eq!(hub.only()["epoch"].as_i64().unwrap(), epoch + 1);
    assert_eq!(hub.rows(), held, "what the machine before it had, with its revs");
    let body = json!({ "configs": [] });
    assert_eq!(edge.post(&world::config_path(&world::nth(0)), &writer, &body).status, 200);
    sync(&edge, &operator);
    is_proved(&edge, &operator);
    assert_eq!(hub.only()["locked"], false);
}

#[test]
fn what_cannot_be_restored_is_one_sentence_and_leaves_nothing_behind() {
    let hub_place = HubPlace::new();
    let hub = hub_place.start();
    let new = Place::new();
    let refused = |url: &str, code: &str| is_refused(&mut new.on_db(&["restore", "--from-hub", url, code]));
    assert!(refused(&hub.server.url, "some.nonsense").contains("not known"));
    assert!(refused("http://127.0.0.1:1", "some.code").contains("cannot be reached"));
    assert!(refused("127.0.0.1:1", "some.code").contains("must begin with https://"));
    let code = hub_place.code("Bakery");
    let sentence = refused(&hub.server.url, &code);
    assert!(sentence.contains("for a new server") && sentence.contains("--origin"), "{sentence}");
    // It was not spent: it is still good for what it was made for. And once there is a place to take, not for this.
    let old = Place::holding(&world::small());
    old.run(&["sync", "enroll", &hub.server.url, &code]);
    let sentence = refused(&hub.server.url, &hub_place.replacement_code(&hub.origin()));
    assert!(sentence.contains("holds nothing of Bakery"), "{sentence}");
    let left: Vec<_> = std::fs::read_dir(new.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
    new.import(&world::small());
    assert!(refused(&hub.server.url, "some.code").contains("is there already"));
}

#[test]
fn a_code_that_gives_the_place_of_another_is_not_taken_by_a_server_that_has_data_of_its_own() {
    let hub_place = HubPlace::new();
    let hub = hub_place.start();
    let (one, other) = (Place::holding(&world::small()), Place::holding(&world::small()));
    one.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    let origin = hub.origin();
    let code = hub_place.replacement_code(&origin);
    let sentence = other.refused(&["sync", "enroll", &hub.server.url, &code]);
    assert!(sentence.contains("restore --from-hub"), "{sentence}");
    // A second name for the same server would stay behind as an orphan.
    let sentence = one.refused(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery again")]);
    assert!(sentence.contains("enrolled there already") && sentence.contains(&origin), "{sentence}");
    one.run(&["sync", "enroll", &hub.server.url, &code]);
    one.run(&["sync", "run"]);
    assert!(one.run(&["sync", "verify"]).starts_with("equal"));
    assert_eq!(hub.only()["consistent"], true);
    // A hub that does not know it any more takes it anew.
    succeeds(&mut hub_place.place.command(&["hub", "remove", &origin, "--store", &hub_place.store()]));
    let sentence = one.refused(&["sync", "run"]);
    assert!(sentence.contains("401") && sentence.contains("enrol it again"), "{sentence}");
    assert!(one.run(&["sync", "status"]).contains("\"consistent\": false"));
    one.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    one.run(&["sync", "run"]);
    assert_ne!(hub.origin(), origin);
    assert_eq!(hub.only()["consistent"], true);
}

#[test]
fn one_that_is_killed_leaves_no_database_and_goes_on_with_the_same_code() {
    let (hub_place, old) = (HubPlace::new(), Place::holding(&world_with_operator(30)));
    let hub = hub_place.start();
    old.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    old.run(&["sync", "run"]);
    let gate = Gate::before(&hub.server);
    let is_killed = |new: &Place, code: &str, count: &AtomicU32, kill_at: u32| {
        let mut command = new.on_db(&["restore", "--from-hub", &gate.url(), code]);
        assert_eq!(gate.run(&mut command, count, kill_at).signal(), Some(9));
    };
    // At the request for the place, for the rows, and at the answer with these.
    for (count, kill_at) in [(&gate.requests, 1), (&gate.requests, 2), (&gate.answers, 2)] {
        let new = Place::new();
        let code = hub_place.replacement_code(&hub.origin());
        is_killed(&new, &code, count, kill_at);
        let sentence = new.refused(&["serve", "--listen", "127.0.0.1:0"]);
        assert!(sentence.contains("not restored yet: run restore again"), "{sentence}");
        for tool in [&["doctor"][..], &["sync", "status"], &["sync", "run"]] {
            assert!(new.refused(tool).contains("run restore again"), "{tool:?}");
        }
        assert!(!new.db().exists());
        restore(&new, &gate.url(), &code);
        assert_eq!(new.run(&["export"]), old.run(&["export"]));
        new.run(&["doctor"]);
        new.run(&["sync", "run"]);
        assert!(new.run(&["sync", "verify"]).starts_with("equal"));
        let left = std::fs::read_dir(new.folder()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = left.filter(|name| name.to_str().unwrap().contains("restoring")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
    // What was begun, and a key that was there before, outlive a slip in the next run.
    let new = Place::new();
    let (code, key) = (hub_place.replacement_code(&hub.origin()), new.put("telecomx.db.key", [7; 32]));
    let slip = |url: &str, code: &str| new.refused(&["restore", "--from-hub", url, code]);
    assert!(slip(&gate.url(), &format!("{}.nonsense", hub.origin())).contains("not known"));
    assert!(slip("http://127.0.0.1:1", &code).contains("cannot be reached"));
    assert_eq!(std::fs::read(&key).unwrap(), [7; 32]);
    is_killed(&new, &code, &gate.requests, 2);
    assert!(slip("http://127.0.0.1:1", &code).contains("is kept"));
    restore(&new, &format!("{}/", gate.url()), &code);
    assert_eq!(new.run(&["export"]), old.run(&["export"]));
    // Where the place was taken and its answer was lost, the same machine spends the same code again, and nobody else.
    let (new, other) = (Place::new(), Place::new());
    let code = hub_place.replacement_code(&hub.origin());
    is_killed(&new, &code, &gate.answers, 1);
    assert!(other.refused(&["restore", "--from-hub", &gate.url(), &code]).contains("used already"));
    restore(&new, &gate.url(), &code);
    assert_eq!(new.run(&["export"]), old.run(&["export"]));
}
