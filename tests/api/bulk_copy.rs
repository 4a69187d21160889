//! `/local/copies` and `/local/operations/ID/undo`: one config onto many, and back.

use serde_json::{Value, json};

use super::support::{Client, Response, TestApp, assert_error, demo};

const COPIES: &str = "/local/copies";

fn config(caller: &Client, employee: &str) -> Value {
    caller.get(&format!("/pbx/app/mobileconfig/{employee}")).ok()["configs"].clone()
}

fn copy(caller: &Client, to: Value) -> Response {
    caller.post(COPIES, json!({ "_id": demo::PERSONAL, "copyTo": to }))
}

fn undo(caller: &Client, operation: &Value, body: Value) -> Response {
    caller.post(&format!("/local/operations/{}/undo", operation.as_str().unwrap()), body)
}

/// Gives the config of an employee a content that no other one has.
fn mark(caller: &Client, employee: &str, name: &str) {
    let items = json!([{ "_id": employee, "name": name }]);
    let configs = json!([{ "type": "COLLEAGUES", "items": items, "others": [] }]);
    caller.post(&format!("/pbx/app/mobileconfig/{employee}"), json!({ "configs": configs })).ok();
}

const FOUR: [&str; 4] = [demo::OWNER, demo::MANAGER, demo::VIEWER, demo::EMMA];

#[test]
fn one_config_is_copied_onto_many_in_one_operation_and_taken_back_in_one() {
    let app = TestApp::start();
    let manager = app.manager();
    mark(&manager, demo::PERSONAL, "Paul Personal");
    let before = FOUR.map(|employee| config(&manager, employee));
    let copied = copy(&manager, json!(FOUR)).ok();
    assert_eq!((&copied["dryRun"], &copied["changed"]), (&json!(false), &json!(4)), "{copied}");
    let source = config(&manager, demo::PERSONAL);
    assert!(FOUR.iter().all(|employee| config(&manager, employee) == source));
    let changes = manager.get(&format!("/log/changelog/customer/{}?limit=500", demo::BAKERY)).ok();
    let of_copy =
        changes["changelogs"].as_array().unwrap().iter().filter(|entry| entry.to_string().contains(demo::PERSONAL));
    assert!(of_copy.count() >= 4, "{changes}");

    let undone = undo(&manager, &copied["operation"], json!({})).ok();
    assert_eq!(undone["targets"].as_array().unwrap().len(), 4);
    assert_eq!(FOUR.map(|employee| config(&manager, employee)), before);
    // What was taken back can be taken back.
    undo(&manager, &undone["operation"], json!({})).ok();
    assert!(FOUR.iter().all(|employee| config(&manager, employee) == source));
}

#[test]
fn a_dry_run_says_for_each_target_what_would_change_and_changes_nothing() {
    let app = TestApp::start();
    let manager = app.manager();
    mark(&manager, demo::PERSONAL, "Paul Personal");
    mark(&manager, demo::EMMA, "Emma Counter");
    let before = app.export();
    let planned = manager
        .post(
            COPIES,
            json!({ "_id": demo::PERSONAL, "copyTo": [demo::EMMA, demo::PERSONAL, demo::EMMA], "dryRun": true }),
        )
        .ok();
    assert_eq!(
        (&planned["dryRun"], &planned["operation"], &planned["changed"]),
        (&json!(true), &Value::Null, &json!(1))
    );
    let targets = planned["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 2, "each is named once: {planned}");
    let emma = &targets[0];
    assert_eq!(
        (&emma["_id"], &emma["name"], &emma["changes"]),
        (&json!(demo::EMMA), &json!("Emma Counter"), &json!(true))
    );
    let colleagues = &emma["lists"][0];
    assert_eq!((&colleagues["type"], &colleagues["list"]), (&json!("COLLEAGUES"), &json!("items")));
    assert_eq!(colleagues["added"], json!([{ "_id": demo::PERSONAL, "name": "Paul Personal" }]));
    assert_eq!(colleagues["removed"], json!([{ "_id": demo::EMMA, "name": "Emma Counter" }]));
    assert_eq!((&targets[1]["changes"], &targets[1]["lists"]), (&json!(false), &json!([])));
    assert_eq!(app.export(), before);
}

#[test]
fn a_selection_meets_those_who_have_a_config_and_names_those_who_have_none() {
    let app = TestApp::start();
    let manager = app.manager();
    let names = |answer: &Value| -> Vec<String> {
        answer["targets"].as_array().unwrap().iter().map(|target| target["name"].as_str().unwrap().to_owned()).collect()
    };
    let meant = |selection: Value| {
        manager.post(COPIES, json!({ "_id": demo::PERSONAL, "copyTo": selection, "dryRun": true })).ok()
    };
    assert_eq!(names(&meant(json!({ "department": "Shop" }))), ["Anna Manager", "Emma Counter"]);
    let personal = meant(json!({ "accessLevel": "PERSONAL" }));
    assert!(
        names(&personal).contains(&"Søren Driver".to_owned())
            && !names(&personal).contains(&"Paul Personal".to_owned())
    );
    assert_eq!(personal["withoutConfig"], json!([demo::IDA]));
    assert_eq!(names(&meant(json!({ "all": true }))).len(), 6);
}

#[test]
fn a_refusal_names_the_targets_that_have_no_config() {
    let app = TestApp::start();
    let manager = app.manager();
    let one = copy(&manager, json!([demo::EMMA, demo::IDA]));
    assert_error(&one, 404, "copyTo[1]");
    assert!(one.message().starts_with(&format!("Ida Newcomer ({}) has no mobile config", demo::IDA)), "{one}");
    let mut named = vec![demo::IDA.to_owned()];
    for number in 0..3 {
        let address = format!("new{number}@bakery.example.com");
        let new = json!({ "name": format!("New {number}"), "emailAddress": address, "accessLevel": "PERSONAL", "customer": demo::BAKERY });
        named.push(manager.post("/employee", new).ok()["_id"].as_str().unwrap().to_owned());
    }
    let many = copy(&manager, json!(named));
    assert_error(&many, 404, "copyTo[0]");
    let message = many.message();
    assert!(message.starts_with("4 employees have no mobile config: Ida Newcomer"), "{message}");
    assert!(message.contains("New 1") && message.contains("and 1 more") && !message.contains("New 2"), "{message}");
}

#[test]
fn what_is_wrong_with_one_target_leaves_all_as_they_are() {
    let app = TestApp::start();
    let manager = app.manager();
    mark(&manager, demo::PERSONAL, "Paul Personal");
    let before = app.export();
    let a = demo::ABSENT;
    for (to, status, code) in [
        (json!([demo::EMMA, a]), 404, "copyTo[1]"),
        (json!([demo::EMMA, demo::IDA]), 404, "copyTo[1]"),
        (json!([demo::EMMA, demo::WORKSHOPS_PERSONAL]), 403, "access_denied"),
        (json!([demo::EMMA, "nonsense"]), 422, "copyTo[1]"),
        (json!([a, demo::IDA]), 422, "multiple"),
        (json!([]), 422, "copyTo"),
        (json!({}), 422, "copyTo"),
        (json!({ "all": false }), 422, "copyTo"),
        (json!({ "all": true, "department": "Shop" }), 422, "copyTo"),
        (json!({ "accessLevel": "BAKER" }), 422, "copyTo"),
        (json!({ "department": "Nowhere" }), 422, "copyTo"),
        (json!("all"), 422, "copyTo"),
        (Value::Null, 404, "copyTo"),
    ] {
        assert_error(&copy(&manager, to.clone()), status, code);
    }
    assert_error(&manager.post(COPIES, json!({ "_id": a, "copyTo": [demo::EMMA] })), 404, "not_found");
    assert_error(&manager.post(COPIES, json!({ "copyTo": [demo::EMMA] })), 404, "_id");
    // Another customer's employee, for who may change both.
    assert_error(&copy(&app.admin(), json!([demo::EMMA, demo::WORKSHOPS_PERSONAL])), 422, "copyTo[1]");
    let personal = app.session_of(demo::PERSONAL);
    assert_error(&copy(&personal, json!([demo::EMMA])), 403, "access_denied");
    assert_eq!(app.export(), before);
}

#[test]
fn what_somebody_has_changed_since_is_not_overwritten_unless_that_is_meant() {
    let app = TestApp::start();
    let (manager, viewer) = (app.manager(), app.session_of(demo::VIEWER));
    mark(&manager, demo::PERSONAL, "Paul Personal");
    let before = config(&manager, demo::EMMA);
    let copied = copy(&viewer, json!([demo::EMMA, demo::MANAGER])).ok();
    mark(&manager, demo::EMMA, "Emma Counter");
    let refused = undo(&viewer, &copied["operation"], json!({}));
    assert_error(&refused, 409, "changed");
    assert!(refused.message().contains(demo::EMMA), "{refused}");
    assert_error(&undo(&viewer, &copied["operation"], json!({ "force": true })), 403, "access_denied");
    assert_error(&undo(&viewer, &copied["operation"], json!({ "force": 1 })), 422, "force");
    undo(&manager, &copied["operation"], json!({ "force": true })).ok();
    assert_eq!(config(&manager, demo::EMMA), before);
}

#[test]
fn an_undo_brings_nobody_back_who_has_been_deleted_meanwhile_and_names_are_those_of_today() {
    let app = TestApp::start();
    let manager = app.manager();
    let both = json!([{ "_id": demo::SOEREN, "name": "x" }, { "_id": demo::OWNER, "name": "x" }]);
    let configs = json!([{ "type": "COLLEAGUES", "items": both, "others": [] }]);
    manager.post(&format!("/pbx/app/mobileconfig/{}", demo::EMMA), json!({ "configs": configs })).ok();
    mark(&manager, demo::PERSONAL, "Paul Personal");
    let copied = copy(&manager, json!([demo::EMMA])).ok();
    app.session_of(demo::OWNER).delete(&format!("/employee/{}", demo::SOEREN)).ok();
    app.admin().post(&format!("/employee/{}", demo::OWNER), json!({ "name": "Olivia Renamed" })).ok();
    undo(&manager, &copied["operation"], json!({})).ok();
    let expected = json!([{ "_id": demo::OWNER, "name": "Olivia Renamed" }]);
    assert_eq!(config(&manager, demo::EMMA)[0]["items"], expected);
}

#[test]
fn what_is_no_operation_or_no_change_of_configs_is_not_undone() {
    let app = TestApp::start();
    let owner = app.session_of(demo::OWNER);
    for operation in ["nonsense", "6f1c7f6e-2b9e-4a57-9d8c-0d6c1a3f9b11", "%00"] {
        assert_error(&owner.post(&format!("/local/operations/{operation}/undo"), json!({})), 404, "operation");
    }
    owner.post(&format!("/employee/{}", demo::EMMA), json!({ "title": "Baker" })).ok();
    let operation = app.audit().last().unwrap().operation.clone();
    assert_error(&undo(&owner, &json!(operation), json!({})), 422, "operation");
}

#[test]
fn a_config_that_an_operation_created_goes_and_one_that_it_removed_is_not_forced_upon_anybody() {
    let app = TestApp::start();
    let manager = app.manager();
    let created = manager.post(&format!("/pbx/app/mobileconfig/{}", demo::IDA), json!({}));
    created.ok();
    let operation = app.audit().last().unwrap().operation.clone();
    undo(&manager, &json!(operation), json!({})).ok();
    assert_error(&manager.get(&format!("/pbx/app/mobileconfig/{}", demo::IDA)), 404, "not_found");
}

#[test]
fn an_undo_leaves_out_who_has_been_deleted_when_that_is_meant() {
    let app = TestApp::start();
    let (manager, owner) = (app.manager(), app.session_of(demo::OWNER));
    mark(&manager, demo::PERSONAL, "Paul Personal");
    let mut expected = config(&manager, demo::EMMA);
    let copied = copy(&manager, json!([demo::EMMA, demo::SOEREN])).ok();
    owner.delete(&format!("/employee/{}", demo::SOEREN)).ok();
    let refused = undo(&manager, &copied["operation"], json!({}));
    assert_error(&refused, 409, "changed");
    assert!(refused.message().contains(demo::SOEREN) && refused.message().contains("left out"), "{refused}");
    let undone = undo(&manager, &copied["operation"], json!({ "force": true })).ok();
    assert_eq!(undone["targets"].as_array().unwrap().len(), 1);
    // Whoever is gone does not come back in the lists of others either.
    expected[0]["items"].as_array_mut().unwrap().retain(|entry| entry["_id"] != demo::SOEREN);
    assert_eq!(config(&manager, demo::EMMA), expected);
}
