//! What belongs to somebody at the PBX is nobody else's: in the change log, after a delete, and in an undo.

use serde_json::{Value, json};

use super::support::{Client, TestApp, assert_error, demo};

/// The whole change log of the bakery, as text, in both versions.
fn change_log(reader: &Client) -> String {
    let path = format!("/log/changelog/customer/{}?limit=500&includeData=true", demo::BAKERY);
    let first = reader.get(&path);
    let second = reader.get(&format!("{path}&version=2&includeChanges=true"));
    first.ok();
    second.ok();
    first.text() + &second.text()
}

#[test]
fn the_change_log_shows_no_contact_of_somebody_s_own_and_no_picture() {
    let app = TestApp::start();
    let paul = app.personal();
    let contact = json!({ "personal": true, "givenName": "Secretly", "notes": "nobody's business" });
    let contact = paul.post("/pbx/phonebook", contact).ok()["_id"].as_str().unwrap().to_owned();
    paul.post(&format!("/pbx/phonebook/{contact}"), json!({ "familyName": "Married" })).ok();
    paul.delete(&format!("/pbx/phonebook/{contact}")).ok();
    for reader in [app.viewer(), app.manager(), app.admin()] {
        let log = change_log(&reader);
        assert!(log.contains(&contact), "that there was one is told");
        for secret in ["Secretly", "Married", "nobody's business"] {
            assert!(!log.contains(secret), "{secret}");
        }
    }
    // A shared one is everybody's.
    app.manager().post("/pbx/phonebook", json!({ "company": "Yeast and Sons" })).ok();
    assert!(change_log(&app.viewer()).contains("Yeast and Sons"));
}

#[test]
fn with_a_customer_go_its_objects_and_what_is_left_can_be_imported_again() {
    let app = TestApp::start();
    let admin = app.admin();
    admin.delete(&format!("/customer/{}", demo::BAKERY)).ok();
    for path in [format!("/pbx/extension/{}", demo::EMMAS_EXTENSION), format!("/pbx/queue/{}", demo::ORDERS)] {
        assert_error(&admin.get(&path), 404, "id");
    }
    let join = admin.post(&format!("/pbx/queue/{}/member", demo::ORDERS), json!({ "number": "112" }));
    assert_error(&join, 404, "id");
    let export: Value = serde_json::from_str(&app.export()).unwrap();
    assert!(!export["pbxObjects"].to_string().contains(demo::BAKERY), "{export}");
    let again = TestApp::with_world(&export);
    assert_eq!(again.export(), app.export());
}

#[test]
fn an_undo_carries_nothing_to_another_customer() {
    let app = TestApp::start();
    let (manager, admin) = (app.manager(), app.admin());
    let path = |employee: &str| format!("/pbx/app/mobileconfig/{employee}");
    let odd = json!({ "configs": [{ "type": "ODD", "secret": "of the bakery" }] });
    manager.post(&path(demo::EMMA), odd).ok();
    let copied = manager.post("/local/copies", json!({ "_id": demo::MANAGER, "copyTo": [demo::EMMA] })).ok();
    admin.post(&format!("/employee/{}", demo::EMMA), json!({ "customer": demo::WORKSHOP })).ok();
    let workshop = app.session_of(demo::WORKSHOPS_MANAGER);
    workshop.post(&path(demo::EMMA), json!({})).ok();
    let undo = format!("/local/operations/{}/undo", copied["operation"].as_str().unwrap());
    assert_error(&workshop.post(&undo, json!({ "force": true })), 409, "changed");
    assert!(!workshop.get(&path(demo::EMMA)).text().contains("of the bakery"));
}

#[test]
fn a_misspelt_dry_run_copies_nothing() {
    let app = TestApp::start();
    let before = app.export();
    let body = json!({ "_id": demo::PERSONAL, "copyTo": [demo::EMMA], "dryrun": true });
    assert_error(&app.manager().post("/local/copies", body), 422, "dryrun");
    assert_eq!(app.export(), before);
}

#[test]
fn a_number_is_one_member_and_one_short_number_one_contact() {
    let app = TestApp::start();
    let manager = app.manager();
    let members = format!("/pbx/queue/{}/member", demo::WHOLESALE);
    let joined = manager.post(&members, json!({ "number": "+45 11223344" })).ok();
    assert_eq!(manager.post(&members, json!({ "number": "+4511223344" })).ok()["_id"], joined["_id"]);
    let contact = |number: &str| manager.post("/pbx/phonebook", json!({ "company": "Yeast", "shortNumber": number }));
    contact("99").ok();
    assert_error(&contact("99"), 409, "shortNumber");
}

#[test]
fn a_shortcut_leads_to_a_page_and_runs_nothing() {
    let app = TestApp::start();
    let shortcuts = format!("/employee/{}/shortcuts", demo::OWNER);
    let set = |url: &str| app.viewer().post(&shortcuts, json!([{ "index": 0, "label": "x", "url": url }]));
    set("https://www.example.com/").ok();
    assert_error(&set("javascript:alert(1)"), 422, "shortcuts[0].url");
}
