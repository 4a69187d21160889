//! `/employee`

use serde_json::{Value, json};

use super::support::{Client, TestApp, assert_error, demo};

const DAY_MS: i64 = 24 * 3_600_000;

fn path(employee: &str) -> String {
    format!("/employee/{employee}")
}

fn names(list: &Value) -> Vec<&str> {
    list["employees"].as_array().unwrap().iter().map(|employee| employee["name"].as_str().unwrap()).collect()
}

/// A day from now, as `deleteDate` takes it.
fn day(app: &TestApp, days: i64) -> String {
    app.clock.now().plus_ms(days * DAY_MS).to_string()[..10].to_owned()
}

fn persistent_admin(app: &TestApp) -> Client {
    let credentials = json!({ "username": "admin@platform.example.com", "password": demo::PASSWORD, "persist": true });
    app.with_token(app.nobody().post("/auth/login", credentials).ok()["token"].as_str().unwrap())
}

#[test]
fn an_employee_is_answered_as_it_was_created() {
    let app = TestApp::start();
    let manager = app.manager();
    let new = json!({
        "customer": demo::BAKERY.to_uppercase(), "accessLevel": "VIEWER", "name": "Nora Næw", "title": "Baker",
        "department": "Bakery", "address": demo::SECOND_ADDRESS, "language": "da", "primaryContact": true,
        "emailAddress": "nora@bakery.example.com", "ipRestriction": "192.0.2.1",
    });
    let created = manager.post("/employee", new.clone());
    let employee = created.ok();
    for (name, value) in new.as_object().unwrap().iter().filter(|(name, _)| *name != "customer") {
        assert_eq!(&employee[name], value, "{name}");
    }
    assert_eq!((&employee["customer"], &employee["state"]), (&json!(demo::BAKERY), &json!("ENABLED")));
    let id = employee["_id"].as_str().unwrap();
    assert!(id.len() == 24 && id == id.to_lowercase());
    let stored = manager.get(&path(id));
    assert_eq!((stored.text(), stored.etag()), (created.text(), created.etag()));
}

#[test]
fn an_update_leaves_alone_what_is_not_given_and_null_clears() {
    let app = TestApp::start();
    let manager = app.manager();
    let mut expected = manager.get(&path(demo::EMMA)).ok();
    expected["title"] = json!("Chief");
    assert_eq!(manager.post(&path(demo::EMMA), json!({ "title": "Chief" })).ok(), expected);
    let cleared = manager.post(&path(demo::EMMA), json!({ "title": null, "address": null })).ok();
    expected.as_object_mut().unwrap().remove("title");
    expected["address"] = Value::Null;
    assert_eq!(cleared, expected);
    assert_eq!(manager.get(&path(demo::EMMA)).ok(), expected);
}

#[test]
fn personal_and_viewer_change_only_what_is_harmless_on_themselves() {
    let app = TestApp::start();
    for (client, id) in [(app.personal(), demo::PERSONAL), (app.viewer(), demo::VIEWER)] {
        client.post(&path(id), json!({ "language": "da", "title": "Chief" })).ok();
        let before = app.export();
        for body in [
            json!({ "name": "Me" }),
            json!({ "title": "x", "accessLevel": "OWNER" }),
            json!({ "state": "ENABLED" }),
            json!({ "ipRestriction": null }),
            json!({ "authenticatorValidation": false }),
            json!({ "deleteDate": null }),
        ] {
            assert_error(&client.post(&path(id), body), 403, "access_denied");
        }
        assert_eq!(app.export(), before);
    }
}

#[test]
fn a_new_password_ends_the_sessions_and_is_what_logs_in_from_then_on() {
    let app = TestApp::start();
    let (first, second) = (app.personal(), app.personal());
    let answer = first.post(&path(demo::PERSONAL), json!({ "password": "N3w-Passw0rd" }));
    assert!(!answer.text().contains("assword"), "{answer}");
    answer.ok();
    for ended in [first, second] {
        assert_error(&ended.get(&path(demo::PERSONAL)), 401, "invalid_token");
    }
    let log_in = |password: &str| {
        app.nobody().post("/auth/login", json!({ "username": "personal@bakery.example.com", "password": password }))
    };
    assert_error(&log_in(demo::PASSWORD), 401, "credentials_invalid");
    log_in("N3w-Passw0rd").ok();
}

#[test]
fn a_password_that_is_weak_or_not_ones_to_give_is_refused() {
    let app = TestApp::start();
    let (personal, manager) = (app.personal(), app.manager());
    let before = app.export();
    for weak in ["secret", "Passw0r", "passw0rd", "PASSW0RD", "Password", ""] {
        assert_error(&personal.post(&path(demo::PERSONAL), json!({ "password": weak })), 422, "password");
    }
    assert_error(&manager.post(&path(demo::EMMA), json!({ "password": "N3w-Passw0rd" })), 422, "password");
    assert_error(&manager.post(&path(demo::OWNER), json!({ "password": "N3w-Passw0rd" })), 403, "access_denied");
    let new = json!({ "customer": demo::BAKERY, "accessLevel": "VIEWER", "name": "X", "password": "N3w-Passw0rd" });
    assert_error(&manager.post("/employee", new), 422, "password");
    assert_eq!(app.export(), before);
}

#[test]
fn who_has_no_e_mail_address_logs_in_under_a_username() {
    let app = TestApp::start();
    let manager = app.manager();
    let new = json!({ "customer": demo::BAKERY, "accessLevel": "VIEWER", "name": "Counter", "noEmail": true,
        "emailAddress": "counter-1", "password": "N3w-Passw0rd" });
    let id = manager.post("/employee", new).ok()["_id"].as_str().unwrap().to_owned();
    let log_in =
        |password: &str| app.nobody().post("/auth/login", json!({ "username": "counter-1", "password": password }));
    assert_eq!(log_in("N3w-Passw0rd").ok()["employee"], id.as_str());
    manager.post(&path(&id), json!({ "password": "An0ther-Passw0rd" })).ok();
    assert_error(&log_in("N3w-Passw0rd"), 401, "credentials_invalid");
    log_in("An0ther-Passw0rd").ok();
}

#[test]
fn a_list_is_paged_and_its_total_is_not() {
    let app = TestApp::start();
    let viewer = app.viewer();
    let everybody = viewer.get("/employee").ok();
    let all = names(&everybody);
    assert_eq!((everybody["offset"].clone(), everybody["limit"].clone(), all.len()), (json!(0), json!(100), 9));
    let mut paged = vec![];
    for offset in (0..9).step_by(4) {
        let page = viewer.get(&format!("/employee?offset={offset}&limit=4")).ok();
        assert_eq!((&page["total"], &page["offset"], &page["limit"]), (&json!(9), &json!(offset), &json!(4)));
        paged.extend(names(&page).into_iter().map(str::to_owned));
    }
    assert_eq!(paged, all);
    let beyond = viewer.get("/employee?offset=9").ok();
    assert_eq!((names(&beyond).len(), &beyond["total"]), (0, &json!(9)));
}

#[test]
fn a_filter_finds_names_addresses_titles_and_departments() {
    let app = TestApp::start();
    let viewer = app.viewer();
    for (text, expected) in [
        ("anna", &["Anna Manager"][..]),
        ("SOEREN@", &["Søren Driver"]),
        ("S%C3%B8ren", &["Søren Driver"]),
        ("apprentice", &["Ida Newcomer"]),
        ("deliveries", &["Søren Driver"]),
        ("%25", &[]),
        ("_", &[]),
        ("%27", &[]),
        ("\\", &[]),
        ("nobody at all", &[]),
    ] {
        let text = text.replace(' ', "%20").replace('\\', "%5C");
        let list = viewer.get(&format!("/employee?filter={text}")).ok();
        assert_eq!((names(&list), &list["total"]), (expected.to_vec(), &json!(expected.len())), "{text}");
    }
}

#[test]
fn a_full_list_holds_what_get_answers() {
    let app = TestApp::start();
    let viewer = app.viewer();
    let list = viewer.get("/employee?full=true&filter=Emma").ok();
    assert_eq!(list["employees"], json!([viewer.get(&path(demo::EMMA)).ok()]));
    let summary = &viewer.get("/employee?filter=Emma").ok()["employees"][0];
    let keys: Vec<_> = summary.as_object().unwrap().keys().collect();
    assert_eq!(keys[..1], ["_id"]);
    assert_eq!((summary.get("language"), &summary["accessLevel"]), (None, &json!("PERSONAL")));
}

#[test]
fn a_deleted_employee_is_hidden_unless_asked_for() {
    let app = TestApp::start();
    let manager = app.manager();
    assert_eq!(manager.delete(&path(demo::EMMA)).ok(), json!({ "success": true }));
    assert_error(&manager.get(&path(demo::EMMA)), 404, "employee");
    assert_error(&manager.post(&path(demo::EMMA), json!({ "title": "x" })), 404, "employee");
    assert_error(&manager.delete(&path(demo::EMMA)), 404, "employee");
    assert_eq!(manager.get("/employee?filter=Emma").ok()["total"], 0);
    let with_deleted = manager.get("/employee?filter=Emma&includeDeleted=true").ok();
    assert_eq!((&with_deleted["total"], &with_deleted["employees"][0]["state"]), (&json!(1), &json!("DELETED")));
    assert_error(
        &app.nobody().post("/auth/login", demo::credentials("emma@bakery.example.com")),
        401,
        "credentials_invalid",
    );
    let next = json!({ "customer": demo::BAKERY, "accessLevel": "PERSONAL", "name": "Emma II", "emailAddress": "emma@bakery.example.com" });
    manager.post("/employee", next).ok();
}

#[test]
fn a_delete_that_is_put_off_happens_on_its_day() {
    let app = TestApp::start();
    let admin = persistent_admin(&app);
    let date = day(&app, 10);
    let answer = admin.delete(&format!("{}?deleteDate={date}&deleteExtensions=true", path(demo::EMMA))).ok();
    assert_eq!(answer, json!({ "success": true, "deleteDate": format!("{date}T00:00:00.000Z") }));
    app.run_housekeeping();
    assert_eq!(admin.get(&path(demo::EMMA)).ok()["deleteDate"], format!("{date}T00:00:00.000Z"));
    app.clock.advance_ms(9 * DAY_MS - 1_000);
    app.run_housekeeping();
    admin.get(&path(demo::EMMA)).ok();
    app.clock.advance_ms(DAY_MS + 1_000);
    let (_, entries) = app.audited(|| app.run_housekeeping());
    assert!(entries.iter().any(|e| e.object == demo::EMMA && e.section == "Employees" && e.action == "delete"));
    assert_error(&admin.get(&path(demo::EMMA)), 404, "employee");
    assert_error(&admin.get(&format!("/pbx/app/mobileconfig/{}", demo::EMMA)), 404, "not_found");
}

#[test]
fn a_delete_that_is_put_off_may_be_called_off() {
    let app = TestApp::start();
    let admin = persistent_admin(&app);
    admin.delete(&format!("{}?deleteDate={}", path(demo::EMMA), day(&app, 2))).ok();
    assert_eq!(admin.post(&path(demo::EMMA), json!({ "deleteDate": null })).ok().get("deleteDate"), None);
    app.clock.advance_ms(3 * DAY_MS);
    app.run_housekeeping();
    admin.get(&path(demo::EMMA)).ok();
}

#[test]
fn a_date_to_delete_on_is_a_day_within_a_year() {
    let app = TestApp::start();
    let manager = app.manager();
    let before = app.export();
    for date in [day(&app, -1), day(&app, 400), "tomorrow".into(), "2026-02-30".into(), "".into()] {
        let answer = manager.delete(&format!("{}?deleteDate={date}", path(demo::EMMA)));
        assert_error(&answer, 422, "deleteDate");
    }
    assert_eq!(app.export(), before);
    assert_eq!(
        manager.delete(&format!("{}?deleteDate={}", path(demo::EMMA), day(&app, 0))).ok(),
        json!({ "success": true })
    );
    assert_error(&manager.get(&path(demo::EMMA)), 404, "employee");
}

#[test]
fn nobody_touches_an_employee_above_the_own_level() {
    let app = TestApp::start();
    let manager = app.manager();
    let before = app.export();
    for answer in [
        manager.post(&path(demo::OWNER), json!({ "title": "Ex" })),
        manager.delete(&path(demo::OWNER)),
        manager.act(&format!("{}/token", path(demo::OWNER))),
        manager.act(&format!("{}/authenticatorkey/reset", path(demo::OWNER))),
    ] {
        assert_error(&answer, 403, "access_denied");
    }
    assert_eq!(app.export(), before);
}
