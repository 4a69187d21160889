//! Who may point a server at a hub, and what that hub may do there.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::mirror_pair::{Hub, HubPlace, OPERATOR, is_proved, sync, world_with_operator};
use crate::support::server::Answer;
use crate::support::{Place, Server, world};

const ADMIN: &str = "e0000000000000000000000a";

/// A world with an administrator, who has a password, beside the reseller's.
pub fn place() -> Place {
    let mut world = world_with_operator(2);
    let mut admin = world::employee(ADMIN, "Ada", "ADMIN");
    admin["password"] = json!("Passw0rd1234");
    world["employees"].as_array_mut().unwrap().push(admin);
    Place::holding(&world)
}

/// The administrator's token: an ADMIN has no machine-to-machine tokens.
pub fn log_in(edge: &Server) -> String {
    let body = json!({ "username": format!("{ADMIN}@example.com"), "password": "Passw0rd1234" });
    let answer = edge.post("/auth/login", "", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["token"].as_str().unwrap().to_owned()
}

pub struct Pair {
    pub hub_place: HubPlace,
    pub hub: Hub,
    pub place: Place,
}

impl Pair {
    /// A hub, and a server that is enrolled there and has sent everything.
    pub fn new() -> Pair {
        let (hub_place, place) = (HubPlace::new(), place());
        let hub = hub_place.start();
        place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
        place.run(&["sync", "run"]);
        Pair { hub_place, hub, place }
    }

    fn propose(&self, body: &Value) {
        let answer = self.hub.server.post(&self.hub.path("proposals"), &self.hub.admin, body);
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// The answers to all proposals, in their order: what became of each, and why.
    fn answers(&self, edge: &Server, operator: &str) -> Vec<(String, String)> {
        sync(edge, operator);
        let listed = self.hub.get(&self.hub.path("proposals"));
        let text = |proposal: &Value, name: &str| proposal[name].as_str().unwrap_or_default().to_owned();
        let proposals = listed["proposals"].as_array().unwrap();
        proposals.iter().map(|proposal| (text(proposal, "result"), text(proposal, "detail"))).collect()
    }
}

fn enroll(edge: &Server, token: &str, body: &Value) -> Answer {
    edge.post("/sync/enroll", token, body)
}

/// What the server's audit trail says about its hub, for an administrator.
fn hub_log(edge: &Server, admin: &str) -> String {
    let answer = edge.get("/log/changelog/customer/SYSTEM/Hub?version=2&includeEmployees=true", admin);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body.to_string()
}

#[test]
fn only_an_administrator_enrols_a_server_and_the_attempt_of_another_is_recorded() {
    let (hub_place, place) = (HubPlace::new(), place());
    let hub = hub_place.start();
    let reseller = place.token_of(OPERATOR);
    let edge = place.serve();
    let admin = log_in(&edge);
    let body = json!({ "url": hub.server.url, "code": hub_place.code("Bakery") });
    for given in [&body, &json!({}), &json!({ "url": "nonsense", "code": "x" })] {
        assert_eq!(enroll(&edge, &reseller, given).status, 403);
    }
    assert!(hub_log(&edge, &admin).contains("Refused: enroll"));
    assert_eq!(enroll(&edge, &admin, &body).status, 200, "the code was not spent by the refusals");
    assert!(hub_log(&edge, &admin).contains("Enrolled with the hub at"));
    assert_eq!(sync(&edge, &reseller)["consistent"], true);
}

#[test]
fn a_server_leaves_its_hub_only_when_that_hub_is_named() {
    let pair = Pair::new();
    let other_place = HubPlace::new();
    let other = other_place.start();
    let edge = pair.place.serve();
    let admin = log_in(&edge);
    let mut body = json!({ "url": other.server.url, "code": other_place.code("Bakery") });
    for current in [None, Some("http://127.0.0.1:1"), Some("")] {
        body["currentHub"] = json!(current);
        let refused = enroll(&edge, &admin, &body);
        assert!(refused.status == 409 && refused.body.to_string().contains("currentHub"), "{current:?}: {refused:?}");
    }
    assert_eq!(sync(&edge, &admin)["hub"], json!(pair.hub.server.url));
    body["currentHub"] = json!(pair.hub.server.url);
    assert_eq!(enroll(&edge, &admin, &body).status, 200);
    assert_eq!(sync(&edge, &admin)["hub"], json!(other.server.url));
}

/// A server that answers every request in the same way; returns its URL.
fn any_server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn nothing_that_a_foreign_server_answers_is_shown_but_its_status() {
    let place = place();
    let edge = place.serve();
    let admin = log_in(&edge);
    let answers = [
        ("HTTP/1.1 200 OK\r\ncontent-length: 12\r\nconnection: close\r\n\r\nsecret token", "not that of a hub"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 18\r\nconnection: close\r\n\r\n{\"origin\":\"secret\"}",
            "not that of a hub",
        ),
        ("HTTP/1.1 500 No\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret", "500"),
        (
            "HTTP/1.1 404 No\r\ncontent-length: 36\r\nconnection: close\r\n\r\n{\"error\":{\"message\":\"secret-secret\"}}",
            "404",
        ),
        (
            "HTTP/1.1 301 Moved\r\nlocation: http://127.0.0.1:1/secret\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            "redirects",
        ),
        (
            "HTTP/1.1 421 Moved\r\ncontent-length: 37\r\nconnection: close\r\n\r\n{\"error\":{\"hub\":\"https://secret.test\"}}",
            "421",
        ),
    ];
    for (answer, expected) in answers {
        let refused = enroll(&edge, &admin, &json!({ "url": any_server(answer), "code": "x" }));
        let text = refused.body.to_string();
        assert!(refused.status == 409 && text.contains(expected) && !text.contains("secret"), "{refused:?}");
    }
}

#[test]
fn clear_http_to_another_machine_and_a_password_in_the_url_are_refused() {
    let place = place();
    let sentence = place.refused(&["sync", "enroll", "http://192.0.2.1:8444", "code"]);
    assert!(sentence.contains("--insecure") && sentence.contains("https"), "{sentence}");
    let sentence = place.refused(&["sync", "enroll", "https://me:hidden@hub.example.com", "code"]);
    assert!(sentence.contains("password") && !sentence.contains("hidden"), "{sentence}");
    let new = Place::new();
    let sentence = new.refused(&["restore", "--from-hub", "http://192.0.2.1:8444", "origin.code"]);
    assert!(sentence.contains("--insecure"), "{sentence}");
    let edge = place.serve();
    let admin = log_in(&edge);
    let refused = enroll(&edge, &admin, &json!({ "url": "http://192.0.2.1:8444", "code": "x" }));
    assert_eq!((refused.status, &refused.body["error"]["path"]), (422, &json!("url")), "{refused:?}");
}

#[test]
fn the_hub_makes_nobody_an_administrator_and_changes_none() {
    let pair = Pair::new();
    let operator = pair.place.token_of(OPERATOR);
    let edge = pair.place.serve();
    let patch = |id: &str, patch: Value| json!({ "table": "employee", "id": id, "patch": patch });
    pair.propose(&patch(world::BO, json!({ "accessLevel": "ADMIN" })));
    pair.propose(&patch(world::BO, json!({ "accessLevel": "RESELLER" })));
    pair.propose(&patch(ADMIN, json!({ "emailAddress": "mine@example.com" })));
    pair.propose(&patch(ADMIN, json!({ "title": "None" })));
    pair.propose(&patch(
        "e000000000000000000000ff",
        json!({
            "customer": world::CUSTOMER, "name": "New", "accessLevel": "ADMIN", "emailAddress": "new@example.com"
        }),
    ));
    for change in [json!({ "state": "BLOCKED" }), json!({ "authenticationSecurity": "SMS" }), json!({ "name": "Mine" })]
    {
        pair.propose(&json!({ "table": "customer", "id": world::CUSTOMER, "patch": change }));
    }
    pair.propose(&json!({ "table": "mobile_config", "id": ADMIN, "patch": { "configs": [] } }));
    pair.propose(&patch(world::BO, json!({ "accessLevel": "MANAGER", "title": "Head" })));
    let answers = pair.answers(&edge, &operator);
    for (result, why) in &answers[..9] {
        assert!(result == "rejected" && why.contains("above MANAGER") && why.contains("hub_may"), "{answers:?}");
    }
    assert_eq!(answers[9].0, "applied");
    is_proved(&edge, &operator);
}

#[test]
fn the_hub_deletes_and_moves_nobody_below_administer() {
    let pair = Pair::new();
    let operator = pair.place.token_of(OPERATOR);
    let patch = |id: &str, patch: Value| json!({ "table": "employee", "id": id, "patch": patch });
    let edge = pair.place.serve();
    pair.propose(&patch(world::BO, json!({ "state": "DELETED" })));
    pair.propose(&patch(world::BO, json!({ "customer": world::RESELLER })));
    pair.propose(&patch(world::BO, json!({ "customer": world::RESELLER, "title": "Head" })));
    pair.propose(&patch(world::BO, json!({ "customer": world::CUSTOMER, "title": "Head" })));
    let answers = pair.answers(&edge, &operator);
    for (result, why) in &answers[..3] {
        assert!(result == "rejected" && why.contains("administer") && why.contains("hub_may"), "{answers:?}");
    }
    assert_eq!(answers[3].0, "applied", "the same customer is no move");
    edge.stop();
    pair.propose(&patch(world::BO, json!({ "state": "DELETED" })));
    let edge = pair.place.serve_with(&["--hub-may", "administer"]);
    assert_eq!(pair.answers(&edge, &operator)[4].0, "applied");
}

#[test]
fn the_setting_hub_may_grants_less_or_more() {
    let pair = Pair::new();
    let operator = pair.place.token_of(OPERATOR);
    let raise = json!({ "table": "employee", "id": world::BO, "patch": { "accessLevel": "RESELLER" } });
    pair.propose(&raise);
    let edge = pair.place.serve_with(&["--hub-may", "read"]);
    let answers = pair.answers(&edge, &operator);
    assert!(answers[0].0 == "rejected" && answers[0].1.contains("takes no changes"), "{answers:?}");
    edge.stop();
    pair.propose(&raise);
    let edge = pair.place.serve_with(&["--hub-may", "administer"]);
    assert_eq!(pair.answers(&edge, &operator)[1].0, "applied");
    let wrong = pair.place.command(&["serve", "--hub-may", "everything"]).output().unwrap();
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(wrong.status.code() == Some(2) && said.contains("read, propose or administer"), "{said}");
}

#[test]
fn a_copy_does_not_overwrite_what_was_changed_here_meanwhile() {
    let pair = Pair::new();
    let (operator, writer) = (pair.place.token_of(OPERATOR), pair.place.token());
    pair.propose(&json!({ "copy": { "_id": world::ANNA, "copyTo": world::BO } }));
    let edge = pair.place.serve_with(&["--hub-may", "propose"]);
    let mine = json!({ "configs": [{ "type": "NUMBER", "n": 9 }] });
    // The exchange at the start may be faster than this change: then the copy was first, and is no conflict.
    let before = edge.get(&world::config_path(world::BO), &writer).body["configs"].clone();
    assert_eq!(edge.post(&world::config_path(world::BO), &writer, &mine).status, 200);
    let (result, _) = pair.answers(&edge, &operator).remove(0);
    let is_mine = edge.get(&world::config_path(world::BO), &writer).body["configs"] == mine["configs"];
    assert!(is_mine, "{before} {result}");
}
