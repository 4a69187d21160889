//! A restore writes the hub's rows as they are: what was once accepted comes back, and a fault of one row costs no other.

use std::os::unix::process::ExitStatusExt;

use serde_json::{Value, json};
use telecomx_local::domain::mirror::Table;

use super::gate::Gate;
use super::mirror_pair::{Hub, HubPlace, is_proved, sync, world_with_operator};
use crate::support::place::succeeds;
use crate::support::{Place, world};

const NOBODY: &str = "e000000000000000000000ff";
const NOWHERE: &str = "c000000000000000000000ff";

/// A hub that holds the small world, more employees and an operator, from a server that is lost.
fn hub_of_a_lost_server() -> (HubPlace, Hub, Place) {
    let (hub_place, old) = (HubPlace::new(), Place::holding(&world_with_operator(6)));
    let hub = hub_place.start();
    old.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    old.run(&["sync", "run"]);
    (hub_place, hub, old)
}

/// Puts `value`, an expression of SQL over the text `v`, in the place of a row's text in the hub's store.
fn spoil(hub_place: &HubPlace, (table, id): (Table, &str), value: &str) {
    let store = rusqlite::Connection::open(hub_place.place.path("hub.db")).unwrap();
    let sql = format!(
        "update texts set v = (select {value} from whole_texts w where w.n = texts.n), content = null, tail = null
         where n in (select text from mirror where t = ?1 and id = ?2)"
    );
    assert_eq!(store.execute(&sql, (table.number(), id)).unwrap(), 1, "{id}");
}

/// Takes a row out of the hub's store.
fn remove(hub_place: &HubPlace, (table, id): (Table, &str)) {
    let store = rusqlite::Connection::open(hub_place.place.path("hub.db")).unwrap();
    assert_eq!(store.execute("delete from mirror where t = ?1 and id = ?2", (table.number(), id)).unwrap(), 1, "{id}");
}

fn restore(place: &Place, hub_place: &HubPlace, hub: &Hub) -> String {
    place.run(&["restore", "--from-hub", &hub.server.url, &hub_place.replacement_code(&hub.origin())])
}

/// The lines that begin so, without it.
fn lines<'s>(said: &'s str, begin: &str) -> Vec<&'s str> {
    said.lines().filter_map(|line| line.strip_prefix(begin)).collect()
}

fn exported(place: &Place) -> Value {
    serde_json::from_str(&place.run(&["export"])).unwrap()
}

/// The object of this id in a list of an export.
fn object(exported: &Value, list: &str, id: &str) -> Option<Value> {
    exported[list].as_array().unwrap().iter().find(|object| object["_id"] == id).cloned()
}

#[test]
fn an_address_that_only_a_deleted_employee_had_keeps_nothing_from_coming_back() {
    const EMMA: &str = "/employee/e00000000000000000000405";
    const HER_ADDRESS: &str = "/customer/c00000000000000000000004/address/ad0000000000000000000402";
    let (hub_place, old) = (HubPlace::new(), Place::new());
    let hub = hub_place.start();
    assert!(old.serve_with(&["--demo"]).stop().success());
    old.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Demo")]);
    let operator = old.token_of("e00000000000000000000102");
    let edge = old.serve();
    for path in [EMMA, HER_ADDRESS] {
        let answer = edge.delete(path, &operator);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(sync(&edge, &operator)["consistent"], true);
    is_proved(&edge, &operator);
    assert!(edge.stop().success());
    old.run(&["doctor"]);
    let new = Place::new();
    let said = restore(&new, &hub_place, &hub);
    assert_eq!((said.lines().count(), said.contains("22 employees")), (1, true), "{said}");
    assert_eq!(new.run(&["export"]), old.run(&["export"]));
    new.run(&["doctor"]);
    new.run(&["sync", "run"]);
    assert!(new.run(&["sync", "verify"]).starts_with("equal"));
}

#[test]
fn rows_that_cannot_be_read_are_named_and_all_others_come_back() {
    let (hub_place, hub, old) = hub_of_a_lost_server();
    let ids: Vec<String> = (0..6).map(world::nth).collect();
    spoil(&hub_place, (Table::Employee, &ids[0]), "'{damaged'");
    spoil(&hub_place, (Table::Employee, &ids[1]), "json_set(v, '$.state', 'ASLEEP')");
    spoil(&hub_place, (Table::Employee, &ids[2]), "json_remove(v, '$.name')");
    spoil(&hub_place, (Table::Employee, &ids[4]), &format!("json_set(v, '$.emailAddress', '{}@EXAMPLE.com')", ids[3]));
    spoil(&hub_place, (Table::Employee, &ids[5]), "'7'");
    spoil(&hub_place, (Table::Queue, world::SUPPORT), &format!("json_set(v, '$._id', '{NOWHERE}')"));
    let new = Place::new();
    let said = restore(&new, &hub_place, &hub);
    let expected = [
        (world::SUPPORT, NOWHERE),
        (&ids[0], "the hub cannot read it"),
        (&ids[1], "ASLEEP"),
        (&ids[2], "missing field `name`"),
        (&ids[4], "the same login name"),
        (&ids[5], "invalid type"),
    ];
    let skipped = lines(&said, "not restored: ");
    assert_eq!(skipped.len(), expected.len(), "{said}");
    for (id, why) in expected {
        assert!(skipped.iter().any(|line| line.contains(id) && line.contains(why)), "{id}: {said}");
    }
    assert!(said.contains("2 customers, 1 queues, 5 employees, 2 mobile configs"), "{said}");
    assert!(said.contains("another run would not change that"), "{said}");
    // The rest is what it was; only a mobile config refers to any of them, and knows the queue by its name.
    let mut rest = exported(&old);
    rest["employees"]
        .as_array_mut()
        .unwrap()
        .retain(|row| !ids.iter().any(|id| row["_id"] == **id) || row["_id"] == ids[3]);
    assert_eq!(exported(&new), rest);
    assert_eq!(lines(&said, "stub: ").len(), 1, "{said}");
    let stub = object(&exported(&new), "queues", world::SUPPORT).unwrap();
    assert_eq!(stub["name"], "Support");
    let findings = new.on_db(&["doctor"]).output().unwrap();
    let findings = String::from_utf8(findings.stdout).unwrap();
    assert_eq!(lines(&findings, "WRONG  ").len(), 1, "{findings}");
    assert!(lines(&findings, "WRONG  stubs: ")[0].contains(world::SUPPORT), "{findings}");
    // It is a server like any other, and the hub keeps what it held.
    new.run(&["sync", "run"]);
    assert!(new.run(&["sync", "verify"]).starts_with("equal"));
    let lost = succeeds(&mut hub_place.place.command(&["hub", "lost", &hub.origin(), "--store", &hub_place.store()]));
    for id in [&ids[0], &ids[1], &ids[2], &ids[4], &ids[5], world::SUPPORT] {
        assert!(lost.lines().any(|line| line.contains(id)), "{id}: {lost}");
    }
    assert!(lost.contains(r#""v":"{damaged""#) && lost.contains("ASLEEP"), "{lost}");
}

#[test]
fn what_refers_to_a_row_that_is_missing_gets_a_stub_of_it() {
    let (hub_place, hub, old) = hub_of_a_lost_server();
    remove(&hub_place, (Table::Customer, world::RESELLER));
    remove(&hub_place, (Table::Queue, world::SALES));
    remove(&hub_place, (Table::Employee, world::BO));
    spoil(
        &hub_place,
        (Table::Employee, &world::nth(0)),
        &format!("json_set(v, '$.customer', '{NOWHERE}', '$.state', 'DELETED')"),
    );
    let colleague = format!(r#"json_set(v, '$.configs[1].items[0]', json('{{"_id":"{NOBODY}","name":"Gone"}}'))"#);
    spoil(&hub_place, (Table::MobileConfig, world::ANNA), &colleague);
    let new = Place::new();
    let said = restore(&new, &hub_place, &hub);
    assert_eq!(lines(&said, "not restored: "), Vec::<&str>::new());
    let stubs = lines(&said, "stub: ");
    for stub in [
        format!("customer {}", world::RESELLER),
        format!("customer {NOWHERE}"),
        format!("queue {}", world::SALES),
        format!("employee {}", world::BO),
        format!("employee {NOBODY}"),
    ] {
        assert!(stubs.iter().any(|line| line.starts_with(&format!("{stub}: "))), "{stub}: {said}");
    }
    assert_eq!(stubs.len(), 5, "{said}");
    let (new_world, old_world) = (exported(&new), exported(&old));
    let named = |list, id| object(&new_world, list, id).map(|object| (object["name"].clone(), object["state"].clone()));
    let not_restored = |id: &str| json!(format!("Not restored {id}"));
    assert_eq!(named("customers", world::RESELLER), Some((not_restored(world::RESELLER), json!("ACTIVE"))));
    assert_eq!(
        named("customers", NOWHERE),
        Some((not_restored(NOWHERE), json!("DELETED"))),
        "only a deleted one needs it"
    );
    assert_eq!(named("queues", world::SALES), Some((json!("Sales"), json!(null))));
    assert_eq!(named("employees", world::BO), Some((not_restored(world::BO), json!("DISABLED"))));
    assert_eq!(named("employees", NOBODY), Some((json!("Gone"), json!("DISABLED"))));
    assert_eq!(object(&new_world, "employees", NOBODY).unwrap()["accessLevel"], "NO_LOGIN");
    for (list, id) in [("customers", world::CUSTOMER), ("mobileConfigs", world::BO), ("employees", world::ANNA)] {
        assert_eq!(object(&new_world, list, id), object(&old_world, list, id), "{list} {id}");
    }
    let findings = new.on_db(&["doctor"]).output().unwrap();
    let findings = String::from_utf8(findings.stdout).unwrap();
    assert_eq!(lines(&findings, "WRONG  ").len(), 1, "{findings}");
    let stubs = lines(&findings, "WRONG  stubs: ")[0];
    assert!(stubs.contains(&format!("1 customers are stubs that a restore has made ({})", world::RESELLER)), "{stubs}");
    assert!(stubs.contains("2 employees are stubs") && stubs.contains("1 queues are stubs"), "{stubs}");
    new.run(&["sync", "run"]);
    assert!(new.run(&["sync", "verify"]).starts_with("equal"));
}

#[test]
fn a_stub_that_was_mended_is_none_any_more() {
    let (hub_place, hub, old) = hub_of_a_lost_server();
    remove(&hub_place, (Table::Customer, world::RESELLER));
    let new = Place::new();
    restore(&new, &hub_place, &hub);
    assert!(new.refused(&["doctor"]).contains("1 of "));
    let reseller = object(&exported(&old), "customers", world::RESELLER).unwrap();
    new.import(&json!({ "customers": [reseller] }));
    new.run(&["doctor"]);
    assert_eq!(exported(&new), exported(&old));
}

#[test]
fn one_that_is_killed_goes_on_with_its_code_even_if_rows_cannot_be_read() {
    let (hub_place, hub, old) = hub_of_a_lost_server();
    spoil(&hub_place, (Table::Employee, &world::nth(0)), "'{damaged'");
    let gate = Gate::before(&hub.server);
    let (new, code) = (Place::new(), hub_place.replacement_code(&hub.origin()));
    let mut command = new.on_db(&["restore", "--from-hub", &gate.url(), &code]);
    assert_eq!(gate.run(&mut command, &gate.requests, 2).signal(), Some(9));
    assert!(!new.db().exists());
    let again = |url: &str| new.run(&["restore", "--from-hub", url, &code]);
    let said = again(&gate.url());
    assert_eq!(lines(&said, "not restored: ").len(), 1, "{said}");
    let restored = exported(&new);
    new.run(&["doctor"]);
    // As if it had been killed when its rows were written and the database had no name yet; the hub has lost a row since.
    std::fs::rename(new.db(), new.path("telecomx.db.restoring")).unwrap();
    assert_eq!(lines(&again(&gate.url()), "not restored: ").len(), 1);
    assert_eq!(exported(&new), restored);
    new.run(&["doctor"]);
    std::fs::rename(new.db(), new.path("telecomx.db.restoring")).unwrap();
    remove(&hub_place, (Table::Employee, &world::nth(1)));
    again(&gate.url());
    assert_eq!(object(&exported(&new), "employees", &world::nth(1)), None);
    new.run(&["doctor"]);
    new.run(&["sync", "run"]);
    assert!(new.run(&["sync", "verify"]).starts_with("equal"));
    assert!(old.refused(&["sync", "run"]).contains("401"));
}
