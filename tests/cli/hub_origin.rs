//! `hub remove` and `hub lost`, beside a running hub.

use serde_json::{Value, json};

use super::mirror_pair::{HubPlace, OPERATOR, world_with_operator};
use crate::support::place::{is_refused, succeeds};
#[cfg(feature = "postgres")]
use crate::support::postgres::shared;
use crate::support::{Place, Server, world};

/// A hub on `store`, beside which `command` runs with the origin of a server that is enrolled with it.
struct Fleet {
    hub_place: Place,
    store: String,
    hub: Server,
    edge: Place,
    origin: String,
}

impl Fleet {
    fn on(hub_place: Place, store: String) -> Fleet {
        let arguments = ["hub", "--store", &store, "--listen", "127.0.0.1:0"];
        let hub = Server::start(&mut hub_place.command(&arguments), hub_place.log());
        let code = succeeds(&mut hub_place.command(&["hub", "enroll", "--store", &store, "--name", "Bakery"]));
        let edge = Place::holding(&world_with_operator(1));
        edge.run(&["sync", "enroll", &hub.url, code.trim()]);
        edge.run(&["sync", "run"]);
        let status: Value = serde_json::from_str(&edge.run(&["sync", "status"])).unwrap();
        let origin = status["origin"].as_str().unwrap().to_owned();
        Fleet { hub_place, store, hub, edge, origin }
    }

    fn on_sqlite() -> Fleet {
        let HubPlace { place } = HubPlace::new();
        let store = format!("sqlite:{}", place.path("hub.db").display());
        Fleet::on(place, store)
    }

    fn command(&self, command: &str, origin: &str) -> std::process::Command {
        self.hub_place.command(&["hub", command, origin, "--store", &self.store])
    }
}

fn is_removed_and_refused(fleet: Fleet) {
    assert!(is_refused(&mut fleet.command("remove", "nobody")).contains("nobody was not removed: Origin not found"));
    fleet.edge.run(&["sync", "run"]);
    let told = succeeds(&mut fleet.command("remove", &fleet.origin));
    assert!(told.starts_with("Bakery is removed: ") && !told.contains(": 0 rows"), "{told}");
    assert!(fleet.edge.refused(&["sync", "run"]).contains("it was removed"));
    assert!(is_refused(&mut fleet.command("remove", &fleet.origin)).contains("Origin not found"));
    assert!(fleet.hub.stop().success());
}

#[test]
fn a_server_that_is_removed_is_refused_from_then_on() {
    is_removed_and_refused(Fleet::on_sqlite());
}

#[cfg(feature = "postgres")]
#[test]
fn a_server_that_is_removed_from_a_postgresql_is_refused_from_then_on() {
    is_removed_and_refused(Fleet::on(Place::new(), shared().database()));
}

#[test]
fn what_a_server_that_was_put_back_to_an_image_has_lost_is_printed() {
    let fleet = Fleet::on_sqlite();
    assert_eq!(succeeds(&mut fleet.command("lost", &fleet.origin)), "");
    assert!(is_refused(&mut fleet.command("lost", "nobody")).contains("Origin not found"));
    let (edge, image) = (&fleet.edge, fleet.edge.path("image.db"));
    edge.run(&["backup", "image.db"]);
    let (writer, operator) = (edge.token(), edge.token_of(OPERATOR));
    let server = edge.serve();
    let id = world::nth(0);
    let body = json!({ "configs": [{ "type": "NUMBER", "n": 77 }] });
    assert_eq!(server.post(&world::config_path(&id), &writer, &body).status, 200);
    assert_eq!(server.post("/sync", &operator, &json!({})).body["consistent"], json!(true));
    assert!(server.stop().success());
    for log in ["telecomx.db-wal", "telecomx.db-shm"] {
        let _ = std::fs::remove_file(edge.path(log));
    }
    std::fs::copy(image, edge.db()).unwrap();
    edge.run(&["sync", "run"]);
    let lost = succeeds(&mut fleet.command("lost", &fleet.origin));
    let lines: Vec<Value> = lost.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let configs: Vec<&Value> = lines.iter().filter(|line| line["table"] == "mobile_config").collect();
    assert_eq!(configs.len(), 1, "{lost}");
    assert_eq!(configs[0]["v"]["configs"][0]["n"], 77);
    assert!(configs[0]["lostAt"].is_string() && configs[0]["rev"].is_number());
    assert!(fleet.hub.stop().success());
}
