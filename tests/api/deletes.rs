//! What destroys takes no argument that it does not know, and what changes nothing raises nothing.

use serde_json::json;

use crate::support::{TestApp, assert_error, demo};

#[test]
fn a_delete_with_an_unknown_argument_or_a_body_deletes_nothing() {
    let app = TestApp::start();
    let (admin, before) = (app.admin(), app.export());
    let employee = format!("/employee/{}", demo::VIEWER);
    let customer = format!("/customer/{}", demo::WORKSHOP);
    for (path, code) in [
        (format!("{employee}?DeleteDate=2027-01-01"), "DeleteDate"),
        (format!("{employee}?delete_date=2027-01-01"), "delete_date"),
        (format!("{employee}?dryRun=true"), "dryRun"),
        (format!("{customer}?deleteDate=2027-01-01"), "deleteDate"),
        (format!("{customer}?confirm=no"), "confirm"),
    ] {
        assert_error(&admin.delete(&path), 422, code);
    }
    for path in [&employee, &customer] {
        for body in [json!({}), json!({ "deleteDate": "2027-01-01" }), json!([])] {
            assert_error(&admin.request("DELETE", path).json(body).send(), 400, "bad_request");
        }
    }
    assert!(app.export() == before);
    let query = format!("{employee}?token={}", admin.token());
    assert_eq!(app.nobody().delete(&query).status, 200, "the token may be an argument");
}

#[test]
fn a_change_that_changes_nothing_keeps_version_trail_and_feed() {
    let app = TestApp::start();
    let manager = app.manager();
    let path = format!("/employee/{}", demo::VIEWER);
    let (tag, write) = (manager.get(&path).etag().to_owned(), app.newest_write());
    let whole = manager.get(&path).ok();
    let config = format!("/pbx/app/mobileconfig/{}", demo::VIEWER);
    let configs = manager.get(&config).ok()["configs"].clone();
    let customer = format!("/customer/{}", demo::BAKERY);
    let name = app.reseller().get(&customer).ok()["name"].clone();
    let (_, entries) = app.audited(|| {
        for body in [json!({}), json!({ "name": whole["name"] }), json!({ "colour": "red" })] {
            assert_eq!(manager.post(&path, body).etag(), tag);
        }
        manager.post(&config, json!({ "configs": configs })).ok();
        app.reseller().post(&customer, json!({ "name": name })).ok();
    });
    assert_eq!((entries.len(), app.newest_write()), (0, write));
    assert_ne!(manager.post(&path, json!({ "title": "Other" })).etag(), tag);
}

#[test]
fn the_last_administrator_stays() {
    let app = TestApp::start();
    let admin = app.admin();
    let path = format!("/employee/{}", demo::ADMIN);
    for body in
        [json!({ "state": "DISABLED" }), json!({ "accessLevel": "MANAGER" }), json!({ "accessLevel": "NO_LOGIN" })]
    {
        assert_eq!(admin.post(&path, body).status, 409);
    }
    assert_eq!(admin.delete(&path).status, 409);
    assert_eq!(admin.delete(&format!("{path}?deleteDate=2027-01-01")).status, 409);
    admin.post(&format!("/employee/{}", demo::RESELLER_ADMIN), json!({ "accessLevel": "ADMIN" })).ok();
    assert_eq!(admin.delete(&path).status, 200, "another one is left");
}
