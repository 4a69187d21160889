//! A document with faults: all of them are named by their JSON path, and nothing is imported.

use serde_json::json;

use crate::support::place::output_with_stdin;
use crate::support::{Place, world};

const NOWHERE: &str = "00000000000000000000dead";

fn faulty() -> serde_json::Value {
    let mut nameless = world::customer("c00000000000000000000011", "", None);
    nameless.as_object_mut().unwrap().remove("name");
    let mut zip = world::customer("c00000000000000000000012", "Zip", None);
    zip["addresses"][0]["zip"] = json!("");
    let mut employees: Vec<_> = (0..9).map(|n| world::employee(&world::nth(n), "Nobody", "PERSONAL")).collect();
    employees[0]["accessLevel"] = json!("KING");
    employees[1]["emailAddress"] = json!(format!("{}@Example.com", world::ANNA));
    employees[2]["password"] = json!("weak");
    employees[3]["address"] = json!(NOWHERE);
    employees[4]["passwordHash"] = json!("$argon2id$v=19$m=99999999,t=99,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA");
    employees[5]["authenticatorKey"] = json!("not base32!");
    employees[6]["_id"] = json!(world::nth(5));
    employees[7]["customer"] = json!(NOWHERE);
    employees[8]["deleteDate"] = json!("soon");
    let queue_of =
        |id: &str| json!([{ "type": "OTHER" }, world::section("QUEUES", &[(world::SALES, "Sales"), (id, "x")])]);
    json!({
        "customers": [
            nameless,
            zip,
            world::customer("c00000000000000000000013", "Orphan", Some(NOWHERE)),
            world::customer("c00000000000000000000014", "Own parent", Some("c00000000000000000000014")),
            world::customer(world::CUSTOMER, "Bakery", Some(world::RESELLER)),
            world::customer(world::CUSTOMER, "Twice", Some(world::RESELLER)),
            world::customer("not-an-id", "Bad id", None),
            7
        ],
        "queues": [
            { "_id": "a00000000000000000000011", "customer": NOWHERE, "name": "Of nobody" },
            { "_id": "a00000000000000000000012", "customer": world::CUSTOMER },
        ],
        "employees": employees,
        "mobileConfigs": [
            world::config(NOWHERE, json!([])),
            world::config(world::ANNA, json!({})),
            world::config(world::BO, queue_of(NOWHERE)),
            world::config(world::MANAGER, json!([{ "items": [] }, { "type": "QUEUES", "items": 1, "others": [{}] }])),
            null
        ]
    })
}

const EXPECTED: [&str; 26] = [
    "customers[0].name: ",
    "customers[1].addresses[0].zip: ",
    "customers[6]._id: _id must be 24 hex",
    "customers[2].parentReseller: Reseller not found",
    "customers[3].parentReseller: A customer cannot be below itself",
    "customers[5]._id: The id stands twice",
    "customers[7]: ",
    "queues[0].customer: Customer not found",
    "queues[1].name: ",
    "employees[0].accessLevel: ",
    "employees[1].emailAddress: The e-mail address is used by another employee",
    "employees[2].password: ",
    "employees[3].address: Address not found",
    "employees[4].passwordHash: ",
    "employees[5].authenticatorKey: ",
    "employees[6]._id: The id stands twice",
    "employees[7].customer: Customer not found",
    "employees[8].deleteDate: ",
    "mobileConfigs[0]._id: Employee not found",
    "mobileConfigs[1].configs: configs must be an array",
    "mobileConfigs[2].configs[1].items[1]._id: Queue not found",
    "mobileConfigs[3].configs[0].type: ",
    "mobileConfigs[3].configs[1].items: ",
    "mobileConfigs[3].configs[1].others[0]._id: ",
    "mobileConfigs[3].configs[1].others[0].name: ",
    "mobileConfigs[4]: ",
];

/// The faults that an import of `document` is refused with.
fn faults_of(place: &Place, document: &str) -> Vec<String> {
    let output = output_with_stdin(&mut place.on_db(&["import", "-"]), document.as_bytes());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let mut faults: Vec<String> = said.lines().map(str::to_owned).collect();
    let sentence = faults.pop().unwrap();
    let count = if faults.len() == 1 { "1 fault".to_owned() } else { format!("{} faults", faults.len()) };
    assert_eq!(sentence, format!("telecomx-local: nothing was imported: {count} in standard input"));
    faults
}

#[test]
fn all_are_named_and_nothing_is_imported() {
    let place = Place::with_world();
    let before = place.run(&["export"]);
    let faults = faults_of(&place, &faulty().to_string());
    let said = faults.join("\n");
    for expected in EXPECTED {
        assert!(faults.iter().any(|fault| fault.starts_with(expected)), "{expected} is not among\n{said}");
    }
    for fault in &faults {
        assert!(EXPECTED.iter().any(|expected| fault.starts_with(expected)), "not expected: {fault}\n{said}");
    }
    assert_eq!(place.run(&["export"]), before);
    place.run(&["doctor"]);
}

#[test]
fn what_cannot_be_read_is_counted_where_later_faults_stand() {
    let mut world = world::small();
    world["customers"].as_array_mut().unwrap().push(world::customer(
        "c00000000000000000000013",
        "Orphan",
        Some(NOWHERE),
    ));
    world["queues"][1]["customer"] = json!(NOWHERE);
    world["employees"][2]["address"] = json!(NOWHERE);
    world["mobileConfigs"][1]["configs"][0]["items"][0]["_id"] = json!(NOWHERE);
    let mut document = world.to_string();
    // A number, an object without an id, one too deep to be read, one with half a character.
    let unreadable =
        format!("7, {{}}, {{ \"x\": {}{} }}, {{ \"x\": \"\\ud800\" }}, ", "[".repeat(200), "]".repeat(200));
    for list in ["customers", "queues", "employees", "mobileConfigs"] {
        document = document.replace(&format!("\"{list}\":["), &format!("\"{list}\":[{unreadable}"));
    }
    let faults = faults_of(&Place::new(), &document);
    for expected in [
        "customers[6].parentReseller: Reseller not found",
        "queues[5].customer: Customer not found",
        "employees[6].address: Address not found",
        "mobileConfigs[5].configs[0].items[0]._id: Queue not found",
    ] {
        assert!(faults.iter().any(|fault| fault == expected), "{expected} is not among\n{}", faults.join("\n"));
    }
    let of_the_unreadable =
        |fault: &&String| (0..4).any(|i| fault.split_once(['.', ':']).unwrap().0.ends_with(&format!("[{i}]")));
    assert_eq!(faults.iter().filter(|fault| !of_the_unreadable(fault)).count(), 4, "{}", faults.join("\n"));
}

#[test]
fn configs_that_nobody_could_read_are_faults_wherever_that_stands_in_them() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for unreadable in [r#""\ud800""#, &deep] {
        let mut world = world::small();
        world["mobileConfigs"][1]["configs"] = json!([{ "type": "NUMBER", "n": "UNREADABLE" }]);
        let document = world.to_string().replace(r#""UNREADABLE""#, unreadable);
        let faults = faults_of(&Place::new(), &document);
        assert!(matches!(&faults[..], [fault] if fault.starts_with("mobileConfigs[1]")), "{faults:?}");
    }
}

#[test]
fn an_object_with_a_stray_configs_has_its_own_faults_only() {
    let mut world = world::small();
    for list in ["customers", "queues", "employees"] {
        world[list][1]["configs"] = json!([7]);
        world[list][1]["name"] = json!(8);
    }
    let expected = ["customers[1].configs: ", "customers[1].name: ", "queues[1].configs: ", "queues[1].name: "];
    let expected = expected.into_iter().chain(["employees[1].configs: ", "employees[1].name: "]).collect::<Vec<_>>();
    let faults = faults_of(&Place::new(), &world.to_string());
    assert_eq!(faults.len(), expected.len(), "{faults:?}");
    assert!(faults.iter().zip(expected).all(|(fault, expected)| fault.starts_with(expected)), "{faults:?}");
}

#[test]
fn an_id_that_stands_twice_in_a_list_is_a_fault_at_its_second_place() {
    for list in ["customers", "queues", "employees", "mobileConfigs"] {
        let mut world = world::small();
        let objects = world[list].as_array_mut().unwrap();
        let last = objects.len();
        objects.push(objects[0].clone());
        assert_eq!(
            faults_of(&Place::new(), &world.to_string()),
            [format!("{list}[{last}]._id: The id stands twice in the document")]
        );
    }
}

#[test]
fn an_employee_who_goes_with_a_deleted_customer_has_no_config_to_import() {
    let place = Place::with_world();
    let mut bakery = world::customer(world::CUSTOMER, "Bakery", Some(world::RESELLER));
    bakery["state"] = json!("DELETED");
    let document = json!({ "customers": [bakery], "mobileConfigs": [world::config(world::BO, json!([]))] });
    assert_eq!(faults_of(&place, &document.to_string()), ["mobileConfigs[0]._id: Employee not found"]);
    place.run(&["doctor"]);
}

#[test]
fn configs_that_no_hub_would_take_are_a_fault() {
    let place = Place::new();
    let mut world = world::small();
    let long = "x".repeat(4 << 20);
    world["mobileConfigs"][0]["configs"] = json!([{ "type": "NUMBER", "padding": long }]);
    let output = output_with_stdin(&mut place.on_db(&["import", "-"]), world.to_string().as_bytes());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("mobileConfigs[0].configs: configs may hold at most"), "{said}");
}

#[test]
fn nobody_lives_in_a_deleted_customer() {
    let place = Place::new();
    let mut world = world::small();
    world["customers"][1]["state"] = json!("DELETED");
    world["mobileConfigs"] = json!([]);
    let expected = ["employees[0].customer", "employees[1].customer", "employees[2].customer"];
    assert_eq!(faults_of(&place, &world.to_string()), expected.map(|path| format!("{path}: Customer not found")));
    for employee in world["employees"].as_array_mut().unwrap() {
        employee["state"] = json!("DELETED");
    }
    place.put("deleted.json", world.to_string().as_bytes());
    place.run(&["import", place.path("deleted.json").to_str().unwrap()]);
    // Also when the customer is deleted already.
    let back = json!({ "employees": [world::employee(world::BO, "Bo", "PERSONAL")] });
    assert_eq!(faults_of(&place, &back.to_string()), ["employees[0].customer: Customer not found"]);
    place.run(&["doctor"]);
}

#[test]
fn one_fault_among_many_good_objects_keeps_all_of_them_out() {
    let place = Place::new();
    let mut world = world::with_employees(50);
    world["employees"][40]["language"] = json!("tlh");
    let output = output_with_stdin(&mut place.on_db(&["import", "-"]), world.to_string().as_bytes());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("employees[40].language: "), "{said}");
    assert!(!place.db().exists() && !place.path("telecomx.db.key").exists(), "no database is left behind");
}

#[test]
fn a_list_that_stands_twice_is_a_fault() {
    let world = world::small();
    let twice = world.to_string().replacen('{', &format!("{{\"queues\":{},\"queues\":[],", world["queues"]), 1);
    assert_eq!(faults_of(&Place::new(), &twice), ["queues: The list stands twice in the document"]);
}

const IN_USE: &str = "parentReseller: Reseller has customers that must be deleted first";

#[test]
fn a_reseller_is_not_deleted_while_it_has_customers() {
    let place = Place::new();
    let mut world = world::small();
    world["customers"][0]["state"] = json!("DELETED");
    let faults = faults_of(&place, &world.to_string());
    assert_eq!(faults, [format!("customers[0].{IN_USE}"), "customers[1].parentReseller: Reseller not found".into()]);
    // Also when they are in the database only.
    place.import(&world::small());
    let alone = json!({ "customers": [world["customers"][0]] });
    assert_eq!(faults_of(&place, &alone.to_string()), [format!("customers[0].{IN_USE}")]);
    // With its customers, or when they have gone to another, it can be.
    let mut moved = world::customer(world::CUSTOMER, "Bakery", Some("c00000000000000000000009"));
    let both = json!({ "customers": [
        world["customers"][0], moved, world::customer("c00000000000000000000009", "Another", None)
    ] });
    place.import(&both);
    moved["state"] = json!("DELETED");
    place.import(&json!({ "customers": [moved] }));
    place.run(&["doctor"]);
}

#[test]
fn nobody_becomes_a_customer_of_a_deleted_reseller() {
    let place = Place::new();
    let mut reseller = world::customer(world::RESELLER, "Reseller", None);
    reseller["state"] = json!("DELETED");
    place.import(&json!({ "customers": [reseller] }));
    let customer = world::customer(world::CUSTOMER, "Bakery", Some(world::RESELLER));
    assert_eq!(
        faults_of(&place, &json!({ "customers": [customer] }).to_string()),
        ["customers[0].parentReseller: Reseller not found"]
    );
    // With the reseller back it can.
    place.import(&json!({ "customers": [customer, world::customer(world::RESELLER, "Reseller", None)] }));
}
