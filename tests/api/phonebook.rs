//! `/pbx/phonebook`

use serde_json::{Value, json};

use super::access_world::id_of;
use super::support::{Client, TestApp, assert_error, demo};

fn contact(id: &str) -> String {
    format!("/pbx/phonebook/{id}")
}

fn names(page: &Value) -> Vec<&str> {
    let contacts = page["contacts"].as_array().unwrap().iter();
    contacts.map(|contact| contact["company"].as_str().or(contact["familyName"].as_str()).unwrap_or_default()).collect()
}

/// The bakery with an extension for its MANAGER, PERSONAL, Emma and Søren. MANAGER controls a group with Emma in it, PERSONAL one
/// with Søren in it; `rights` are what the groups give.
fn with_groups(rights: Value) -> TestApp {
    let world: Value = serde_json::from_str(include_str!("../../sql/seed/demo.json")).unwrap();
    let mut world = world;
    let extension = |n: usize| format!("aaaaaaaaaaaaaaaaaaaaaa{n:02}");
    let employees = [demo::MANAGER, demo::PERSONAL, demo::EMMA, demo::SOEREN];
    let objects = world["pbxObjects"].as_array_mut().unwrap();
    for (n, employee) in employees.iter().enumerate() {
        objects.push(json!({ "_id": extension(n), "kind": "EXTENSION", "customer": demo::BAKERY, "name": employee,
            "number": format!("90{n}"), "employee": employee }));
    }
    for (controller, member) in [(0, 2), (1, 3)] {
        let mut group = json!({ "_id": extension(10 + controller), "kind": "GROUP", "customer": demo::BAKERY, "name": "Group",
            "controllers": [extension(controller)], "members": [extension(member)] });
        group.as_object_mut().unwrap().extend(rights.as_object().unwrap().clone());
        objects.push(group);
    }
    TestApp::with_world(&world)
}

fn of_its_own(app: &TestApp, employee: &str) -> String {
    id_of(&app.session_of(employee).post("/pbx/phonebook", json!({ "personal": true, "familyName": "Own" })).ok())
}

#[test]
fn everybody_reads_the_shared_contacts_and_the_own_ones() {
    let app = TestApp::start();
    let page = app.personal().get("/pbx/phonebook").ok();
    assert_eq!((&page["offset"], &page["limit"], &page["total"]), (&json!(0), &json!(50), &json!(2)));
    let mine = &page["contacts"][1];
    assert_eq!(
        (&mine["employee"], &mine["givenName"], &mine["type"]),
        (&json!(demo::PERSONAL), &json!("Mette"), &json!("PERSON"))
    );
    assert!(mine.get("kind").is_none(), "{mine}");
    for caller in [app.manager(), app.viewer(), app.session_of(demo::EMMA)] {
        assert_eq!(names(&caller.get("/pbx/phonebook").ok()), ["Demo Flour Mill"], "the shared one alone");
        assert_error(&caller.get(&contact(demo::CONTACT_OF_PERSONAL)), 403, "access_denied");
        caller.get(&contact(demo::SHARED_CONTACT)).ok();
    }
    assert_error(&app.admin().get(&contact(demo::CONTACT_OF_PERSONAL)), 403, "access_denied");
    let reseller = app.reseller();
    assert_eq!(reseller.get("/pbx/phonebook").ok()["total"], 0);
    assert_eq!(reseller.get(&format!("/pbx/phonebook?customer={}", demo::BAKERY)).ok()["total"], 1);
}

#[test]
fn a_page_is_filtered_and_cut() {
    let app = TestApp::start();
    let manager = app.manager();
    for (given, family, number) in [("Åse", "Ørsted", "+4500000981"), ("Bo", "Zachariassen", "+4500000982")] {
        let phone = json!([{ "type": "WORK", "number": number }]);
        let mail = json!([{ "type": "WORK", "emailAddress": format!("{given}@Example.com") }]);
        let body = json!({ "givenName": given, "familyName": family, "phoneNumbers": phone, "emailAddresses": mail });
        manager.post("/pbx/phonebook", body).ok();
    }
    let found = |query: &str| manager.get(&format!("/pbx/phonebook?{query}")).ok();
    assert_eq!(names(&found("")), ["Demo Flour Mill", "Zachariassen", "Ørsted"], "in Danish order");
    assert_eq!(names(&found("limit=1&offset=1")), ["Zachariassen"]);
    assert_eq!(found("limit=1&offset=1")["total"], 3);
    for (filter, family) in [
        ("ørst", "Ørsted"),
        ("%C3%A5se%20%C3%B8r", "Ørsted"),
        ("0981", "Ørsted"),
        ("bo@example", "Zachariassen"),
        ("17", "Demo Flour Mill"),
    ] {
        let filter = filter.replace('ø', "%C3%B8");
        assert_eq!(names(&found(&format!("filter={filter}"))), [family], "{filter}");
    }
    for nothing in ["WORK", "emailAddress", "%25", "_", "4500000981%20x"] {
        assert_eq!(found(&format!("filter={nothing}"))["total"], 0, "{nothing}");
    }
    assert_eq!(found("limit=50000")["limit"], 50_000);
    for (query, code) in [
        ("limit=0", "limit"),
        ("limit=50001", "limit"),
        ("offset=-1", "offset"),
        ("customer=", "customer"),
        ("filter=%00", "filter"),
    ] {
        assert_error(&manager.get(&format!("/pbx/phonebook?{query}")), 422, code);
    }
}

#[test]
fn a_contact_is_made_changed_and_deleted() {
    let app = TestApp::start();
    let manager = app.manager();
    let new = json!({ "type": "COMPANY", "company": "Dairy", "shortNumber": "1234567", "notes": "Two\nlines", "externalId": "x",
        "addresses": [{ "type": "WORK", "street": "Testvej 1" }], "phoneNumbers": [{ "type": "MAIN", "number": "+4500000983" }],
        "colour": "red" });
    let (made, entries) = app.audited(|| manager.post("/pbx/phonebook", new).ok());
    assert_eq!((entries.len(), entries[0].section.as_str()), (1, "PbxPhonebook"));
    assert_eq!((&made["customer"], made.get("employee"), made.get("colour")), (&json!(demo::BAKERY), None, None));
    let path = contact(&id_of(&made));
    let read = manager.get(&path);
    assert_eq!(read.ok(), made);
    let changed = manager.post(&path, json!({ "phoneNumbers": [], "title": "Supplier" }));
    assert_eq!(changed.ok()["title"], "Supplier");
    assert_eq!(
        (changed.ok().get("phoneNumbers"), &changed.ok()["addresses"]),
        (None, &made["addresses"]),
        "arrays as a whole"
    );
    let late = manager.request("DELETE", &path).header("if-match", read.etag()).send();
    assert_error(&late, 412, "precondition_failed");
    let same = manager.request("GET", &path).header("if-none-match", changed.etag()).send();
    assert_eq!(same.status, 304);
    assert_error(&manager.delete(&format!("{path}?force=1")), 422, "force");
    assert_eq!(manager.delete(&path).ok(), json!({ "success": true }));
    assert_error(&manager.get(&path), 404, "id");
    assert_error(&manager.delete(&path), 404, "id");
}

#[test]
fn what_a_contact_cannot_hold_is_refused() {
    let app = TestApp::start();
    let (manager, personal) = (app.manager(), app.personal());
    let before = app.export();
    for (body, code) in [
        (json!({ "type": "ROBOT" }), "type"),
        (json!({ "shortNumber": "12345678" }), "shortNumber"),
        (json!({ "shortNumber": "12a" }), "shortNumber"),
        (json!({ "shortNumber": 12 }), "shortNumber"),
        (json!({ "shortNumber": "" }), "shortNumber"),
        (json!({ "phoneNumbers": [{ "type": "FAX", "number": "1" }] }), "phoneNumbers[0].type"),
        (json!({ "emailAddresses": [{ "type": "MOBILE" }] }), "emailAddresses[0].type"),
        (json!({ "addresses": [1] }), "addresses[0]"),
        (json!({ "addresses": {} }), "addresses"),
        (json!({ "givenName": "a\u{0}b" }), "givenName"),
        (json!({ "personal": "yes" }), "personal"),
        (json!({ "personal": false, "employee": demo::MANAGER, "shortNumber": null }), "personal"),
    ] {
        assert_error(&manager.post("/pbx/phonebook", body.clone()), 422, code);
        assert_error(&manager.post(&contact(demo::SHARED_CONTACT), body), 422, code);
    }
    let entries = vec![json!({ "type": "HOME" }); 101];
    assert_error(&manager.post("/pbx/phonebook", json!({ "addresses": entries })), 422, "addresses");
    assert_error(&manager.post("/pbx/phonebook", json!({ "phoneNumbers": [{}] })), 404, "phoneNumbers[0].type");
    assert_error(
        &personal.post(&contact(demo::CONTACT_OF_PERSONAL), json!({ "shortNumber": "1" })),
        422,
        "shortNumber",
    );
    // What else has an id is no contact.
    for other in ["5c0000000000000000000401", "a00000000000000000000401", demo::EMMA, demo::BAKERY] {
        assert_error(&manager.get(&contact(other)), 404, "id");
        assert_error(&manager.delete(&contact(other)), 404, "id");
    }
    assert!(app.export() == before);
}

#[test]
fn a_contact_is_given_away_by_whoever_may_write_both() {
    let app = TestApp::start();
    let (manager, personal) = (app.manager(), app.personal());
    let shared = id_of(&manager.post("/pbx/phonebook", json!({ "company": "Mine soon", "shortNumber": "9" })).ok());
    assert_error(&manager.post(&contact(&shared), json!({ "personal": true })), 422, "shortNumber");
    let mine = manager.post(&contact(&shared), json!({ "personal": true, "shortNumber": null })).ok();
    assert_eq!(mine["employee"], demo::MANAGER);
    assert_error(&app.owner().get(&contact(&shared)), 403, "access_denied");
    let again = manager.post(&contact(&shared), json!({ "personal": false })).ok();
    assert_eq!(again.get("employee"), None);
    let (refused, entries) = app.audited(|| manager.post(&contact(&shared), json!({ "employee": demo::EMMA })));
    assert_error(&refused, 403, "access_denied");
    assert_eq!(entries.iter().map(|entry| entry.outcome.as_str()).collect::<Vec<_>>(), ["refused"]);
    assert_error(
        &personal.post(&contact(demo::CONTACT_OF_PERSONAL), json!({ "employee": null })),
        403,
        "access_denied",
    );
    assert_error(
        &personal.post(&contact(demo::CONTACT_OF_PERSONAL), json!({ "personal": false })),
        403,
        "access_denied",
    );
    let kept = personal.post(&contact(demo::CONTACT_OF_PERSONAL), json!({ "personal": true, "title": "x" })).ok();
    assert_eq!((&kept["employee"], &kept["title"]), (&json!(demo::PERSONAL), &json!("x")));
}

#[test]
fn a_group_lets_its_controllers_read_and_write_contacts_of_its_members() {
    let app = with_groups(json!({ "readPhonebook": true }));
    let (emmas, soerens) = (of_its_own(&app, demo::EMMA), of_its_own(&app, demo::SOEREN));
    let (manager, personal) = (app.session_of(demo::MANAGER), app.session_of(demo::PERSONAL));
    manager.get(&contact(&emmas)).ok();
    personal.get(&contact(&soerens)).ok();
    assert_eq!(personal.get("/pbx/phonebook").ok()["total"], 3, "shared, own, and Søren's");
    for (caller, other) in [(&manager, &soerens), (&personal, &emmas), (&app.session_of(demo::OWNER), &emmas)] {
        assert_error(&caller.get(&contact(other)), 403, "access_denied");
    }
    for refused in [personal.post(&contact(&soerens), json!({})), personal.post("/pbx/phonebook", json!({}))] {
        assert_error(&refused, 403, "access_denied");
    }

    let app = with_groups(json!({ "writePhonebook": true }));
    let (emmas, soerens) = (of_its_own(&app, demo::EMMA), of_its_own(&app, demo::SOEREN));
    let personal = app.session_of(demo::PERSONAL);
    assert_eq!(personal.post(&contact(&soerens), json!({ "title": "Driver" })).ok()["title"], "Driver");
    personal.post("/pbx/phonebook", json!({ "employee": demo::SOEREN })).ok();
    personal.post("/pbx/phonebook", json!({ "company": "Shared by a controller" })).ok();
    personal.post(&contact(demo::SHARED_CONTACT), json!({ "title": "x" })).ok();
    assert_error(&personal.post(&contact(&emmas), json!({})), 403, "access_denied");
    assert_error(&personal.post("/pbx/phonebook", json!({ "employee": demo::EMMA })), 403, "access_denied");
    assert_error(&app.session_of(demo::SOEREN).post("/pbx/phonebook", json!({})), 403, "access_denied");
    assert_error(&personal.get(&contact(&soerens)), 403, "access_denied");
    assert_eq!(personal.delete(&contact(&soerens)).status, 200);
}

#[test]
fn contacts_of_their_own_go_with_an_employee() {
    let app = TestApp::start();
    app.manager().delete(&format!("/employee/{}", demo::PERSONAL)).ok();
    assert_error(&app.manager().get(&contact(demo::CONTACT_OF_PERSONAL)), 404, "id");
    app.manager().get(&contact(demo::SHARED_CONTACT)).ok();
}

#[test]
fn a_repeated_create_makes_one_contact() {
    let app = TestApp::start();
    let manager = app.manager();
    let create = |caller: &Client| {
        caller
            .request("POST", "/pbx/phonebook")
            .header("idempotency-key", "k")
            .json(json!({ "company": "Once" }))
            .send()
    };
    let (first, second) = (create(&manager), create(&manager));
    assert_eq!((first.ok(), second.header("idempotent-replayed")), (second.ok(), Some("true")));
    assert_eq!(manager.get("/pbx/phonebook?filter=once").ok()["total"], 1);
}
