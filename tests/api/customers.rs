//! `/customer`

use serde_json::{Value, json};

use super::support::{Client, TestApp, assert_error, demo};

fn path(customer: &str) -> String {
    format!("/customer/{customer}")
}

fn address() -> Value {
    json!({ "address": "Testvej 1", "zip": "8000", "city": "Aarhus C" })
}

fn listed(caller: &Client, query: &str) -> Vec<String> {
    let list = caller.get(&format!("/customer{query}")).ok();
    let names: Vec<String> =
        list["customers"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(list["total"], names.len(), "{list}");
    names
}

#[test]
fn a_new_customer_is_below_its_reseller_and_answered_as_stored() {
    let app = TestApp::start();
    let reseller = app.reseller();
    let new = json!({ "name": "New Shop", "phoneNumber": "+4500000999", "emailAddress": "shop@example.com",
        "notes": "A note", "features": ["CUSTOMER", "PBX"], "sipUsageLimit": 5,
        "finance": { "vatNumber": "1", "invoiceMethod": "EMAIL" }, "addresses": [address(), address()] });
    let created = reseller.post("/customer", new);
    let customer = created.ok();
    assert_eq!((&customer["parentReseller"], &customer["state"]), (&json!(demo::RESELLER), &json!("ACTIVE")));
    assert_eq!((&customer["notes"], &customer["sipUsageLimit"]), (&json!("A note"), &json!(5)));
    let primaries: Vec<_> = customer["addresses"].as_array().unwrap().iter().map(|a| a["primary"].clone()).collect();
    assert_eq!(primaries, [true, false]);
    let stored = reseller.get(&path(customer["_id"].as_str().unwrap()));
    assert_eq!((stored.text(), stored.etag()), (created.text(), created.etag()));
}

#[test]
fn an_update_leaves_alone_what_is_not_given() {
    let app = TestApp::start();
    let reseller = app.reseller();
    let mut expected = reseller.get(&path(demo::BAKERY)).ok();
    expected["website"] = json!("https://new.example.com");
    expected["finance"]["vatNumber"] = json!("99");
    let change = json!({ "website": "https://new.example.com", "finance": { "vatNumber": "99" } });
    assert_eq!(reseller.post(&path(demo::BAKERY), change).ok(), expected);
    assert_eq!(reseller.get(&path(demo::BAKERY)).ok(), expected);
}

#[test]
fn notes_are_for_resellers_and_what_only_they_may_set_is_ignored_from_others() {
    let app = TestApp::start();
    let (owner, reseller) = (app.owner(), app.reseller());
    let before = reseller.get(&path(demo::BAKERY)).ok();
    assert!(before["notes"].is_string());
    assert_eq!(owner.get(&path(demo::BAKERY)).ok().get("notes"), None);
    let change =
        json!({ "notes": "Mine", "parentReseller": demo::OTHER_RESELLER, "features": ["FINANCE"], "sipUsageLimit": 1 });
    assert_eq!(owner.post(&path(demo::BAKERY), change).ok().get("notes"), None);
    assert_eq!(reseller.get(&path(demo::BAKERY)).ok(), before);
}

#[test]
fn a_reseller_gives_only_features_it_has_and_parents_it_reaches() {
    let app = TestApp::start();
    let reseller = app.reseller();
    let before = app.export();
    let change = |body: Value| reseller.post(&path(demo::WORKSHOP), body);
    assert_error(&change(json!({ "features": ["CUSTOMER", "FINANCE"] })), 422, "features[1]");
    assert_error(&change(json!({ "features": ["NONSENSE"] })), 422, "features[0]");
    assert_error(&change(json!({ "parentReseller": demo::OTHER_RESELLER })), 403, "access_denied");
    assert_error(&change(json!({ "parentReseller": demo::ABSENT })), 404, "parentReseller");
    assert_error(&change(json!({ "parentReseller": null })), 403, "access_denied");
    assert_eq!(app.export(), before);
    change(json!({ "parentReseller": demo::SUB_RESELLER, "features": ["CUSTOMER", "DNS"] })).ok();
}

#[test]
fn a_customer_cannot_be_below_itself() {
    let app = TestApp::start();
    let admin = app.admin();
    for parent in [demo::RESELLER, demo::SUB_RESELLER, demo::FLORIST] {
        assert_error(&admin.post(&path(demo::RESELLER), json!({ "parentReseller": parent })), 422, "parentReseller");
    }
    admin.post(&path(demo::RESELLER), json!({ "parentReseller": null })).ok();
}

#[test]
fn a_list_holds_the_callers_customers_and_more_when_asked() {
    let app = TestApp::start();
    let (reseller, admin) = (app.reseller(), app.admin());
    let own = ["Demo Bakery", "Demo Sub-Reseller", "Demo Workshop"];
    assert_eq!(listed(&reseller, ""), own);
    assert_eq!(listed(&reseller, "?all=true"), own);
    let below = ["Demo Bakery", "Demo Florist", "Demo Sub-Reseller", "Demo Workshop"];
    assert_eq!(listed(&reseller, "?includeSubresellers=true"), below);
    assert_eq!(listed(&reseller, "?resellers=true"), ["Demo Sub-Reseller"]);
    assert_eq!(listed(&reseller, "?filter=work"), ["Demo Workshop"]);
    let ids = format!("?customerIds={}&customerIds={}", demo::FLORIST, demo::LIBRARY);
    assert_eq!(listed(&reseller, &ids), ["Demo Florist"]);
    assert_eq!(listed(&admin, &ids), ["Demo Florist", "Demo Library"]);
    assert_eq!(listed(&admin, ""), ["Demo Reseller"]);
    assert_eq!(listed(&admin, "?all=true").len(), 8);
    assert_eq!(listed(&admin, &format!("?parentReseller={}", demo::OTHER_RESELLER)), ["Demo Library"]);
    let page = reseller.get("/customer?offset=1&limit=1").ok();
    assert_eq!((&page["total"], &page["customers"][0]["name"]), (&json!(3), &json!("Demo Sub-Reseller")));
    let full = reseller.get("/customer?full=1&filter=bakery").ok();
    assert_eq!(full["customers"], json!([reseller.get(&path(demo::BAKERY)).ok()]));
}

#[test]
fn names_are_told_of_those_in_reach() {
    let app = TestApp::start();
    let ids = json!({ "customers": [demo::BAKERY, demo::LIBRARY, demo::ABSENT, demo::FLORIST.to_uppercase()] });
    let answer = app.reseller().post("/customer/names/list", ids.clone()).ok();
    assert_eq!(answer, json!({ demo::BAKERY: "Demo Bakery", demo::FLORIST: "Demo Florist" }));
    assert_eq!(app.admin().post("/customer/names/list", ids).ok().as_object().unwrap().len(), 3);
    let name = app.viewer().get(&format!("{}/name", path(demo::BAKERY))).ok();
    assert_eq!((&name["name"], &name["parentReseller"]), (&json!("Demo Bakery"), &json!(demo::RESELLER)));
    assert_eq!(name["integrations"]["billing"]["economic"]["enabled"], false);
    let security = app.personal().get(&format!("{}/security", path(demo::BAKERY))).ok();
    assert_eq!(security, json!({ "authenticationSecurity": "NONE" }));
}

#[test]
fn administrators_list_the_customers_with_tv() {
    let app = TestApp::start();
    let (admin, reseller) = (app.admin(), app.reseller());
    let names = |client: &Client, query: &str| -> Vec<String> {
        let list = client.get(&format!("/customer?all=true&{query}")).ok();
        list["customers"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    let set = |customer: &str, features: Value| admin.post(&path(customer), json!({ "features": features })).ok();
    set(demo::BAKERY, json!(["CUSTOMER", "IPTVPRIVATE", "FLEXCARE"]));
    set(demo::LIBRARY, json!(["CUSTOMER", "TV"]));
    assert_eq!(names(&admin, "iptvprivate=true"), ["Demo Bakery"]);
    assert_eq!(names(&admin, "iptvprivate=1&flexcare"), ["Demo Bakery"]);
    assert_eq!(names(&admin, "iptvproviders=True"), ["Demo Library"]);
    assert!(names(&admin, "iptvproviders=true&iptvprivate=true").is_empty());
    assert_eq!(names(&reseller, "iptvproviders=true"), names(&reseller, ""), "for administrators alone");
    assert_error(&admin.get("/customer?iptvprivate=perhaps"), 422, "iptvprivate");
}

#[test]
fn resellers_are_the_own_and_those_below() {
    let app = TestApp::start();
    let names = |client: &Client, query: &str| -> Vec<String> {
        let list = client.get(&format!("/customer/resellers/list{query}")).ok();
        list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    let reseller = app.reseller();
    assert_eq!(names(&reseller, ""), ["Demo Reseller", "Demo Sub-Reseller"]);
    assert_eq!(names(&reseller, "?iptv=True").len(), 2, "a reseller's filters are ignored");
    let admin = app.admin();
    assert_eq!(names(&admin, "?voip=TRUE").len(), 4);
    assert!(names(&admin, "?iptv=true&voip=true").is_empty(), "only the first one counts");
    assert_eq!(names(&admin, ""), ["Demo Other Reseller", "Demo Platform", "Demo Reseller", "Demo Sub-Reseller"]);
    let first = &reseller.get("/customer/resellers/list").ok()[0];
    let expected = json!({ "_id": demo::RESELLER, "name": "Demo Reseller",
        "integrations": { "billing": { "economic": { "enabled": true } } } });
    assert_eq!(first, &expected);
}

#[test]
fn a_deleted_customer_takes_its_employees_with_it_in_one_operation() {
    let app = TestApp::start();
    let (reseller, manager) = (app.reseller(), app.manager());
    manager.get("/employee").ok();
    let (answer, entries) = app.audited(|| reseller.delete(&path(demo::BAKERY)));
    assert_eq!(answer.ok(), json!({ "success": true }));
    assert!(entries.iter().all(|entry| entry.operation == entries[0].operation));
    let of = |section: &str| entries.iter().filter(|e| e.action == "delete" && e.section == section).count();
    assert_eq!((of("Customers"), of("Employees"), of("PbxAppMobileConfigs")), (1, 9, 7));
    assert_error(&manager.get("/employee"), 401, "invalid_token");
    assert_error(
        &app.nobody().post("/auth/login", demo::credentials("manager@bakery.example.com")),
        401,
        "credentials_invalid",
    );
    assert_error(&reseller.get(&path(demo::BAKERY)), 404, "customer");
    assert_error(&reseller.get(&format!("/employee/{}", demo::EMMA)), 404, "employee");
    assert_error(&reseller.delete(&path(demo::BAKERY)), 404, "customer");
    assert_eq!(listed(&reseller, "").len(), 2);
    assert_eq!(listed(&reseller, "?includeDeleted=true").len(), 3);
}

#[test]
fn a_customer_with_customers_is_kept_and_the_attempt_recorded() {
    let app = TestApp::start();
    let reseller = app.reseller();
    let before = app.export();
    let (answer, entries) = app.audited(|| reseller.delete(&path(demo::SUB_RESELLER)));
    assert_error(&answer, 409, "parentReseller");
    assert_eq!(entries.iter().map(|e| e.outcome.as_str()).collect::<Vec<_>>(), ["refused"]);
    assert_eq!(app.export(), before);
    reseller.delete(&path(demo::FLORIST)).ok();
    reseller.delete(&path(demo::SUB_RESELLER)).ok();
}
