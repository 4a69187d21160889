//! `/auth` after the login: how a token is presented, how long it lives, what ends it, and impersonation.

use serde_json::{Value, json};

use super::support::{Client, TestApp, assert_error, demo};

const MINUTE_MS: i64 = 60_000;

/// The level of whoever a request is taken for.
fn level_of(answer: &super::support::Response) -> Value {
    answer.ok()["accessLevel"].clone()
}

fn persistent(app: &TestApp, username: &str) -> Client {
    let credentials = json!({ "username": username, "password": demo::PASSWORD, "persist": true });
    let answer = app.nobody().post("/auth/login", credentials).ok();
    assert_eq!(answer["expiresInMinutes"], -1);
    app.with_token(answer["token"].as_str().unwrap())
}

#[test]
fn a_token_is_taken_from_the_header_then_the_query_then_the_cookie() {
    let app = TestApp::start();
    let (viewer, manager, owner) = (app.viewer(), app.manager(), app.owner());
    let path = format!("/employee/{}", demo::EMMA);
    let change = json!({ "title": "Changed" });
    // Only the viewer may not do this: whose token counts is told by the answer.
    let attempt = |header: Option<&Client>, query: Option<&Client>, cookie: Option<&Client>| {
        let query = query.map(|client| format!("?token={}", client.token())).unwrap_or_default();
        let mut request = app.nobody().request("POST", &format!("{path}{query}")).json(change.clone());
        if let Some(client) = header {
            request = request.header("authorization", &format!("Bearer {}", client.token()));
        }
        if let Some(client) = cookie {
            request = request.header("cookie", &format!("other=1; token={}", client.token()));
        }
        request.send().status
    };
    let (m, v) = (Some(&manager), Some(&viewer));
    assert_eq!([attempt(m, None, None), attempt(None, m, None), attempt(None, None, m)], [200, 200, 200]);
    assert_eq!([attempt(v, None, None), attempt(None, v, None), attempt(None, None, v)], [403, 403, 403]);
    assert_eq!([attempt(m, v, v), attempt(v, m, m)], [200, 403]);
    assert_eq!([attempt(None, m, v), attempt(None, v, Some(&owner))], [200, 403]);
}

#[test]
fn a_header_that_is_wrong_is_not_made_good_by_another_way() {
    let app = TestApp::start();
    let viewer = app.viewer();
    let path = format!("/customer/{}?token={}", demo::BAKERY, viewer.token());
    for (value, code) in [
        ("", "format_error"),
        ("Bearer", "format_error"),
        ("Bearer ", "format_error"),
        ("Basic dTpw", "format_error"),
        (viewer.token(), "format_error"),
        ("Bearer nonsense", "invalid_token"),
    ] {
        let answer = app.nobody().request("GET", &path).header("authorization", value).send();
        assert_error(&answer, 401, code);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{answer}");
    }
    let lower = format!("bearer {}", viewer.token());
    app.nobody().request("GET", "/employee").header("authorization", &lower).send().ok();
}

#[test]
fn a_session_lives_15_minutes_after_its_last_request() {
    let app = TestApp::start();
    let viewer = app.viewer();
    for _ in 0..3 {
        app.clock.advance_ms(14 * MINUTE_MS);
        viewer.get("/employee").ok();
        app.run_housekeeping();
    }
    app.clock.advance_ms(15 * MINUTE_MS + 5_000);
    assert_error(&viewer.get("/employee"), 401, "expired");
    assert_error(&viewer.get("/employee"), 401, "expired");
}

#[test]
fn to_ask_whether_a_token_is_valid_does_not_prolong_it() {
    let app = TestApp::start();
    let viewer = app.viewer();
    let question = format!("/auth/validateToken?token={}", viewer.token());
    app.clock.advance_ms(14 * MINUTE_MS);
    app.nobody().get(&question).ok();
    app.clock.advance_ms(2 * MINUTE_MS);
    assert_error(&app.nobody().get(&question), 401, "expired");
    assert_error(&viewer.get("/employee"), 401, "expired");
}

#[test]
fn a_persistent_session_ends_at_logout_only() {
    let app = TestApp::start();
    let viewer = persistent(&app, "viewer@bakery.example.com");
    app.clock.advance_ms(400 * 24 * 60 * MINUTE_MS);
    app.run_housekeeping();
    viewer.get("/employee").ok();
    viewer.get("/auth/logout").ok();
    assert_error(&viewer.get("/employee"), 401, "invalid_token");
}

#[test]
fn logout_ends_all_sessions_of_the_user_and_nobody_elses() {
    let app = TestApp::start();
    let (first, second, other) = (app.viewer(), persistent(&app, "viewer@bakery.example.com"), app.manager());
    let borrowed = app.admin().get(&format!("/auth/impersonate/{}", demo::VIEWER)).ok();
    let borrowed = app.with_token(borrowed["token"].as_str().unwrap());
    borrowed.get("/employee").ok();
    assert_eq!(first.get("/auth/logout").ok(), json!({ "success": true }));
    for ended in [&first, &second, &borrowed] {
        let answer = ended.get("/employee");
        assert_error(&answer, 401, "invalid_token");
        assert_eq!(answer.message(), "Please login");
    }
    other.get("/employee").ok();
}

#[test]
fn a_login_may_set_a_cookie_that_logout_clears() {
    let app = TestApp::start();
    let mut credentials = demo::credentials("viewer@bakery.example.com");
    assert_eq!(app.nobody().post("/auth/login", credentials.clone()).header("set-cookie"), None);
    credentials["cookie"] = json!(1);
    let answer = app.nobody().post("/auth/login", credentials);
    let token = answer.ok()["token"].as_str().unwrap().to_owned();
    let cookie = answer.header("set-cookie").unwrap();
    let mut parts: Vec<&str> = cookie.split("; ").collect();
    assert_eq!(parts.remove(0), format!("token={token}"));
    parts.sort_unstable();
    assert_eq!(parts, ["HttpOnly", "Path=/", "SameSite=Strict"]);
    let logout = app.nobody().request("GET", "/auth/logout").header("cookie", &format!("token={token}")).send();
    logout.ok();
    let cleared = logout.header("set-cookie").unwrap();
    assert!(cleared.starts_with("token=;") && cleared.contains("Max-Age=0"), "{cleared}");
}

#[test]
fn validate_token_tells_whose_a_token_is() {
    let app = TestApp::start();
    let viewer = app.viewer();
    let answer = app.nobody().get(&format!("/auth/validateToken?token={}", viewer.token()));
    let expected =
        json!({ "success": true, "employee": demo::VIEWER, "customer": demo::BAKERY, "accessLevel": "VIEWER" });
    assert_eq!(answer.ok(), expected);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let extended = viewer.get("/auth/validateToken?extend=true").ok();
    assert_eq!(extended["name"], "Viggo Viewer");
    assert_eq!(extended["customerName"], "Demo Bakery");
    assert_eq!(extended["language"], "en");
    assert_eq!(extended["customerFeatures"], json!(["CUSTOMER", "SIP", "MVNO", "PBX", "CHANGELOG"]));
    assert_eq!(extended.get("customerIntegrations"), None);
    let reseller = app.reseller().get("/auth/validateToken?extend").ok();
    assert_eq!(reseller["customerIntegrations"]["billing"]["economic"]["enabled"], true);
}

#[test]
fn validate_token_simple_answers_by_status_alone() {
    let app = TestApp::start();
    let viewer = app.viewer();
    let ask = |token: &str| app.nobody().get(&format!("/auth/validateToken?simple=1&token={token}"));
    let valid = ask(viewer.token());
    assert_eq!((valid.status, valid.text()), (200, String::new()));
    for token in ["nonsense", &"0".repeat(64), ""] {
        assert_eq!(ask(token).status, 403, "{token}");
    }
    app.clock.advance_ms(16 * MINUTE_MS);
    assert_eq!(ask(viewer.token()).status, 403);
}

#[test]
fn validate_token_counts_a_token_invalid_from_another_address() {
    let app = TestApp::start();
    let viewer = app.viewer();
    let ask = |ip: &str| app.nobody().get(&format!("/auth/validateToken?token={}&ip={ip}", viewer.token()));
    ask("127.0.0.1").ok();
    assert_error(&ask("192.0.2.1"), 401, "invalid_token");
    assert_eq!(ask("192.0.2.1&simple=1").status, 403);
    viewer.get("/employee").ok();
}

#[test]
fn impersonation_acts_as_the_other_and_is_recorded_with_both() {
    let app = TestApp::start();
    let reseller = app.reseller();
    let (answer, entries) = app.audited(|| reseller.get(&format!("/auth/impersonate/{}", demo::MANAGER)).ok());
    assert_eq!((&answer["employee"], &answer["customer"]), (&json!(demo::MANAGER), &json!(demo::BAKERY)));
    assert_eq!((&answer["accessLevel"], &answer["expiresInMinutes"]), (&json!("MANAGER"), &json!(15)));
    assert_eq!((&answer["name"], &answer["customerName"]), (&json!("Anna Manager"), &json!("Demo Bakery")));
    assert_eq!((entries.len(), entries[0].action.as_str()), (1, "impersonate"));
    let manager = app.with_token(answer["token"].as_str().unwrap());
    assert_eq!(level_of(&manager.get("/auth/validateToken")), "MANAGER");
    assert_error(&manager.get("/customer"), 403, "access_denied");
    let (_, entries) =
        app.audited(|| manager.post(&format!("/employee/{}", demo::EMMA), json!({ "title": "Head" })).ok());
    assert_eq!(entries[0].impersonator.as_deref(), Some(demo::RESELLERS_CONSULTANT));
}

#[test]
fn an_impersonated_token_is_bound_to_the_address_asked_for() {
    let app = TestApp::start();
    let admin = app.admin();
    let impersonate = |query: &str| admin.get(&format!("/auth/impersonate/{}{query}", demo::MANAGER));
    let token = |query: &str| impersonate(query).ok()["token"].as_str().unwrap().to_owned();
    app.with_token(&token("?ip=127.0.0.1")).get("/employee").ok();
    let elsewhere = app.with_token(&token("?ip=192.0.2.1")).get("/employee");
    assert_error(&elsewhere, 401, "invalid_token");
    assert_eq!(elsewhere.message(), "IP address not authenticated");
    assert_error(&impersonate("?ip=here"), 422, "ip");
    assert_eq!(impersonate("?persist=true").ok()["expiresInMinutes"], -1);
}

#[test]
fn nobody_is_impersonated_above_the_own_level_or_without_access() {
    let app = TestApp::start();
    let as_whom = |caller: &Client, employee: &str| caller.get(&format!("/auth/impersonate/{employee}"));
    let admin = app.admin();
    assert_error(&as_whom(&app.reseller_admin(), demo::ADMIN), 403, "access_denied");
    assert_error(&as_whom(&admin, demo::DISABLED), 403, "account");
    assert_error(&as_whom(&admin, demo::NO_LOGIN), 403, "account");
    assert_error(&as_whom(&admin, demo::ABSENT), 404, "employee");
    assert_error(&as_whom(&app.owner(), demo::EMMA), 403, "access_denied");
}

#[test]
fn a_token_ends_at_once_when_its_owner_may_call_no_more() {
    let app = TestApp::start();
    let admin = app.admin();
    let ends = |what: Box<dyn Fn() -> super::support::Response>| {
        let (session, forever) = (app.viewer(), persistent(&app, "viewer@bakery.example.com"));
        session.get("/employee").ok();
        forever.get("/employee").ok();
        what().ok();
        for client in [session, forever] {
            assert_error(&client.get("/employee"), 401, "invalid_token");
        }
    };
    let viewer = format!("/employee/{}", demo::VIEWER);
    let (path, bakery) = (viewer.as_str(), format!("/customer/{}", demo::BAKERY));
    let set = |path: &str, name: &str, value: &str| {
        let (admin, path, body) = (admin.clone(), path.to_owned(), json!({ name: value }));
        Box::new(move || admin.post(&path, body.clone())) as Box<dyn Fn() -> super::support::Response>
    };
    ends(set(path, "state", "DISABLED"));
    set(path, "state", "ENABLED")().ok();
    ends(set(path, "accessLevel", "NO_LOGIN"));
    set(path, "accessLevel", "VIEWER")().ok();
    ends(set(&bakery, "state", "BLOCKED"));
    set(&bakery, "state", "ACTIVE")().ok();
    let (deleter, path) = (admin.clone(), viewer.clone());
    ends(Box::new(move || deleter.delete(&path)));
}

#[test]
fn a_new_level_counts_from_the_next_request_on() {
    let app = TestApp::start();
    let (admin, viewer) = (app.admin(), app.viewer());
    let delete = format!("/employee/{}", demo::EMMA);
    assert_error(&viewer.delete(&delete), 403, "access_denied");
    admin.post(&format!("/employee/{}", demo::VIEWER), json!({ "accessLevel": "MANAGER" })).ok();
    viewer.delete(&delete).ok();
}
