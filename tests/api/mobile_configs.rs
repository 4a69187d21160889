//! `/pbx/app/mobileconfig`

use serde_json::{Value, json};

use super::support::{Client, Response, TestApp, assert_error, demo};

fn path(employee: &str) -> String {
    format!("/pbx/app/mobileconfig/{employee}")
}

fn copy(caller: &Client, from: &str, to: &str) -> Response {
    caller.post("/pbx/app/mobileconfig/", json!({ "_id": from, "copyTo": to }))
}

/// Sections with everything that might not come back as it was given.
fn odd_configs() -> String {
    let (orders, emma) = ("a00000000000000000000401", demo::EMMA);
    format!(
        r#"[{{"type":"QUEUES","zeta":1.50,"items":[{{"name":"Orders","_id":"{orders}","x":12345678901234567890123}}],"others":[]}},{{"type":"SHORTCUTS","b":[null,"æ\u0001\n"],"a":{{}}}},{{"items":[],"others":[{{"_id":"{emma}","name":"Emma Counter"}}],"type":"COLLEAGUES"}}]"#
    )
}

fn store(caller: &Client, employee: &str, configs: &str) -> Response {
    let body = format!("{{\"configs\":{configs}}}");
    caller.request("POST", &path(employee)).header("content-type", "application/json").bytes(body).send()
}

fn configs_text(answer: &Response) -> String {
    let text = answer.text();
    let (_, configs) = text.split_once("\"configs\":").unwrap_or_else(|| panic!("no configs: {answer}"));
    configs.strip_suffix('}').unwrap().to_owned()
}

#[test]
fn a_copy_is_verbatim_and_in_order() {
    let app = TestApp::start();
    let manager = app.manager();
    store(&manager, demo::PERSONAL, &odd_configs()).ok();
    let copied = copy(&manager, demo::PERSONAL, demo::EMMA);
    copied.ok();
    assert_eq!(configs_text(&copied), odd_configs());
    assert_eq!(manager.get(&path(demo::EMMA)).text(), copied.text());
}

#[test]
fn a_copy_gives_the_target_a_new_version_and_leaves_the_source_its_own() {
    let app = TestApp::start();
    let manager = app.manager();
    let (source, target) = (manager.get(&path(demo::PERSONAL)), manager.get(&path(demo::EMMA)));
    let copied = copy(&manager, demo::PERSONAL, demo::EMMA);
    assert_ne!(copied.etag(), target.etag());
    assert_eq!(copied.etag(), manager.get(&path(demo::EMMA)).etag());
    let source_after = manager.get(&path(demo::PERSONAL));
    assert_eq!((source_after.etag(), source_after.text()), (source.etag(), source.text()));
    assert_eq!((&copied.json()["_id"], &copied.json()["customer"]), (&json!(demo::EMMA), &json!(demo::BAKERY)));
}

#[test]
fn a_copy_onto_itself_changes_nothing_and_is_audited() {
    let app = TestApp::start();
    let manager = app.manager();
    let before = manager.get(&path(demo::EMMA));
    let (answer, entries) = app.audited(|| copy(&manager, demo::EMMA, demo::EMMA));
    assert_eq!((answer.ok(), answer.etag()), (before.json(), before.etag()));
    let told: Vec<_> = entries.iter().map(|e| (e.action.as_str(), e.outcome.as_str(), e.object.as_str())).collect();
    assert_eq!(told, [("copy", "accepted", demo::EMMA)]);
}

#[test]
fn a_copy_to_somebody_without_a_config_makes_none() {
    let app = TestApp::start();
    let manager = app.manager();
    assert_error(&copy(&manager, demo::EMMA, demo::IDA), 404, "not_found");
    assert_error(&copy(&manager, demo::IDA, demo::EMMA), 404, "not_found");
    assert_error(&manager.get(&path(demo::IDA)), 404, "not_found");
}

#[test]
fn a_copy_across_customers_is_refused_to_every_level_and_audited() {
    let app = TestApp::start();
    for caller in [app.reseller(), app.reseller_admin(), app.admin()] {
        let (before, writes) = (app.export(), app.newest_write());
        let (answer, entries) = app.audited(|| copy(&caller, demo::PERSONAL, demo::WORKSHOPS_PERSONAL));
        assert_error(&answer, 400, "bad_request");
        assert_eq!((app.export(), app.newest_write()), (before, writes));
        let told: Vec<_> = entries.iter().map(|e| (e.action.as_str(), e.outcome.as_str(), e.object.as_str())).collect();
        assert_eq!(told, [("copy", "refused", demo::WORKSHOPS_PERSONAL)]);
    }
}

#[test]
fn a_copy_across_customers_out_of_reach_is_an_access_denied() {
    let app = TestApp::start();
    let manager = app.manager();
    for (from, to) in [(demo::EMMA, demo::WORKSHOPS_PERSONAL), (demo::WORKSHOPS_PERSONAL, demo::EMMA)] {
        let (answer, entries) = app.audited(|| copy(&manager, from, to));
        assert_error(&answer, 403, "access_denied");
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].outcome.as_str(), entries[0].object.as_str()), ("refused", to));
    }
}

#[test]
fn personal_may_only_name_the_own_config_twice() {
    let app = TestApp::start();
    let personal = app.personal();
    copy(&personal, demo::PERSONAL, demo::PERSONAL).ok();
    for (from, to) in [(demo::PERSONAL, demo::EMMA), (demo::EMMA, demo::PERSONAL), (demo::EMMA, demo::EMMA)] {
        assert_error(&copy(&personal, from, to), 403, "access_denied");
    }
}

#[test]
fn copy_is_reached_with_and_without_the_trailing_slash_and_ids_in_any_case() {
    let app = TestApp::start();
    let manager = app.manager();
    for path in ["/pbx/app/mobileconfig", "/pbx/app/mobileconfig/"] {
        let body = json!({ "_id": demo::PERSONAL.to_uppercase(), "copyTo": demo::EMMA.to_uppercase() });
        assert_eq!(manager.post(path, body).ok()["_id"], demo::EMMA);
    }
}

#[test]
fn a_body_of_copy_that_is_malformed_is_one_and_the_same_bad_request() {
    let app = TestApp::start();
    let manager = app.manager();
    let before = app.export();
    let id = demo::EMMA;
    let bodies = [
        String::new(),
        "{".into(),
        "null".into(),
        "[]".into(),
        "{}".into(),
        format!(r#"{{"_id":"{id}"}}"#),
        format!(r#"{{"copyTo":"{id}"}}"#),
        format!(r#"{{"_id":"{id}","copyTo":null}}"#),
        format!(r#"{{"_id":1,"copyTo":"{id}"}}"#),
        format!(r#"{{"_id":"{id}","copyTo":"{}"}}"#, &id[1..]),
        format!(r#"{{"_id":["{id}"],"copyTo":"{id}"}}"#),
    ];
    for body in bodies {
        let answer = manager
            .request("POST", "/pbx/app/mobileconfig/")
            .header("content-type", "application/json")
            .bytes(body.clone())
            .send();
        assert_error(&answer, 400, "bad_request");
        assert_eq!(answer.message(), "Request not valid", "{body}");
    }
    assert_eq!(app.export(), before);
}

#[test]
fn create_without_a_body_offers_all_other_enabled_colleagues_and_all_queues() {
    let app = TestApp::start();
    let manager = app.manager();
    let created = manager.act(&path(demo::IDA));
    let names = |section: &Value, list: &str| -> Vec<String> {
        section[list].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let configs = &created.ok()["configs"];
    assert_eq!((&configs[0]["type"], &configs[1]["type"]), (&json!("COLLEAGUES"), &json!("QUEUES")));
    assert!(names(&configs[0], "items").is_empty() && names(&configs[1], "items").is_empty());
    let colleagues = [
        "Anna Manager",
        "Emma Counter",
        "Nils Nologin",
        "Olivia Owner",
        "Paul Personal",
        "Søren Driver",
        "Viggo Viewer",
    ];
    assert_eq!(names(&configs[0], "others"), colleagues);
    assert_eq!(names(&configs[1], "others"), ["Complaints", "Deliveries", "Orders", "Wholesale"]);
    assert_eq!(manager.get(&path(demo::IDA)).text(), created.text());
}

#[test]
fn create_without_a_body_answers_a_config_that_exists_as_it_is() {
    let app = TestApp::start();
    let manager = app.manager();
    let before = manager.get(&path(demo::EMMA));
    let (answer, entries) = app.audited(|| manager.act(&path(demo::EMMA)));
    assert_eq!((answer.text(), answer.etag(), entries), (before.text(), before.etag(), vec![]));
}

#[test]
fn create_with_a_body_makes_the_config_or_replaces_its_content() {
    let app = TestApp::start();
    let manager = app.manager();
    for (employee, action) in [(demo::IDA, "create"), (demo::EMMA, "update")] {
        let (answer, entries) = app.audited(|| store(&manager, employee, &odd_configs()));
        answer.ok();
        assert_eq!(configs_text(&answer), odd_configs());
        assert_eq!(manager.get(&path(employee)).text(), answer.text());
        assert_eq!(entries.iter().map(|e| e.action.as_str()).collect::<Vec<_>>(), [action]);
    }
}

#[test]
fn every_reference_must_be_of_the_employees_customer() {
    let app = TestApp::start();
    let manager = app.manager();
    manager.delete(&format!("/employee/{}", demo::SOEREN)).ok();
    let before = app.export();
    let refused = [
        ("COLLEAGUES", demo::WORKSHOPS_PERSONAL),
        ("COLLEAGUES", demo::SOEREN),
        ("COLLEAGUES", "a00000000000000000000401"),
        ("QUEUES", "a00000000000000000000501"),
        ("QUEUES", demo::EMMA),
    ];
    for (kind, id) in refused {
        let known = if kind == "QUEUES" { "a00000000000000000000402" } else { demo::VIEWER };
        let items = json!([{ "_id": known, "name": "A" }, { "_id": id, "name": "B" }]);
        for (items, others, place) in [(&items, &json!([]), "items"), (&json!([]), &items, "others")] {
            let configs = json!([{ "type": kind, "items": items, "others": others }]);
            let answer = store(&manager, demo::EMMA, &configs.to_string());
            assert_error(&answer, 404, &format!("configs[0].{place}[1]._id"));
        }
    }
    assert_eq!(app.export(), before);
}

#[test]
fn a_new_name_is_followed_in_the_configs_within_the_same_operation() {
    let app = TestApp::start();
    let manager = app.manager();
    let (answer, entries) =
        app.audited(|| manager.post(&format!("/employee/{}", demo::EMMA), json!({ "name": "Emma Renamed" })));
    answer.ok();
    let everything = manager.get(&format!("/pbx/app/mobileconfig?customer={}", demo::BAKERY)).text();
    assert!(everything.contains("Emma Renamed") && !everything.contains("Emma Counter"), "{everything}");
    let followed = entries.iter().filter(|entry| entry.section == "PbxAppMobileConfigs").count();
    assert_eq!((entries.len(), followed), (7, 6), "one for the employee, one for each config but its own");
    assert!(entries.iter().all(|entry| entry.operation == entries[0].operation), "{entries:?}");
}

#[test]
fn a_deleted_employee_leaves_the_configs_within_the_same_operation() {
    let app = TestApp::start();
    let manager = app.manager();
    let (answer, entries) = app.audited(|| manager.delete(&format!("/employee/{}", demo::EMMA)));
    assert_eq!(answer.ok(), json!({ "success": true }));
    assert_error(&manager.get(&path(demo::EMMA)), 404, "not_found");
    assert_error(&manager.act(&path(demo::EMMA)), 404, "not_found");
    let everything = manager.get(&format!("/pbx/app/mobileconfig?customer={}", demo::BAKERY)).text();
    assert!(!everything.contains(demo::EMMA), "{everything}");
    let of = |action: &str| entries.iter().filter(|e| e.action == action && e.section == "PbxAppMobileConfigs").count();
    assert_eq!((of("delete"), of("update")), (1, 6));
    assert!(entries.iter().all(|entry| entry.operation == entries[0].operation), "{entries:?}");
}
