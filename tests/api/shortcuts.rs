//! `/employee/ID/shortcuts`

use serde_json::json;

use super::support::{TestApp, assert_error, demo};

fn of(employee: &str) -> String {
    format!("/employee/{employee}/shortcuts")
}

#[test]
fn all_shortcuts_are_replaced_and_read_again() {
    let app = TestApp::start();
    let manager = app.manager();
    let list = json!([
        { "index": 0, "label": "Shop" },
        { "index": 1, "url": "https://bakery.example.com/orders", "label": "Orders" },
    ]);
    assert_eq!(manager.get(&of(demo::MANAGER)).ok(), list, "as the demo world has it");
    assert_eq!(manager.get(&of(demo::EMMA)).ok(), json!([]));
    let lines = json!([{ "index": 2, "label": "\u{2014}" }, { "index": 0, "url": "tel:+4500000400" }]);
    let (_, entries) = app.audited(|| {
        assert_eq!(manager.post(&of(demo::EMMA), lines.clone()).ok(), json!({ "success": true }));
        manager.post(&of(demo::EMMA), lines.clone()).ok();
    });
    assert_eq!((entries.len(), entries[0].section.as_str()), (1, "EmployeeShortcuts"), "the second changes nothing");
    assert_eq!(manager.get(&of(demo::EMMA)).ok(), lines, "in the order in which they were given");
    manager.post(&of(demo::EMMA), json!({ "shortcuts": [] })).ok();
    assert_eq!(manager.get(&of(demo::EMMA)).ok(), json!([]));
}

#[test]
fn what_is_no_list_of_shortcuts_is_refused() {
    let app = TestApp::start();
    let manager = app.manager();
    let before = app.export();
    for body in
        [json!({}), json!({ "shortcuts": null }), json!({ "shortcuts": "x" }), json!({ "index": 0, "label": "x" })]
    {
        assert_error(&manager.post(&of(demo::EMMA), body), 400, "shortcuts");
    }
    assert_error(&manager.act(&of(demo::EMMA)), 400, "shortcuts");
    for (entry, status, code) in [
        (json!(1), 422, "shortcuts[0]"),
        (json!({ "label": "x" }), 404, "shortcuts[0].index"),
        (json!({ "index": -1 }), 422, "shortcuts[0].index"),
        (json!({ "index": "0" }), 422, "shortcuts[0].index"),
        (json!({ "index": 0, "url": 5 }), 422, "shortcuts[0].url"),
        (json!({ "index": 0, "label": "a\nb" }), 422, "shortcuts[0].label"),
        (json!({ "index": 0, "label": "x".repeat(1_001) }), 422, "shortcuts[0].label"),
    ] {
        assert_error(&manager.post(&of(demo::EMMA), json!([entry])), status, code);
    }
    let many = vec![json!({ "index": 0 }); 201];
    assert_error(&manager.post(&of(demo::EMMA), json!(many)), 422, "shortcuts");
    assert!(app.export() == before);
}

#[test]
fn whoever_may_not_is_told_nothing_of_the_body() {
    let app = TestApp::start();
    assert_error(&app.personal().post(&of(demo::PERSONAL), json!({})), 403, "employee");
    assert_error(&app.manager().post(&of(demo::WORKSHOPS_PERSONAL), json!([1])), 403, "employee");
    assert_error(&app.manager().post(&of(demo::ABSENT), json!([1])), 404, "employee");
    assert_error(&app.manager().get(&of(demo::BAKERY)), 404, "employee");
}

#[test]
fn shortcuts_go_with_their_employee() {
    let app = TestApp::start();
    app.owner().delete(&format!("/employee/{}", demo::MANAGER)).ok();
    assert_error(&app.owner().get(&of(demo::MANAGER)), 404, "employee");
    assert!(!app.export().contains("SHORTCUTS"));
}
