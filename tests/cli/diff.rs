//! `diff`: what differs between two databases or documents.

use serde_json::{Value, json};

use crate::support::place::{Ended, output_with_stdin};
use crate::support::{Place, world};

/// Exit code, standard output and standard error.
fn diff(place: &Place, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = place.command(&[&["diff"], arguments].concat()).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), out, err)
}

/// The small world with something new, something gone and something changed in each list.
fn changed_world() -> Value {
    let mut world = world::small();
    world["customers"][1]["name"] = json!("Bageri");
    world["customers"][1]["addresses"][0]["zip"] = json!("5000");
    world["queues"] = json!([world::queue(world::SALES, "Sales"), world::queue("a00000000000000000000003", "Ny")]);
    world["employees"][1]["title"] = json!("Chef");
    world["employees"][1]["accessLevel"] = json!("VIEWER");
    world["mobileConfigs"][1]["configs"] = json!([]);
    world
}

#[test]
fn a_database_its_export_its_backup_and_its_document_are_equal() {
    let place = Place::with_world();
    let server = place.serve();
    place.run(&["export", "export.json"]);
    place.run(&["export", "--with-secrets", "secret.json"]);
    place.run(&["backup", "copy.db"]);
    for (a, b) in [
        ("telecomx.db", "telecomx.db"),
        ("telecomx.db", "export.json"),
        ("secret.json", "telecomx.db"),
        ("copy.db", "export.json"),
    ] {
        let (code, out, err) = diff(&place, &[a, b]);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{a} and {b}: {out}");
        assert!(out.contains("employees: 0 new, 0 gone, 0 changed, 3 equal"), "{out}");
        assert_eq!(diff(&place, &[a, b, "--json"]), (Some(0), String::new(), String::new()));
    }
    assert!(server.stop().success());
}

#[test]
fn lists_and_properties_may_stand_in_any_order() {
    let place = Place::with_world();
    let exported: Value = serde_json::from_str(&place.run(&["export"])).unwrap();
    let mut turned = json!({});
    for list in ["mobileConfigs", "employees", "queues", "customers"] {
        let objects = exported[list].as_array().unwrap().iter().rev().map(|object| {
            object.as_object().unwrap().iter().rev().map(|(name, value)| (name.clone(), value.clone())).collect()
        });
        turned[list] = Value::Array(objects.map(Value::Object).collect());
    }
    let output = output_with_stdin(&mut place.command(&["diff", "telecomx.db", "-"]), turned.to_string().as_bytes());
    output.stdout_of_success();
}

#[test]
fn what_is_new_gone_and_changed_is_named_with_both_values() {
    let place = Place::with_world();
    let other = Place::holding(&changed_world());
    let (code, out, err) = diff(&place, &["telecomx.db", other.db().to_str().unwrap()]);
    assert_eq!((code, err.as_str()), (Some(1), ""), "{out}");
    let expected = [
        format!("changed customers {} \"Bageri\"", world::CUSTOMER),
        "    name: \"Bakery\" -> \"Bageri\"".into(),
        "    addresses[0].zip: \"8000\" -> \"5000\"".into(),
        "    addresses[0].city: \"Aarhus C\" -> \"Odense C\"".into(),
        format!("gone    queues {} \"Support\"", world::SUPPORT),
        format!("changed employees {} \"Anna\"", world::ANNA),
        "    accessLevel: \"PERSONAL\" -> \"VIEWER\"".into(),
        "    title: none -> \"Chef\"".into(),
        "customers: 0 new, 0 gone, 1 changed, 1 equal".into(),
        "queues: 1 new, 1 gone, 0 changed, 1 equal".into(),
        "employees: 0 new, 0 gone, 1 changed, 2 equal".into(),
        "mobileConfigs: 0 new, 0 gone, 1 changed, 1 equal".into(),
    ];
    for line in expected {
        assert!(out.lines().any(|found| found == line), "{line:?} is not in {out}");
    }
}

#[test]
fn what_nobody_sees_is_shown() {
    let place = Place::with_world();
    let mut other = world::small();
    other["queues"][0]["name"] = json!("S\u{202e}\u{9b}2J\u{1b}[2J\nales");
    place.put("other.json", other.to_string());
    let (code, out, _) = diff(&place, &["telecomx.db", "other.json"]);
    assert_eq!(code, Some(1));
    assert!(
        out.contains("\\u{202e}\\u{9b}2J\\u001b[2J\\nales") && !out.contains(['\u{202e}', '\u{9b}', '\u{1b}']),
        "{out}"
    );
}

#[test]
fn as_json_each_difference_is_an_object() {
    let place = Place::with_world();
    place.put("other.json", changed_world().to_string());
    place.run(&["export", "export.json"]);
    let (code, out, _) = diff(&place, &["--json", "export.json", "other.json"]);
    assert_eq!(code, Some(1));
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |id: &str, list: &str| lines.iter().find(|line| line["_id"] == id && line["list"] == list).unwrap();
    let anna = of(world::ANNA, "employees");
    assert_eq!(anna["change"], "changed");
    assert!(anna["fields"].as_array().unwrap().contains(&json!({ "path": "title", "a": null, "b": "Chef" })), "{anna}");
    let support = of(world::SUPPORT, "queues");
    assert_eq!((&support["change"], &support["a"]["name"]), (&json!("gone"), &json!("Support")));
    let new = of("a00000000000000000000003", "queues");
    assert_eq!((&new["change"], &new["b"]["customer"]), (&json!("new"), &json!(world::CUSTOMER)));
    assert_eq!(of(world::BO, "mobileConfigs")["fields"][0]["path"], "configs");
}

#[test]
fn secrets_are_neither_compared_nor_printed() {
    let place = Place::with_world();
    let mut other = world::small();
    other["employees"][1]["password"] = json!("Only-for-Anna-1");
    other["employees"].as_array_mut().unwrap().push(json!({
        "_id": "e00000000000000000000009", "customer": world::CUSTOMER, "accessLevel": "PERSONAL", "name": "Ny",
        "password": "Only-for-Ny-1"
    }));
    place.put("small.json", world::small().to_string());
    place.put("other.json", other.to_string());
    let (code, out, _) = diff(&place, &["--json", "small.json", "other.json"]);
    assert!(code == Some(1) && out.lines().count() == 1 && !out.contains("Only-for"), "{out}");
}

#[test]
fn what_cannot_be_compared_is_code_2_and_one_sentence() {
    let place = Place::with_world();
    place.put("wrong.json", "{\"employees\":[{\"name\":\"x\"}]}");
    place.put("twice.json", format!("{{\"queues\":[{{\"_id\":\"{0}\"}},{{\"_id\":\"{0}\"}}]}}", world::SALES));
    place.put("list.csv", place.run(&["export", "--csv", "queues"]));
    place.put("empty.json", "");
    rusqlite::Connection::open(place.path("other.db")).unwrap().execute_batch("create table t (x)").unwrap();
    for (file, expected) in [
        ("missing.json", "missing.json cannot be read"),
        ("wrong.json", "wrong.json is neither a database nor a document: employees[0]._id: _id must be 24 hex"),
        ("twice.json", "queues[1]._id: The id stands twice"),
        ("list.csv", "list.csv is neither a database nor a document"),
        ("empty.json", "empty.json is neither a database nor a document"),
        ("other.db", "other.db"),
        (".", ". cannot be read"),
    ] {
        for arguments in [["telecomx.db", file], [file, "telecomx.db"]] {
            let (code, out, err) = diff(&place, &arguments);
            assert!(code == Some(2) && out.is_empty() && err.lines().count() == 1, "{file}: {out} {err}");
            assert!(err.starts_with("telecomx-local: ") && err.contains(expected), "{file}: {err}");
        }
    }
    for arguments in [&["telecomx.db"][..], &["-", "-"], &["a", "b", "c"]] {
        assert_eq!(diff(&place, arguments).0, Some(2), "{arguments:?}");
    }
}
