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
    let own = json!([{ "_id": demo::MANAGERS_EXTENSION, "name": "Anna Manager", "number": "402", "primary": true }]);
    assert_eq!((&records[0]["viewOtherPartyOverride"], &records[0]["extensions"]), (&json!("NONE"), &own));
    assert_eq!(records[0]["picture"], json!(null));
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
fn extensions_without_an_employee_are_given_when_they_are_asked_for() {
    let app = TestApp::start();
    let personal = app.personal();
    let bakehouse = json!({ "_id": demo::BAKEHOUSE, "type": "EXTENSION", "name": "Bakehouse", "title": null, "department": null,
        "emailAddress": null, "birthdate": null, "picture": null, "viewOtherPartyOverride": "NONE",
        "extensions": [{ "_id": demo::BAKEHOUSE, "name": "Bakehouse", "number": "410", "primary": false }] });
    let all = personal.get("/pbx/app/employees?standalone=true").ok();
    assert_eq!((all.as_array().unwrap().len(), &all[8]), (9, &bakehouse));
    let narrowed = format!("/pbx/app/employees?standalone&ids={}&ids={}", demo::BAKEHOUSE, demo::EMMAS_EXTENSION);
    assert_eq!(personal.get(&narrowed).ok(), json!([bakehouse]), "what belongs to an employee does not stand alone");
    assert_eq!(
        personal.post("/pbx/app/employees", json!({ "ids": [demo::BAKEHOUSE], "standalone": true })).ok(),
        json!([bakehouse])
    );
    assert_eq!(personal.post("/pbx/app/employees", json!([demo::BAKEHOUSE])).ok(), json!([]));
    assert_error(&personal.post("/pbx/app/employees", json!({ "standalone": "yes" })), 422, "standalone");
}

#[test]
fn a_colleague_has_the_id_of_its_picture() {
    let app = TestApp::start();
    let picture = "9c0000000000000000000405";
    app.import(&json!({ "pbxObjects": [{ "_id": picture, "kind": "PICTURE", "customer": demo::BAKERY, "employee": demo::EMMA, "png": demo::PIXEL }] }));
    let records = app.personal().get(&format!("/pbx/app/employees?ids={}", demo::EMMA)).ok();
    assert_eq!(records[0]["picture"], picture);
}

#[test]
fn the_app_is_given_the_queues_of_its_employee() {
    let app = TestApp::start();
    let emma = app.session_of(demo::EMMA);
    let orders = json!({ "_id": demo::ORDERS, "name": "Orders", "number": "801", "dynamic": true, "member": true,
        "members": 2, "callers": 0, "serviceLevel": 20, "serviceLevelCritical": 60, "priority": 0 });
    assert_eq!(emma.get("/pbx/app/queues").ok(), json!([orders]));
    assert_eq!(emma.get("/pbx/app/queues?queue=A00000000000000000000401").ok(), json!([orders]));
    for other in [demo::WORKSHOPS_QUEUE, demo::DELIVERIES, demo::ABSENT] {
        assert_eq!(emma.get(&format!("/pbx/app/queues?queue={other}")).ok(), json!([]), "{other}");
    }
    let all = emma.get(&format!("/pbx/app/queues?queue={}&all=true", demo::ORDERS)).ok();
    assert_eq!((&all[0]["members"][1]["extension"], &all[0]["callers"]), (&json!(demo::EMMAS_EXTENSION), &json!([])));
    let manager = app.manager();
    let member: Vec<_> =
        manager.get("/pbx/app/queues").ok().as_array().unwrap().iter().map(|it| it["member"] == true).collect();
    assert_eq!(member, [true, false, true, false], "VIEWER and up see all, and of which they are members");
}

#[test]
fn the_app_asks_for_one_of_its_employees_extensions() {
    let app = TestApp::start();
    let second = json!({ "_id": "b00000000000000000000415", "kind": "EXTENSION", "customer": demo::BAKERY, "name": "Emma at home", "number": "415", "employee": demo::EMMA });
    app.import(&json!({ "pbxObjects": [second] }));
    let emma = app.session_of(demo::EMMA);
    let is_member =
        |query: &str| emma.get(&format!("/pbx/app/queues?queue={}{query}", demo::ORDERS)).ok()[0]["member"].clone();
    assert_eq!(is_member(""), true);
    assert_eq!(is_member(&format!("&extension={}", demo::EMMAS_EXTENSION)), true);
    assert_eq!(is_member("&extension=b00000000000000000000415"), false);
    for other in ["", "x", "405", demo::ABSENT, demo::SOERENS_EXTENSION] {
        assert_error(&emma.get(&format!("/pbx/app/queues?extension={other}")), 422, "extension");
    }
}
