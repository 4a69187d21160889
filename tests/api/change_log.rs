//! `/log/changelog`, `/log/changeloglite`, `/tools/changelog`

use serde_json::{Value, json};

use super::support::{Client, TestApp, assert_error, demo};

fn log(caller: &Client, path: &str) -> Vec<Value> {
    caller.get(&format!("/log/changelog/customer/{path}")).ok()["changelogs"].as_array().unwrap().clone()
}

fn of_bakery(section: &str, query: &str) -> String {
    format!("{}{section}?limit=500&{query}", demo::BAKERY)
}

/// A change of Emma's title, and its entry.
fn change_title(app: &TestApp, caller: &Client, title: &str) -> Value {
    app.clock.advance_ms(1_000);
    caller.post(&format!("/employee/{}", demo::EMMA), json!({ "title": title })).ok();
    let entries = log(caller, &of_bakery(&format!("/Employees/{}", demo::EMMA), ""));
    entries.last().unwrap().clone()
}

fn ids(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["_id"].as_str().unwrap()).collect()
}

#[test]
fn a_change_is_listed_with_what_where_and_when() {
    let app = TestApp::start();
    let manager = app.manager();
    let entry = change_title(&app, &manager, "Chief");
    assert_eq!((&entry["what"], &entry["where"]), (&json!("UPDATE"), &json!("Employees")));
    assert_eq!((&entry["id"], &entry["customer"]), (&json!(demo::EMMA), &json!(demo::BAKERY)));
    assert_eq!((&entry["hasComparison"], entry.get("employee"), entry.get("changes")), (&json!(true), None, None));
    assert_eq!(entry["when"].as_str().unwrap().len(), "2025-01-01T00:00:00.000Z".len());
}

#[test]
fn one_entry_tells_who_changed_what_from_what_to_what() {
    let app = TestApp::start();
    let manager = app.manager();
    let id = change_title(&app, &manager, "Chief")["_id"].as_str().unwrap().to_owned();
    let later = change_title(&app, &manager, "Boss");
    let entry = manager.get(&format!("/log/changelog/{}", id.to_uppercase())).ok();
    assert_eq!((&entry["employee"], &entry["employeeName"]), (&json!(demo::MANAGER), &json!("Anna Manager")));
    let change = json!({ "key": "title", "oldValue": "Sales assistant", "oldDisplayValue": "Sales assistant",
        "newValue": "Chief", "newDisplayValue": "Chief" });
    assert_eq!(entry["changes"], json!([change]), "as it was then, not as it is now");
    assert_eq!(entry["data"]["title"], "Sales assistant");
    let later = manager.get(&format!("/log/changelog/{}", later["_id"].as_str().unwrap())).ok();
    assert_eq!((&later["changes"][0]["oldValue"], &later["changes"][0]["newValue"]), (&json!("Chief"), &json!("Boss")));
    assert_error(&manager.get(&format!("/log/changelog/{}", demo::ABSENT)), 404, "not_found");
    assert_error(&manager.get("/log/changelog/12"), 400, "bad_request");
}

#[test]
fn version_2_shows_changes_orders_and_chooses() {
    let app = TestApp::start();
    let manager = app.manager();
    change_title(&app, &manager, "Chief");
    let section = format!("/Employees/{}", demo::EMMA);
    let first_version = log(&manager, &of_bakery(&section, "includeChanges=1&orderBy=DESC&what=CREATE"));
    assert_eq!(first_version.len(), 2, "arguments of version 2 are of no effect in version 1");
    assert!(first_version.iter().all(|entry| entry.get("changes").is_none()));
    let newest = log(&manager, &of_bakery(&section, "version=2&includeChanges=1&orderBy=DESC&sortBy=when"));
    assert_eq!((&newest[0]["what"], &newest[0]["changes"][0]["key"]), (&json!("UPDATE"), &json!("title")));
    assert_eq!(newest[1]["what"], "CREATE");
    for (what, count) in [("CREATE", 1), ("UPDATE", 1), ("DELETE", 0), ("OTHER", 0)] {
        assert_eq!(log(&manager, &of_bakery(&section, &format!("version=2&what={what}"))).len(), count, "{what}");
    }
}

#[test]
fn data_is_the_object_as_created_or_as_before_the_change() {
    let app = TestApp::start();
    let manager = app.manager();
    change_title(&app, &manager, "Chief");
    let entries = log(&manager, &of_bakery(&format!("/Employees/{}", demo::EMMA), "includeData=1&includeEmployees=1"));
    assert_eq!(entries[0]["data"]["title"], "Sales assistant");
    assert_eq!((&entries[0]["employee"], &entries[0]["employeeName"]), (&Value::Null, &json!("System")));
    assert_eq!(entries[1]["data"]["title"], "Sales assistant");
    assert_eq!(entries[1]["employee"], demo::MANAGER);
}

#[test]
fn a_copy_is_an_update_of_the_targets_mobile_config() {
    let app = TestApp::start();
    let manager = app.manager();
    let before = manager.get(&format!("/pbx/app/mobileconfig/{}", demo::EMMA)).ok();
    let after = manager.post("/pbx/app/mobileconfig/", json!({ "_id": demo::PERSONAL, "copyTo": demo::EMMA })).ok();
    let section = format!("/PbxAppMobileConfigs/{}", demo::EMMA);
    let entries = log(&manager, &of_bakery(&section, "version=2&includeChanges=1&includeData=1"));
    let entry = entries.last().unwrap();
    assert_eq!((&entry["what"], &entry["data"]), (&json!("UPDATE"), &before));
    assert_eq!(entry["changes"][0]["key"], "configs");
    assert_eq!(
        (&entry["changes"][0]["oldValue"], &entry["changes"][0]["newValue"]),
        (&before["configs"], &after["configs"])
    );
}

#[test]
fn a_refused_attempt_is_listed_as_other() {
    let app = TestApp::start();
    let viewer = app.viewer();
    assert_error(&viewer.delete(&format!("/employee/{}", demo::EMMA)), 403, "access_denied");
    let entries = log(&viewer, &of_bakery("/Employees", "version=2&what=OTHER&includeEmployees=1"));
    assert_eq!(
        (entries.len(), &entries[0]["id"], &entries[0]["employee"]),
        (1, &json!(demo::EMMA), &json!(demo::VIEWER))
    );
    assert!(entries[0]["description"].as_str().unwrap().contains("Refused"));
}

#[test]
fn who_it_was_is_told_only_to_those_who_may_see_who() {
    let app = TestApp::start();
    let (reseller, owner) = (app.reseller(), app.owner());
    reseller.post(&format!("/employee/{}", demo::EMMA), json!({ "title": "Chief" })).ok();
    let author = |caller: &Client| {
        let entries = log(caller, &of_bakery(&format!("/Employees/{}", demo::EMMA), "includeEmployees=1"));
        let entry = entries.last().unwrap().clone();
        (entry.get("employee").cloned(), entry.get("employeeName").cloned())
    };
    assert_eq!(author(&reseller), (Some(json!(demo::RESELLERS_CONSULTANT)), Some(json!("Rikke Reseller"))));
    assert_eq!(author(&owner), (None, None));
}

#[test]
fn notes_are_kept_from_those_below_reseller_in_the_log_too() {
    let app = TestApp::start();
    let (reseller, owner) = (app.reseller(), app.owner());
    reseller.post(&format!("/customer/{}", demo::BAKERY), json!({ "notes": "Pays late" })).ok();
    reseller.post(&format!("/customer/{}", demo::BAKERY), json!({ "notes": "Pays" })).ok();
    let path = format!("/log/changelog/customer/{}/Customers?version=2&includeChanges=1&includeData=1", demo::BAKERY);
    assert!(reseller.get(&path).text().contains("Pays late"));
    let seen = owner.get(&path).text();
    assert!(!seen.contains("Pays") && !seen.contains("notes"), "{seen}");
}

#[test]
fn the_log_of_the_system_is_for_reseller_admins() {
    let app = TestApp::start();
    assert_eq!(app.reseller_admin().get("/log/changelog/customer/SYSTEM").ok()["total"], 0);
    assert_error(&app.reseller().get("/log/changelog/customer/SYSTEM"), 403, "access_denied");
}

#[test]
fn the_short_log_holds_five_days() {
    let app = TestApp::start();
    let manager = app.session_of(demo::MANAGER);
    let entry = change_title(&app, &manager, "Chief");
    let id = entry["_id"].as_str().unwrap();
    let row = manager.get("/log/changeloglite").ok().as_array().unwrap().last().unwrap().clone();
    let expected = json!({ "_id": id, "customer": demo::BAKERY, "reseller": demo::RESELLER, "when": entry["when"],
        "where": "Employees", "what": "UPDATE", "id": demo::EMMA });
    assert_eq!(row, expected);
    let since = |time: &str| manager.get(&format!("/log/changeloglite?date={time}")).ok();
    assert_eq!(ids(&since(entry["when"].as_str().unwrap())), [id]);
    assert_eq!(since("2999-01-01"), json!([]));
    assert_error(&manager.get("/log/changeloglite?date=soon"), 422, "date");
    app.clock.advance_ms(5 * 24 * 3_600_000 + 1_000);
    let later = app.session_of(demo::MANAGER);
    assert_eq!(later.get("/log/changeloglite").ok(), json!([]));
    assert_eq!(later.get("/log/changeloglite?date=2020-01-01").ok(), json!([]));
    assert!(
        log(&later, &of_bakery("/Employees", "")).iter().any(|entry| entry["_id"] == id),
        "the log itself keeps it"
    );
}

#[test]
fn the_short_log_reaches_as_far_as_its_reader() {
    let app = TestApp::start();
    let customers = |caller: &Client, query: &str| -> Vec<String> {
        let rows = caller.get(&format!("/log/changeloglite{query}")).ok();
        let mut found: Vec<String> =
            rows.as_array().unwrap().iter().map(|row| row["customer"].as_str().unwrap()[22..].to_owned()).collect();
        found.sort();
        found.dedup();
        found
    };
    assert_eq!(customers(&app.viewer(), ""), ["04"]);
    let reseller = app.reseller();
    assert_eq!(customers(&reseller, ""), ["02"], "without an argument: the own customer's");
    let below = format!("?reseller={}", demo::RESELLER);
    assert_eq!(customers(&reseller, &below), ["02", "03", "04", "05", "06"]);
    assert_eq!(customers(&reseller, &format!("?customer={}", demo::FLORIST)), ["06"]);
    let both = format!("?customer={}&reseller={}", demo::BAKERY, demo::SUB_RESELLER);
    assert_eq!(customers(&reseller, &both), ["03", "06"], "reseller wins");
    assert_eq!(customers(&app.admin(), ""), ["01"]);
}

#[test]
fn what_a_tool_has_removed_is_not_given_again() {
    let app = TestApp::start();
    let manager = app.manager();
    let first = manager.get("/tools/changelog").ok();
    assert!(!ids(&first).is_empty());
    assert_eq!(manager.get("/tools/changelog?remove=true").ok(), first);
    assert_eq!(manager.get("/tools/changelog").ok(), json!([]));
    let entry = change_title(&app, &manager, "Chief");
    assert_eq!(ids(&manager.get("/tools/changelog").ok()), [entry["_id"].as_str().unwrap()]);
    assert!(ids(&manager.get("/log/changeloglite").ok()).len() > 1, "the other logs keep everything");
}

#[test]
fn a_tool_is_given_only_what_customers_with_the_feature_did() {
    let app = TestApp::start();
    let rows = app.reseller().get(&format!("/tools/changelog?reseller={}", demo::RESELLER)).ok();
    assert!(rows.as_array().unwrap().iter().any(|row| row["customer"] == demo::BAKERY));
    assert!(rows.as_array().unwrap().iter().all(|row| row["customer"] != demo::WORKSHOP));
}
