//! `/pbx/switch` and `/pbx/variable`

use serde_json::{Value, json};

use super::support::{TestApp, assert_error, demo};

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn a_list_has_what_its_reader_may_read() {
    let app = TestApp::start();
    let away = format!("{}:away", demo::PERSONAL);
    let list = app.viewer().get("/pbx/switch").ok();
    let expected = json!([
        { "name": away, "value": true, "type": "PERSONAL", "employee": { "_id": demo::PERSONAL, "name": "Paul Personal" } },
        { "name": "SHARED:night", "value": false, "type": "SHARED" },
    ]);
    assert_eq!(list, expected);
    assert_eq!(app.personal().get("/pbx/switch").ok(), expected);
    assert_eq!(names(&app.session_of(demo::EMMA).get("/pbx/switch").ok()), ["SHARED:night"]);
    assert_error(&app.session_of(demo::EMMA).get(&format!("/pbx/switch/{away}")), 403, "access_denied");
    let variables = json!([{ "name": "greeting", "value": "Welcome to the bakery", "type": "SYSTEM" }]);
    assert_eq!(app.personal().get("/pbx/variable").ok(), variables);
    let of_bakery = format!("/pbx/variable?customer={}", demo::BAKERY);
    assert_eq!((app.reseller().get(&of_bakery).ok(), app.reseller().get("/pbx/variable").ok()), (variables, json!([])));
}

#[test]
fn setting_one_that_is_not_there_makes_it() {
    let app = TestApp::start();
    let manager = app.manager();
    let set = json!({ "success": true });
    let (_, entries) = app.audited(|| {
        assert_eq!(manager.post("/pbx/switch/closed", json!({ "value": true })).ok(), set);
        assert_eq!(manager.get("/pbx/switch/closed?value=false").ok(), set);
        assert_eq!(manager.get("/pbx/switch/closed?value=0").ok(), set, "changes nothing");
        assert_eq!(manager.post("/pbx/variable/hours", json!({ "value": "9-17" })).ok(), set);
        assert_eq!(manager.get("/pbx/variable/hours?value=").ok(), set);
    });
    let sections: Vec<_> = entries.iter().map(|entry| entry.section.as_str()).collect();
    assert_eq!(sections, ["PbxSwitches", "PbxSwitches", "PbxVariables", "PbxVariables"]);
    assert_eq!(manager.get("/pbx/switch/closed").ok(), json!({ "name": "closed", "value": false, "type": "SYSTEM" }));
    assert_eq!(manager.get("/pbx/variable/hours").ok(), json!({ "name": "hours", "value": "", "type": "SYSTEM" }));
    assert_error(&manager.get("/pbx/variable/closed"), 404, "name");
    assert_error(&manager.get("/pbx/switch/hours"), 404, "name");
}

#[test]
fn names_may_hold_any_characters_but_a_slash() {
    let app = TestApp::start();
    let personal = app.personal();
    for (encoded, name) in [
        ("SHARED%3Aa%20b", "SHARED:a b"),
        ("SHARED:50%25", "SHARED:50%"),
        ("SHARED:a%2Bb+c", "SHARED:a+b+c"),
        ("SHARED:a%2525", "SHARED:a%25"),
        ("SHARED:a%CC%8A", "SHARED:\u{e5}"),
        ("SHARED:%3F%23", "SHARED:?#"),
        (&format!("{}:Away", demo::PERSONAL.to_uppercase()), &format!("{}:Away", demo::PERSONAL)),
    ] {
        for (list, value) in [("switch", json!(true)), ("variable", json!("x"))] {
            let path = format!("/pbx/{list}/{encoded}");
            personal.post(&path, json!({ "value": value })).ok();
            assert_eq!(personal.get(&path).ok()["name"], *name);
        }
    }
    let before = app.export();
    for wrong in [
        "SHARED:a%2Fb",
        "SHARED:",
        "SHARED:%20",
        "SHARED:%00",
        "SHARED:%E2%80%AE",
        &format!("SHARED:{}", "a".repeat(200)),
    ] {
        assert_error(&personal.post(&format!("/pbx/switch/{wrong}"), json!({ "value": true })), 422, "name");
        assert_error(&personal.get(&format!("/pbx/switch/{wrong}")), 404, "name");
    }
    assert!(app.export() == before);
}

#[test]
fn personal_and_viewer_set_what_is_shared_or_their_own() {
    let app = TestApp::start();
    let (emmas, absent) = (format!("{}:x", demo::EMMA), format!("{}:x", demo::ABSENT));
    let on = |customer: &str| json!({ "value": true, "customer": customer });
    for (caller, own) in [(app.personal(), demo::PERSONAL), (app.viewer(), demo::VIEWER)] {
        for name in ["SHARED:x", &format!("{own}:x")] {
            caller.post(&format!("/pbx/switch/{name}"), json!({ "value": true })).ok();
        }
        for name in ["x", "shared:x", own, &emmas, &absent] {
            let path = format!("/pbx/switch/{name}");
            let (refused, entries) = app.audited(|| caller.post(&path, json!({ "value": true })));
            assert_error(&refused, 403, "name");
            assert_eq!(entries.len(), 1, "recorded: {refused}");
            assert_error(&caller.get(&format!("{path}?value=true")), 403, "name");
            assert_error(&caller.post(&path, on(demo::WORKSHOP)), 403, "access_denied");
        }
    }
    let manager = app.manager();
    for name in ["x", &emmas] {
        manager.post(&format!("/pbx/switch/{name}"), json!({ "value": false })).ok();
    }
    assert_error(&manager.post(&format!("/pbx/switch/{absent}"), json!({ "value": false })), 422, "name");
    assert_error(&manager.post("/pbx/switch/SHARED:x", on(demo::WORKSHOP)), 403, "access_denied");
    let reseller = app.reseller();
    reseller.post(&format!("/pbx/switch/{emmas}"), on(demo::BAKERY)).ok();
    assert_error(&reseller.post(&format!("/pbx/switch/{emmas}"), on(demo::WORKSHOP)), 422, "name");
    assert_error(
        &app.personal().post(&format!("/pbx/switch/{}:x", demo::PERSONAL), on(demo::WORKSHOP)),
        403,
        "access_denied",
    );
}

#[test]
fn what_is_no_value_is_refused() {
    let app = TestApp::start();
    let manager = app.manager();
    let before = app.export();
    for value in [json!("true"), json!(1), json!([]), json!({})] {
        assert_error(&manager.post("/pbx/switch/x", json!({ "value": value })), 422, "value");
    }
    for value in [json!(true), json!(1), json!([]), json!("a\u{0}"), json!("x".repeat(1_001))] {
        assert_error(&manager.post("/pbx/variable/x", json!({ "value": value })), 422, "value");
    }
    for list in ["switch", "variable"] {
        for body in [json!({}), json!({ "value": null })] {
            assert_error(&manager.post(&format!("/pbx/{list}/x"), body), 404, "value");
        }
        for customer in ["", "x", "%00"] {
            assert_error(&manager.get(&format!("/pbx/{list}/x?value=true&customer={customer}")), 422, "customer");
        }
        assert_error(
            &manager.post(&format!("/pbx/{list}/x"), json!({ "value": true, "customer": 5 })),
            422,
            "customer",
        );
    }
    for value in ["maybe", "", "%00"] {
        assert_error(&manager.get(&format!("/pbx/switch/x?value={value}")), 422, "value");
    }
    assert!(app.export() == before);
}

#[test]
fn a_get_that_sets_is_no_head_and_is_not_for_pages_of_others() {
    let app = TestApp::start();
    let personal = app.personal();
    let before = app.export();
    let path = "/pbx/switch/SHARED:night?value=true";
    assert_eq!(personal.request("HEAD", path).send().status, 405);
    let cookie = format!("token={}", personal.token());
    let forged =
        app.nobody().request("GET", path).header("cookie", &cookie).header("sec-fetch-site", "cross-site").send();
    assert_error(&forged, 401, "credentials_invalid");
    assert!(app.export() == before);
    assert_eq!(personal.request("HEAD", "/pbx/switch").send().status, 200);
}

#[test]
fn variables_of_a_call_are_not_served() {
    let app = TestApp::start();
    assert_error(&app.manager().get("/pbx/variable/call/name/value"), 501, "not_implemented");
    assert_error(&app.manager().delete("/pbx/switch/SHARED:night"), 501, "not_implemented");
}
