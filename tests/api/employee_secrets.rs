//! `/employee/ID/token` and `/employee/ID/authenticatorkey`

use serde_json::json;

use super::support::{TestApp, assert_error, demo};

fn tokens_of(employee: &str) -> String {
    format!("/employee/{employee}/token")
}

#[test]
fn a_token_is_shown_to_its_owner_only() {
    let app = TestApp::start();
    let manager = app.manager();
    let own = manager.act(&tokens_of(demo::MANAGER));
    assert_eq!(own.header("cache-control"), Some("no-store"));
    let token = own.ok()["token"].as_str().unwrap().to_owned();
    assert_eq!(app.with_token(&token).get("/auth/validateToken").ok()["employee"], demo::MANAGER);
    assert_eq!(manager.act(&tokens_of(demo::EMMA)).ok(), json!({ "success": true }));
}

#[test]
fn a_token_lives_until_it_is_deleted() {
    let app = TestApp::start();
    let manager = app.manager();
    let token = manager.act(&tokens_of(demo::MANAGER)).ok()["token"].as_str().unwrap().to_owned();
    let machine = app.with_token(&token);
    machine.get("/auth/logout").ok();
    assert_error(&manager.get("/employee"), 401, "invalid_token");
    app.clock.advance_ms(100 * 24 * 3_600_000);
    app.run_housekeeping();
    machine.get("/employee").ok();
    let delete = format!("{}/{token}", tokens_of(demo::MANAGER));
    assert_eq!(app.owner().delete(&delete).ok(), json!({ "success": true }));
    assert_error(&machine.get("/employee"), 401, "invalid_token");
    assert_error(&app.owner().delete(&delete), 404, "token");
}

#[test]
fn a_token_is_deleted_only_under_its_own_employee() {
    let app = TestApp::start();
    let manager = app.manager();
    let token = manager.act(&tokens_of(demo::MANAGER)).ok()["token"].as_str().unwrap().to_owned();
    assert_error(&manager.delete(&format!("{}/{token}", tokens_of(demo::EMMA))), 404, "token");
    app.with_token(&token).get("/employee").ok();
}

#[test]
fn a_token_ends_with_its_employee() {
    let app = TestApp::start();
    let token = app.manager().act(&tokens_of(demo::MANAGER)).ok()["token"].as_str().unwrap().to_owned();
    let machine = app.with_token(&token);
    machine.get("/employee").ok();
    app.owner().delete(&format!("/employee/{}", demo::MANAGER)).ok();
    assert_error(&machine.get("/employee"), 401, "invalid_token");
}

#[test]
fn tokens_and_keys_are_recorded_without_being_told() {
    let app = TestApp::start();
    let manager = app.manager();
    let (token, entries) =
        app.audited(|| manager.act(&tokens_of(demo::MANAGER)).ok()["token"].as_str().unwrap().to_owned());
    assert_eq!(entries.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(), ["create token"]);
    manager.post(&format!("/employee/{}", demo::MANAGER), json!({ "authenticatorValidation": true })).ok();
    let (key, entries) = app.audited(|| {
        let made = manager.act(&format!("/employee/{}/authenticatorkey/create", demo::MANAGER)).ok();
        made["key"].as_str().unwrap().to_owned()
    });
    assert_eq!(entries.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(), ["create authenticator key"]);
    let log =
        manager.get(&format!("/log/changelog/customer/{}?version=2&includeData=1&includeChanges=1", demo::BAKERY));
    assert!(log.ok()["total"].as_i64().unwrap() > 3);
    assert!(!log.text().contains(&token) && !log.text().contains(&key));
}

#[test]
fn a_new_password_is_audited_and_not_what_it_is() {
    let app = TestApp::start();
    let owner = app.owner();
    let (_, entries) = app.audited(|| {
        let body = json!({ "password": "Another-Passw0rd" });
        owner.post(&format!("/employee/{}", demo::OWNER), body).ok()
    });
    let said: Vec<_> = entries.iter().map(|entry| (entry.action.as_str(), entry.object.as_str())).collect();
    assert_eq!(said, [("update", demo::OWNER)]);
    let changed = "select description from audit order by seq desc limit 1";
    let description: String = app.db.read(|tx| Ok(tx.conn.query_row(changed, [], |row| row.get(0))?)).unwrap();
    assert_eq!(description, "Password changed");
}
