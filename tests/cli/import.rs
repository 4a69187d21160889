//! `import` onto what is there already.

use serde_json::{Value, json};

use crate::support::place::{Ended, output_with_stdin};
use crate::support::{Place, world};

fn exported(place: &Place) -> Value {
    serde_json::from_str(&place.run(&["export"])).unwrap()
}

fn feed_high(place: &Place) -> i64 {
    place.sqlite().query_row("select high from feed", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_file_and_standard_input_are_the_same() {
    let (from_file, from_stdin) = (Place::new(), Place::new());
    from_file.put("world.json", world::small().to_string());
    let said = from_file.run(&["import", "world.json"]);
    assert!(said.starts_with("imported 2 customers, 2 queues, 3 employees, 2 mobile configs into "), "{said}");
    from_stdin.import(&world::small());
    assert_eq!(from_file.run(&["export"]), from_stdin.run(&["export"]));
}

#[test]
fn the_same_again_writes_nothing() {
    let place = Place::with_world();
    let (before, high) = (place.run(&["audit", "verify"]), feed_high(&place));
    place.import(&world::small());
    assert_eq!((place.run(&["audit", "verify"]), feed_high(&place)), (before, high));
}

#[test]
fn what_stands_under_an_id_is_overwritten_and_the_rest_is_left_alone() {
    let place = Place::with_world();
    let mut anna = world::employee(world::ANNA, "Anna-Lise", "VIEWER");
    anna["title"] = json!("Baker");
    place.import(&json!({ "employees": [anna] }));
    let now = exported(&place);
    let found = |list: &str, id: &str| {
        now[list].as_array().unwrap().iter().find(|object| object["_id"] == id).cloned().unwrap()
    };
    let anna = found("employees", world::ANNA);
    assert_eq!(
        (&anna["name"], &anna["title"], &anna["accessLevel"]),
        (&json!("Anna-Lise"), &json!("Baker"), &json!("VIEWER"))
    );
    assert_eq!(found("employees", world::BO)["name"], "Bo");
    assert_eq!(now["mobileConfigs"].as_array().unwrap().len(), 2);
    let rev: i64 =
        place.sqlite().query_row("select rev from employees where id = ?1", [world::ANNA], |row| row.get(0)).unwrap();
    assert_eq!(rev, 2);
    place.run(&["doctor"]);
}

#[test]
fn a_new_name_is_followed_in_mobile_configs() {
    let place = Place::with_world();
    let bo = world::employee(world::BO, "Børge", "PERSONAL");
    place.import(&json!({ "queues": [world::queue(world::SALES, "Bread & Cake")], "employees": [bo] }));
    let now = exported(&place);
    let configs = &now["mobileConfigs"][0]["configs"];
    assert_eq!(configs[0]["items"], json!([{ "_id": world::SALES, "name": "Bread & Cake" }]));
    assert_eq!(configs[1]["items"], json!([{ "_id": world::BO, "name": "Børge" }]));
    assert_eq!(now["mobileConfigs"][1]["configs"][0]["items"][0]["name"], "Support");
    place.run(&["audit", "verify"]);
    place.run(&["doctor"]);
}

#[test]
fn references_may_lead_to_what_is_there_already_and_stand_in_any_order() {
    let place = Place::with_world();
    let (child, parent) = ("c00000000000000000000008", "c00000000000000000000009");
    place.import(&json!({
        "mobileConfigs": [world::config(world::MANAGER, json!([world::section("QUEUES", &[(world::SALES, "Sales")])]))],
        "customers": [world::customer(child, "Child", Some(parent)), world::customer(parent, "Parent", Some(world::RESELLER))],
    }));
    assert_eq!(exported(&place)["customers"].as_array().unwrap().len(), 4);
    place.run(&["doctor"]);
}

#[test]
fn it_is_one_write_recorded_as_an_import() {
    let place = Place::with_world();
    assert_eq!(feed_high(&place), 1);
    let (sources, operations, entries): (String, i64, i64) = place
        .sqlite()
        .query_row("select group_concat(distinct source), count(distinct operation), count(*) from audit", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!((sources.as_str(), operations, entries), ("import", 1, 9));
}

#[test]
fn an_employee_of_another_customer_in_the_document_moves_there() {
    let place = Place::with_world();
    let mut anna = world::employee(world::ANNA, "Anna", "PERSONAL");
    anna["customer"] = json!(world::RESELLER);
    place.import(&json!({ "employees": [anna] }));
    let moves = "select count(distinct customer) from audit where object = ?1 and description like 'Employee moved %'";
    let customers: i64 = place.sqlite().query_row(moves, [world::ANNA], |row| row.get(0)).unwrap();
    assert_eq!(customers, 2);
}

#[test]
fn a_password_that_is_imported_works_and_ends_sessions() {
    let place = Place::with_world();
    let mut anna = world::employee(world::ANNA, "Anna", "PERSONAL");
    for password in ["First-Passw0rd", "Second-Passw0rd"] {
        anna["password"] = json!(password);
        place.import(&json!({ "employees": [anna.clone()] }));
        place.import(&json!({ "employees": [anna.clone()] }));
        let sessions: i64 = place.sqlite().query_row("select count(*) from sessions", [], |row| row.get(0)).unwrap();
        assert_eq!(sessions, 0);
        let login = json!({ "username": format!("{}@example.com", world::ANNA), "password": password });
        let server = place.serve();
        assert_eq!(server.post("/auth/login", "", &login).status, 200);
        assert!(server.stop().success());
    }
    let changes =
        "select count(*) from audit where object = ?1 and description = 'Password changed' and source = 'import'";
    let count: i64 = place.sqlite().query_row(changes, [world::ANNA], |row| row.get(0)).unwrap();
    // The document gives a password in clear, which is hashed anew each time.
    assert_eq!(count, 4, "each import that gives one is audited");
}

/// How much of what only the living have an employee has: sessions, tokens, credentials, mobile configs.
fn held_by(place: &Place, employee: &str) -> [i64; 4] {
    ["sessions where employee", "tokens where employee", "credentials where employee", "mobile_configs where id"].map(
        |rows| {
            let sql = format!("select count(*) from {rows} = ?1");
            place.sqlite().query_row(&sql, [employee], |row| row.get(0)).unwrap()
        },
    )
}

/// Gives an employee of the small world one of each that [`held_by`] counts; gives its session and its token.
fn give_access(place: &Place, employee: &str) -> [String; 2] {
    let mut with_password = world::employee(employee, "Bo", "PERSONAL");
    with_password["password"] = json!("First-Passw0rd");
    place.import(&json!({ "employees": [with_password] }));
    let token = place.token_of(employee);
    let server = place.serve();
    let login = json!({ "username": format!("{employee}@example.com"), "password": "First-Passw0rd", "persist": true });
    let session = server.post("/auth/login", "", &login).body["token"].as_str().unwrap().to_owned();
    assert!(server.stop().success());
    assert_eq!(held_by(place, employee), [1; 4]);
    [session, token]
}

/// The doctor finds nothing, and what is exported can be imported elsewhere.
fn is_sound(place: &Place) {
    place.run(&["doctor"]);
    let elsewhere = Place::holding(&exported(place));
    assert_eq!(exported(&elsewhere), exported(place));
    elsewhere.run(&["doctor"]);
}

#[test]
fn an_employee_imported_as_deleted_loses_access_and_config_and_colleagues_follow() {
    let place = Place::with_world();
    let tokens = give_access(&place, world::BO);
    let mut bo = world::employee(world::BO, "Bo", "PERSONAL");
    bo["state"] = json!("DELETED");
    bo["password"] = json!("Second-Passw0rd");
    place.import(&json!({ "employees": [bo.clone()] }));
    assert_eq!(held_by(&place, world::BO), [0; 4]);
    let now = exported(&place);
    assert_eq!((&now["employees"][2]["_id"], &now["employees"][2]["state"]), (&json!(world::BO), &json!("DELETED")));
    assert_eq!(now["mobileConfigs"].as_array().unwrap().len(), 1);
    assert_eq!(now["mobileConfigs"][0]["configs"][1], world::section("COLLEAGUES", &[]));
    is_sound(&place);
    let high = feed_high(&place);
    place.import(&json!({ "employees": [bo] }));
    assert_eq!(feed_high(&place), high, "deleted already");
    let server = place.serve();
    assert_eq!(tokens.map(|token| server.get("/pbx/app/queues", &token).status), [401, 401]);
}

#[test]
fn a_customer_imported_as_deleted_takes_its_employees_along() {
    let place = Place::with_world();
    let tokens = give_access(&place, world::BO);
    let mut bakery = world::customer(world::CUSTOMER, "Bakery", Some(world::RESELLER));
    bakery["state"] = json!("DELETED");
    place.import(&json!({ "customers": [bakery] }));
    assert_eq!(held_by(&place, world::BO), [0; 4]);
    let now = exported(&place);
    let states: Vec<&Value> = now["employees"].as_array().unwrap().iter().map(|employee| &employee["state"]).collect();
    assert_eq!(states, ["DELETED"; 3]);
    assert_eq!((&now["customers"][1]["state"], &now["mobileConfigs"]), (&json!("DELETED"), &json!([])));
    is_sound(&place);
    let server = place.serve();
    assert_eq!(tokens.map(|token| server.get("/pbx/app/queues", &token).status), [401, 401]);
}

#[test]
fn a_property_named_configs_means_nothing_but_in_a_mobile_config() {
    let mut world = world::small();
    for list in ["customers", "queues", "employees"] {
        world[list][1]["configs"] = json!([{ "type": "STRAY" }]);
    }
    let place = Place::new();
    let mut import = place.on_db(&["import", "--ignore-unknown", "-"]);
    assert!(output_with_stdin(&mut import, world.to_string().as_bytes()).status.success());
    assert_eq!(exported(&place), exported(&Place::with_world()));
}

#[test]
fn what_is_no_document_is_one_sentence() {
    let place = Place::new();
    for (document, expected) in [
        ("", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ("{\"customers\":[", "not a JSON object"),
        ("{}", "holds none of"),
        ("{\"customers\":7}", "customers: not an array"),
        ("{\"customers\":[],\"employes\":[]}", "employes: not one of customers, queues, employees, mobileConfigs"),
    ] {
        let output = output_with_stdin(&mut place.on_db(&["import", "-"]), document.as_bytes());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains(expected), "{document:?}: {said}");
    }
    let missing = place.on_db(&["import", "missing.json"]).output().unwrap().sentence_of_refusal();
    assert!(missing.contains("missing.json cannot be read"), "{missing}");
}

#[test]
fn the_example_can_be_imported_as_it_stands() {
    let place = Place::new();
    let example = crate::support::place::succeeds(&mut place.command(&["import", "--example"]));
    assert!(!place.db().exists());
    place.put("example.json", &example);
    let said = place.run(&["import", "example.json"]);
    assert!(said.starts_with("imported ") && !said.contains("no password"), "{said}");
    place.run(&["doctor"]);
    let neither = place.command(&["import"]).output().unwrap();
    assert_eq!(neither.status.code(), Some(2));
}

#[test]
fn a_property_that_nobody_knows_is_named_and_left_out_only_on_purpose() {
    let place = Place::with_world();
    let mut anna = world::employee(world::ANNA, "Anna", "PERSONAL");
    anna["adress"] = json!("x");
    let mut customer = world::customer(world::CUSTOMER, "Bakery", Some(world::RESELLER));
    customer["addresses"][0]["floor"] = json!(3);
    let config = json!({ "_id": world::ANNA, "configs": [{ "type": "LATER", "x": 1 }], "revision": 4 });
    let document = json!({ "customers": [customer], "employees": [anna], "mobileConfigs": [config] }).to_string();
    let refused = output_with_stdin(&mut place.on_db(&["import", "-"]), document.as_bytes());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    for path in ["customers[0].addresses[0].floor: ", "employees[0].adress: ", "mobileConfigs[0].revision: "] {
        assert!(said.contains(path) && said.contains("--ignore-unknown"), "{path}: {said}");
    }
    assert!(!refused.status.success());
    let taken = output_with_stdin(&mut place.on_db(&["import", "--ignore-unknown", "-"]), document.as_bytes());
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
}
