//! Nobody is locked out from below, and somebody who can log in is always left to administer the server.

use serde_json::json;

use crate::support::{TestApp, assert_error, demo};

fn employee(id: &str) -> String {
    format!("/employee/{id}")
}

fn customer(id: &str) -> String {
    format!("/customer/{id}")
}

#[test]
fn a_customer_with_somebody_above_the_caller_is_neither_blocked_nor_deleted() {
    let app = TestApp::start();
    let (admin, reseller) = (app.admin(), app.reseller());
    admin.post(&employee(demo::RESELLER_ADMIN), json!({ "customer": demo::WORKSHOP })).ok();
    assert_error(&reseller.delete(&customer(demo::WORKSHOP)), 403, "access_denied");
    assert_error(&reseller.post(&customer(demo::WORKSHOP), json!({ "state": "BLOCKED" })), 403, "access_denied");
    reseller.post(&customer(demo::WORKSHOP), json!({ "faxNumber": "1" })).ok();
    admin.post(&employee(demo::RESELLER_ADMIN), json!({ "customer": demo::PLATFORM })).ok();
    reseller.post(&customer(demo::WORKSHOP), json!({ "state": "BLOCKED" })).ok();
    reseller.delete(&customer(demo::WORKSHOP)).ok();
}

#[test]
fn the_last_administrator_keeps_a_way_to_log_in() {
    let app = TestApp::start();
    let admin = app.admin();
    let sms = json!({ "smsValidation": true, "smsNumber": "+4512345678" });
    assert_error(&admin.post(&employee(demo::ADMIN), sms.clone()), 409, "smsValidation");
    let security = json!({ "authenticationSecurity": "SMS" });
    assert_error(&admin.post(&customer(demo::PLATFORM), security.clone()), 409, "authenticationSecurity");
    admin.post(&customer(demo::BAKERY), security).ok();
    assert_error(&admin.post(&employee(demo::ADMIN), json!({ "customer": demo::BAKERY })), 409, "customer");
    // One whose delete is on its way does not count.
    admin.post(&employee(demo::RESELLER_ADMIN), json!({ "accessLevel": "ADMIN" })).ok();
    let tomorrow = &app.clock.now().plus_ms(24 * 3_600_000).to_string()[..10];
    admin.delete(&format!("{}?deleteDate={tomorrow}", employee(demo::RESELLER_ADMIN))).ok();
    assert_error(&admin.delete(&employee(demo::ADMIN)), 409, "accessLevel");
    admin.post(&employee(demo::RESELLER_ADMIN), json!({ "deleteDate": null })).ok();
    admin.post(&employee(demo::ADMIN), sms).ok();
}

#[test]
fn the_name_that_an_equal_logs_in_with_is_changed_from_above_alone() {
    let app = TestApp::start();
    let (manager, owner) = (app.manager(), app.owner());
    owner.post(&employee(demo::VIEWER), json!({ "accessLevel": "MANAGER" })).ok();
    let renamed = json!({ "emailAddress": "other@bakery.example.com" });
    assert_error(&manager.post(&employee(demo::VIEWER), renamed.clone()), 403, "access_denied");
    manager.post(&employee(demo::VIEWER), json!({ "title": "Baker" })).ok();
    let token = manager.act(&format!("{}/token", employee(demo::MANAGER))).ok();
    let machine = app.with_token(token["token"].as_str().unwrap());
    assert_error(&machine.post(&employee(demo::MANAGER), renamed.clone()), 403, "access_denied");
    assert_error(&machine.post(&employee(demo::PERSONAL), renamed.clone()), 403, "access_denied");
    machine.post(&employee(demo::PERSONAL), json!({ "title": "Baker" })).ok();
    let security = json!({ "authenticationSecurity": "AUTHENTICATOR" });
    assert_error(&machine.post(&customer(demo::BAKERY), security), 403, "access_denied");
    let borrowed = app.reseller().get(&format!("/auth/impersonate/{}", demo::OWNER)).ok();
    let borrowed = app.with_token(borrowed["token"].as_str().unwrap());
    assert_error(&borrowed.post(&employee(demo::OWNER), renamed.clone()), 403, "access_denied");
    owner.post(&employee(demo::VIEWER), renamed).ok();
}

#[test]
fn nobody_gives_a_level_above_the_own_and_the_attempt_is_recorded() {
    let app = TestApp::start();
    let before = app.export();
    for (caller, level) in [(app.manager(), "OWNER"), (app.owner(), "RESELLER"), (app.reseller_admin(), "ADMIN")] {
        let (answer, entries) =
            app.audited(|| caller.post(&format!("/employee/{}", demo::EMMA), json!({ "accessLevel": level })));
        assert_error(&answer, 403, "access_denied");
        assert_eq!(entries.iter().map(|e| e.outcome.as_str()).collect::<Vec<_>>(), ["refused"]);
        let new = json!({ "customer": demo::BAKERY, "accessLevel": level, "name": "New" });
        assert_error(&caller.post("/employee", new), 403, "access_denied");
    }
    let new = json!({ "customer": demo::BAKERY, "accessLevel": "MANAGER", "name": "New" });
    assert_error(&app.viewer().post("/employee", new), 403, "access_denied");
    assert_eq!(app.export(), before);
}
