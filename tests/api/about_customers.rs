//! What is asked about a customer as a whole: overview, where calls are reported to, the reseller; and the versions of the apps.

use serde_json::json;

use super::support::{TestApp, assert_error, demo};

#[test]
fn the_overview_counts_what_there_is_in_every_form() {
    let app = TestApp::start();
    let manager = app.manager();
    let overview = json!({
        "disabled": false, "features": ["CUSTOMER", "SIP", "MVNO", "PBX", "CHANGELOG"],
        "sipUsageLimit": 1000, "mvnoUsageLimit": 2000, "sipChannelLimit": 8, "isReseller": false,
        "employees": { "total": 9, "disabled": 1 },
        "sipAccounts": { "total": 0, "disabled": 0, "down": 0 },
        "numbers": { "total": 0, "sip": 0, "mvno": 0, "international": 0, "listed": 0, "porting": 0 },
        "mvnoAccounts": { "total": 0, "disabled": 0 },
    });
    let by_path = format!("/customer/{}/overview", demo::BAKERY);
    let by_query = format!("/customer/overview?customer={}", demo::BAKERY);
    for answer in [
        manager.get(&by_path),
        manager.act(&by_path),
        manager.get("/customer/overview"),
        app.reseller().get(&by_query),
        app.reseller().act(&by_query),
        app.reseller().post("/customer/overview", json!({ "customer": demo::BAKERY })),
    ] {
        assert_eq!(answer.ok(), overview, "{answer}");
    }
    manager.delete(&format!("/employee/{}", demo::DISABLED)).ok();
    assert_eq!(manager.get(&by_path).ok()["employees"], json!({ "total": 8, "disabled": 0 }));
    app.reseller().post(&format!("/customer/{}", demo::BAKERY), json!({ "state": "BLOCKED" })).ok();
    assert_eq!(app.reseller().get(&by_path).ok()["disabled"], true);
    assert_eq!(app.reseller().get("/customer/overview").ok()["isReseller"], true);
    for customer in ["", "x", "%00"] {
        assert_error(&app.reseller().get(&format!("/customer/overview?customer={customer}")), 422, "customer");
    }
}

#[test]
fn calls_are_reported_to_where_the_import_says() {
    let app = TestApp::start();
    let list = json!([{ "_id": "ca0000000000000000000401", "url": "https://calls.bakery.example.com/notify",
        "method": "POSTJSON", "selection": "ALL" }]);
    assert_eq!(app.viewer().get(&format!("/customer/{}/callnotify", demo::BAKERY)).ok(), list);
    assert_eq!(app.reseller().get(&format!("/customer/{}/callnotify", demo::WORKSHOP)).ok(), json!([]));
}

#[test]
fn the_app_is_told_whom_to_ask_for_help() {
    let app = TestApp::start();
    let reseller = json!({ "_id": demo::RESELLER, "name": "Demo Reseller", "phoneNumber": "+4500000200",
        "emailAddress": "info@reseller.example.com", "website": "https://reseller.example.com" });
    assert_eq!(app.personal().act("/pbx/app/reseller").ok(), reseller);
    assert_eq!(app.session_of(demo::FLORISTS_PERSONAL).act("/pbx/app/reseller").ok()["_id"], demo::SUB_RESELLER);
    assert_eq!(app.admin().act("/pbx/app/reseller").ok()["_id"], demo::PLATFORM, "a reseller without one is its own");
}

#[test]
fn the_newest_versions_of_the_apps_are_those_of_the_setting() {
    let none = TestApp::start().personal().get("/pbx/app/version").ok();
    assert_eq!(none, json!({ "desktop": "0.0.0", "ios": "0.0.0", "android": "0.0.0" }));
    let app = TestApp::start_with(|config| config.app_versions = Some("ios=5.2.0, desktop=6.1".into()));
    let some = app.personal().get("/pbx/app/version").ok();
    assert_eq!(some, json!({ "desktop": "6.1", "ios": "5.2.0", "android": "0.0.0" }));
}
