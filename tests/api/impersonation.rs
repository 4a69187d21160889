//! What a session that was lent cannot do, and when it ends.

use serde_json::{Value, json};

use super::support::{Client, TestApp, assert_error, demo};

/// `caller` as `employee`, until logout.
fn lent(app: &TestApp, caller: &Client, employee: &str) -> Client {
    let answer = caller.get(&format!("/auth/impersonate/{employee}?persist=1")).ok();
    app.with_token(answer["token"].as_str().unwrap())
}

fn path(employee: &str) -> String {
    format!("/employee/{employee}")
}

/// Neither reads nor writes, and is told to log in.
fn assert_ended(session: &Client) {
    let change = session.post(&path(demo::EMMA), json!({ "title": "Changed" }));
    for answer in [change, session.get("/employee"), session.get("/auth/validateToken")] {
        assert_error(&answer, 401, "invalid_token");
        assert_eq!(answer.message(), "Please login");
    }
}

#[test]
fn it_ends_when_the_impersonator_may_call_no_more() {
    let reseller = format!("/customer/{}", demo::RESELLER);
    for (what, change) in [
        (path(demo::RESELLERS_CONSULTANT), json!({ "state": "DISABLED" })),
        (path(demo::RESELLERS_CONSULTANT), json!({ "accessLevel": "NO_LOGIN" })),
        (reseller, json!({ "state": "BLOCKED" })),
    ] {
        let app = TestApp::start();
        let owner = lent(&app, &app.reseller(), demo::OWNER);
        owner.post(&path(demo::EMMA), json!({ "title": "Head" })).ok();
        app.admin().post(&what, change).ok();
        assert_ended(&owner);
    }
}

#[test]
fn it_ends_when_the_impersonator_may_not_impersonate_any_more() {
    let app = TestApp::start();
    let owner = lent(&app, &app.reseller(), demo::OWNER);
    owner.get("/employee").ok();
    let level = |level: &str| {
        app.admin().post(&path(demo::RESELLERS_CONSULTANT), json!({ "accessLevel": level })).ok();
    };
    level("OWNER");
    assert_ended(&owner);
    level("RESELLER");
    owner.get("/employee").ok();
    let bakery = format!("/customer/{}", demo::BAKERY);
    app.admin().post(&bakery, json!({ "parentReseller": demo::OTHER_RESELLER })).ok();
    assert_ended(&owner);
}

#[test]
fn it_ends_when_the_employee_rises_above_the_impersonator() {
    let app = TestApp::start();
    let owner = lent(&app, &app.reseller(), demo::OWNER);
    owner.get("/employee").ok();
    app.admin().post(&path(demo::OWNER), json!({ "accessLevel": "RESELLER" })).ok();
    assert_eq!(owner.get("/auth/validateToken").ok()["accessLevel"], "RESELLER");
    app.admin().post(&path(demo::OWNER), json!({ "accessLevel": "ADMIN" })).ok();
    assert_ended(&owner);
}

#[test]
fn what_is_lent_on_ends_with_the_first_lender() {
    let app = TestApp::start();
    let second = lent(&app, &lent(&app, &app.admin(), demo::RESELLERS_CONSULTANT), demo::OWNER);
    second.get("/employee").ok();
    let admin = app.admin();
    // Somebody must be left who administers the server.
    admin.post(&path(demo::RESELLER_ADMIN), json!({ "accessLevel": "ADMIN" })).ok();
    admin.post(&path(demo::ADMIN), json!({ "state": "DISABLED" })).ok();
    assert_ended(&second);
}

#[test]
fn what_lets_somebody_in_is_not_made_changed_or_read() {
    let app = TestApp::start();
    app.owner().post(&path(demo::MANAGER), json!({ "authenticatorValidation": true })).ok();
    let manager = lent(&app, &app.reseller(), demo::MANAGER);
    let before = app.export();
    let (own, another) = (path(demo::MANAGER), path(demo::EMMA));
    let new_password = json!({ "password": "N3w-Passw0rd" });
    let attempts: [(String, Value); 5] = [
        (own.clone(), new_password),
        (format!("{own}/token"), json!({})),
        (format!("{another}/token"), json!({})),
        (format!("{own}/authenticatorkey/create"), json!({})),
        (format!("{own}/authenticatorkey/reset"), json!({})),
    ];
    for (path, body) in attempts {
        let (answer, entries) = app.audited(|| manager.post(&path, body));
        assert_error(&answer, 403, "access_denied");
        let outcomes: Vec<_> = entries.iter().map(|entry| entry.outcome.as_str()).collect();
        assert_eq!(outcomes, ["refused"], "{path}");
        assert_eq!(entries[0].impersonator.as_deref(), Some(demo::RESELLERS_CONSULTANT));
    }
    assert_eq!(app.export(), before);
    manager.post(&own, json!({ "title": "Head" })).ok();
    manager.act(&format!("{another}/authenticatorkey/reset")).ok();
}

#[test]
fn an_answer_remembered_for_the_employee_is_not_for_its_impersonator() {
    let app = TestApp::start();
    let create = |caller: &Client| {
        caller.request("POST", &format!("{}/token", path(demo::MANAGER))).header("idempotency-key", "key").send()
    };
    let manager = app.manager();
    create(&manager).ok();
    assert_error(&create(&lent(&app, &app.reseller(), demo::MANAGER)), 403, "access_denied");
}

#[test]
fn it_ends_with_the_session_that_it_was_opened_with() {
    let app = TestApp::start();
    let reseller = app.reseller();
    // By logout, by a new password, and because it is not used any more.
    let (lent_on, owner) = {
        let owner = lent(&app, &reseller, demo::OWNER);
        (lent(&app, &lent(&app, &app.admin(), demo::RESELLERS_CONSULTANT), demo::OWNER), owner)
    };
    owner.get("/employee").ok();
    lent_on.get("/employee").ok();
    reseller.get("/auth/logout").ok();
    assert_ended(&owner);

    let (admin, first) = (app.admin(), app.session_of(demo::RESELLERS_CONSULTANT));
    let owner = lent(&app, &first, demo::OWNER);
    admin.post(&path(demo::RESELLERS_CONSULTANT), json!({ "state": "DISABLED" })).ok();
    admin.post(&path(demo::RESELLERS_CONSULTANT), json!({ "state": "ENABLED" })).ok();
    assert_ended(&owner);

    let first = app.session_of(demo::RESELLERS_CONSULTANT);
    let owner = lent(&app, &first, demo::OWNER);
    app.clock.advance_ms(14 * 60_000);
    owner.get("/employee").ok();
    app.clock.advance_ms(14 * 60_000);
    // Using it is using the one that it was opened with, by the same person.
    owner.get("/employee").ok();
    first.get("/customer").ok();
    app.clock.advance_ms(16 * 60_000);
    assert_error(&owner.get("/employee"), 401, "expired");
    assert_error(&owner.post(&path(demo::EMMA), json!({ "title": "Changed" })), 401, "expired");
}

#[test]
fn one_that_was_opened_with_another_ends_with_that_one_alone() {
    let app = TestApp::start();
    let admin = app.admin();
    let first = lent(&app, &admin, demo::RESELLERS_CONSULTANT);
    let (second, beside) = (lent(&app, &first, demo::OWNER), lent(&app, &admin, demo::OWNER));
    let third = lent(&app, &lent(&app, &first, demo::RESELLERS_CONSULTANT), demo::MANAGER);
    first.get("/auth/logout").ok();
    for ended in [&first, &second, &third] {
        assert_ended(ended);
    }
    beside.get("/employee").ok();
    admin.get("/employee").ok();
}

#[test]
fn logging_out_of_it_leaves_the_employee_s_own_sessions() {
    let app = TestApp::start();
    for employee in [demo::OWNER, demo::MANAGER, demo::VIEWER] {
        let (own, reseller) = (app.session_of(employee), app.reseller());
        let (lent, beside) = (lent(&app, &reseller, employee), lent(&app, &reseller, employee));
        lent.get("/auth/logout").ok();
        assert_ended(&lent);
        for session in [&own, &beside, &reseller] {
            session.get("/employee").ok();
        }
        own.get("/auth/logout").ok();
        assert_ended(&beside);
    }
}

#[test]
fn a_chain_of_them_has_an_end() {
    let app = TestApp::start();
    let mut last = app.admin();
    for _ in 0..8 {
        let answer = last.get(&format!("/auth/impersonate/{}", demo::RESELLERS_CONSULTANT));
        if answer.status != 200 {
            break;
        }
        last = app.with_token(answer.ok()["token"].as_str().unwrap());
    }
    last.get("/customer").ok();
    assert_error(&last.get(&format!("/auth/impersonate/{}", demo::OWNER)), 409, "employee");
}
