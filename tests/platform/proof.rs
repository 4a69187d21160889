//! Two processes and a bad line: changes on both sides at random, and the local server killed throughout. In the end both sides hold
//! the same but for the conflicts that are listed, and every change made here was made at the platform once, or is listed.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use super::double::{PASSWORD, USERNAME};
use super::hand::{Hand, Made, What};
use super::proxy::Proxy;
use crate::support::chance::Chance;
use crate::support::{Place, Server, world};

const OWN: &str = "c00000000000000000000001";
const ACCOUNT: &str = "e00000000000000000000001";
const OPERATOR: &str = "e00000000000000000000002";

/// How much is played.
#[derive(Clone, Copy, Debug)]
struct Size {
    seed: u64,
    resellers: usize,
    customers: usize,
    employees: usize,
    changes: usize,
}

impl Size {
    fn customer(n: usize) -> String {
        format!("c1{n:022}")
    }

    /// The platform's world: resellers below the account's customer, customers below them, each with its employees.
    fn world(self) -> Value {
        let reseller = |n: usize| format!("c2{n:022}");
        let mut customers = vec![world::customer(OWN, "Platform", None)];
        customers
            .extend((0..self.resellers).map(|n| world::customer(&reseller(n), &format!("Reseller {n}"), Some(OWN))));
        customers.extend((0..self.customers).map(|n| {
            world::customer(&Size::customer(n), &format!("Customer {n}"), Some(&reseller(n % self.resellers)))
        }));
        let mut account = world::employee(ACCOUNT, "Account", "RESELLER");
        account["emailAddress"] = json!(USERNAME);
        account["password"] = json!(PASSWORD);
        let mut employees = vec![account, world::employee(OPERATOR, "Operator", "RESELLER_ADMIN")];
        employees.iter_mut().for_each(|it| it["customer"] = json!(OWN));
        let id = |n: usize| format!("e1{n:022}");
        let (mut configs, mut queues) = (vec![], vec![]);
        for n in 0..self.customers {
            let queue = format!("a1{n:022}");
            let mut made = world::queue(&queue, &format!("Queue {n}"));
            made["customer"] = json!(Size::customer(n));
            queues.push(made);
        }
        for n in 0..self.employees {
            let of = n % self.customers;
            let mut employee = world::employee(&id(n), &format!("Employee {n}"), "PERSONAL");
            employee["customer"] = json!(Size::customer(of));
            employees.push(employee);
            if n % 4 > 0 {
                let colleague = (n + self.customers) % self.employees;
                let is_of_one = colleague % self.customers == of;
                let colleagues = [(id(colleague), format!("Employee {colleague}"))];
                let colleagues: Vec<(&str, &str)> =
                    colleagues.iter().filter(|_| is_of_one).map(|(id, name)| (&**id, &**name)).collect();
                let (queue, name) = (format!("a1{of:022}"), format!("Queue {of}"));
                let content =
                    json!([world::section("QUEUES", &[(&queue, &name)]), world::section("COLLEAGUES", &colleagues)]);
                configs.push(world::config(&id(n), content));
            }
        }
        json!({ "customers": customers, "queues": queues, "employees": employees, "mobileConfigs": configs })
    }
}

/// The local server's database, also while it runs.
fn read(place: &Place) -> Connection {
    Connection::open_with_flags(place.db(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

fn serve(place: &Place) -> Server {
    place.serve_with(&["--platform-requests-per-second", "0", "--platform-interval-s", "1"])
}

/// What waits and could be sent: nothing that it would come behind is in conflict.
fn waiting(place: &Place) -> i64 {
    let sql = "select count(*) from platform_operations o where state = 'waiting' and not exists (
        select 1 from platform_operations c where c.state = 'conflict' and c.seq < o.seq
            and (c.target = o.target or instr(o.change, c.target)))";
    read(place).query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Has the server that listens on this port work with the platform until it is told to stop.
fn push_on(port: &AtomicU16, token: &str, is_over: &AtomicBool) {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    while !is_over.load(Ordering::Relaxed) {
        let url = format!("http://127.0.0.1:{}/sync", port.load(Ordering::Relaxed));
        let request = agent.post(url).header("authorization", format!("Bearer {token}"));
        if request.send_json(json!({})).is_err() {
            // It was killed: for a moment there is nobody to be asked.
            let (_open, nothing) = std::sync::mpsc::channel::<()>();
            let _ = nothing.recv_timeout(Duration::from_millis(20));
        }
    }
}

fn port_of(server: &Server) -> u16 {
    server.address().rsplit(':').next().unwrap().parse().unwrap()
}

fn prove(size: Size) {
    eprintln!("{size:?}");
    let (platform_place, place, proxy) = (Place::holding(&size.world()), Place::new(), Proxy::start(size.seed));
    let customers: Vec<String> = (0..size.customers).map(Size::customer).collect();
    let mut there = Hand::new('P', platform_place.token_of(OPERATOR), customers.clone(), size.seed + 1);
    let platform = platform_place.serve();
    proxy.leads_to(platform.address());

    // It is connected, and fills itself.
    let password = place.put("password", PASSWORD);
    let password = password.to_str().unwrap();
    place.run(&["platform", "connect", &proxy.url, "--username", USERNAME, "--password-file", password]);
    let first = serve(&place);
    let all = size.employees as i64 + 2;
    until("everything is read", || {
        read(&place).query_row("select count(*) from employees", [], |row| row.get::<_, i64>(0)).unwrap() == all
            && read(&place).query_row("select count(*) from platform_reads", [], |row| row.get::<_, i64>(0)).unwrap()
                > 1
    });
    assert!(first.stop().success());
    let mut here = Hand::new('L', place.token_of(OPERATOR), customers, size.seed + 2);
    let mut server = serve(&place);

    // Everybody at once.
    proxy.be_bad(true);
    let (port, is_over) = (AtomicU16::new(port_of(&server)), AtomicBool::new(false));
    let (mut kills, mut chance) = (0, Chance(size.seed + 3));
    std::thread::scope(|scope| {
        let token = here.token.clone();
        let is_over = &is_over;
        let port = &port;
        scope.spawn(move || push_on(port, &token, is_over));
        let changing = scope.spawn(|| (0..size.changes).for_each(|_| there.change(&platform)));
        for _ in 0..size.changes {
            here.change(&server);
            if chance.below(8) == 0 {
                server.signal_kill();
                server = serve(&place);
                port.store(port_of(&server), Ordering::Relaxed);
                kills += 1;
            }
        }
        changing.join().unwrap();
        // What is left goes over the bad line too, for a while.
        for _ in 0..5 {
            let _ = server.try_post("/sync", &here.token, &json!({}));
        }
        server.signal_kill();
        server = serve(&place);
        port.store(port_of(&server), Ordering::Relaxed);
        is_over.store(true, Ordering::Relaxed);
    });
    proxy.be_bad(false);
    until("everything is sent", || server.post("/sync", &here.token, &json!({})).status == 200 && waiting(&place) == 0);
    // What was refused is read again, and so is what follows from it.
    (0..3).for_each(|_| assert_eq!(server.post("/sync", &here.token, &json!({})).status, 200));
    eprintln!(
        "{} changes here, {} there, {kills} kills; faults that did not happen: {:?}",
        here.made.len(),
        there.made.len(),
        proxy.not_done()
    );
    assert!(server.stop().success() && platform.stop().success());
    let listed = Listed::of(&place);
    eprintln!("listed: {} in conflict or behind one, {} refused", listed.objects.len(), listed.refused);
    check_equal(&platform_place, &place, &listed);
    check_once(&platform_place, &place, &proxy, &here.made, &listed);
    let examined = place.on_db(&["doctor"]).output().unwrap();
    assert!(examined.status.success(), "{}", String::from_utf8_lossy(&examined.stdout));
    place.run(&["audit", "verify"]);
}

/// Waits for a condition, for as long as the machine may need.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let (_open, nothing) = std::sync::mpsc::channel::<()>();
    for _ in 0..6_000 {
        if is_so() {
            return;
        }
        let _ = nothing.recv_timeout(Duration::from_millis(50));
    }
    panic!("it never is so that {what}");
}

/// What this server lists for a person to look at.
struct Listed {
    /// Objects with an operation in conflict, or waiting behind one.
    objects: HashSet<String>,
    /// The changes of all that is listed, as text.
    changes: String,
    refused: usize,
}

impl Listed {
    fn of(place: &Place) -> Listed {
        let conn = read(place);
        let mut statement = conn.prepare("select state, target, customer, change from platform_operations").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
        let rows: Vec<(String, String, String, String)> = rows.collect::<Result<_, _>>().unwrap();
        let mut listed = Listed { objects: HashSet::new(), changes: String::new(), refused: 0 };
        for (state, target, _, change) in rows {
            if state == "refused" {
                listed.refused += 1;
            } else {
                listed.objects.insert(target.clone());
            }
            listed.changes += &format!("{target} {change}\n");
        }
        listed
    }
}

/// Both sides hold the same, but for what is in conflict.
fn check_equal(platform: &Place, local: &Place, listed: &Listed) {
    let side = |place: &Place| {
        let mut world: Value = serde_json::from_str(&place.run(&["export"])).unwrap();
        let mut rows = HashMap::new();
        for list in ["customers", "employees", "mobileConfigs"] {
            for mut object in world[list].take().as_array_mut().unwrap().drain(..) {
                let id = object["_id"].as_str().unwrap().to_owned();
                if object["state"] == "DELETED" || listed.objects.contains(&id) {
                    continue;
                }
                for section in object["configs"].as_array_mut().into_iter().flatten() {
                    for entries in ["items", "others"] {
                        let entries = section[entries].as_array_mut().unwrap();
                        entries.retain(|entry| !listed.objects.contains(entry["_id"].as_str().unwrap()));
                    }
                }
                rows.insert(format!("{list}/{id}"), object);
            }
        }
        rows
    };
    let (there, here) = (side(platform), side(local));
    let keys: HashSet<&String> = there.keys().chain(here.keys()).collect();
    let differing: Vec<_> = keys.into_iter().filter(|key| there.get(*key) != here.get(*key)).collect();
    let show = |key: &&String| format!("{key}\n  there {:?}\n  here  {:?}", there.get(*key), here.get(*key));
    let first: Vec<String> = differing.iter().take(3).map(show).collect();
    assert!(differing.is_empty(), "{} objects differ:\n{}", differing.len(), first.join("\n"));
}

/// Every change made here was made there once, or is listed.
fn check_once(platform: &Place, local: &Place, proxy: &Proxy, made: &[Made], listed: &Listed) {
    let audited = audited_values(platform);
    let applied = proxy.applied();
    let mut ids = HashMap::new();
    let conn = read(local);
    let mut statement = conn.prepare("select here, there from platform_ids").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    ids.extend(rows.map(Result::unwrap));
    let there = |id: &str| ids.get(id).cloned().unwrap_or_else(|| id.to_owned());
    for change in made {
        let Made { what, value, target, from } = change;
        let (target, from) = (there(target), there(from));
        let count = |path: &str, is_it: &dyn Fn(&Value) -> bool| {
            applied.iter().filter(|it| it.path == path && is_it(&it.body)).count()
        };
        let is_listed = listed.changes.contains(&format!("\"{value}\"")) || listed.changes.contains(value);
        let (times, in_trail) = match what {
            What::Field("website") => {
                (count(&format!("/customer/{target}"), &|body| body["website"] == value.as_str()), None)
            }
            What::Field(name) => (
                count(&format!("/employee/{target}"), &|body| body[*name] == value.as_str()),
                Some(audited.get(&format!("{name}={value}")).copied().unwrap_or(0)),
            ),
            What::Create => (
                count("/employee", &|body| body["name"] == value.as_str()),
                Some(audited.get(&format!("name={value}")).copied().unwrap_or(0)),
            ),
            What::Delete => {
                let is_delete = |it: &&super::proxy::Applied| it.method == "DELETE" && it.path.ends_with(&target);
                let times = applied.iter().filter(is_delete).count();
                assert!(times <= 1, "{change:?} was done {times} times");
                let state = "select state = 'DELETED' from employees where id = ?1";
                let is_gone = read(platform).query_row(state, [&target], |row| row.get(0)).unwrap_or(true);
                assert!(is_gone || listed.changes.contains(&target), "{change:?} is lost");
                continue;
            }
            What::Copy => {
                let is_it = |body: &Value| body["_id"] == from.as_str() && body["copyTo"] == target.as_str();
                let asked = made.iter().filter(|it| it.what == What::Copy && there(&it.target) == target);
                let asked = asked.filter(|it| there(&it.from) == from).count();
                let times = count("/pbx/app/mobileconfig/", &is_it);
                assert!(times <= asked, "{change:?} was done {times} times for {asked}");
                continue;
            }
            What::CreateConfig | What::Address => continue,
        };
        assert!(times <= 1, "{change:?} was done {times} times");
        assert!(times == 1 || is_listed, "{change:?} is lost");
        assert!(
            in_trail.is_none_or(|in_trail| in_trail == times),
            "{change:?}: {in_trail:?} in the audit trail, {times}"
        );
    }
}

/// How often an employee got a value, by the platform's audit trail.
fn audited_values(platform: &Place) -> HashMap<String, usize> {
    let conn = read(platform);
    let mut found = HashMap::new();
    for name in ["title", "department", "name"] {
        let sql = format!(
            "select got, count(*) from (
                select json_extract(before, '$.{name}') was, lead(json_extract(before, '$.{name}'), 1,
                    (select {name} from employees e where e.id = a.object)) over (partition by object order by seq) got
                from audit a where outcome = 'accepted' and section = 'Employees' and digest_after is not null)
             where got is not was and got is not null group by got"
        );
        let mut statement = conn.prepare(&sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).unwrap();
        found.extend(rows.map(Result::unwrap).map(|(got, count)| (format!("{name}={got}"), count as usize)));
    }
    found
}

fn from_environment(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

#[test]
fn over_a_bad_line_and_with_kills_both_sides_are_equal_in_the_end_and_everything_is_done_once() {
    let seed = from_environment("PROOF_SEED", 1) as u64;
    prove(Size { seed, resellers: 1, customers: 4, employees: 60, changes: 60 });
}

#[test]
#[ignore = "in full it takes minutes: scripts/prove-platform"]
fn in_full() {
    prove(Size {
        seed: from_environment("PROOF_SEED", 1) as u64,
        resellers: from_environment("PROOF_RESELLERS", 3),
        customers: from_environment("PROOF_CUSTOMERS", 50),
        employees: from_environment("PROOF_EMPLOYEES", 20_000),
        changes: from_environment("PROOF_CHANGES", 1_000),
    });
}
