//! `/local/offers`, and what new employees mean for the configs that are there.

use serde_json::{Value, json};
use telecomx_local::domain::mobile_config::NewColleagues;

use super::support::{Client, TestApp, assert_error, demo};

const OFFERS: &str = "/local/offers";

fn config(caller: &Client, employee: &str) -> Value {
    caller.get(&format!("/pbx/app/mobileconfig/{employee}")).ok()["configs"].clone()
}

/// A config that names nobody.
fn empty(caller: &Client, employee: &str) {
    let configs = json!([{ "type": "COLLEAGUES", "items": [], "others": [] }]);
    caller.post(&format!("/pbx/app/mobileconfig/{employee}"), json!({ "configs": configs })).ok();
}

fn emma() -> Value {
    json!({ "_id": demo::EMMA, "name": "Emma Counter" })
}

#[test]
fn colleagues_and_queues_are_offered_to_many_in_one_operation_and_taken_back_in_one() {
    let app = TestApp::start();
    let manager = app.manager();
    empty(&manager, demo::PERSONAL);
    empty(&manager, demo::EMMA);
    let before = app.export();
    let to = json!([demo::PERSONAL, demo::EMMA]);
    let planned = manager.post(OFFERS, json!({ "employees": [demo::EMMA], "offerTo": to, "dryRun": true })).ok();
    assert_eq!((&planned["changed"], &planned["operation"]), (&json!(1), &Value::Null), "not to oneself: {planned}");
    assert_eq!(app.export(), before);

    let body = json!({ "employees": [demo::EMMA], "queues": "all", "offerTo": to });
    let offered = manager.post(OFFERS, body.clone()).ok();
    assert_eq!(offered["changed"], json!(2));
    assert_eq!(config(&manager, demo::PERSONAL)[0]["others"], json!([emma()]));
    assert_eq!(config(&manager, demo::EMMA)[0]["others"], json!([]));
    let queues = config(&manager, demo::EMMA)[1].clone();
    assert_eq!((&queues["type"], &queues["items"]), (&json!("QUEUES"), &json!([])));
    assert!(!queues["others"].as_array().unwrap().is_empty());
    let operations: Vec<_> = app.audit().iter().rev().take(2).map(|entry| entry.operation.clone()).collect();
    assert!(operations.iter().all(|operation| json!(operation) == offered["operation"]), "{operations:?}");
    assert_eq!(manager.post(OFFERS, body).ok()["changed"], json!(0), "what is named already is not offered again");

    let operation = offered["operation"].as_str().unwrap();
    manager.post(&format!("/local/operations/{operation}/undo"), json!({})).ok();
    assert_eq!(config(&manager, demo::PERSONAL)[0]["others"], json!([]));
}

#[test]
fn without_a_choice_everybody_s_config_is_meant_and_what_people_chose_stays() {
    let app = TestApp::start();
    let manager = app.manager();
    empty(&manager, demo::PERSONAL);
    let chosen = config(&manager, demo::MANAGER);
    let offered = manager.post(OFFERS, json!({ "employees": "all" })).ok();
    assert!(offered["withoutConfig"].as_array().unwrap().contains(&json!(demo::IDA)), "{offered}");
    let others = config(&manager, demo::PERSONAL)[0]["others"].clone();
    assert!(others.as_array().unwrap().contains(&emma()), "{others}");
    assert_eq!(config(&manager, demo::MANAGER)[0]["items"], chosen[0]["items"]);
}

#[test]
fn an_offer_with_a_fault_changes_nothing() {
    let app = TestApp::start();
    let manager = app.manager();
    let before = app.export();
    for (body, status, code) in [
        (json!({}), 422, "employees"),
        (json!({ "employees": [] }), 422, "employees"),
        (json!({ "employees": "everybody" }), 422, "employees"),
        (json!({ "employees": [demo::ABSENT] }), 404, "employees[0]"),
        (json!({ "employees": [demo::EMMA, demo::WORKSHOPS_PERSONAL] }), 404, "employees[1]"),
        (json!({ "queues": [demo::EMMA] }), 404, "queues[0]"),
        (json!({ "employees": [demo::EMMA], "offerTo": [demo::IDA] }), 404, "offerTo[0]"),
        (json!({ "employees": [demo::EMMA], "offerTo": { "all": false } }), 422, "offerTo"),
        (json!({ "employees": [demo::EMMA], "offerTo": [demo::WORKSHOPS_PERSONAL] }), 403, "access_denied"),
        (json!({ "employees": [demo::EMMA], "dryrun": true }), 422, "dryrun"),
        (json!({ "employees": [demo::EMMA], "customer": demo::ABSENT }), 404, "customer"),
        (json!({ "employees": [demo::EMMA], "customer": demo::WORKSHOP }), 403, "access_denied"),
    ] {
        assert_error(&manager.post(OFFERS, body.clone()), status, code);
    }
    assert_error(&app.session_of(demo::PERSONAL).post(OFFERS, json!({ "employees": "all" })), 403, "access_denied");
    assert_eq!(app.export(), before);
}

/// An employee that the owner creates; its id.
fn create(caller: &Client, name: &str) -> Value {
    let body = json!({ "customer": demo::BAKERY, "name": name, "accessLevel": "PERSONAL" });
    caller.post("/employee", body).ok()["_id"].clone()
}

#[test]
fn a_new_employee_is_offered_only_where_the_setting_says_so_and_in_one_operation() {
    let ignoring = TestApp::start();
    let owner = ignoring.session_of(demo::OWNER);
    create(&owner, "Nina New");
    assert!(!config(&owner, demo::PERSONAL).to_string().contains("Nina New"), "as documented");

    let app = TestApp::start_with(|config| config.new_colleagues = Some(NewColleagues::Offer));
    let owner = app.session_of(demo::OWNER);
    let id = create(&owner, "Nina New");
    for employee in [demo::OWNER, demo::PERSONAL, demo::EMMA] {
        let others = config(&owner, employee)[0]["others"].clone();
        assert_eq!(others.as_array().unwrap().last(), Some(&json!({ "_id": id, "name": "Nina New" })));
    }
    let last = app.audit().last().unwrap().operation.clone();
    let of_it = app.audit().iter().filter(|entry| entry.operation == last).count();
    assert!(of_it > 3, "the employee and the configs are one operation: {of_it}");
}
