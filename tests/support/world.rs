//! A small world: one customer below one reseller; nobody has a password, so that importing it takes no time.

use serde_json::{Value, json};

pub const RESELLER: &str = "c00000000000000000000001";
pub const CUSTOMER: &str = "c00000000000000000000002";
pub const MANAGER: &str = "e00000000000000000000001";
pub const ANNA: &str = "e00000000000000000000002";
pub const BO: &str = "e00000000000000000000003";
pub const SALES: &str = "a00000000000000000000001";
pub const SUPPORT: &str = "a00000000000000000000002";

pub fn small() -> Value {
    json!({
        "customers": [customer(RESELLER, "Reseller", None), customer(CUSTOMER, "Bakery", Some(RESELLER))],
        "queues": [queue(SALES, "Sales"), queue(SUPPORT, "Support")],
        "employees": [
            employee(MANAGER, "Mia", "MANAGER"), employee(ANNA, "Anna", "PERSONAL"), employee(BO, "Bo", "PERSONAL")
        ],
        "mobileConfigs": [
            config(ANNA, json!([section("QUEUES", &[(SALES, "Sales")]), section("COLLEAGUES", &[(BO, "Bo")])])),
            config(BO, json!([section("QUEUES", &[(SUPPORT, "Support")])])),
        ]
    })
}

/// The small world with `count` more employees of the customer, whose ids [`nth`] gives.
pub fn with_employees(count: usize) -> Value {
    let mut world = small();
    let more = (0..count).map(|n| employee(&nth(n), &format!("Employee {n}"), "PERSONAL"));
    world["employees"].as_array_mut().unwrap().extend(more);
    world
}

/// As [`with_employees`], each of them with a mobile config of 30 kB.
pub fn with_large_configs(count: usize) -> Value {
    let mut world = with_employees(count);
    // No two are alike: equal ones would be kept once.
    let large = |n| config(&nth(n), json!([{ "type": "LATER", "data": format!("{n:06}").repeat(5_000) }]));
    world["mobileConfigs"].as_array_mut().unwrap().extend((0..count).map(large));
    world
}

pub fn nth(n: usize) -> String {
    format!("e1{n:022}")
}

pub fn customer(id: &str, name: &str, reseller: Option<&str>) -> Value {
    let address = json!({
        "_id": id.replace('c', "d"), "primary": true, "address": "Gade 1", "zip": "8000", "city": "Aarhus", "country": "DK"
    });
    let mut customer = json!({
        "_id": id, "name": name, "state": "ACTIVE", "addresses": [address], "features": ["CUSTOMER", "PBX", "CHANGELOG"],
        "authenticationSecurity": "NONE"
    });
    if let Some(reseller) = reseller {
        customer["parentReseller"] = json!(reseller);
    }
    customer
}

pub fn queue(id: &str, name: &str) -> Value {
    json!({ "_id": id, "customer": CUSTOMER, "name": name })
}

pub fn employee(id: &str, name: &str, level: &str) -> Value {
    let address = format!("{id}@example.com");
    json!({ "_id": id, "customer": CUSTOMER, "accessLevel": level, "name": name, "emailAddress": address })
}

pub fn config(id: &str, configs: Value) -> Value {
    json!({ "_id": id, "configs": configs })
}

/// A section of a mobile config, with these entries chosen.
pub fn section(kind: &str, entries: &[(&str, &str)]) -> Value {
    let items: Vec<Value> = entries.iter().map(|(id, name)| json!({ "_id": id, "name": name })).collect();
    json!({ "type": kind, "items": items, "others": [] })
}

/// The path of an employee's mobile config.
pub fn config_path(employee: &str) -> String {
    format!("/pbx/app/mobileconfig/{employee}")
}
