//! Changes of an employee that end its sessions.

use serde_json::{Value, json};

use super::support::{Client, Response, TestApp, assert_error, demo};

const VIEWER: &str = "viewer@bakery.example.com";

fn persistent(app: &TestApp, username: &str) -> Client {
    let credentials = json!({ "username": username, "password": demo::PASSWORD, "persist": true });
    let answer = app.nobody().post("/auth/login", credentials).ok();
    app.with_token(answer["token"].as_str().unwrap())
}

fn change(caller: &Client, employee: &str, change: Value) -> Response {
    caller.post(&format!("/employee/{employee}"), change)
}

#[test]
fn who_was_shut_out_must_log_in_anew() {
    let app = TestApp::start();
    let admin = app.admin();
    for (out, back) in [
        (json!({ "state": "DISABLED" }), json!({ "state": "ENABLED" })),
        (json!({ "accessLevel": "NO_LOGIN" }), json!({ "accessLevel": "VIEWER" })),
    ] {
        let (session, forever) = (app.viewer(), persistent(&app, VIEWER));
        change(&admin, demo::VIEWER, out).ok();
        change(&admin, demo::VIEWER, back).ok();
        for ended in [session, forever] {
            assert_error(&ended.get("/employee"), 401, "invalid_token");
        }
        app.viewer().get("/employee").ok();
    }
}

#[test]
fn another_way_to_log_in_ends_what_was_had_by_the_old_one() {
    let app = TestApp::start();
    let manager = app.manager();
    for new in [
        json!({ "ipRestriction": "127.0.0.1" }),
        json!({ "ipRestriction": null }),
        json!({ "smsValidation": true, "smsNumber": "+4570305050" }),
        json!({ "smsValidation": false, "authenticatorValidation": true }),
        json!({ "authenticatorValidation": false }),
    ] {
        // Without a login, which some of these would not let in.
        let viewer = app.session_of(demo::VIEWER);
        change(&manager, demo::VIEWER, json!({ "title": "The same way" })).ok();
        viewer.get("/employee").ok();
        change(&manager, demo::VIEWER, new.clone()).ok();
        assert_eq!(viewer.get("/employee").status, 401, "{new}");
        manager.get("/employee").ok();
    }
}

#[test]
fn nobody_throws_oneself_out_by_a_change_of_how_to_log_in() {
    let app = TestApp::start();
    let (manager, elsewhere) = (app.manager(), persistent(&app, "manager@bakery.example.com"));
    change(&manager, demo::MANAGER, json!({ "ipRestriction": "192.0.2.1" })).ok();
    assert_error(&elsewhere.get("/employee"), 401, "invalid_token");
    change(&manager, demo::MANAGER, json!({ "ipRestriction": null })).ok();
    manager.get("/employee").ok();
    change(&manager, demo::MANAGER, json!({ "state": "DISABLED" })).ok();
    change(&app.owner(), demo::MANAGER, json!({ "state": "ENABLED" })).ok();
    assert_error(&manager.get("/employee"), 401, "invalid_token");
}
