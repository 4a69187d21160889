//! What a hub holds after any push can be restored: nothing in it refers to what is not there.

use std::collections::HashSet;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use telecomx_local::auth::secrets::Sealer;
use telecomx_local::clock::Clock;
use telecomx_local::db::{Exclusive, WriteTx};
use telecomx_local::domain::access::Actor;
use telecomx_local::domain::mirror::{Row, Table};
use telecomx_local::error::Result;
use telecomx_local::store::{customers, employees, health, restore, sync_state};
use telecomx_local::sync::edge::session::Outgoing;
use telecomx_local::sync::hub::store::HubStore;
use telecomx_local::sync::protocol::wire::Pace;
use telecomx_local::usecases::{addresses, customers as customer_cases, employees as employee_cases, import};

use crate::chance::Chance;
use crate::drive::block_on;
use crate::edge::SimulatedEdge;
use crate::hub::SimulatedHub;
use crate::simulation::Simulation;
use crate::world::{Rows, folder};

const SEEDS: u64 = 25;
const ROUNDS: usize = 8;
/// Objects of each kind that a history is about.
const POOL: u64 = 6;

/// A reference of these rows that leads nowhere.
pub fn dangling(rows: &Rows) -> Option<String> {
    let known: HashSet<(Table, &str)> = rows.keys().map(|(table, id)| (*table, id.as_str())).collect();
    rows.iter().find_map(|((table, id), (_, _, text))| {
        let row: Value = serde_json::from_str(text).unwrap();
        let wrong =
            references(*table, id, &row).into_iter().find(|(table, id)| !known.contains(&(*table, id.as_str())));
        wrong.map(|(to, at)| format!("{}/{id} refers to {}/{at}", table.name(), to.name()))
    })
}

fn references(table: Table, id: &str, row: &Value) -> Vec<(Table, String)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let resellers = row["organizationResellers"].as_array().into_iter().flatten().filter_map(text);
    let customers = text(&row["customer"]).into_iter().chain(text(&row["parentReseller"])).chain(resellers);
    let mut found: Vec<_> = customers.map(|id| (Table::Customer, id)).collect();
    if table == Table::MobileConfig {
        found.push((Table::Employee, id.to_owned()));
    }
    // An object of the PBX.
    found.extend(text(&row["employee"]).map(|id| (Table::Employee, id)));
    found.extend(text(&row["queue"]).map(|id| (Table::Queue, id)));
    let lists = [&row["members"], &row["controllers"]].into_iter().filter_map(Value::as_array).flatten();
    let extensions = text(&row["extension"]).into_iter().chain(lists.filter_map(text));
    found.extend(extensions.map(|id| (Table::PbxObject, id)));
    for section in row["configs"].as_array().into_iter().flatten() {
        let to = if section["type"] == "QUEUES" { Table::Queue } else { Table::Employee };
        let lists = [&section["items"], &section["others"]];
        let entries = lists.into_iter().filter_map(Value::as_array).flatten();
        found.extend(entries.filter_map(|entry| Some((to, text(&entry["_id"])?))));
    }
    found
}

fn id(kind: char, n: u64) -> String {
    format!("{kind}{n:023}")
}

/// A machine that is restored again and again.
struct Replacement {
    database: Exclusive,
    _folder: tempfile::TempDir,
}

impl Replacement {
    fn new() -> Replacement {
        let folder = folder();
        let database = Exclusive::open(&folder.path().join("restored.db"), Clock::default()).unwrap();
        Replacement { database, _folder: folder }
    }

    /// What is wrong with a machine that is restored from these rows.
    fn fault(&self, rows: &Rows) -> Option<String> {
        let rows: Vec<Row> = rows
            .iter()
            .map(|((t, id), (rev, chg, text))| {
                let v = Some(RawValue::from_string(text.clone()).unwrap().into());
                Row { t: *t, id: id.clone(), rev: *rev, chg: *chg, v, bad: None }
            })
            .collect();
        let report = self.database.write("test", |tx| restore::run(tx, &rows)).unwrap();
        if !report.stubs.is_empty() || !report.skipped.is_empty() {
            return Some(format!("{report:?}"));
        }
        let found = self.database.read(|tx| Ok(health::examine(tx))).unwrap();
        found.into_iter().find_map(|check| check.wrong.map(|wrong| format!("{}: {wrong}", check.what)))
    }
}

/// One change as a caller or an import makes it, with all that follows from it.
fn change(tx: &mut WriteTx, [what, a, b, mark]: [u64; 4]) -> Result<()> {
    let (admin, sealer) = (Actor::administrator("test"), Sealer::with_key([1; 32]));
    let (customer, employee, queue) = (id('c', 10 + a), id('e', 10 + b), id('b', 10 + b));
    let address = |n: u64| {
        json!({ "_id": id('a', 100 * a + n), "address": format!("Gade {mark}"), "zip": "8000", "city": "Aarhus",
            "primary": n == 0 })
    };
    let document = match what {
        // One with addresses that come and go, below another one.
        0 => {
            let addresses: Vec<_> = (0..1 + mark % 3).map(address).collect();
            let mut made = json!({ "_id": customer, "name": format!("Customer {mark}"), "addresses": addresses });
            if a > 0 && mark.is_multiple_of(2) {
                made["parentReseller"] = json!(id('c', 10 + mark % a));
            }
            json!({ "customers": [made] })
        }
        // Login names wander from one to another.
        1 => json!({ "employees": [{ "_id": employee, "customer": customer, "accessLevel": "PERSONAL",
            "name": format!("Employee {mark}"), "emailAddress": format!("mail{}@example.com", mark % 3) }] }),
        2 => json!({ "employees": [{ "_id": employee, "customer": customer, "accessLevel": "PERSONAL",
            "name": format!("Employee {b}"), "address": id('a', 100 * a + mark % 3) }] }),
        3 => json!({ "employees": [{ "_id": employee, "customer": customer, "accessLevel": "RESELLER",
            "name": format!("Employee {mark}"), "organizationResellers": [id('c', 10 + mark % POOL)] }] }),
        4 => json!({ "queues": [{ "_id": queue, "customer": customer, "name": format!("Queue {mark}") }] }),
        10 => json!({ "pbxObjects": [
            { "_id": id('d', 10 + b), "kind": "EXTENSION", "customer": customer, "name": format!("Extension {mark}"),
                "number": format!("{b}"), "employee": employee },
            { "_id": id('d', 100 + b), "kind": "QUEUE_MEMBER", "customer": customer, "queue": queue,
                "extension": id('d', 10 + b), "priority": 1 + mark % 20 },
            { "_id": id('d', 200 + a), "kind": "GROUP", "customer": customer, "name": format!("Group {mark}"),
                "members": [id('d', 10 + b)], "controllers": [id('d', 10 + b)] },
        ] }),
        5 | 6 => return name_all(tx, &sealer, &employee, mark),
        7 => {
            return employee_cases::delete(
                tx,
                &admin,
                employee.parse().unwrap(),
                &employee_cases::Delete::default(),
                |_| Ok(()),
            )
            .map(drop);
        }
        8 if mark.is_multiple_of(3) => {
            return customer_cases::delete(tx, &admin, customer.parse().unwrap(), |_| Ok(()));
        }
        _ => {
            let found = customers::get(tx, customer.parse().unwrap())?;
            let last = found.addresses[found.addresses.len() - 1].id;
            return addresses::delete(tx, &admin, found.id, last, |_| Ok(()));
        }
    };
    import::run(tx, &sealer, document.to_string().as_bytes(), import::Options::default(), |_, _, _| {}).map(drop)
}

/// Gives an employee a mobile config with every colleague and every queue, or takes it away.
fn name_all(tx: &mut WriteTx, sealer: &Sealer, employee: &str, mark: u64) -> Result<()> {
    let found = employees::get(tx, employee.parse().unwrap())?;
    let entries = |names: Vec<_>| -> Vec<Value> {
        names.into_iter().map(|(id, name): (_, String)| json!({ "_id": id, "name": name })).collect()
    };
    let colleagues = entries(employees::names(tx, found.customer)?);
    let queues = telecomx_local::store::queues::list(tx, found.customer)?;
    let queues = entries(queues.into_iter().map(|queue| (queue.id, queue.name)).collect());
    let configs = json!([{ "type": "COLLEAGUES", "items": colleagues, "others": [] },
        { "type": "QUEUES", "items": [], "others": queues }, { "type": "MARK", "mark": mark }]);
    let document = json!({ "mobileConfigs": [{ "_id": employee, "customer": found.customer, "configs": configs }] });
    import::run(tx, sealer, document.to_string().as_bytes(), import::Options::default(), |_, _, _| {}).map(drop)
}

/// Makes one change; one that is refused changes nothing.
fn work(edge: &SimulatedEdge, chance: &mut Chance) {
    let what = [chance.below(11), chance.below(POOL), chance.below(POOL), chance.below(1_000)];
    let _ = edge.write(move |tx| change(tx, what));
}

/// Sends one message of this size, and has the reply handled. Gives whether the hub has accepted a push with rows.
fn send(simulation: &mut Simulation, max_bytes: usize) -> bool {
    let (chance, now) = (&mut simulation.chance, simulation.now);
    let session = simulation.sides[0].edges[0].edge();
    let store = simulation.hub.store();
    match block_on(session.next_message(max_bytes, &mut || chance.uuid())).unwrap() {
        Outgoing::AskStage => {
            let staged = block_on(store.staged("origin0")).unwrap();
            session.resume(Some(staged)).unwrap();
            false
        }
        Outgoing::Part(part) => {
            block_on(store.stage("origin0", &part, now)).unwrap();
            false
        }
        Outgoing::Push(push) => {
            let taken = block_on(store.push("origin0", &[0; 32], &push, now)).unwrap();
            let has_rows = taken.accepted && !push.rows.is_empty();
            let reply = taken.reply(push.request, Pace::default(), now);
            block_on(session.handle_reply(&reply, chance.uuid())).unwrap();
            has_rows
        }
    }
}

#[test]
fn whatever_part_of_the_feed_a_hub_has_a_machine_can_be_restored_from_it_and_doctor_finds_nothing() {
    let (replacement, mut prefixes) = (Replacement::new(), 0);
    for seed in 0..SEEDS {
        let mut simulation: Simulation = Simulation::quiet(seed);
        for _ in 0..ROUNDS {
            for _ in 0..simulation.chance.below(50) {
                work(&simulation.sides[0].edges[0], &mut simulation.chance);
            }
            // The connection breaks after some messages.
            for _ in 0..simulation.chance.below(8) {
                let max_bytes = 500 + simulation.chance.below(9_000) as usize;
                if send(&mut simulation, max_bytes) {
                    let fault = replacement.fault(&simulation.hub.rows("origin0"));
                    assert_eq!(fault, None, "seed {seed}");
                    let high = simulation.sides[0].edges[0].count("select high from feed");
                    prefixes += u64::from(simulation.hub.origin("origin0").head.acked < high);
                }
                // Writes go on while a batch is sent in parts.
                if simulation.chance.below(3) == 0 {
                    work(&simulation.sides[0].edges[0], &mut simulation.chance);
                }
            }
            if simulation.chance.below(4) == 0 {
                simulation.crash(0, 0).unwrap();
            }
        }
    }
    assert!(prefixes > 10, "only {prefixes} of them were not everything");
}

#[test]
fn a_new_customer_that_was_touched_after_its_employees_is_at_the_hub_no_later_than_they() {
    let mut simulation: Simulation = Simulation::quiet(0);
    while !send(&mut simulation, 1 << 20) {}
    let customer = id('c', 10);
    let named = |name: &str| {
        let addresses = json!([{ "address": "Gade 1", "zip": "8000", "city": "Aarhus" }]);
        json!({ "customers": [{ "_id": customer, "name": name, "addresses": addresses }] })
    };
    let import = |simulation: &Simulation, document: &Value| {
        let document = document.to_string();
        let imported = simulation.sides[0].edges[0].write(move |tx| {
            import::run(tx, &Sealer::with_key([1; 32]), document.as_bytes(), import::Options::default(), |_, _, _| {})
        });
        imported.unwrap();
    };
    import(&simulation, &named("New"));
    for n in 0..120 {
        let employee = json!({ "_id": id('e', 100 + n), "customer": customer, "accessLevel": "PERSONAL", "name": "N" });
        import(&simulation, &json!({ "employees": [employee] }));
    }
    import(&simulation, &named("Touched last"));
    while !send(&mut simulation, 4_000) {}
    let rows = simulation.hub.rows("origin0");
    let high = simulation.sides[0].edges[0].count("select high from feed");
    assert!(simulation.hub.origin("origin0").head.acked < high && rows.len() < 120, "the catch-up is broken off");
    assert_eq!(dangling(&rows), None);
    assert_eq!(Replacement::new().fault(&rows), None);
}

#[test]
fn a_batch_that_has_everything_brings_nothing_twice() {
    let mut simulation: Simulation = Simulation::quiet(0);
    while !send(&mut simulation, 1 << 20) {}
    simulation.sides[0].edges[0].work(&mut simulation.chance);
    let session = simulation.sides[0].edges[0].edge();
    let chance = &mut simulation.chance;
    let message = block_on(session.next_message(1 << 20, &mut || chance.uuid())).unwrap();
    let Outgoing::Push(push) = message else { panic!("not a part") };
    let behind = simulation.sides[0].edges[0].db().read(|tx| {
        let acked = sync_state::position(tx)?.unwrap().acked;
        telecomx_local::store::feed::count(tx, acked)
    });
    assert_eq!((push.to, push.rows.len() as u64), (push.snap, behind.unwrap()));
}
