//! Machine-to-machine tokens: what they are good for, when they end, and how an ADMIN sees and revokes them.

use serde_json::{Value, json};

use super::support::{Client, Response, TestApp, assert_error, demo};

fn path(employee: &str) -> String {
    format!("/employee/{employee}")
}

/// A token of `caller`'s own.
fn machine(app: &TestApp, caller: &Client, employee: &str) -> Client {
    let answer = caller.act(&format!("{}/token", path(employee))).ok();
    app.with_token(answer["token"].as_str().unwrap())
}

fn listed(app: &TestApp, query: &str) -> Vec<Value> {
    app.admin().get(&format!("/tokens{query}")).ok()["tokens"].as_array().unwrap().clone()
}

fn change(caller: &Client, employee: &str, change: Value) -> Response {
    caller.post(&path(employee), change)
}

#[test]
fn an_admin_sees_whose_they_are_since_when_and_when_they_were_last_used() {
    let app = TestApp::start();
    let (manager, reseller) = (app.manager(), app.reseller());
    let used = machine(&app, &manager, demo::MANAGER);
    machine(&app, &reseller, demo::RESELLERS_CONSULTANT);
    used.get("/employee").ok();
    app.run_housekeeping();
    let rows = listed(&app, "");
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["employee"], &rows[0]["name"]), (&json!(demo::MANAGER), &json!("Anna Manager")));
    assert_eq!(rows[0]["customer"], demo::BAKERY);
    assert!(rows[0]["createdAt"].is_string() && rows[0]["lastUsedAt"].is_string(), "{}", rows[0]);
    assert_eq!(rows[1]["lastUsedAt"], Value::Null, "nobody has used it");
    assert!(!rows.iter().any(|row| used.token().contains(row["_id"].as_str().unwrap())), "the id is no part of it");
    assert_eq!(listed(&app, &format!("?employee={}", demo::MANAGER)), rows[..1]);
    assert_eq!(listed(&app, &format!("?customer={}", demo::RESELLER)), rows[1..]);
    assert_eq!(listed(&app, "?limit=1&offset=1"), rows[1..]);
    for (query, code) in [("?employee=", "employee"), ("?customer=x", "customer"), ("?limit=0", "limit")] {
        assert_error(&app.admin().get(&format!("/tokens{query}")), 422, code);
    }
}

#[test]
fn an_admin_revokes_one_by_its_id_and_with_it_what_it_has_opened() {
    let app = TestApp::start();
    let token = machine(&app, &app.reseller(), demo::RESELLERS_CONSULTANT);
    let other = machine(&app, &app.reseller(), demo::RESELLERS_CONSULTANT);
    let lent = token.get(&format!("/auth/impersonate/{}?persist=1", demo::MANAGER)).ok();
    let lent = app.with_token(lent["token"].as_str().unwrap());
    lent.get("/employee").ok();
    let id = listed(&app, "")[0]["_id"].as_str().unwrap().to_owned();
    let (_, entries) = app.audited(|| app.admin().delete(&format!("/tokens/{}", id.to_uppercase())).ok());
    assert_eq!(entries.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(), ["delete token"]);
    for ended in [&token, &lent] {
        assert_error(&ended.get("/employee"), 401, "invalid_token");
    }
    other.get("/employee").ok();
    for gone in [id.as_str(), demo::ABSENT, "all"] {
        assert_error(&app.admin().delete(&format!("/tokens/{gone}")), 404, "token");
    }
    assert_error(&app.admin().delete(&format!("/tokens?employee={}", demo::MANAGER)), 405, "method_not_allowed");
    other.get("/employee").ok();
    let (answer, entries) = app.audited(|| {
        let id = listed(&app, "")[0]["_id"].as_str().unwrap().to_owned();
        app.reseller_admin().delete(&format!("/tokens/{id}"))
    });
    assert_error(&answer, 403, "access_denied");
    assert_eq!((entries[0].outcome.as_str(), entries[0].object.as_str()), ("refused", demo::RESELLERS_CONSULTANT));
}

#[test]
fn whoever_may_log_in_no_more_or_becomes_an_admin_has_none_left() {
    for (out, back) in [
        (json!({ "state": "DISABLED" }), json!({ "state": "ENABLED" })),
        (json!({ "accessLevel": "NO_LOGIN" }), json!({ "accessLevel": "MANAGER" })),
        (json!({ "accessLevel": "ADMIN" }), json!({ "accessLevel": "MANAGER" })),
        (
            json!({ "state": "DISABLED", "accessLevel": "VIEWER" }),
            json!({ "state": "ENABLED", "accessLevel": "MANAGER" }),
        ),
    ] {
        let app = TestApp::start();
        let (admin, token) = (app.admin(), machine(&app, &app.manager(), demo::MANAGER));
        token.get("/employee").ok();
        let (_, entries) = app.audited(|| change(&admin, demo::MANAGER, out.clone()).ok());
        assert_eq!(entries.iter().map(|it| it.action.as_str()).collect::<Vec<_>>(), ["update", "delete token"]);
        assert_error(&token.get("/employee"), 401, "invalid_token");
        change(&admin, demo::MANAGER, back).ok();
        assert_error(&token.get("/employee"), 401, "invalid_token");
        assert_eq!(listed(&app, ""), Vec::<Value>::new());
    }
    // Other changes of level are none of this.
    let app = TestApp::start();
    let token = machine(&app, &app.manager(), demo::MANAGER);
    change(&app.admin(), demo::MANAGER, json!({ "accessLevel": "OWNER" })).ok();
    token.get("/employee").ok();
}

#[test]
fn nobody_gets_one_who_may_not_log_in() {
    let app = TestApp::start();
    for (employee, code) in [(demo::DISABLED, "account"), (demo::NO_LOGIN, "account"), (demo::ADMIN, "id")] {
        assert_error(&app.admin().act(&format!("{}/token", path(employee))), 403, code);
    }
    assert_eq!(listed(&app, ""), Vec::<Value>::new());
}

#[test]
fn a_new_password_may_take_them_along() {
    let app = TestApp::start();
    let token = machine(&app, &app.manager(), demo::MANAGER);
    let set = |password: &str, more: Value| {
        let mut body = json!({ "password": password });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    change(&app.manager(), demo::MANAGER, set("N3w-Passw0rd", json!({}))).ok();
    token.get("/employee").ok();
    let manager = app.session_of(demo::MANAGER);
    change(&manager, demo::MANAGER, set("N3wer-Passw0rd", json!({ "revokeTokens": false }))).ok();
    token.get("/employee").ok();
    let manager = app.session_of(demo::MANAGER);
    assert_error(&change(&manager, demo::MANAGER, json!({ "revokeTokens": true })), 422, "revokeTokens");
    assert_error(
        &change(&manager, demo::MANAGER, set("N3wer-Passw0rd", json!({ "revokeTokens": "yes" }))),
        422,
        "revokeTokens",
    );
    token.get("/employee").ok();
    change(&manager, demo::MANAGER, set("Newest-Passw0rd", json!({ "revokeTokens": true }))).ok();
    assert_error(&token.get("/employee"), 401, "invalid_token");
    // Also of those who may change no more than their password.
    let personal = app.session_of(demo::PERSONAL);
    change(&personal, demo::PERSONAL, set("N3w-Passw0rd", json!({ "revokeTokens": true }))).ok();
}

#[test]
fn ip_restriction_applies_to_them() {
    let app = TestApp::start();
    let (manager, token) = (app.manager(), machine(&app, &app.manager(), demo::MANAGER));
    for (restriction, status) in [
        (json!("192.0.2.1"), 401),
        (json!("2001:db8::1, 198.51.100.7"), 401),
        (json!("192.0.2.1, 127.0.0.1"), 200),
        (json!("::ffff:127.0.0.1"), 200),
        (Value::Null, 200),
    ] {
        change(&manager, demo::MANAGER, json!({ "ipRestriction": restriction })).ok();
        let answer = token.get("/employee");
        assert_eq!(answer.status, status, "{restriction}: {answer}");
        let asked = app.nobody().get(&format!("/auth/validateToken?simple=1&token={}", token.token()));
        assert_eq!(asked.status, if status == 200 { 200 } else { 403 });
        if status == 401 {
            assert_eq!(answer.message(), "IP address not authenticated");
            assert_eq!(token.post(&path(demo::EMMA), json!({ "title": "x" })).status, 401);
        }
    }
}

#[test]
fn one_never_changes_how_somebody_logs_in() {
    let app = TestApp::start();
    let counter = json!({ "customer": demo::BAKERY, "accessLevel": "PERSONAL", "name": "Counter", "noEmail": true,
        "emailAddress": "counter-1" });
    let id = app.manager().post("/employee", counter.clone()).ok()["_id"].as_str().unwrap().to_owned();
    change(&app.owner(), demo::MANAGER, json!({ "authenticatorValidation": true })).ok();
    let token = machine(&app, &app.session_of(demo::MANAGER), demo::MANAGER);
    let above = machine(&app, &app.reseller(), demo::RESELLERS_CONSULTANT);
    let lent = above.get(&format!("/auth/impersonate/{}", demo::OWNER)).ok();
    let lent = app.with_token(lent["token"].as_str().unwrap());
    let mut with_password = counter;
    with_password["emailAddress"] = json!("counter-2");
    with_password["password"] = json!("N3w-Passw0rd");
    let (own, other, emma) = (path(demo::MANAGER), path(&id), path(demo::EMMA));
    let attempts = [
        (&token, own.clone(), json!({ "password": "N3w-Passw0rd" })),
        (&token, own.clone(), json!({ "authenticatorValidation": false })),
        (&token, own.clone(), json!({ "ipRestriction": "127.0.0.1" })),
        (&token, own.clone(), json!({ "smsNumber": "+4512345678" })),
        (&token, format!("{own}/token"), json!({})),
        (&token, format!("{own}/authenticatorkey/create"), json!({})),
        (&token, format!("{own}/authenticatorkey/reset"), json!({})),
        (&token, format!("{emma}/authenticatorkey/reset"), json!({})),
        (&token, format!("{emma}/token"), json!({})),
        (&token, emma.clone(), json!({ "smsValidation": true, "title": "Head" })),
        (&token, other.clone(), json!({ "password": "N3w-Passw0rd" })),
        (&token, other.clone(), json!({ "noEmail": false, "emailAddress": "counter@bakery.example.com" })),
        (&token, "/employee".into(), with_password),
        // Nor does a session that was opened with one.
        (&lent, other, json!({ "password": "N3w-Passw0rd" })),
        (&lent, own, json!({ "authenticatorValidation": false })),
        (&lent, format!("{emma}/authenticatorkey/reset"), json!({})),
    ];
    let before = app.export();
    for (caller, path, body) in attempts {
        let (answer, entries) = app.audited(|| caller.post(&path, body.clone()));
        assert_error(&answer, 403, "access_denied");
        assert_eq!(entries.len(), 1, "{path} {body}");
        assert_eq!(entries[0].outcome, "refused", "{path} {body}");
    }
    assert_eq!(app.export(), before);
    // All else is as its employee may do it.
    token.post(&path(demo::EMMA), json!({ "title": "Head" })).ok();
    token.post("/employee", json!({ "customer": demo::BAKERY, "accessLevel": "VIEWER", "name": "New" })).ok();
}
