//! What one request may cost: however odd it is, its answer stays short and the others are not kept waiting.

use serde_json::{Value, json};

use super::support::{Client, TestApp, assert_error, code_of, demo};

fn config(employee: &str) -> String {
    format!("/pbx/app/mobileconfig/{employee}")
}

#[test]
fn a_body_full_of_faults_is_told_a_hundred_of_them() {
    let app = TestApp::start();
    let admin = app.admin();
    let zeros = vec![0; 5_000];
    let new =
        json!({ "customer": demo::BAKERY, "accessLevel": "PERSONAL", "name": "x", "organizationResellers": zeros });
    let section = json!([{ "type": "QUEUES", "items": zeros, "others": zeros }]);
    let reference = json!({ "_id": demo::ABSENT, "name": "x" });
    let absent = json!([{ "type": "QUEUES", "items": vec![reference; 5_000], "others": [] }]);
    let before = app.export();
    for (path, body) in [
        ("/pbx/app/employees", json!({ "ids": zeros })),
        ("/customer/names/list", json!({ "customers": zeros })),
        ("/employee", new),
        (&config(demo::EMMA), json!({ "configs": zeros })),
        (&config(demo::EMMA), json!({ "configs": section })),
        (&config(demo::EMMA), json!({ "configs": absent })),
    ] {
        let answer = admin.post(path, body);
        assert_error(&answer, 422, "multiple");
        assert_eq!(answer.json()["error"]["inner"].as_array().unwrap().len(), 100, "{path}");
    }
    assert!(app.export() == before);
}

#[test]
fn who_may_not_write_a_config_is_not_told_its_faults() {
    let app = TestApp::start();
    let answer = app.personal().post(&config(demo::EMMA), json!({ "configs": [0] }));
    assert_error(&answer, 403, "access_denied");
    assert_error(&app.manager().post(&config(demo::ABSENT), json!({ "configs": [0] })), 404, "not_found");
}

#[test]
fn free_text_that_is_long_or_no_text_is_refused() {
    let app = TestApp::start();
    let admin = app.admin();
    for (path, name) in [
        ("/employee", "filter"),
        ("/customer", "filter"),
        ("/log/changeloglite", "date"),
        ("/tools/changelog", "since"),
    ] {
        // Percent signs have to be escaped in a pattern, and are still one character each.
        for value in ["a".repeat(201), "a".repeat(60_000), "%25".repeat(201), "%00".into(), "a%00b".into()] {
            let answer = admin.get(&format!("{path}?{name}={value}"));
            assert_eq!((answer.status, code_of(&answer).as_str()), (422, name), "{answer}");
        }
    }
    for value in ["a".repeat(200), "%25".repeat(200), "%F0%9F%99%82".repeat(200)] {
        assert_eq!(admin.get(&format!("/employee?filter={value}")).ok()["total"], 0);
    }
}

/// The bakery's log of Ida's mobile config, with all that it can tell.
fn log(caller: &Client, window: &str) -> Vec<Value> {
    let path = format!("/log/changelog/customer/{}/PbxAppMobileConfigs/{}", demo::BAKERY, demo::IDA);
    let page = caller.get(&format!("{path}?version=2&includeChanges=1&includeData=1&{window}")).ok();
    assert_eq!(page["total"], 8);
    page["changelogs"].as_array().unwrap().clone()
}

#[test]
fn the_change_log_tells_the_data_of_eight_mebibytes_and_then_the_entries_alone() {
    let app = TestApp::start();
    let manager = app.manager();
    for n in 0..8 {
        let large = json!([{ "type": "LATER", "n": n, "data": "x".repeat(900_000) }]);
        manager.post(&config(demo::IDA), json!({ "configs": large })).ok();
    }
    let has_data = |entry: &Value| (entry.get("data").is_some(), entry.get("changes").is_some());
    let page = log(&app.viewer(), "limit=500");
    let told: Vec<_> = page.iter().map(has_data).collect();
    // The first entry holds one object, the others two: with the fifth change there are more than 8 MiB.
    let expected: Vec<_> = (0..8).map(|n| (n <= 5, n <= 5)).collect();
    assert_eq!(told, expected);
    assert!(page[1..].iter().all(|entry| entry["hasComparison"] == true));
    let last = &log(&manager, "limit=1&offset=7")[0];
    assert_eq!((last["_id"].clone(), has_data(last)), (page[7]["_id"].clone(), (true, true)), "whoever pages gets it");
    let alone = manager.get(&format!("/log/changelog/{}", page[7]["_id"].as_str().unwrap())).ok();
    assert_eq!((&alone["data"], &alone["changes"]), (&last["data"], &last["changes"]));
    assert_eq!(alone["data"]["configs"][0]["n"], 6);
    assert_eq!(alone["changes"][0]["newValue"][0]["n"], 7);
}
