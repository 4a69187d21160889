//! `generate`: a world of any size that imports without a fault.

use std::collections::HashSet;
use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use crate::support::Place;
use crate::support::place::succeeds;

fn generated(arguments: &[&str]) -> String {
    succeeds(&mut Place::new().command(&[&["generate"], arguments].concat()))
}

#[test]
fn a_generated_world_is_imported_and_exported_as_it_was() {
    let place = Place::new();
    succeeds(&mut place.command(&["generate", "--customers", "25", "--employees", "300", "--seed", "7", "world.json"]));
    let said = place.run(&["import", "world.json"]);
    assert!(said.starts_with("imported 25 customers, ") && said.contains(", 300 employees, "), "{said}");
    assert!(!said.contains("nobody administers"), "{said}");
    succeeds(&mut place.command(&["diff", "world.json", "telecomx.db"]));
    place.run(&["doctor"]);
}

#[test]
fn the_smallest_worlds_are_imported_too() {
    for (customers, employees) in [("1", "1"), ("40", "1"), ("1", "2"), ("3", "7")] {
        let place = Place::new();
        place.put("world.json", generated(&["--customers", customers, "--employees", employees]));
        let said = place.run(&["import", "world.json"]);
        assert!(said.starts_with(&format!("imported {customers} customers, ")), "{said}");
        assert!(said.contains(&format!(", {employees} employees, ")), "{said}");
        place.run(&["doctor"]);
    }
}

#[test]
fn one_seed_gives_the_same_bytes_and_another_one_others() {
    let of_seed = |seed| generated(&["--customers", "5", "--employees", "50", "--seed", seed]);
    assert!(of_seed("3") == of_seed("3"));
    assert!(of_seed("3") != of_seed("4"));
    assert_eq!(generated(&[]), generated(&["--customers", "10", "--employees", "100", "--seed", "1"]));
}

#[test]
fn it_looks_like_denmark() {
    let world: Value =
        serde_json::from_str(&generated(&["--customers", "41", "--employees", "9000", "--seed", "2"])).unwrap();
    let list = |name: &str| world[name].as_array().unwrap().clone();
    let customers = list("customers");
    let tops: Vec<&Value> = customers.iter().filter(|customer| customer.get("parentReseller").is_none()).collect();
    let [top] = tops[..] else { panic!("{tops:?}") };
    let resellers: HashSet<String> = customers.iter().map(|customer| customer["parentReseller"].to_string()).collect();
    assert_eq!(resellers.len(), 4, "the top one, two below it, and none: {resellers:?}");
    for customer in &customers {
        let address = &customer["addresses"][0];
        assert!(address["zip"].as_str().unwrap().len() == 4 && address["country"] == "DK", "{address}");
        assert!(!address["city"].as_str().unwrap().is_empty(), "{address}");
    }
    let employees = list("employees");
    let addresses: HashSet<&str> = employees.iter().map(|one| one["emailAddress"].as_str().unwrap()).collect();
    assert_eq!(addresses.len(), 9_000);
    assert!(addresses.iter().all(|address| address.is_ascii() && address.ends_with(".example.com")));
    let administrators: Vec<&Value> = employees.iter().filter(|one| one["accessLevel"] == "ADMIN").collect();
    assert!(administrators.len() == 1 && administrators[0]["customer"] == top["_id"]);
    for level in ["RESELLER_ADMIN", "RESELLER", "OWNER", "MANAGER", "VIEWER", "PERSONAL", "NO_LOGIN"] {
        assert!(employees.iter().any(|one| one["accessLevel"] == level), "{level}");
    }
    assert!(employees.iter().all(|one| one["title"].is_string() && one["department"].is_string()));
    let configs = list("mobileConfigs");
    assert!(configs.len() < 9_000 && configs.len() > 7_000, "{}", configs.len());
    for config in &configs {
        for section in config["configs"].as_array().unwrap() {
            let entries = ["items", "others"].into_iter().flat_map(|list| section[list].as_array().unwrap());
            let ids: Vec<&Value> = entries.map(|entry| &entry["_id"]).collect();
            assert_eq!(ids.iter().map(|id| id.to_string()).collect::<HashSet<_>>().len(), ids.len(), "{config}");
            assert!(!ids.contains(&&config["_id"]), "nobody is a colleague of themselves: {config}");
        }
    }
}

/// A world that were made in memory would not begin before it is whole.
#[test]
fn the_largest_world_begins_at_once_and_ends_with_its_reader() {
    let place = Place::new();
    let mut command = place.command(&["generate", "--employees", "10000000"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut begin = vec![0; 2_000_000];
    child.stdout.take().unwrap().read_exact(&mut begin).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("the document is not complete"), "{said}");
}

#[test]
fn a_world_takes_the_place_of_a_file_but_not_of_a_database() {
    let place = Place::with_world();
    let before = place.run(&["export"]);
    let output = place.command(&["generate", "telecomx.db"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("telecomx.db is a database: name another file"), "{said}");
    assert_eq!(place.run(&["export"]), before);
    let file = place.put("world.json", "old");
    succeeds(&mut place.command(&["generate", "world.json"]));
    assert_eq!(std::fs::read_to_string(file).unwrap(), generated(&[]));
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    for arguments in [["--customers", "0"], ["--employees", "0"], ["--employees", "many"], ["--seed", "-1"]] {
        let output = Place::new().command(&[&["generate"], &arguments[..]].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
