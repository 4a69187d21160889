//! Logging in where the platform judges.

use serde_json::json;
use telecomx_local::domain::employee::EmployeeState;
use telecomx_local::store::sessions;

use crate::api::{assert_error, demo};
use crate::servers::{Asked, Here, Line, Pair, Scripted, VIEWER, answer, assert_refused, html, raw_answer};

const DAY_MS: i64 = 24 * 3_600_000;

#[test]
fn who_has_logged_in_with_the_platform_logs_in_without_it_too() {
    let pair = Pair::start();
    let here = &pair.here;
    let body = here.try_log_in(VIEWER, demo::PASSWORD).ok();
    assert_eq!((&body["employee"], &body["expiresInMinutes"]), (&json!(demo::VIEWER), &json!(15)));
    here.with_token(body["token"].as_str().unwrap()).get("/employee").ok();
    assert_eq!(here.gate.is_reachable(), Some(true));
    pair.line.cut();
    here.log_in(VIEWER).get("/employee").ok();
    assert_eq!(here.gate.is_reachable(), Some(false));
    assert_refused(&here.try_log_in(VIEWER, "wrong"));
    assert_refused(&here.try_log_in("manager@bakery.example.com", demo::PASSWORD));
    assert_refused(&here.try_log_in("nobody@example.com", demo::PASSWORD));
    here.clock.advance_ms(31 * DAY_MS);
    assert_refused(&here.try_log_in(VIEWER, demo::PASSWORD));
    pair.mend();
    here.log_in(VIEWER);
}

#[test]
fn the_answer_is_this_servers_and_the_platforms_token_is_sealed() {
    let token = "eyJhbGciOi.the-platforms-own_token";
    let platform = Scripted::start(move |_| answer(200, json!({ "token": token, "employee": demo::VIEWER })));
    let here = Here::connected_to(&platform.url());
    let body =
        json!({ "username": VIEWER, "password": "Secret-1", "smsKey": "12 34", "authenticatorToken": "123 456" });
    let session = here.nobody().post("/auth/login", body).ok();
    let names: Vec<_> = session.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names[..5], ["token", "expiresInMinutes", "employee", "customer", "accessLevel"]);
    assert_ne!(session["token"], token);
    let [asked] = &platform.asked()[..] else { panic!("{:?}", platform.asked()) };
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/auth/login"));
    let sent = json!({ "username": VIEWER, "password": "Secret-1", "smsKey": "1234", "authenticatorToken": "123456" });
    assert_eq!((asked.json(), asked.header("cookie")), (sent, None));
    for secret in [token, "Secret-1"] {
        assert!(
            !here.files().windows(secret.len()).any(|part| part == secret.as_bytes()),
            "{secret} is in the database"
        );
    }
    let hash = telecomx_local::auth::secrets::token_hash(session["token"].as_str().unwrap()).unwrap();
    assert!(here.read(|tx| sessions::platform_token(tx, &hash)).is_some());
}

#[test]
fn a_hash_that_accepts_the_password_is_not_made_anew() {
    let pair = Pair::start();
    pair.here.log_in(VIEWER);
    let first = pair.here.credentials(demo::VIEWER);
    pair.here.clock.advance_ms(60_000);
    pair.here.log_in(VIEWER);
    let second = pair.here.credentials(demo::VIEWER);
    assert_eq!(first.password_hash, second.password_hash);
    assert!(first.confirmed_at < second.confirmed_at);
}

#[test]
fn a_wrong_password_takes_nobodys_kept_one_away() {
    let pair = Pair::start();
    pair.here.log_in(VIEWER);
    let there = pair.there.nobody().post("/auth/login", json!({ "username": VIEWER, "password": "wrong" }));
    let here = pair.here.try_log_in(VIEWER, "wrong");
    assert_refused(&here);
    assert_eq!(here.json(), there.json(), "the platform's own error");
    pair.line.cut();
    pair.here.log_in(VIEWER);
}

#[test]
fn a_password_that_the_platform_refuses_is_kept_no_longer() {
    let pair = Pair::start();
    pair.here.log_in(VIEWER);
    let path = format!("/employee/{}", demo::VIEWER);
    pair.there.viewer().post(&path, json!({ "password": "Another-Passw0rd" })).ok();
    assert_refused(&pair.here.try_log_in(VIEWER, demo::PASSWORD));
    pair.line.cut();
    assert_refused(&pair.here.try_log_in(VIEWER, demo::PASSWORD));
    pair.mend();
    pair.here.try_log_in(VIEWER, "Another-Passw0rd").ok();
    pair.line.cut();
    pair.here.try_log_in(VIEWER, "Another-Passw0rd").ok();
}

#[test]
fn who_is_disabled_logs_in_neither_here_nor_there() {
    let pair = Pair::start();
    pair.here.log_in(VIEWER);
    pair.here.change(demo::VIEWER, |employee| employee.state = EmployeeState::Disabled);
    assert_error(&pair.here.try_log_in(VIEWER, demo::PASSWORD), 403, "account");
    pair.here.change(demo::VIEWER, |employee| employee.state = EmployeeState::Enabled);
    pair.here.log_in(VIEWER);
    let path = format!("/employee/{}", demo::VIEWER);
    pair.there.owner().post(&path, json!({ "state": "DISABLED" })).ok();
    assert_error(&pair.here.try_log_in(VIEWER, demo::PASSWORD), 403, "account");
    pair.line.cut();
    assert_refused(&pair.here.try_log_in(VIEWER, demo::PASSWORD));
}

#[test]
fn an_address_that_is_not_allowed_is_refused_here_too() {
    let pair = Pair::start();
    pair.here.change(demo::VIEWER, |employee| employee.ip_restriction = Some("192.0.2.1".into()));
    assert_error(&pair.here.try_log_in(VIEWER, demo::PASSWORD), 401, "invalid_token");
}

#[test]
fn a_platform_that_says_too_many_tries_is_not_out_of_reach() {
    let turn = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_many = turn.clone();
    let platform = Scripted::start(move |_| match turn.load(std::sync::atomic::Ordering::SeqCst) {
        false => answer(200, json!({ "token": "abc", "employee": demo::VIEWER })),
        true => answer(429, json!({ "error": { "code": "too_many_requests", "message": "x", "status": 429 } })),
    });
    let here = Here::connected_to(&platform.url());
    here.log_in(VIEWER);
    is_many.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_error(&here.try_log_in(VIEWER, demo::PASSWORD), 429, "too_many_requests");
}

#[test]
fn who_is_here_alone_is_not_asked_after_there() {
    let platform = Scripted::start(|_| {
        answer(401, json!({ "error": { "code": "credentials_invalid", "message": "no", "status": 401 } }))
    });
    let here = Here::connected_to(&platform.url());
    let own = format!("/employee/{}", demo::SOEREN);
    here.log_in("soeren@bakery.example.com").get(&own).ok();
    assert_refused(&here.try_log_in("soeren@bakery.example.com", "wrong"));
    assert_eq!(platform.asked().len(), 0);
    assert_error(&here.try_log_in("nobody@example.com", "x"), 401, "credentials_invalid");
    assert_eq!(platform.asked().len(), 1, "a name that nobody has here may be somebody's there");
}

#[test]
fn who_was_not_read_yet_is_told_to_wait() {
    let unknown = "ee0000000000000000000001";
    for id in [unknown, demo::SOEREN] {
        let platform = Scripted::start(move |_| answer(200, json!({ "token": "abc", "employee": id })));
        let here = Here::connected_to(&platform.url());
        let answer = here.try_log_in("new@bakery.example.com", "Passw0rd");
        assert_error(&answer, 403, "account");
        assert!(answer.message().contains("has not read this employee yet"), "{answer}");
    }
}

#[test]
fn what_is_no_answer_of_the_platform_leaves_the_kept_password_to_count() {
    let is_odd = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (turn, ok) = (is_odd.clone(), answer(200, json!({ "token": "abc", "employee": demo::VIEWER })));
    let odd = [
        html(200),
        html(401),
        html(502),
        answer(500, json!({ "error": { "code": "internal_error", "message": "x", "status": 500 } })),
        answer(503, json!({ "error": { "code": "busy", "message": "x", "status": 503 } })),
        answer(200, json!({ "token": "abc" })),
        answer(200, json!({ "token": "a b\r\nx: y", "employee": demo::VIEWER })),
        raw_answer(302, "location: https://example.com/auth/login\r\n", b""),
        ok[..ok.len() - 5].to_vec(),
        b"HTTP/1.1 2".to_vec(),
        vec![],
    ];
    let count = odd.len();
    let platform = Scripted::start(move |_| match turn.load(std::sync::atomic::Ordering::SeqCst) {
        0 => ok.clone(),
        n => odd[n - 1].clone(),
    });
    let here = Here::connected_to(&platform.url());
    here.log_in(VIEWER);
    for n in 1..=count {
        is_odd.store(n, std::sync::atomic::Ordering::SeqCst);
        here.wait_for_the_line();
        let before = platform.asked().len();
        let answer = here.try_log_in(VIEWER, demo::PASSWORD);
        assert_eq!(answer.status, 200, "odd answer {n}: {answer}");
        assert_eq!(platform.asked().len(), before + 1, "odd answer {n}");
        assert_refused(&here.try_log_in(VIEWER, "wrong"));
    }
}

#[test]
fn a_platform_that_was_out_of_reach_a_moment_ago_is_not_tried_again() {
    let pair = Pair::start();
    pair.here.log_in(VIEWER);
    pair.line.cut();
    pair.here.log_in(VIEWER);
    let tried = pair.line.opened();
    for _ in 0..3 {
        pair.here.log_in(VIEWER);
    }
    assert_eq!(pair.line.opened(), tried);
    pair.here.wait_for_the_line();
    pair.here.log_in(VIEWER);
    assert_eq!(pair.line.opened(), tried + 1);
}

#[test]
fn an_account_with_sms_is_asked_for_its_code_by_the_platform_alone() {
    let by_code = |asked: &Asked| match asked.json()["smsKey"].as_str() {
        Some("1234") => answer(200, json!({ "token": "abc", "employee": demo::VIEWER })),
        Some(_) => answer(401, json!({ "error": { "code": "credentials_invalid", "message": "no", "status": 401 } })),
        None => answer(403, json!({ "error": { "code": "smsKey", "message": "SMS sent to +45", "status": 403 } })),
    };
    for without_sms in [false, true] {
        let platform = Scripted::start(by_code);
        let line = Line::to(&platform.url());
        let here = Here::with(&line.url(), |settings| settings.offline_without_sms = without_sms);
        here.change(demo::VIEWER, |employee| employee.sms_validation = true);
        let asked = here.try_log_in(VIEWER, "Passw0rd");
        assert_error(&asked, 403, "smsKey");
        assert_eq!(asked.message(), "SMS sent to +45");
        here.try_log_in_with(VIEWER, "Passw0rd", json!({ "smsKey": "1234" })).ok();
        assert_refused(&here.try_log_in_with(VIEWER, "Passw0rd", json!({ "smsKey": "9" })));
        line.cut();
        let offline = here.try_log_in(VIEWER, "Passw0rd");
        match without_sms {
            true => drop(offline.ok()),
            false => assert_error(&offline, 403, "smsKey"),
        }
        assert_refused(&here.try_log_in(VIEWER, "wrong"));
    }
}

#[test]
fn a_password_given_here_counts_until_the_platform_has_heard_of_it() {
    let pair = Pair::start();
    let manager = pair.here.log_in("manager@bakery.example.com");
    let new = json!({
        "customer": demo::BAKERY, "accessLevel": "VIEWER", "name": "The stock room", "noEmail": true,
        "emailAddress": "stockroom", "password": "Given-Here-1",
    });
    let created = manager.post("/employee", new).ok();
    pair.here.try_log_in("stockroom", "Given-Here-1").ok();
    pair.line.cut();
    let path = format!("/employee/{}", created["_id"].as_str().unwrap());
    manager.post(&path, json!({ "password": "Given-Here-2" })).ok();
    pair.here.try_log_in("stockroom", "Given-Here-2").ok();
    assert_refused(&pair.here.try_log_in("stockroom", "Given-Here-1"));
}

#[test]
fn ones_own_password_is_changed_at_the_platform() {
    let pair = Pair::start();
    let viewer = pair.here.log_in(VIEWER);
    let own = format!("/employee/{}", demo::VIEWER);
    assert_error(&viewer.post(&own, json!({ "password": "Given-Here-1" })), 409, "platform");
    pair.here.try_log_in(VIEWER, demo::PASSWORD).ok();
}

#[test]
fn failed_logins_are_limited_before_the_platform_is_asked() {
    let platform = Scripted::start(|_| {
        answer(401, json!({ "error": { "code": "credentials_invalid", "message": "no", "status": 401 } }))
    });
    let here = Here::connected_to(&platform.url());
    for _ in 0..5 {
        assert_refused(&here.try_log_in(VIEWER, "wrong"));
    }
    assert_error(&here.try_log_in(VIEWER, "wrong"), 429, "too_many_requests");
    assert_eq!(platform.asked().len(), 5);
}

#[test]
fn logging_out_here_ends_nothing_there() {
    let pair = Pair::start();
    let there = pair.there.viewer();
    let here = pair.here.log_in(VIEWER);
    here.get("/auth/logout").ok();
    assert_eq!(here.get("/employee").status, 401);
    there.get("/employee").ok();
}
