//! `/pbx/extension`, `/pbx/group`, and what the controllers of groups may do.

use serde_json::{Value, json};

use super::support::{Client, TestApp, assert_error, demo};

fn names(caller: &Client, query: &str) -> Vec<String> {
    let page = caller.get(&format!("/pbx/extension?{query}")).ok();
    page["extensions"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn extensions_are_listed_in_pages() {
    let app = TestApp::start();
    let viewer = app.viewer();
    let page = viewer.get("/pbx/extension?offset=1&limit=2").ok();
    assert_eq!((&page["offset"], &page["limit"], &page["total"]), (&json!(1), &json!(2), &json!(8)));
    assert_eq!(page["extensions"].as_array().unwrap().len(), 2);
    assert_eq!(viewer.get("/pbx/extension").ok()["limit"], 50);
    assert_eq!(names(&viewer, "")[..2], ["Anna Manager", "Bakehouse"]);
    assert_eq!(names(&viewer, "sort=number")[..2], ["Olivia Owner", "Anna Manager"]);
    assert_eq!(names(&viewer, "sort=employee")[7], "Bakehouse", "what belongs to nobody comes last");
    assert_eq!(names(&viewer, "filter=BAKE"), ["Bakehouse"]);
    assert_eq!(names(&viewer, "filter=40&limit=1000").len(), 7);
    assert_eq!(names(&viewer, &format!("employee={}", demo::EMMA)), ["Emma Counter"]);
    assert_eq!(names(&viewer, "filter=%25"), [""; 0]);
}

#[test]
fn numbers_are_ordered_as_numbers_and_what_lacks_a_property_comes_last() {
    let app = TestApp::start();
    let of = |id: u8, number: &str, more: Value| {
        let mut object = json!({ "_id": format!("b0000000000000000000050{id}"), "kind": "EXTENSION", "customer": demo::WORKSHOP, "name": number, "number": number });
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    app.import(&json!({ "pbxObjects": [
        of(1, "1000", json!({ "direct": "+4500000001" })),
        of(2, "99", json!({})),
        of(3, "101", json!({ "direct": "+4500000000", "redirect": "99" })),
    ] }));
    let manager = app.session_of(demo::WORKSHOPS_MANAGER);
    assert_eq!(names(&manager, "sort=number"), ["99", "101", "1000"]);
    assert_eq!(names(&manager, "sort=direct"), ["101", "1000", "99"]);
    assert_eq!(names(&manager, "sort=redirect")[0], "101");
    assert_eq!(names(&app.viewer(), "").len(), 8, "those of another customer are not there");
}

#[test]
fn personal_lists_its_own_extensions_alone() {
    let app = TestApp::start();
    let personal = app.personal();
    assert_eq!(names(&personal, &format!("employee={}", demo::PERSONAL)), ["Paul Personal"]);
    assert_error(&personal.get("/pbx/extension"), 403, "access_denied");
    assert_error(&personal.get(&format!("/pbx/extension?employee={}", demo::EMMA)), 403, "access_denied");
    assert_error(&personal.get("/pbx/extension?employee="), 422, "employee");
    // An employee of one customer has no extension at another.
    let both = format!("/pbx/extension?employee={}&customer={}", demo::EMMA, demo::WORKSHOP);
    assert_error(&app.admin().get(&both), 404, "employee");
    let own = format!("/pbx/extension?employee={}&customer={}", demo::PERSONAL, demo::WORKSHOP);
    assert_error(&personal.get(&own), 404, "employee");
}

#[test]
fn of_a_colleagues_extension_personal_sees_what_everybody_dials() {
    let app = TestApp::start();
    let personal = app.personal();
    let public = json!({ "_id": demo::EMMAS_EXTENSION, "type": "EXTENSION", "customer": demo::BAKERY, "name": "Emma Counter", "number": "405" });
    let path = format!("/pbx/extension/{}", demo::EMMAS_EXTENSION);
    assert_eq!(personal.get(&path).ok(), public);
    let mut whole = public.clone();
    whole
        .as_object_mut()
        .unwrap()
        .extend(json!({ "employee": demo::EMMA, "primary": true, "phonebook": true }).as_object().unwrap().clone());
    assert_eq!(app.session_of(demo::EMMA).get(&path).ok(), whole);
    assert_eq!(app.viewer().get(&path).ok(), whole);
    assert_ne!(personal.get(&path).etag(), app.viewer().get(&path).etag(), "the tag is of what the caller sees");
    let tag = app.viewer().get(&path).etag().to_owned();
    assert_eq!(app.viewer().request("GET", &path).header("if-none-match", &tag).send().status, 304);
    assert_error(&app.session_of(demo::WORKSHOPS_PERSONAL).get(&path), 403, "access_denied");
}

#[test]
fn properties_of_unknown_types_are_answered_as_they_were_imported() {
    let app = TestApp::start();
    let given = json!({ "_id": demo::BAKEHOUSE, "kind": "EXTENSION", "customer": demo::BAKERY, "name": "Bakehouse", "number": "410",
        "notes": "By the oven", "redirect": { "goto": 1.50 }, "callWaiting": [true], "outbound": { "number": "+4570305050" } });
    app.import(&json!({ "pbxObjects": [given] }));
    let shown = app.manager().get(&format!("/pbx/extension/{}", demo::BAKEHOUSE)).ok();
    for name in ["notes", "redirect", "callWaiting", "outbound"] {
        assert_eq!(shown[name], given[name], "{name}");
    }
}

#[test]
fn groups_are_listed_and_personal_sees_those_it_controls() {
    let app = TestApp::start();
    let total = |caller: &Client| caller.get("/pbx/group").ok()["total"].as_i64().unwrap();
    assert_eq!(total(&app.viewer()), 1);
    assert_eq!(total(&app.session_of(demo::EMMA)), 1);
    assert_eq!(total(&app.personal()), 0, "a member controls nothing");
    let page = app.session_of(demo::EMMA).get("/pbx/group?filter=shop&sort=number&full=true").ok();
    let group = app.manager().get(&format!("/pbx/group/{}", demo::SHOP)).ok();
    assert_eq!((&page["limit"], &page["groups"][0]), (&json!(50), &group));
    assert_eq!(group["members"], json!([demo::EMMAS_EXTENSION, demo::PERSONALS_EXTENSION]));
    assert_eq!((&group["type"], &group["queueMember"], &group["spy"]), (&json!("GROUP"), &json!(true), &json!(false)));
    let expanded = app.manager().get(&format!("/pbx/group/{}?expandExtension=true&expandGoto", demo::SHOP)).ok();
    let emma = json!({ "_id": demo::EMMAS_EXTENSION, "type": "EXTENSION", "name": "Emma Counter", "number": "405" });
    assert_eq!((&expanded["members"][0], &expanded["controllers"][0]), (&emma, &emma));
}

#[test]
fn controllers_may_do_with_members_what_their_groups_give_together() {
    let app = TestApp::start();
    let second = json!({ "_id": "d00000000000000000000402", "kind": "GROUP", "customer": demo::BAKERY, "name": "Second",
        "members": [demo::PERSONALS_EXTENSION, demo::BAKEHOUSE], "controllers": [demo::EMMAS_EXTENSION], "spy": true });
    app.import(&json!({ "pbxObjects": [second] }));
    let emma = app.session_of(demo::EMMA);
    let permissions = emma.get("/pbx/app/permissions").ok();
    let ids: Vec<&String> = permissions.as_object().unwrap().keys().collect();
    assert_eq!(ids, [demo::PERSONALS_EXTENSION, demo::EMMAS_EXTENSION, demo::BAKEHOUSE]);
    let both = &permissions[demo::PERSONALS_EXTENSION];
    assert_eq!(both.as_object().unwrap().len(), 11);
    let granted: Vec<&str> = ["pickup", "steal", "spy", "setPresence", "queueMember", "viewOtherParty", "readCalendar"]
        .into_iter()
        .filter(|right| both[right] == true)
        .collect();
    assert_eq!(granted, ["pickup", "spy", "queueMember", "viewOtherParty"]);
    let on = |caller: &Client, id: &str| caller.get(&format!("/pbx/app/grouppermissions?target={id}"));
    assert_eq!(&on(&emma, demo::PERSONALS_EXTENSION).ok(), both);
    let nothing = on(&emma, demo::SOERENS_EXTENSION).ok();
    assert!(nothing.as_object().unwrap().values().all(|right| right == false), "{nothing}");
    assert_eq!(app.personal().get("/pbx/app/permissions").ok(), json!({}));
    for target in ["", "x", demo::ABSENT, demo::EMMA, demo::SHOP] {
        assert_error(&on(&emma, target), 422, "target");
    }
    assert_error(&on(&app.session_of(demo::WORKSHOPS_PERSONAL), demo::EMMAS_EXTENSION), 422, "target");
}

#[test]
fn extensions_of_a_deleted_employee_stay_or_go_as_the_call_says() {
    let app = TestApp::start();
    let manager = app.manager();
    let extension = |id: &str| format!("/pbx/extension/{id}");
    manager.delete(&format!("/employee/{}", demo::SOEREN)).ok();
    let left = manager.get(&extension(demo::SOERENS_EXTENSION)).ok();
    assert_eq!((&left["number"], left.get("employee")), (&json!("406"), None));
    let still = manager.get(&format!("/pbx/queue/{}/member", demo::DELIVERIES)).ok();
    assert_eq!(still[0]["_id"], demo::SOEREN_IN_DELIVERIES, "the extension goes on answering");

    manager.delete(&format!("/employee/{}?deleteExtensions=true", demo::EMMA)).ok();
    assert_error(&manager.get(&extension(demo::EMMAS_EXTENSION)), 404, "id");
    let members = manager.get(&format!("/pbx/queue/{}/member", demo::ORDERS)).ok();
    assert_eq!(members.as_array().unwrap().len(), 1);
    let group = manager.get(&format!("/pbx/group/{}", demo::SHOP)).ok();
    assert_eq!(
        (&group["members"], &group["controllers"]),
        (&json!([demo::PERSONALS_EXTENSION]), &json!([demo::MANAGERS_EXTENSION]))
    );

    assert_error(&manager.delete(&format!("/employee/{}?deleteExtensions=maybe", demo::IDA)), 422, "deleteExtensions");
    manager.get(&extension(demo::IDAS_EXTENSION)).ok();
}

#[test]
fn a_delete_on_a_later_day_leaves_the_extensions_to_the_pbx() {
    let app = TestApp::start();
    let manager = app.manager();
    let day = app.clock.now().plus_ms(2 * 24 * 3_600_000).to_string();
    let path = format!("/employee/{}?deleteExtensions=true&deleteDate={}", demo::IDA, &day[..10]);
    manager.delete(&path).ok();
    let extension = format!("/pbx/extension/{}", demo::IDAS_EXTENSION);
    assert_eq!(manager.get(&extension).ok()["employee"], demo::IDA);
    app.clock.advance_ms(3 * 24 * 3_600_000);
    app.run_housekeeping();
    let manager = app.manager();
    assert_error(&manager.get(&format!("/employee/{}", demo::IDA)), 404, "employee");
    assert_eq!(manager.get(&extension).ok().get("employee"), None);
}
