//! Nobody comes to act under the name of an equal, takes off the protection that somebody above has put on, or locks
//! themselves out.

use serde_json::{Value, json};

use super::support::{Client, TestApp, assert_error, demo};

fn path(employee: &str) -> String {
    format!("/employee/{employee}")
}

/// Another employee of the bakery at this level, who logs in by a username.
fn colleague(app: &TestApp, by: &Client, level: &str) -> String {
    let new = json!({ "customer": demo::BAKERY, "accessLevel": level, "name": "Colleague", "noEmail": true,
        "emailAddress": format!("colleague {level}"), "password": demo::PASSWORD, "authenticatorValidation": true,
        "ipRestriction": "192.0.2.1, 127.0.0.1" });
    let id = by.post("/employee", new).ok()["_id"].as_str().unwrap().to_owned();
    app.session_of(&id).get("/auth/validateToken").ok();
    id
}

/// What would let somebody in under another's name.
fn resets() -> [Value; 8] {
    [
        json!({ "password": "N3w-Passw0rd" }),
        json!({ "password": "N3w-Passw0rd", "title": "Head" }),
        json!({ "authenticatorValidation": false }),
        json!({ "ipRestriction": null }),
        json!({ "ipRestriction": "127.0.0.1, 198.51.100.7" }),
        json!({ "ipRestriction": "" }),
        json!({ "accessLevel": "PERSONAL" }),
        json!({ "accessLevel": "VIEWER", "name": "Somebody" }),
    ]
}

#[test]
fn an_equal_s_login_is_reset_by_nobody_but_those_above() {
    for (level, caller, above) in
        [("MANAGER", demo::MANAGER, demo::OWNER), ("OWNER", demo::OWNER, demo::RESELLERS_CONSULTANT)]
    {
        let app = TestApp::start();
        let (caller, above) = (app.session_of(caller), app.session_of(above));
        let victim = colleague(&app, &above, level);
        let before = app.export();
        for reset in resets() {
            let (answer, entries) = app.audited(|| caller.post(&path(&victim), reset.clone()));
            assert_error(&answer, 403, "access_denied");
            assert_eq!(entries[0].outcome, "refused", "{reset}");
        }
        assert_error(&caller.act(&format!("{}/authenticatorkey/reset", path(&victim))), 403, "access_denied");
        assert_eq!(app.export(), before);
        // What does not make it easier to log in is a colleague's to do.
        for harmless in [
            json!({ "title": "Head" }),
            json!({ "ipRestriction": "127.0.0.1" }),
            json!({ "smsValidation": true, "smsNumber": "+4570305050" }),
        ] {
            caller.post(&path(&victim), harmless).ok();
        }
        assert_error(&caller.post(&path(&victim), json!({ "smsNumber": "+4512345678" })), 403, "access_denied");
        assert_error(&caller.post(&path(&victim), json!({ "smsValidation": false })), 403, "access_denied");
        above.act(&format!("{}/authenticatorkey/reset", path(&victim))).ok();
        for reset in resets() {
            above.post(&path(&victim), reset).ok();
        }
    }
}

#[test]
fn an_admin_resets_another_and_the_trail_says_so() {
    let app = TestApp::start();
    let new = json!({ "customer": demo::PLATFORM, "accessLevel": "ADMIN", "name": "Second", "noEmail": true,
        "emailAddress": "second-admin", "password": demo::PASSWORD, "authenticatorValidation": true });
    let admin = app.admin();
    let second = admin.post("/employee", new).ok()["_id"].as_str().unwrap().to_owned();
    admin.post(&path(&second), json!({ "password": "N3w-Passw0rd" })).ok();
    admin.act(&format!("{}/authenticatorkey/reset", path(&second))).ok();
    admin.post(&path(&second), json!({ "authenticatorValidation": false })).ok();
    let log =
        admin.get(&format!("/log/changelog/customer/{}/Employees/{second}?version=2&orderBy=DESC", demo::PLATFORM));
    let log = log.ok();
    let told: Vec<&str> =
        log["changelogs"].as_array().unwrap().iter().map(|it| it["description"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        [
            "Employee updated",
            "Second factor or restriction of an equal taken off by an ADMIN",
            "Authenticator key of an equal cleared by an ADMIN",
            "Password of an equal changed by an ADMIN",
            "Employee created"
        ]
    );
}

#[test]
fn a_password_of_one_s_own_stays_one_s_own() {
    let app = TestApp::start();
    let taken = json!({ "noEmail": true, "emailAddress": "username-1", "password": "N3w-Passw0rd" });
    let (manager, owner, admin) = (app.manager(), app.owner(), app.admin());
    for (caller, victim) in [(&manager, demo::EMMA), (&owner, demo::MANAGER), (&admin, demo::RESELLER_ADMIN)] {
        for body in [taken.clone(), json!({ "noEmail": true, "emailAddress": "username-1" })] {
            assert_error(&caller.post(&path(victim), body), 409, "noEmail");
        }
    }
    assert_error(&manager.post(&path(demo::MANAGER), json!({ "noEmail": true })), 409, "noEmail");
    // Who has none yet gets one.
    let new = json!({ "customer": demo::BAKERY, "accessLevel": "VIEWER", "name": "New", "emailAddress": "new@bakery.example.com" });
    let id = manager.post("/employee", new).ok()["_id"].as_str().unwrap().to_owned();
    manager.post(&path(&id), taken).ok();
}

#[test]
fn a_password_that_is_replaced_is_in_the_trail() {
    let app = TestApp::start();
    let (manager, personal) = (app.manager(), app.personal());
    let (_, entries) = app.audited(|| personal.post(&path(demo::PERSONAL), json!({ "password": "N3w-Passw0rd" })).ok());
    assert_eq!(entries.iter().map(|it| it.action.as_str()).collect::<Vec<_>>(), ["update"]);
    let (_, entries) =
        app.audited(|| manager.post(&path(demo::MANAGER), json!({ "password": "N3w-Passw0rd", "title": "Head" })).ok());
    assert_eq!(entries.iter().map(|it| it.action.as_str()).collect::<Vec<_>>(), ["update", "update"]);
}

#[test]
fn what_an_impersonator_may_not_take_off() {
    let app = TestApp::start();
    let protected = json!({ "authenticatorValidation": true, "ipRestriction": "127.0.0.1" });
    app.owner().post(&path(demo::MANAGER), protected).ok();
    app.reseller().post(&path(demo::OWNER), json!({ "smsValidation": true, "smsNumber": "+4570305050" })).ok();
    for (employee, change) in [
        (demo::MANAGER, json!({ "authenticatorValidation": false })),
        (demo::MANAGER, json!({ "ipRestriction": null })),
        (demo::MANAGER, json!({ "ipRestriction": "127.0.0.1, 192.0.2.1", "title": "Head" })),
        (demo::MANAGER, json!({ "smsValidation": true })),
        (demo::OWNER, json!({ "smsValidation": false })),
        (demo::OWNER, json!({ "smsNumber": "+4512345678" })),
    ] {
        let answer = app.reseller().get(&format!("/auth/impersonate/{employee}")).ok();
        let lent = app.with_token(answer["token"].as_str().unwrap());
        let (answer, entries) = app.audited(|| lent.post(&path(employee), change.clone()));
        assert_error(&answer, 403, "access_denied");
        assert_eq!(entries[0].outcome, "refused", "{change}");
    }
}

#[test]
fn the_second_factor_of_a_customer_is_lowered_by_its_owner_and_above() {
    let app = TestApp::start();
    let bakery = format!("/customer/{}", demo::BAKERY);
    let set = |caller: &Client, security: &str| caller.post(&bakery, json!({ "authenticationSecurity": security }));
    let (manager, owner, reseller) =
        (app.session_of(demo::MANAGER), app.session_of(demo::OWNER), app.session_of(demo::RESELLERS_CONSULTANT));
    set(&manager, "SMS").ok();
    for (from, to) in [("AUTHENTICATOR", "NONE"), ("AUTHENTICATOR", "SMS"), ("SMS", "NONE")] {
        set(&owner, from).ok();
        let (answer, entries) = app.audited(|| set(&manager, to));
        assert_error(&answer, 403, "access_denied");
        assert_eq!(entries[0].outcome, "refused");
        manager.post(&bakery, json!({ "authenticationSecurity": from, "faxNumber": format!("+45{from}") })).ok();
        set(&owner, to).ok();
        set(&reseller, "NONE").ok();
    }
    set(&manager, "AUTHENTICATOR").ok();
}

#[test]
fn nobody_blocks_the_own_customer() {
    let app = TestApp::start();
    let block =
        |caller: &Client, customer: &str| caller.post(&format!("/customer/{customer}"), json!({ "state": "BLOCKED" }));
    for (caller, customer) in [
        (app.manager(), demo::BAKERY),
        (app.owner(), demo::BAKERY),
        (app.reseller(), demo::RESELLER),
        (app.reseller_admin(), demo::PLATFORM),
        (app.admin(), demo::PLATFORM),
    ] {
        let (answer, entries) = app.audited(|| block(&caller, customer));
        assert_error(&answer, 409, "state");
        assert_eq!(entries[0].outcome, "refused");
        caller.get("/auth/validateToken").ok();
    }
    // Those above may, and sessions do not come back with the customer.
    let (owner, admin) = (app.owner(), app.admin());
    block(&app.reseller(), demo::BAKERY).ok();
    assert_error(&owner.get("/employee"), 401, "invalid_token");
    admin.post(&format!("/customer/{}", demo::BAKERY), json!({ "state": "ACTIVE" })).ok();
    assert_error(&owner.get("/employee"), 401, "invalid_token");
}

#[test]
fn the_customer_of_the_last_administrator_is_not_blocked() {
    let app = TestApp::start();
    let elsewhere = json!({ "customer": demo::RESELLER, "accessLevel": "ADMIN", "name": "Second", "emailAddress": "a@example.com" });
    let admin = app.admin();
    let second = admin.post("/employee", elsewhere).ok()["_id"].as_str().unwrap().to_owned();
    let second = app.session_of(&second);
    let block = |caller: &Client| caller.post(&format!("/customer/{}", demo::RESELLER), json!({ "state": "BLOCKED" }));
    // Of two, one may be shut out; then the other is the last.
    second.post(&path(demo::ADMIN), json!({ "state": "DISABLED" })).ok();
    assert_error(&block(&app.session_of(demo::RESELLER_ADMIN)), 403, "access_denied");
    assert_error(&block(&second), 409, "state");
    second.post(&path(demo::ADMIN), json!({ "state": "ENABLED" })).ok();
    let admin = app.session_of(demo::ADMIN);
    block(&admin).ok();
    assert_error(&admin.post(&path(demo::ADMIN), json!({ "state": "DISABLED" })), 409, "state");
}
