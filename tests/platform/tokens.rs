//! Tokens of the platform's, shown here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::json;
use telecomx_local::auth::secrets::presented_hash;
use telecomx_local::domain::employee::EmployeeState;
use telecomx_local::store::platform::tokens;

use crate::api::{TestApp, assert_error, demo};
use crate::servers::{Here, Line, Scripted, answer, html};

const MINUTE_MS: i64 = 60_000;

fn good(employee: &str) -> Vec<u8> {
    answer(200, json!({ "success": true, "employee": employee, "customer": demo::BAKERY, "accessLevel": "VIEWER" }))
}

fn refused() -> Vec<u8> {
    answer(401, json!({ "error": { "code": "invalid_token", "message": "Please login", "status": 401 } }))
}

#[test]
fn a_token_of_the_platform_is_good_here_until_it_is_revoked_there() {
    let there = TestApp::start();
    let line = Line::to(&there.url);
    let here = Here::connected_to(&line.url());
    let token = there.viewer().token().to_owned();
    let caller = here.with_token(&token);
    caller.get("/employee").ok();
    let valid = here.nobody().get(&format!("/auth/validateToken?token={token}&extend=true")).ok();
    assert_eq!((&valid["employee"], &valid["success"]), (&json!(demo::VIEWER), &json!(true)));
    assert_eq!(here.nobody().get(&format!("/auth/validateToken?token={token}&simple=true")).status, 200);
    there.with_token(&token).get("/auth/logout").ok();
    caller.get("/employee").ok();
    here.clock.advance_ms(6 * MINUTE_MS);
    assert_error(&caller.get("/employee"), 401, "invalid_token");
    let hash = presented_hash(&token).unwrap();
    assert_eq!(here.read(|tx| tokens::find(tx, &hash)), None);
    assert_eq!(here.nobody().get(&format!("/auth/validateToken?token={token}&simple=true")).status, 403);
}

#[test]
fn a_token_changes_what_its_employee_may_change_and_no_more() {
    let there = TestApp::start();
    let here = Here::connected_to(&there.url);
    let viewer = here.with_token(there.viewer().token());
    let path = format!("/employee/{}", demo::EMMA);
    assert_error(&viewer.post(&path, json!({ "name": "E" })), 403, "access_denied");
    let manager = here.with_token(there.manager().token());
    assert_eq!(manager.post(&path, json!({ "name": "Emma the Second" })).ok()["name"], "Emma the Second");
    let admin = here.with_token(there.reseller_admin().token());
    assert_error(&admin.get(&format!("/auth/impersonate/{}", demo::EMMA)), 409, "platform");
}

#[test]
fn without_the_platform_a_token_is_good_for_a_day() {
    let there = TestApp::start();
    let line = Line::to(&there.url);
    let here = Here::connected_to(&line.url());
    let (viewer, manager) = (there.viewer(), there.manager());
    let caller = here.with_token(viewer.token());
    caller.get("/employee").ok();
    line.cut();
    here.clock.advance_ms(23 * 60 * MINUTE_MS);
    caller.get("/employee").ok();
    assert_error(&here.with_token(manager.token()).get("/employee"), 401, "invalid_token");
    here.clock.advance_ms(2 * 60 * MINUTE_MS);
    assert_error(&caller.get("/employee"), 401, "expired");
    assert_error(&here.nobody().get(&format!("/auth/validateToken?token={}", viewer.token())), 401, "expired");
    line.mend();
    here.wait_for_the_line();
    caller.get("/employee").ok();
}

#[test]
fn who_is_disabled_here_calls_no_more_at_once() {
    let there = TestApp::start();
    let here = Here::connected_to(&there.url);
    let caller = here.with_token(there.viewer().token());
    caller.get("/employee").ok();
    here.change(demo::VIEWER, |employee| employee.state = EmployeeState::Disabled);
    assert_error(&caller.get("/employee"), 401, "invalid_token");
}

#[test]
fn a_token_may_have_any_form_and_is_asked_after_once_in_five_minutes() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln+/=~&?";
    let platform = Scripted::start(|_| good(demo::VIEWER));
    let here = Here::connected_to(&platform.url());
    let caller = here.with_token(token);
    for _ in 0..3 {
        caller.get("/employee").ok();
    }
    let [asked] = &platform.asked()[..] else { panic!("{:?}", platform.asked()) };
    let expected = "/auth/validateToken?token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln%2B%2F%3D%7E%26%3F&extend=true&ip=127.0.0.1";
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("GET", expected));
    assert_eq!((asked.header("authorization"), asked.header("cookie")), (None, None));
    here.clock.advance_ms(6 * MINUTE_MS);
    caller.get("/employee").ok();
    assert_eq!(platform.asked().len(), 2);
    assert!(!here.files().windows(token.len()).any(|part| part == token.as_bytes()), "only its SHA-256 is stored");
}

#[test]
fn what_the_platform_does_not_know_is_not_asked_after_again_for_a_while() {
    let platform = Scripted::start(|_| refused());
    let here = Here::connected_to(&platform.url());
    for _ in 0..3 {
        assert_error(&here.with_token("stranger").get("/employee"), 401, "invalid_token");
    }
    assert_eq!(platform.asked().len(), 1);
    for odd in [" ", "two words", &"x".repeat(4_097), "bl\u{e5}"] {
        let query = telecomx_local::platform::transport::argument(odd);
        let answer = here.nobody().get(&format!("/auth/validateToken?token={query}"));
        assert_error(&answer, 401, "invalid_token");
    }
    assert_eq!(platform.asked().len(), 1, "no header can hold these");
}

#[test]
fn a_token_of_somebody_who_was_not_read_is_refused() {
    for employee in ["ee0000000000000000000001", demo::SOEREN, demo::NO_LOGIN, demo::DISABLED] {
        let platform = Scripted::start(move |_| good(employee));
        let here = Here::connected_to(&platform.url());
        for _ in 0..2 {
            assert_error(&here.with_token("somebody").get("/employee"), 401, "invalid_token");
        }
        assert_eq!(platform.asked().len(), 1, "{employee}");
    }
}

#[test]
fn this_servers_own_tokens_are_not_shown_to_the_platform() {
    let platform = Scripted::start(|_| refused());
    let here = Here::connected_to(&platform.url());
    let own = here.log_in("soeren@bakery.example.com");
    let path = format!("/employee/{}", demo::SOEREN);
    own.get(&path).ok();
    here.clock.advance_ms(16 * MINUTE_MS);
    assert_error(&own.get(&path), 401, "expired");
    let shown: Vec<_> = platform.asked().into_iter().filter(|asked| asked.target.contains(own.token())).collect();
    assert_eq!(shown.len(), 0, "{shown:?}");
}

#[test]
fn what_is_no_answer_of_the_platform_changes_nothing() {
    let now = Arc::new(AtomicU16::new(200));
    let status = now.clone();
    let platform = Scripted::start(move |_| match status.load(Ordering::SeqCst) {
        200 => good(demo::VIEWER),
        401 => html(401),
        status => answer(status, json!({ "error": { "code": "busy", "message": "x", "status": status } })),
    });
    let here = Here::connected_to(&platform.url());
    let caller = here.with_token("a-token");
    caller.get("/employee").ok();
    for status in [401, 429, 500, 503] {
        now.store(status, Ordering::SeqCst);
        here.clock.advance_ms(6 * MINUTE_MS);
        caller.get("/employee").ok();
        assert_error(&here.with_token("another").get("/employee"), 401, "invalid_token");
    }
    now.store(200, Ordering::SeqCst);
    here.with_token("another").get("/employee").ok();
}

#[test]
fn without_a_platform_nothing_but_this_servers_own_form_is_a_token() {
    let here = Here::alone(|_| {});
    let answer = here.with_token("abc.def").get("/employee");
    assert_error(&answer, 401, "invalid_token");
    assert_eq!(answer.message(), "Undecipherable");
}

#[test]
fn many_who_show_one_token_at_once_are_all_served() {
    let platform = Scripted::start(|_| good(demo::VIEWER));
    let here = Here::connected_to(&platform.url());
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let caller = here.with_token("one-for-all");
            std::thread::spawn(move || caller.get("/employee").status)
        })
        .collect();
    let statuses: Vec<u16> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert!(platform.asked().len() <= 4, "{} questions", platform.asked().len());
}

#[test]
fn a_stranger_takes_the_platform_away_from_nobody() {
    let platform = Scripted::start(|asked| match asked.target.as_str() {
        "/auth/login" => answer(200, json!({ "token": "abc", "employee": demo::VIEWER })),
        _ => vec![],
    });
    let here = Here::connected_to(&platform.url());
    assert_error(&here.with_token("breaks-the-connection").get("/employee"), 401, "invalid_token");
    here.try_log_in("viewer@bakery.example.com", "Passw0rd").ok();
    assert_eq!(platform.asked_of("/auth/login").len(), 1);
}
