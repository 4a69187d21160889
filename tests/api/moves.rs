//! An update that moves an employee to another customer, or deletes it.

use serde_json::{Value, json};

use crate::support::{TestApp, assert_error, demo};

fn path(employee: &str) -> String {
    format!("/employee/{employee}")
}

fn config(employee: &str) -> String {
    format!("/pbx/app/mobileconfig/{employee}")
}

#[test]
fn an_employee_moves_with_nothing_of_its_customer_before() {
    let app = TestApp::start();
    let (reseller, manager) = (app.reseller(), app.manager());
    let (own, personal) = (app.personal(), demo::PERSONAL);
    manager.post(&path(personal), json!({ "address": demo::SECOND_ADDRESS })).ok();
    manager.post(&config(personal), json!({})).ok();
    manager
        .post(
            &config(demo::EMMA),
            json!({ "configs": [
        { "type": "COLLEAGUES", "items": [{ "_id": personal, "name": "P" }], "others": [] }] }),
        )
        .ok();
    let (moved, entries) =
        app.audited(|| reseller.post(&path(personal), json!({ "customer": demo::WORKSHOP, "title": "Joiner" })).ok());
    assert_eq!((&moved["customer"], &moved["title"]), (&json!(demo::WORKSHOP), &json!("Joiner")));
    assert_eq!(moved["address"], Value::Null);
    assert_eq!(own.get(&path(personal)).status, 401, "its sessions have ended");
    assert_error(&reseller.get(&config(personal)), 404, "not_found");
    let emmas = manager.get(&config(demo::EMMA)).ok();
    assert_eq!(emmas["configs"][0]["items"], json!([]));
    assert_error(&manager.get(&path(personal)), 403, "access_denied");
    let employee = entries.iter().filter(|entry| entry.object == personal && entry.section == "Employees");
    let customers: Vec<_> = employee.map(|entry| entry.customer.clone().unwrap()).collect();
    assert_eq!(customers, [demo::BAKERY, demo::WORKSHOP], "both customers find it in their change log");
    assert_eq!(entries.iter().map(|entry| &entry.operation).collect::<std::collections::HashSet<_>>().len(), 1);
    // Its new customer gives it a config, and knows it.
    reseller.post(&config(personal), json!({})).ok();
    assert_eq!(reseller.get(&config(personal)).ok()["customer"], demo::WORKSHOP);
    reseller.post(&path(personal), json!({ "customer": demo::BAKERY })).ok();
    assert!(manager.get(&path(personal)).status == 200, "and back");
}

#[test]
fn a_move_is_for_those_who_may_change_employees_of_both_customers() {
    let app = TestApp::start();
    let before = app.export();
    let to = |customer: &str| json!({ "customer": customer });
    assert_error(&app.manager().post(&path(demo::EMMA), to(demo::WORKSHOP)), 403, "access_denied");
    assert_error(&app.owner().post(&path(demo::OWNER), to(demo::WORKSHOP)), 403, "access_denied");
    assert_error(&app.personal().post(&path(demo::PERSONAL), to(demo::WORKSHOP)), 403, "access_denied");
    assert_error(&app.reseller().post(&path(demo::EMMA), to(demo::LIBRARY)), 403, "access_denied");
    assert_error(&app.reseller().post(&path(demo::LIBRARYS_PERSONAL), to(demo::BAKERY)), 403, "access_denied");
    assert_error(&app.admin().post(&path(demo::EMMA), to(demo::ABSENT)), 404, "customer");
    assert_error(&app.admin().post(&path(demo::EMMA), to("bakery")), 422, "customer");
    let body = json!({ "customer": demo::WORKSHOP, "address": demo::SECOND_ADDRESS });
    assert_error(&app.admin().post(&path(demo::EMMA), body), 404, "address");
    assert!(app.export() == before);
    let own = json!({ "customer": demo::BAKERY, "language": "da" });
    app.personal().post(&path(demo::PERSONAL), own).ok();
}

#[test]
fn a_machines_token_does_not_follow_to_another_customer() {
    let app = TestApp::start();
    let token = app.manager().act(&format!("/employee/{}/token", demo::MANAGER)).ok();
    let machine = app.with_token(token["token"].as_str().unwrap());
    assert_eq!(machine.get(&path(demo::MANAGER)).status, 200);
    app.reseller().post(&path(demo::MANAGER), json!({ "customer": demo::WORKSHOP })).ok();
    assert_eq!(machine.get(&path(demo::MANAGER)).status, 401);
}

#[test]
fn the_last_administrator_cannot_be_moved_out_of_reach() {
    let app = TestApp::start();
    let admin = app.admin();
    admin.post(&format!("/customer/{}", demo::LIBRARY), json!({ "state": "BLOCKED" })).ok();
    assert_error(&admin.post(&path(demo::ADMIN), json!({ "customer": demo::LIBRARY })), 409, "customer");
    admin.post(&path(demo::ADMIN), json!({ "customer": demo::RESELLER })).ok();
}

#[test]
fn state_deleted_in_an_update_is_a_delete() {
    let app = TestApp::start();
    let (manager, gone) = (app.manager(), json!({ "state": "DELETED" }));
    manager.post(&config(demo::VIEWER), json!({})).ok();
    let session = app.viewer();
    let deleted = manager.post(&path(demo::VIEWER), json!({ "state": "DELETED", "title": "Left" })).ok();
    assert_eq!((&deleted["state"], &deleted["title"]), (&json!("DELETED"), &json!("Left")));
    assert_error(&manager.get(&path(demo::VIEWER)), 404, "employee");
    assert_error(&manager.get(&config(demo::VIEWER)), 404, "not_found");
    assert_eq!(session.get(&path(demo::VIEWER)).status, 401);
    assert_error(&manager.post(&path(demo::VIEWER), gone.clone()), 404, "employee");
    assert_error(&manager.post(&path(demo::OWNER), gone.clone()), 403, "access_denied");
    assert_error(&app.personal().post(&path(demo::PERSONAL), gone.clone()), 403, "access_denied");
    assert_error(&app.admin().post(&path(demo::ADMIN), gone), 409, "state");
    let new = json!({ "customer": demo::BAKERY, "accessLevel": "PERSONAL", "name": "x", "state": "DELETED" });
    assert_error(&manager.post("/employee", new), 422, "state");
}
