//! Two processes and a bad line: changes on both sides at random, and the local server killed throughout. In the end both sides hold
//! the same but for the conflicts that are listed, and every change made here was made at the platform once, or is listed.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::double::{ACCOUNT, OWN, PASSWORD, USERNAME};
use super::hand::Hand;
use super::proof_checks::{Listed, check_equal, check_once, read};
use super::proxy::Proxy;
use crate::support::chance::Chance;
use crate::support::{Place, Server, world};

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

/// Kills the server as a power cut would, and starts it again.
fn kill_and_start(running: &mut Option<Server>, place: &Place, port: &AtomicU16) {
    running.take().unwrap().kill();
    let started = serve(place);
    port.store(port_of(&started), Ordering::Relaxed);
    *running = Some(started);
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
    let mut running = Some(serve(&place));

    // Everybody at once.
    proxy.be_bad(true);
    let (port, is_over) = (AtomicU16::new(port_of(running.as_ref().unwrap())), AtomicBool::new(false));
    let (mut kills, mut chance) = (0, Chance(size.seed + 3));
    std::thread::scope(|scope| {
        let token = here.token.clone();
        let is_over = &is_over;
        let port = &port;
        scope.spawn(move || push_on(port, &token, is_over));
        let changing = scope.spawn(|| (0..size.changes).for_each(|_| there.change(&platform)));
        for _ in 0..size.changes {
            here.change(running.as_ref().unwrap());
            if chance.below(8) == 0 {
                kill_and_start(&mut running, &place, port);
                kills += 1;
            }
        }
        changing.join().unwrap();
        // What is left goes over the bad line too, for a while.
        for _ in 0..5 {
            let _ = running.as_ref().unwrap().try_post("/sync", &here.token, &json!({}));
        }
        kill_and_start(&mut running, &place, port);
        is_over.store(true, Ordering::Relaxed);
    });
    let server = running.unwrap();
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
    // What is listed for a person is all that is to be said.
    let examined = String::from_utf8(place.on_db(&["doctor"]).output().unwrap().stdout).unwrap();
    let wrong: Vec<&str> = examined.lines().filter(|line| line.starts_with("WRONG")).collect();
    assert!(wrong.iter().all(|line| line.starts_with("WRONG  platform: ")), "{wrong:?}");
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

fn from_environment(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

#[test]
fn over_a_bad_line_and_with_kills_both_sides_are_equal_in_the_end_and_everything_is_done_once() {
    let seed = from_environment("PROOF_SEED", 2) as u64;
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
