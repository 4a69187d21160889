//! What one request may cost: however odd it is, its answer stays short and the others are not kept waiting.

use serde_json::json;

use super::support::{TestApp, assert_error, code_of, demo};

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
