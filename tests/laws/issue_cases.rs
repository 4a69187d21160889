//! Histories that were once accepted and could not come back, and changes that were judged by the way they came.

use serde_json::{Value, json};
use telecomx_local::domain::mirror::Table;

use crate::comes_back::{doctor, enroll, from_backup, from_export, from_hub};
use crate::hubs::{on_postgres, on_sqlite};
use crate::play::work_in_memory;
use crate::support::TestApp;
use crate::ways::{Verdict, import_into, propose};
use crate::world::{document_of, export_of, object};

// Of the demo world.
const BAKERY: &str = "c00000000000000000000004";
const RESELLER: &str = "c00000000000000000000002";
const EMMA: &str = "e00000000000000000000405";
const ANNA: &str = "e00000000000000000000402";
const ORDERS: &str = "a00000000000000000000401";
const EMMAS_ADDRESS: &str = "ad0000000000000000000402";
const NO_ADDRESS: &str = "f0000000000000000000ffff";

fn demo() -> TestApp {
    work_in_memory();
    TestApp::start()
}

#[test]
fn an_address_goes_with_the_last_employee_who_had_it_and_all_comes_back() {
    let app = demo();
    let admin = app.admin();
    admin.delete(&format!("/employee/{EMMA}")).ok();
    admin.delete(&format!("/customer/{BAKERY}/address/{EMMAS_ADDRESS}")).ok();
    doctor(&app).unwrap();
    from_export(&app).unwrap();
    from_backup(&app).unwrap();
    for (name, hub) in [("SQLite", on_sqlite()), ("PostgreSQL", on_postgres())] {
        enroll(hub, &admin);
        from_hub(name, hub, &app, &admin).unwrap();
    }
}

#[test]
fn a_proposal_is_held_to_the_rules_of_the_local_call() {
    let app = demo();
    let before = export_of(&app);
    let bakery = object(&document_of(&app), "customers", BAKERY).unwrap().clone();
    let mut addresses = bakery["addresses"].clone();
    addresses.as_array_mut().unwrap().retain(|address| address["_id"] != EMMAS_ADDRESS);
    let refused: [(Table, &str, Value, u64, &str); 5] = [
        (Table::Employee, ANNA, json!({ "address": NO_ADDRESS }), 404, "address"),
        (Table::Employee, ANNA, json!({ "organizationResellers": [RESELLER] }), 422, "organizationResellers"),
        (Table::Customer, BAKERY, json!({ "addresses": addresses }), 409, "address"),
        (Table::Customer, BAKERY, json!({ "state": "DELETED" }), 422, "state"),
        (Table::Employee, ANNA, json!({ "birthdate": "yesterday" }), 422, "birthdate"),
    ];
    let found = refused.iter().map(|(table, id, patch, ..)| propose(&app, *table, id, patch)).collect::<Vec<_>>();
    let expected = refused.iter().map(|(.., status, path)| Verdict::refused(*status, path)).collect::<Vec<_>>();
    assert_eq!(found, expected);
    assert_eq!(export_of(&app), before, "a refused proposal changes nothing");
}

#[test]
fn an_import_of_an_employee_without_its_customer_is_held_to_the_customer_that_is_there() {
    let app = demo();
    let mut anna = object(&document_of(&app), "employees", ANNA).unwrap().clone();
    anna["address"] = json!(NO_ADDRESS);
    let verdict = import_into(&app, &json!({ "employees": [anna] }));
    assert_eq!(verdict, Verdict::refused(404, "employees[0].address"));
    anna["address"] = json!(EMMAS_ADDRESS);
    assert!(import_into(&app, &json!({ "employees": [anna] })).is_accepted());
}

#[test]
fn an_import_may_remove_an_address_and_move_its_employees_in_one() {
    let app = demo();
    let document = document_of(&app);
    let mut bakery = object(&document, "customers", BAKERY).unwrap().clone();
    bakery["addresses"].as_array_mut().unwrap().retain(|address| address["_id"] != EMMAS_ADDRESS);
    let verdict = import_into(&app, &json!({ "customers": [bakery] }));
    assert_eq!(verdict.below("customers"), Verdict::refused(409, "address"));
    let mut emma = object(&document, "employees", EMMA).unwrap().clone();
    emma["address"] = json!(null);
    assert!(import_into(&app, &json!({ "customers": [bakery], "employees": [emma] })).is_accepted());
    doctor(&app).unwrap();
    from_export(&app).unwrap();
}

/// The names that the configs of the bakery have for an employee or queue.
fn names_in_configs(document: &Value, id: &str) -> Vec<String> {
    let mut names = vec![];
    for config in document["mobileConfigs"].as_array().unwrap() {
        for section in config["configs"].as_array().unwrap() {
            let entries = ["items", "others"].into_iter().filter_map(|list| section[list].as_array()).flatten();
            let named =
                entries.filter(|entry| entry["_id"] == id).map(|entry| entry["name"].as_str().unwrap().to_owned());
            names.extend(named);
        }
    }
    names
}

#[test]
fn a_name_that_was_changed_in_an_export_is_in_every_config_after_the_import() {
    let app = demo();
    let mut document = document_of(&app);
    for (list, id) in [("employees", EMMA), ("queues", ORDERS)] {
        let objects = document[list].as_array_mut().unwrap();
        objects.iter_mut().find(|object| object["_id"] == id).unwrap()["name"] = json!("New Name");
    }
    assert!(import_into(&app, &document).is_accepted());
    let after = document_of(&app);
    for id in [EMMA, ORDERS] {
        let names = names_in_configs(&after, id);
        assert!(names.len() > 1 && names.iter().all(|name| name == "New Name"), "{id}: {names:?}");
    }
    // Where the database is a new one, too.
    from_export(&app).unwrap();
    doctor(&app).unwrap();
}

#[test]
fn content_that_is_written_has_the_names_of_today_whichever_way_it_comes_in() {
    let configs = json!([{ "type": "COLLEAGUES", "items": [{ "_id": EMMA, "name": "Somebody else" }], "others": [] }]);
    let by_http = |app: &TestApp| {
        let body = json!({ "configs": configs });
        Verdict::accepted_if(app.admin().post(&format!("/pbx/app/mobileconfig/{ANNA}"), body).status == 200)
    };
    let by_proposal = |app: &TestApp| propose(app, Table::MobileConfig, ANNA, &json!({ "configs": configs }));
    let by_import =
        |app: &TestApp| import_into(app, &json!({ "mobileConfigs": [{ "_id": ANNA, "configs": configs }] }));
    type Write<'a> = (&'a str, &'a dyn Fn(&TestApp) -> Verdict);
    let ways: [Write; 3] = [("HTTP", &by_http), ("proposal", &by_proposal), ("import", &by_import)];
    for (way, write) in ways {
        let app = demo();
        assert!(write(&app).is_accepted(), "{way}");
        let config = object(&document_of(&app), "mobileConfigs", ANNA).unwrap()["configs"].clone();
        assert_eq!(config[0]["items"][0], json!({ "_id": EMMA, "name": "Emma Counter" }), "{way}");
    }
}

#[test]
fn a_feature_that_employees_depend_on_stays_while_they_do() {
    let app = demo();
    let admin = app.admin();
    let path = format!("/customer/{BAKERY}");
    let with = json!({ "features": ["PBX", "ORGANIZATION"] });
    admin.post(&path, with).ok();
    let employee = format!("/employee/{ANNA}");
    admin.post(&employee, json!({ "organizationResellers": [RESELLER] })).ok();
    let without = json!({ "features": ["PBX"] });
    let refused = admin.post(&path, without.clone());
    assert_eq!((refused.status, refused.json()["error"]["code"].clone()), (409, json!("features")), "{refused}");
    assert_eq!(propose(&app, Table::Customer, BAKERY, &without), Verdict::refused(409, "features"));
    let mut bakery = object(&document_of(&app), "customers", BAKERY).unwrap().clone();
    bakery["features"] = json!(["PBX"]);
    let imported = import_into(&app, &json!({ "customers": [bakery] })).below("customers");
    assert_eq!(imported, Verdict::refused(409, "features"));
    admin.post(&employee, json!({ "organizationResellers": [] })).ok();
    admin.post(&path, without).ok();
}

#[test]
fn an_organization_reseller_must_be_a_customer_deleted_or_not() {
    let app = demo();
    let admin = app.admin();
    admin.post(&format!("/customer/{BAKERY}"), json!({ "features": ["PBX", "ORGANIZATION"] })).ok();
    let refused = admin.post(&format!("/employee/{ANNA}"), json!({ "organizationResellers": [RESELLER, NO_ADDRESS] }));
    let code = refused.json()["error"]["code"].clone();
    assert_eq!((refused.status, code), (404, json!("organizationResellers[1]")), "{refused}");
    let gone = "c00000000000000000000008";
    admin.delete(&format!("/customer/{gone}")).ok();
    admin.post(&format!("/employee/{ANNA}"), json!({ "organizationResellers": [RESELLER, gone] })).ok();
    from_export(&app).unwrap();
}

#[test]
fn a_config_that_a_hub_would_not_take_is_refused_in_every_way() {
    let app = demo();
    let long = json!([{ "type": "LATER", "data": "x".repeat(4 << 20) }]);
    let entry = json!({ "_id": EMMA, "name": "" });
    let many = json!([{ "type": "COLLEAGUES", "items": vec![entry; 20_001], "others": [] }]);
    for configs in [long, many] {
        let proposed = propose(&app, Table::MobileConfig, ANNA, &json!({ "configs": configs }));
        assert_eq!(proposed, Verdict::refused(422, "configs"));
        let imported = import_into(&app, &json!({ "mobileConfigs": [{ "_id": ANNA, "configs": configs }] }));
        assert_eq!(imported.below("mobileConfigs"), Verdict::refused(422, "configs"));
        // A body so long is not even read.
        let status = app.admin().post(&format!("/pbx/app/mobileconfig/{ANNA}"), json!({ "configs": configs })).status;
        assert!(matches!(status, 413 | 422), "{status}");
    }
}

#[test]
fn a_default_config_that_would_be_too_large_is_refused() {
    let app = demo();
    let queue = |n: usize| json!({ "_id": format!("a1{n:022}"), "customer": BAKERY, "name": format!("Queue {n}") });
    let queues: Vec<Value> = (0..20_001).map(queue).collect();
    assert!(import_into(&app, &json!({ "queues": queues })).is_accepted());
    let newcomer = "e00000000000000000000407";
    let refused = app.admin().act(&format!("/pbx/app/mobileconfig/{newcomer}"));
    assert_eq!((refused.status, refused.json()["error"]["code"].clone()), (422, json!("configs")), "{refused}");
}
