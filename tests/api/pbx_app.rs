//! `/pbx/app/employees` and `/pbx/app/queues`

use serde_json::json;

use super::support::{TestApp, assert_error, demo};

#[test]
fn the_app_is_given_the_enabled_colleagues_by_name() {
    let app = TestApp::start();
    let personal = app.personal();
    let records = personal.get("/pbx/app/employees").ok();
    let names: Vec<_> = records.as_array().unwrap().iter().map(|record| record["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 8);
    assert!(names.is_sorted() && !names.contains(&"Dora Disabled"), "{names:?}");
    assert_eq!((&records[0]["_id"], &records[0]["type"]), (&json!(demo::MANAGER), &json!("EMPLOYEE")));
    assert_eq!(records[0]["birthdate"], "1984-02-29");
    assert_eq!((&records[0]["viewOtherPartyOverride"], &records[0]["extensions"]), (&json!("NONE"), &json!([])));
}

#[test]
fn ids_narrow_the_colleagues_down_in_every_form() {
    let app = TestApp::start();
    let personal = app.personal();
    let query = format!("/pbx/app/employees?ids={}&ids={}", demo::EMMA, demo::LIBRARYS_PERSONAL);
    let by_query = personal.get(&query).ok();
    assert_eq!((by_query.as_array().unwrap().len(), &by_query[0]["_id"]), (1, &json!(demo::EMMA)));
    assert_eq!(personal.get(&query.replace("ids=", "ids[]=")).ok(), by_query);
    let body = json!({ "ids": [demo::EMMA, demo::LIBRARYS_PERSONAL] });
    assert_eq!(personal.post("/pbx/app/employees", body).ok(), by_query);
    let bare = json!([demo::EMMA, demo::LIBRARYS_PERSONAL]);
    assert_eq!(personal.post("/pbx/app/employees", bare).ok(), by_query, "the page's example has no name for the list");
    assert_eq!(personal.post("/pbx/app/employees", json!([])).ok(), json!([]));
    assert_error(&personal.post("/pbx/app/employees", json!(["x"])), 422, "ids[0]");
    assert_eq!(personal.post("/pbx/app/employees", json!({ "ids": [] })).ok(), json!([]));
    assert_error(&personal.post("/pbx/app/employees", json!({ "ids": [1] })), 422, "ids[0]");
}

#[test]
fn the_app_is_given_the_queues_of_its_customer() {
    let app = TestApp::start();
    let personal = app.personal();
    let queues = personal.get("/pbx/app/queues").ok();
    let orders = json!({ "_id": "a00000000000000000000401", "name": "Orders", "number": "801", "dynamic": false,
        "member": false, "members": 0, "callers": 0, "serviceLevel": 0, "serviceLevelCritical": 0, "priority": 0 });
    assert_eq!((queues.as_array().unwrap().len(), &queues[2]), (4, &orders));
    assert_eq!(personal.get("/pbx/app/queues?queue=A00000000000000000000401").ok(), json!([orders]));
    assert_eq!(personal.get("/pbx/app/queues?queue=a00000000000000000000501").ok(), json!([]));
    let all = personal.get("/pbx/app/queues?queue=a00000000000000000000401&all=true").ok();
    assert_eq!((&all[0]["members"], &all[0]["callers"]), (&json!([]), &json!([])), "lists in the place of counts");
}
