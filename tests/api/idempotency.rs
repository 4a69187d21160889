//! `Idempotency-Key`

use serde_json::{Value, json};

use super::support::{Client, Response, TestApp, assert_error, demo};

fn post(caller: &Client, path: &str, key: &str, body: Value) -> Response {
    caller.request("POST", path).header("idempotency-key", key).json(body).send()
}

fn new_employee(name: &str) -> Value {
    json!({ "customer": demo::BAKERY, "accessLevel": "PERSONAL", "name": name })
}

fn total(caller: &Client) -> i64 {
    caller.get("/employee?limit=1").ok()["total"].as_i64().unwrap()
}

fn is_replay(answer: &Response) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

#[test]
fn a_repeated_request_is_answered_again_and_done_once() {
    let app = TestApp::start();
    let manager = app.manager();
    let before = total(&manager);
    let first = post(&manager, "/employee", "key-1", new_employee("Twice"));
    first.ok();
    let second = post(&manager, "/employee", "key-1", new_employee("Twice"));
    assert_eq!((second.status, &second.body, second.etag()), (200, &first.body, first.etag()));
    assert!(is_replay(&second) && !is_replay(&first));
    assert_eq!(total(&manager), before + 1);
    post(&manager, "/employee", "key-2", new_employee("Twice")).ok();
    assert_eq!(total(&manager), before + 2);
}

#[test]
fn a_copy_that_is_repeated_is_audited_once() {
    let app = TestApp::start();
    let manager = app.manager();
    let copy = json!({ "_id": demo::PERSONAL, "copyTo": demo::EMMA });
    let (answers, entries) =
        app.audited(|| [0, 1, 2].map(|_| post(&manager, "/pbx/app/mobileconfig/", "k", copy.clone())));
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    assert_eq!(entries.len(), 1);
}

#[test]
fn a_key_that_was_used_for_another_request_is_refused() {
    let app = TestApp::start();
    let manager = app.manager();
    post(&manager, "/employee", "key", new_employee("One")).ok();
    let before = app.export();
    assert_error(&post(&manager, "/employee", "key", new_employee("Other")), 422, "idempotency_key");
    let elsewhere = format!("/employee/{}", demo::EMMA);
    assert_error(&post(&manager, &elsewhere, "key", new_employee("One")), 422, "idempotency_key");
    assert_eq!(app.export(), before);
}

#[test]
fn each_caller_has_keys_of_its_own() {
    let app = TestApp::start();
    let (manager, owner) = (app.manager(), app.owner());
    let first = post(&manager, "/employee", "key", new_employee("Mine"));
    let second = post(&owner, "/employee", "key", new_employee("Mine"));
    assert_ne!(first.ok()["_id"], second.ok()["_id"]);
    assert!(!is_replay(&second));
}

#[test]
fn a_refused_request_leaves_its_key_free() {
    let app = TestApp::start();
    let manager = app.manager();
    let taken = json!({ "customer": demo::BAKERY, "accessLevel": "PERSONAL", "name": "New", "emailAddress": "emma@bakery.example.com" });
    assert_error(&post(&manager, "/employee", "key", taken.clone()), 409, "emailAddress");
    manager.delete(&format!("/employee/{}", demo::EMMA)).ok();
    assert!(!is_replay(&post(&manager, "/employee", "key", taken.clone())));
    assert!(is_replay(&post(&manager, "/employee", "key", taken)));
}

#[test]
fn an_answer_is_forgotten_after_24_hours() {
    let app = TestApp::start();
    let credentials = json!({ "username": "manager@bakery.example.com", "password": demo::PASSWORD, "persist": true });
    let token = app.nobody().post("/auth/login", credentials).ok()["token"].as_str().unwrap().to_owned();
    let manager = app.with_token(&token);
    let first = post(&manager, "/employee", "key", new_employee("Daily"));
    app.clock.advance_ms(23 * 3_600_000);
    app.run_housekeeping();
    assert!(is_replay(&post(&manager, "/employee", "key", new_employee("Daily"))));
    app.clock.advance_ms(3_600_000 + 1_000);
    app.run_housekeeping();
    let later = post(&manager, "/employee", "key", new_employee("Daily"));
    assert!(!is_replay(&later));
    assert_ne!(later.ok()["_id"], first.ok()["_id"]);
}

#[test]
fn a_login_may_be_repeated_and_its_token_is_nowhere_in_clear() {
    let app = TestApp::start();
    let nobody = app.nobody();
    let credentials = demo::credentials("manager@bakery.example.com");
    let first = post(&nobody, "/auth/login", "my-key", credentials.clone());
    let second = post(&nobody, "/auth/login", "my-key", credentials);
    assert_eq!(first.ok(), second.ok());
    assert_eq!(second.header("cache-control"), Some("no-store"));
    let token = first.ok()["token"].as_str().unwrap().to_owned();
    let manager = app.with_token(&token);
    let machine = post(&manager, &format!("/employee/{}/token", demo::MANAGER), "my-key", json!({})).ok();
    let machine = machine["token"].as_str().unwrap().to_owned();
    manager.post(&format!("/employee/{}", demo::MANAGER), json!({ "password": "Sup3rSecret!" })).ok();
    let mut files = vec![];
    for entry in std::fs::read_dir(app.path().parent().unwrap()).unwrap() {
        files.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |text: &str| files.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("manager@bakery.example.com"), "the files were read");
    for secret in [&token, &machine, "Sup3rSecret!", demo::PASSWORD, "my-key"] {
        assert!(!holds(secret), "{secret} is in the files");
    }
}

fn log_in(app: &TestApp, username: &str) -> Response {
    post(&app.nobody(), "/auth/login", "key", demo::credentials(username))
}

#[test]
fn at_login_each_user_has_keys_of_its_own() {
    let app = TestApp::start();
    let (manager, owner) = (log_in(&app, "manager@bakery.example.com"), log_in(&app, "owner@bakery.example.com"));
    assert_eq!((&manager.ok()["employee"], &owner.ok()["employee"]), (&json!(demo::MANAGER), &json!(demo::OWNER)));
    assert!(is_replay(&log_in(&app, "manager@bakery.example.com")));
}

#[test]
fn a_login_is_done_anew_when_its_session_has_ended() {
    let app = TestApp::start();
    let again = || log_in(&app, "manager@bakery.example.com");
    let manager = || app.with_token(again().ok()["token"].as_str().unwrap());
    let is_anew = || {
        let answer = again();
        assert!(!is_replay(&answer), "{answer}");
        assert_eq!(manager().token(), answer.ok()["token"], "and is remembered in the place of the old one");
        manager().get("/employee").ok();
    };
    manager().get("/auth/logout").ok();
    is_anew();
    app.clock.advance_ms(16 * 60_000);
    is_anew();
    let bakery = format!("/customer/{}", demo::BAKERY);
    app.admin().post(&bakery, json!({ "state": "BLOCKED" })).ok();
    assert_error(&again(), 403, "account");
    app.admin().post(&bakery, json!({ "state": "ACTIVE" })).ok();
    app.admin().post(&format!("/employee/{}", demo::MANAGER), json!({ "state": "DISABLED" })).ok();
    assert_error(&again(), 403, "account");
}

#[test]
fn with_another_condition_it_is_another_request() {
    let app = TestApp::start();
    let manager = app.manager();
    let path = format!("/employee/{}", demo::EMMA);
    let tag = manager.get(&path).etag().to_owned();
    let change = |condition: &str, tag: &str| {
        let request = manager.request("POST", &path).header("idempotency-key", "key").header(condition, tag);
        request.json(json!({ "title": "Head" })).send()
    };
    change("if-match", &tag).ok();
    assert!(is_replay(&change("if-match", &tag)));
    assert_error(&change("if-match", "*"), 422, "idempotency_key");
    assert_error(&change("if-none-match", &tag), 422, "idempotency_key");
    assert_error(&post(&manager, &path, "key", json!({ "title": "Head" })), 422, "idempotency_key");
}

#[test]
fn a_key_must_be_1_to_255_characters() {
    let app = TestApp::start();
    let manager = app.manager();
    assert_error(&post(&manager, "/employee", "", new_employee("X")), 422, "idempotency_key");
    assert_error(&post(&manager, "/employee", &"k".repeat(256), new_employee("X")), 422, "idempotency_key");
    post(&manager, "/employee", &"k".repeat(255), new_employee("X")).ok();
}

#[test]
fn requests_side_by_side_with_one_key_are_done_once() {
    let app = TestApp::start();
    let manager = app.manager();
    let before = total(&manager);
    let answers: Vec<Response> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| post(&manager, "/employee", "key", new_employee("Once")))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let done: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert!(!done.is_empty() && done.iter().all(|answer| answer.body == done[0].body));
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_error(refused, 409, "idempotency_key");
    }
    assert_eq!(total(&manager), before + 1);
}

#[test]
fn a_key_that_is_not_ascii_is_refused() {
    let app = TestApp::start();
    let manager = app.manager();
    let before = total(&manager);
    for path in ["/employee", "/pbx/app/employees"] {
        assert_error(&post(&manager, path, "k\u{ff}y", new_employee("Nobody")), 422, "idempotency_key");
    }
    assert_eq!(total(&manager), before);
}
