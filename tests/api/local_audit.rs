//! `/local/audit`, and how a server is.

use serde_json::{Value, json};

use super::console::emma;
use super::support::{Client, TestApp, assert_error, demo};

#[test]
fn the_audit_trail_says_who_did_what_from_where_and_what_was_before_and_after() {
    let app = TestApp::start();
    let manager = app.manager();
    manager.request("POST", &emma()).header("x-request-id", "baking-1").json(json!({ "title": "Baker" })).send().ok();
    manager.post(&emma(), json!({ "title": "Head baker" })).ok();
    let page = manager.get(&format!("/local/audit?item={}", demo::EMMA)).ok();
    let [newest, older] = [0, 1].map(|place| page["entries"][place].clone());
    assert!(newest["seq"].as_i64() > older["seq"].as_i64());
    assert_eq!((&newest["before"]["title"], &newest["after"]["title"]), (&json!("Baker"), &json!("Head baker")));
    assert_eq!(older["after"]["title"], "Baker");
    assert_eq!((&older["who"]["employee"], &older["who"]["accessLevel"]), (&json!(demo::MANAGER), &json!("MANAGER")));
    assert_eq!(older["from"], json!({ "address": "127.0.0.1", "way": "API", "request": "baking-1" }));
    assert_eq!(
        (&older["action"], &older["section"], &older["refused"]),
        (&json!("update"), &json!("Employees"), &json!(false))
    );
    assert_eq!((&older["item"], &older["customer"]), (&json!(demo::EMMA), &json!(demo::BAKERY)));
    let brief = manager.get(&format!("/local/audit?item={}&brief=true", demo::EMMA)).ok();
    assert!(brief["entries"][0].get("before").is_none() && brief["total"] == page["total"]);
}

#[test]
fn the_audit_trail_says_what_its_objects_are_called_today_to_who_may_know() {
    let app = TestApp::start();
    let (admin, manager) = (app.admin(), app.manager());
    manager.post(&emma(), json!({ "name": "Emma Baker" })).ok();
    manager.post("/pbx/app/mobileconfig/", json!({ "_id": demo::MANAGER, "copyTo": demo::EMMA })).ok();
    admin.post(&format!("/customer/{}", demo::BAKERY), json!({ "name": "Bakery of today" })).ok();
    let shared = manager.post("/pbx/phonebook", json!({ "givenName": "Mette", "familyName": "Mill" })).ok();
    let own = app.personal().post("/pbx/phonebook", json!({ "personal": true, "givenName": "Secretly" })).ok();
    let name = |caller: &Client, item: &Value| {
        let page = caller.get(&format!("/local/audit?item={}", item.as_str().unwrap())).ok();
        let names = page["entries"].as_array().unwrap().iter().map(|entry| entry["objectName"].clone());
        let names: std::collections::HashSet<Value> = names.collect();
        assert_eq!(names.len(), 1, "{page}");
        names.into_iter().next().unwrap()
    };
    let emma_id = json!(demo::EMMA);
    assert_eq!(name(&manager, &emma_id), "Emma Baker", "the employee and its mobile config");
    assert_eq!(name(&manager, &json!(demo::BAKERY)), "Bakery of today");
    assert!(name(&manager, &shared["_id"]).as_str().unwrap().contains("Mill"));
    assert_eq!(name(&manager, &own["_id"]), Value::Null, "a contact of somebody's own");
    // Of who has gone to another customer, the one from before learns nothing more.
    admin.post(&emma(), json!({ "customer": demo::WORKSHOP })).ok();
    assert_eq!(name(&manager, &emma_id), Value::Null);
    assert_eq!(name(&admin, &emma_id), "Emma Baker");
    admin.delete(&emma()).ok();
    assert_eq!(name(&admin, &emma_id), Value::Null);
}

#[test]
fn the_audit_trail_can_be_narrowed_down() {
    let app = TestApp::start();
    let (manager, admin) = (app.manager(), app.admin());
    manager.post(&emma(), json!({ "title": "Baker" })).ok();
    let copied =
        manager.post("/local/copies", json!({ "_id": demo::MANAGER, "copyTo": [demo::EMMA, demo::SOEREN] })).ok();
    let operation = copied["operation"].as_str().unwrap();
    assert_eq!(app.viewer().post(&format!("/employee/{}", demo::OWNER), json!({ "department": "x" })).status, 403);
    let total = |query: &str| admin.get(&format!("/local/audit?{query}")).ok()["total"].as_i64().unwrap();
    let of_bakery = format!("customer={}", demo::BAKERY);
    assert_eq!(total(&format!("operation={operation}")), 2);
    assert_eq!(total(&format!("{of_bakery}&operation=copy")), 2);
    assert_eq!(total(&format!("{of_bakery}&refused=true")), 1);
    assert_eq!(total(&format!("{of_bakery}&refused=false")), total(&of_bakery) - 1);
    assert_eq!(total(&format!("by={}&section=Employees", demo::MANAGER)), 1);
    assert_eq!(total("by=manager&section=Employees&refused=false&item=e00000000000000000000405"), 1);
    assert_eq!((total("since=2999-01-01"), total("until=2999-01-01")), (0, total("")));
    assert_eq!(total("since=2999-01-01T00:00:00Z&until=2000-01-01"), 0);
    let first = admin.get("/local/audit?limit=1").ok();
    let second = admin.get("/local/audit?limit=1&offset=1").ok();
    assert_eq!(first["entries"][0]["seq"].as_i64().unwrap() - 1, second["entries"][0]["seq"].as_i64().unwrap());
    for (query, name) in [
        ("since=yesterday", "since"),
        ("item=x", "item"),
        ("refused=maybe", "refused"),
        ("limit=501", "limit"),
        ("by=", "by"),
    ] {
        assert_error(&admin.get(&format!("/local/audit?{query}")), 422, name);
    }
}

#[test]
fn nobody_reads_in_the_audit_trail_what_the_change_log_hides() {
    let app = TestApp::start();
    app.admin().post(&emma(), json!({ "title": "Baker" })).ok();
    app.personal().post("/pbx/phonebook", json!({ "personal": true, "givenName": "Secretly" })).ok();
    let manager = app.manager();
    let seen = manager.get("/local/audit?limit=500").ok();
    let entries = seen["entries"].as_array().unwrap();
    assert!(entries.iter().all(|entry| entry["customer"] == demo::BAKERY), "of no other customer");
    let title = entries.iter().find(|entry| entry["after"]["title"] == "Baker").unwrap();
    assert_eq!(
        (&title["who"], &title["from"]),
        (&Value::Null, &Value::Null),
        "an administrator is nobody of the bakery's"
    );
    assert!(!seen.to_string().contains("Secretly"), "a contact of somebody's own");
    for by in [demo::ADMIN, "admin"] {
        let found = manager.get(&format!("/local/audit?item={}&by={by}", demo::EMMA)).ok();
        assert_eq!(found["total"], 0, "who it was cannot be found out by asking");
    }
    let of_admin = app.admin().get(&format!("/local/audit?item={}&by={}", demo::EMMA, demo::ADMIN)).ok();
    assert_eq!(of_admin["entries"][0]["who"]["employee"], demo::ADMIN);
    let personal = app.personal();
    for path in ["/local/audit", "/local/audit/verify", "/local/status", "/local/sync/history", "/local/sync/proposals"]
    {
        assert_error(&personal.get(path), 403, "access_denied");
    }
    assert_error(&manager.get(&format!("/local/audit?customer={}", demo::WORKSHOP)), 403, "access_denied");
    assert_error(&manager.get("/local/audit?customer=SYSTEM"), 403, "access_denied");
    let reseller = app.reseller().get("/local/audit?limit=500").ok();
    let of: std::collections::BTreeSet<&str> =
        reseller["entries"].as_array().unwrap().iter().filter_map(|entry| entry["customer"].as_str()).collect();
    assert!(of.contains(demo::BAKERY) && of.contains(demo::FLORIST), "{of:?}");
    assert!(!of.contains(demo::LIBRARY) && !of.contains(demo::PLATFORM), "{of:?}");
}

#[test]
fn an_administrator_sees_how_the_server_is() {
    let app = TestApp::start();
    let admin = app.admin();
    let status = admin.get("/local/status").ok();
    assert_eq!(status["server"]["process"], json!(std::process::id().to_string()));
    assert_eq!(status["server"]["listen"], app.url.trim_start_matches("http://"));
    assert_eq!(status["hub"]["enrolled"], false);
    let storage = &status["storage"];
    for size in ["databaseBytes", "auditBytes", "auditEntries", "growthBytesPerDay", "freeBytes"] {
        assert!(storage[size].as_i64().unwrap() > 0, "{size}: {storage}");
    }
    assert!(storage["daysUntilFull"].as_f64().unwrap() > 0.0, "{storage}");
    let proof = admin.get("/local/audit/verify").ok();
    assert_eq!((&proof["ok"], &proof["faults"]), (&json!(true), &json!([])));
    assert_eq!(proof["entries"], storage["auditEntries"]);
    assert_eq!(proof["head"].as_str().unwrap().len(), 64);
    assert_eq!(admin.get("/local/sync/history").ok(), json!({ "everySeconds": 10, "samples": [] }));
    assert_eq!(admin.get("/local/sync/proposals").ok()["total"], 0);
}

#[test]
fn nobody_learns_from_where_somebody_acted_as_a_colleague_whom_it_may_not_see() {
    let app = TestApp::start();
    let consultant = app.session_of(demo::RESELLERS_CONSULTANT);
    let lent = consultant.get(&format!("/auth/impersonate/{}", demo::MANAGER)).ok();
    let lent = app.with_token(lent["token"].as_str().unwrap());
    lent.request("POST", &emma()).header("x-request-id", "reseller-1").json(json!({ "title": "Baker" })).send().ok();
    let newest = |page: Value| page["entries"][0].clone();
    let seen = newest(app.viewer().get(&format!("/local/audit?item={}", demo::EMMA)).ok());
    assert_eq!((&seen["who"]["employee"], &seen["who"]["impersonator"]), (&json!(demo::MANAGER), &Value::Null));
    assert_eq!(seen["from"], Value::Null, "{seen}");
    let all = newest(app.admin().get(&format!("/local/audit?item={}", demo::EMMA)).ok());
    assert_eq!((&all["from"]["request"], &all["from"]["address"]), (&json!("reseller-1"), &json!("127.0.0.1")));
}
