//! What a mock does with requests: faults, the journal, workspaces.

use serde_json::{Value, json};

use crate::control::{ANNA, Mock};

#[test]
fn what_goes_wrong_on_purpose_goes_wrong_as_often_as_it_was_asked_to() {
    let mock = Mock::start(&[]);
    let token = mock.token("MANAGER");
    let fault = |rule: Value| mock.done("POST", "/_ctl/faults", rule)["id"].clone();
    fault(json!({ "method": "GET", "path": "/employee/*", "next": 2, "then": { "status": 503 } }));
    let statuses = [(); 3].map(|()| mock.server.get(ANNA, &token).status);
    assert_eq!(statuses, [503, 503, 200]);
    assert_eq!(mock.done("GET", "/_ctl/faults", json!(null))["faults"][0]["hits"], 2);
    fault(json!({ "path": "/employee/*", "next": 1, "then": { "expired": true } }));
    assert_eq!(mock.server.get(ANNA, &token).body["error"]["code"], "expired");
    fault(json!({ "path": "/employee/*", "next": 1, "then": { "tooMany": 7 } }));
    assert_eq!(mock.server.get(ANNA, &token).status, 429);
    // The request is done, and the client does not learn of it.
    for (n, then) in [json!({ "reset": "after" }), json!({ "truncate": true })].into_iter().enumerate() {
        let title = format!("Title {n}");
        fault(json!({ "method": "POST", "path": "/employee/*", "next": 1, "then": then }));
        let lost = mock.server.try_post(ANNA, &token, &json!({ "title": title }));
        assert!(lost.as_ref().map_or(true, |answer| answer.body.is_null()), "{then}: {lost:?}");
        assert_eq!(mock.server.get(ANNA, &token).body["title"], json!(title), "{then}");
    }
    fault(json!({ "method": "POST", "path": "/employee/*", "next": 1, "then": { "reset": true } }));
    assert!(mock.server.try_post(ANNA, &token, &json!({ "title": "Never" })).is_err());
    assert_eq!(mock.server.get(ANNA, &token).body["title"], "Title 1");
    fault(json!({ "path": "/employee/*", "next": 1, "then": { "malformed": true } }));
    assert!(mock.server.text(ANNA, &token).ends_with("<html>"));
    let gone = fault(json!({ "then": { "status": 500 } }));
    mock.done("DELETE", &format!("/_ctl/faults/{gone}"), json!(null));
    assert_eq!(mock.server.get(ANNA, &token).status, 200);
    for wrong in [
        json!({ "path": "/employes", "then": { "status": 500 } }),
        json!({ "next": 0, "then": { "status": 500 } }),
        json!({ "then": { "explode": true } }),
        json!([]),
    ] {
        assert_eq!(mock.control("POST", "/_ctl/faults", &wrong).status, 422, "{wrong}");
    }
    assert_eq!(mock.control("DELETE", "/_ctl/faults/77", &Value::Null).status, 404);
}

#[test]
fn the_journal_has_what_was_sent_without_secrets_and_says_what_is_not_documented() {
    let mock = Mock::start(&[]);
    let token = mock.token("MANAGER");
    mock.server.post(ANNA, &token, &json!({ "title": "X", "tittle": "Y" }));
    mock.server.get("/employee?custommer=c00000000000000000000004", &token);
    mock.server.get("/pbx/trunk", &token);
    mock.server.get("/nothing", &token);
    mock.server.post("/auth/login", "", &json!({ "username": "a", "password": "Very-Secret-1" }));
    let listed = mock.done("GET", "/_ctl/requests?problems=true", json!(null));
    let said: Vec<&str> =
        listed["requests"].as_array().unwrap().iter().map(|it| it["problems"][0]["what"].as_str().unwrap()).collect();
    assert_eq!(said.len(), 4, "{said:?}");
    for (said, part) in said.iter().zip(["tittle", "custommer", "does not serve", "/nothing"]) {
        assert!(said.contains(part), "{said}: {part}");
    }
    assert_eq!(listed["requests"][0]["problems"][0]["page"], "api:employee:update");
    let all = mock.done("GET", "/_ctl/requests", json!(null));
    assert_eq!((&all["total"], &all["requests"][0]["caller"]), (&json!(5), &json!("e00000000000000000000402")));
    let text = all.to_string();
    assert!(!text.contains(&token) && !text.contains("Very-Secret-1"), "{text}");
    let har = mock.done("GET", "/_ctl/requests?format=har&path=/employee/*", json!(null));
    assert_eq!(har["log"]["entries"][0]["request"]["method"], "POST");
    mock.done("DELETE", "/_ctl/requests", json!(null));
    // One that waits is answered by the request that comes.
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| mock.done("GET", "/_ctl/requests?wait=30&path=/healthz", json!(null)));
        while !waiting.is_finished() {
            mock.server.get("/healthz", "");
        }
        waiting.join().unwrap()
    });
    assert_eq!(waiting["requests"][0]["status"], 200);
    assert_eq!(mock.control("GET", "/_ctl/requests?format=xml", &Value::Null).status, 422);
}

#[test]
fn a_strict_mock_refuses_what_is_not_documented() {
    let mock = Mock::start(&["--strict"]);
    let token = mock.token("MANAGER");
    let refused = mock.server.post(ANNA, &token, &json!({ "title": "X", "tittle": "Y" }));
    assert_eq!((refused.status, &refused.body["error"]["code"]), (400, &json!("strict")));
    let message = refused.body["error"]["message"].as_str().unwrap();
    assert!(message.contains("tittle") && message.contains("api:employee:update"), "{message}");
    assert_eq!(mock.server.get(ANNA, &token).body["title"], "Shop manager");
    assert_eq!(mock.server.post(ANNA, &token, &json!({ "title": "X" })).status, 200);
    assert_eq!(mock.server.get("/customer/c00000000000000000000004/address", &token).status, 200);
}

/// What a client sees of a workspace in a short test of its own: with a fault, a moved clock, and objects that it makes.
fn transcript(mock: &Mock, workspace: &Value, n: u64) -> String {
    let (url, controls) = (workspace["url"].as_str().unwrap(), workspace["controlUrl"].as_str().unwrap());
    let control = |path: &str, body: Value| {
        let answer = mock.call(controls, "POST", path, &body, &[]);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    };
    let token = control("/_ctl/tokens", json!({ "level": "MANAGER" }))["token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let call = |method: &str, path: &str, body: Value| {
        let answer = mock.call(url, method, path, &body, &[("authorization", &bearer)]);
        format!("{} {}\n", answer.status, answer.body)
    };
    let mut text = format!("{token}\n");
    control("/_ctl/faults", json!({ "path": "/employee/*", "share": 0.4, "then": { "status": 503 } }));
    for _ in 0..6 {
        text += &call("GET", ANNA, Value::Null);
    }
    let new = json!({ "customer": "c00000000000000000000004", "accessLevel": "PERSONAL", "name": format!("Test {n}") });
    text += &call("POST", "/employee", new);
    text += &control("/_ctl/clock", json!({ "advanceMs": 1_000 * n })).to_string();
    text += &call("POST", "/pbx/app/mobileconfig/e00000000000000000000403", json!({}));
    text += &call("GET", "/employee?customer=c00000000000000000000004&filter=Test", Value::Null);
    text
}

#[test]
fn two_hundred_tests_beside_each_other_do_not_disturb_each_other_and_repeat_with_their_seeds() {
    let mock = Mock::start(&["--log-level", "error"]);
    let play = |n: u64| {
        let workspace = mock.done("POST", "/_ctl/workspaces", json!({ "seed": n % 10 }));
        let text = transcript(&mock, &workspace, n % 10);
        mock.done("DELETE", &format!("/_ctl/workspaces/{}", workspace["name"].as_str().unwrap()), json!(null));
        text
    };
    let transcripts: Vec<(u64, String)> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..20).map(|thread| scope.spawn(move || (0..10).map(|n| thread * 10 + n).collect::<Vec<u64>>())).collect();
        let numbers: Vec<Vec<u64>> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let players: Vec<_> = numbers
            .into_iter()
            .map(|numbers| scope.spawn(|| numbers.into_iter().map(|n| (n % 10, play(n))).collect::<Vec<_>>()))
            .collect();
        players.into_iter().flat_map(|player| player.join().unwrap()).collect()
    });
    assert_eq!(transcripts.len(), 200);
    for (seed, text) in &transcripts {
        let first = &transcripts.iter().find(|(other, _)| other == seed).unwrap().1;
        assert_eq!(text, first, "seed {seed}");
        let of_others = (0..10).filter(|other| other != seed).any(|other| text.contains(&format!("\"Test {other}\"")));
        assert!(!of_others, "no test sees another's objects: {text}");
    }
    assert_ne!(transcripts[0].1, transcripts[1].1);
    assert_eq!(mock.done("GET", "/_ctl/workspaces", json!(null)), json!({ "workspaces": [] }));
    assert_eq!(mock.control("DELETE", "/_ctl/workspaces/w1", &Value::Null).status, 404);
}

#[test]
fn the_outbox_shows_the_link_of_a_mail_and_is_cleared() {
    let mock = Mock::start(&[]);
    let name = json!({ "username": "emma@bakery.example.com" });
    assert_eq!(mock.server.post("/auth/reset", "", &name).body["method"], "EMAIL");
    let outbox = mock.done("GET", "/_ctl/outbox?kind=mail&wait=10", json!(null));
    let entry = &outbox["outbox"][0];
    let link = entry["link"].as_str().unwrap();
    assert!(link.starts_with(&mock.server.url) && !entry["content"].to_string().contains(link), "{entry}");
    let token = link.split_once("token=").unwrap().1;
    let password = json!({ "token": token, "password": "New-Passw0rd" });
    assert_eq!(mock.server.post("/auth/setpassword", "", &password).body["success"], true);
    assert_eq!(mock.done("GET", "/_ctl/outbox?kind=sms", json!(null))["total"], 0);
    assert_eq!(mock.control("GET", "/_ctl/outbox?kind=fax", &json!(null)).status, 422);
    mock.done("DELETE", "/_ctl/outbox", json!(null));
    assert_eq!(mock.done("GET", "/_ctl/outbox", json!(null)), json!({ "total": 0, "outbox": [] }));
}
