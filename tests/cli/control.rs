//! The controls of a mock: back to the beginning, the clock, and who may call them.

use serde_json::{Value, json};

use crate::support::place::is_refused;
use crate::support::server::Answer;
use crate::support::{Place, Server};

pub const ANNA: &str = "/employee/e00000000000000000000402";

/// A mock with the demo world, and its controls.
pub struct Mock {
    pub server: Server,
    pub controls: String,
    agent: ureq::Agent,
    _place: Place,
}

impl Mock {
    pub fn start(more: &[&str]) -> Mock {
        let place = Place::new();
        let usual = ["serve", "--ephemeral", "--demo", "--control", "--listen", "127.0.0.1:0"];
        let mut server = Server::start(place.command(&usual).args(more), place.log());
        let text = server.read_until(|line| line.contains("controls on"));
        let controls = text.lines().find_map(|line| line.strip_prefix("telecomx-local controls on ")).unwrap();
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Mock { controls: controls.to_owned(), server, agent: config.new_agent(), _place: place }
    }

    pub fn control(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.call(&self.controls, method, path, body, &[])
    }

    pub fn call(&self, url: &str, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{url}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = match body {
            Value::Null => self.agent.run(request.body(()).unwrap()),
            body => self.agent.run(request.header("content-type", "application/json").body(body.to_string()).unwrap()),
        };
        let answer = sent.unwrap();
        let status = answer.status().as_u16();
        Answer { status, body: answer.into_body().read_json().unwrap_or_default() }
    }

    /// One that must succeed.
    pub fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.control(method, path, &body);
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        answer.body
    }

    pub fn token(&self, level: &str) -> String {
        self.done("POST", "/_ctl/tokens", json!({ "level": level }))["token"].as_str().unwrap().to_owned()
    }

    pub fn title(&self, token: &str, title: &str) -> Answer {
        self.server.post(ANNA, token, &json!({ "title": title }))
    }
}

#[test]
fn a_reset_goes_back_to_the_seed_and_its_tokens_stay_good() {
    let mock = Mock::start(&[]);
    let login = json!({ "username": "manager@bakery.example.com", "password": "Demo-Passw0rd" });
    let token = mock.server.post("/auth/login", "", &login).body["token"].as_str().unwrap().to_owned();
    mock.done("PUT", "/_ctl/snapshots/logged-in", json!(null));
    assert_eq!(mock.title(&token, "Changed").status, 200);
    mock.done("POST", "/_ctl/reset", json!({ "snapshot": "logged-in" }));
    assert_eq!(mock.server.get(ANNA, &token).body["title"], "Shop manager");
    mock.title(&token, "Changed");
    mock.done("POST", "/_ctl/snapshots/logged-in", json!(null));
    assert_eq!(mock.server.get(ANNA, &token).body["title"], "Shop manager");
    assert_eq!(mock.done("GET", "/_ctl/snapshots", json!(null)), json!({ "snapshots": ["logged-in"] }));
    mock.done("DELETE", "/_ctl/snapshots/logged-in", json!(null));
    mock.done("POST", "/_ctl/reset", json!(null));
    assert_eq!(mock.server.get(ANNA, &token).status, 401, "it is of no seed");
    let token = mock.token("MANAGER");
    assert_eq!(mock.server.get(ANNA, &token).body["title"], "Shop manager");
}

#[test]
fn behind_a_snapshot_the_numbers_of_a_seed_go_on() {
    let mock = Mock::start(&["--seed", "7"]);
    mock.done("POST", "/_ctl/reset", json!({}));
    let eight = || [(); 8].map(|()| mock.token("OWNER"));
    let within = eight();
    mock.done("PUT", "/_ctl/snapshots/eight", json!(null));
    for (path, body) in [("/_ctl/reset", json!({ "snapshot": "eight" })), ("/_ctl/snapshots/eight", json!(null))] {
        mock.done("POST", "/_ctl/reset", json!({}));
        mock.done("POST", path, body);
        let behind = eight();
        assert!(behind.iter().all(|token| !within.contains(token)), "{path}");
        assert!(within.iter().chain(&behind).all(|token| mock.server.get(ANNA, token).status == 200), "{path}");
    }
}

/// The titles that one answer shows of the bakery's employees, each once.
fn titles(mock: &Mock, token: &str) -> Vec<String> {
    let page = mock.server.get("/employee?full=true&limit=500", token);
    assert_eq!(page.status, 200, "{}", page.body);
    let titles = page.body["employees"].as_array().unwrap().iter().map(|employee| employee["title"].to_string());
    titles.collect::<std::collections::BTreeSet<String>>().into_iter().collect()
}

/// Gives every employee of the bakery the title, and saves that as the snapshot of its name.
fn save_world(mock: &Mock, token: &str, name: &str) {
    let page = mock.server.get("/employee?limit=500", token);
    for employee in page.body["employees"].as_array().unwrap() {
        let path = format!("/employee/{}", employee["_id"].as_str().unwrap());
        assert_eq!(mock.server.post(&path, token, &json!({ "title": name })).status, 200);
    }
    mock.done("PUT", &format!("/_ctl/snapshots/{name}"), json!(null));
}

#[test]
fn every_request_under_load_is_answered_from_the_old_world_or_the_new_one() {
    let mock = Mock::start(&[]);
    let (reader, writer) = (mock.token("OWNER"), mock.token("OWNER"));
    save_world(&mock, &reader, "old");
    save_world(&mock, &reader, "new");
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (mock, reader) = (&mock, &reader);
                scope.spawn(move || {
                    let mut seen = std::collections::BTreeSet::new();
                    for _ in 0..60 {
                        let titles = titles(mock, reader);
                        assert_eq!(titles.len(), 1, "of both worlds: {titles:?}");
                        seen.extend(titles);
                    }
                    seen
                })
            })
            .collect();
        for round in 0_usize.. {
            mock.done("POST", "/_ctl/reset", json!({ "snapshot": (["old", "new"][round % 2]) }));
            if round > 2 && readers.iter().all(|reader| reader.is_finished()) {
                break;
            }
        }
        for reader in readers {
            assert!(reader.join().unwrap().iter().all(|title| ["\"old\"", "\"new\""].contains(&title.as_str())));
        }
    });
    // What is saved while others write is one world too: after it, the titles are those of one moment.
    mock.done("POST", "/_ctl/reset", json!({ "snapshot": "old" }));
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for n in 0..100 {
                let written = mock.title(&writer, &format!("Title {n}"));
                assert_eq!(written.status, 200, "{}", written.body);
            }
        });
        let mut saved = 0;
        while !writing.is_finished() {
            mock.done("PUT", &format!("/_ctl/snapshots/during-{saved}"), json!(null));
            saved += 1;
        }
        let mut last = -1;
        for n in 0..saved {
            mock.done("POST", &format!("/_ctl/snapshots/during-{n}"), json!(null));
            let title = mock.server.get(ANNA, &writer).body["title"].as_str().unwrap().to_owned();
            let number = title.strip_prefix("Title ").map_or(-1, |number| number.parse().unwrap());
            assert!(number >= last, "snapshot {n} is older than the one before it: {title}");
            last = number;
        }
    });
}

#[test]
fn sessions_and_scheduled_deletes_follow_the_clock() {
    let mock = Mock::start(&[]);
    let token = mock.token("MANAGER");
    mock.done("POST", "/_ctl/clock", json!({ "freeze": true }));
    assert_eq!(mock.done("GET", "/_ctl/clock", json!(null)), mock.done("GET", "/_ctl/clock", json!(null)));
    mock.done("POST", "/_ctl/clock", json!({ "advanceMs": 14 * 60_000 }));
    assert_eq!(mock.server.get(ANNA, &token).status, 200);
    mock.done("POST", "/_ctl/clock", json!({ "advanceMs": 15 * 60_000 + 1 }));
    assert_eq!(mock.server.get(ANNA, &token).body["error"]["code"], "expired");
    mock.done("POST", "/_ctl/clock", json!({ "set": "2026-12-01T10:00:00Z" }));
    let token = mock.token("MANAGER");
    let later = "/employee/e00000000000000000000405";
    assert_eq!(mock.server.delete(&format!("{later}?deleteDate=2026-12-03"), &token).status, 200);
    assert_eq!(mock.server.get(later, &token).status, 200);
    mock.done("POST", "/_ctl/clock", json!({ "set": "2026-12-03T00:00:01Z" }));
    let token = mock.token("MANAGER");
    assert_eq!(mock.server.get(later, &token).status, 404);
    assert_eq!(mock.done("POST", "/_ctl/clock", json!({ "run": true }))["running"], true);
    for wrong in [
        json!({ "set": "soon" }),
        json!({ "set": "1970-01-01" }),
        json!({ "advanceMs": -1 }),
        json!({ "freeze": true, "run": true }),
        json!({}),
        json!({ "later": 1 }),
    ] {
        let answer = mock.control("POST", "/_ctl/clock", &wrong);
        assert_eq!(answer.status, 422, "{wrong}: {}", answer.body);
    }
}

#[test]
fn the_controls_are_for_programs_of_this_machine() {
    let mock = Mock::start(&[]);
    let refused = |name: &str, value: &str| {
        let answer = mock.call(&mock.controls, "POST", "/_ctl/reset", &Value::Null, &[(name, value)]);
        assert_eq!(answer.status, 403, "{name}: {value}: {}", answer.body);
    };
    refused("host", "rebound.example.com");
    refused("origin", "http://localhost:3000");
    refused("origin", "null");
    refused("sec-fetch-site", "cross-site");
    for (method, path) in [("GET", "/_ctl/reset"), ("GET", "/_ctl/nothing"), ("POST", "/_ctl/snapshots/none")] {
        let answer = mock.control(method, path, &Value::Null);
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
    }
    assert_eq!(mock.control("PUT", "/_ctl/snapshots/..%2Fup", &Value::Null).status, 422);
    let named = "http://127.0.0.1:1".to_owned();
    assert_ne!(mock.controls, named);
    let place = Place::new();
    for (arguments, said) in [
        (vec!["serve", "--control"], "--ephemeral"),
        (vec!["serve", "--strict"], "--ephemeral"),
        (vec!["serve", "--seed", "1"], "--ephemeral"),
        (vec!["serve", "--ephemeral", "--control=0.0.0.0:0"], "127.0.0.1"),
    ] {
        let sentence = is_refused(&mut place.command(&arguments));
        assert!(sentence.contains(said), "{arguments:?}: {sentence}");
    }
}
