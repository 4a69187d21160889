//! A hub at another address, and the way back to it.

use std::net::TcpListener;

use serde_json::json;

use super::mirror_pair::{HubPlace, OPERATOR, sync};
use super::trust::{Pair, place};
use crate::support::place::succeeds;
use crate::support::{Place, world};

#[test]
fn a_hub_at_another_address_is_followed_without_sending_anything_again() {
    let pair = Pair::new();
    let epoch = pair.hub.only()["epoch"].clone();
    assert!(pair.hub.server.stop().success());
    let hub = pair.hub_place.start();
    let said = pair.place.run(&["sync", "repoint", &hub.server.url]);
    assert!(said.contains(&hub.server.url), "{said}");
    pair.place.run(&["sync", "run"]);
    let line = hub.only();
    assert_eq!((&line["epoch"], &line["forks"], &line["consistent"]), (&epoch, &json!(0), &json!(true)), "{line}");
    let other = HubPlace::new();
    let foreign = other.start();
    let sentence = pair.place.refused(&["sync", "repoint", &foreign.server.url]);
    assert!(sentence.contains("does not know this server"), "{sentence}");
    assert!(pair.place.run(&["sync", "status"]).contains(&hub.server.url));
}

#[test]
fn a_hub_announces_its_new_address_to_its_servers() {
    let pair = Pair::new();
    let operator = pair.place.token_of(OPERATOR);
    assert!(pair.hub.server.stop().success());
    // Two addresses lead to the hub: its own, and a name for it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (own, name) = (format!("127.0.0.1:{port}"), format!("http://localhost:{port}"));
    let hub = pair.hub_place.start_at(&own, &["--announce", &name]);
    pair.place.run(&["sync", "repoint", &hub.server.url]);
    let edge = pair.place.serve();
    sync(&edge, &operator);
    assert_eq!(sync(&edge, &operator)["hub"], json!(name));
    assert_eq!(hub.only()["forks"], 0);
}

#[test]
fn a_server_put_back_to_before_its_enrolment_takes_its_place_again() {
    let (hub_place, place) = (HubPlace::new(), place());
    let hub = hub_place.start();
    let backup = place.path("before.db");
    place.run(&["backup", backup.to_str().unwrap()]);
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    let writer = place.token();
    let edge = place.serve();
    let newer = json!({ "configs": [{ "type": "NUMBER", "n": 5 }] });
    assert_eq!(edge.post(&world::config_path(world::ANNA), &writer, &newer).status, 200);
    edge.stop();
    place.run(&["sync", "run"]);
    let (origin, exported) = (hub.origin(), place.run(&["export"]));

    let again = Place::new();
    std::fs::copy(&backup, again.db()).unwrap();
    let said = again.run(&["sync", "rejoin", &hub.server.url, &hub_place.replacement_code(&origin)]);
    assert!(said.contains("in the place of Bakery") && said.contains("1 rows were newer"), "{said}");
    assert_eq!(again.run(&["export"]), exported, "what was newer at the hub has come back");
    again.run(&["doctor"]);
    again.run(&["sync", "run"]);
    assert!(again.run(&["sync", "verify"]).starts_with("equal"));
    let line = hub.only();
    assert_eq!((&line["origin"], &line["consistent"], &line["locked"]), (&json!(origin), &json!(true), &json!(false)));
    // One that enrolled as a twin meanwhile can be joined with its place too, and the twin removed.
    std::fs::copy(&backup, again.path("twin.db")).unwrap();
    let twin = again.path("twin.db");
    let on_twin = |arguments: &[&str]| succeeds(again.command(arguments).args(["--db", twin.to_str().unwrap()]));
    on_twin(&["sync", "enroll", &hub.server.url, &hub_place.code("Twin")]);
    on_twin(&["sync", "rejoin", &hub.server.url, &hub_place.replacement_code(&origin)]);
    on_twin(&["sync", "run"]);
    assert!(on_twin(&["sync", "verify"]).starts_with("equal"));
}

#[test]
fn a_hub_out_of_reach_is_an_alarm_after_a_while_though_nothing_waits() {
    let pair = Pair::new();
    let operator = pair.place.token_of(OPERATOR);
    assert!(pair.hub.server.stop().success());
    let edge = pair.place.serve_with(&["--hub-silent-alarm-h", "0"]);
    let status = sync(&edge, &operator);
    assert_eq!(
        (&status["consistent"], &status["reachable"], &status["lagSeconds"]),
        (&json!(true), &json!(false), &json!(0))
    );
    assert!(status["alarm"].as_str().unwrap().contains("has not been reached"), "{status}");
    assert!(status["lastSuccessAgeSeconds"].is_number(), "{status}");
}
