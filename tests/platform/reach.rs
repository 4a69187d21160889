//! Who may do what here follows the platform: where an object cannot be held, where somebody has moved out of reach, after a break, and
//! where ids or names meet.

use serde_json::{Value, json};
use telecomx_local::db::Author;
use telecomx_local::domain::platform::OperationState;
use telecomx_local::platform::outcome;
use telecomx_local::store::platform::{self, Connection};
use telecomx_local::store::sessions;

use super::double::{Ask, Double, OWN, Reply};
use super::local::{Local, RULES, parse, write};
use super::odd::{ANNA, BAKERY, BO, DAIRY, FIA, platform as world, set};

fn connect(local: &Local, url: &str) {
    let connection = Connection { url: url.into(), account: "somebody".into(), credential: vec![], rules: RULES };
    write(&local.db, Author::system("test"), move |tx| platform::connect(tx, &connection)).unwrap();
}

fn disconnect(local: &Local) {
    write(&local.db, Author::system("test"), platform::disconnect).unwrap();
}

/// Somebody is logged in.
fn log_in(local: &Local, employee: &str, token: u8) {
    let employee = parse(employee);
    let open = move |tx: &mut telecomx_local::db::WriteTx| {
        tx.conn.execute(
            "insert into sessions (token_hash, employee, login_ip, persist, created_at, last_used_at)
             values (?1, ?2, '127.0.0.1', 0, ?3, ?3)",
            rusqlite::params![[token; 32], employee, tx.now],
        )?;
        Ok(())
    };
    write(&local.db, Author::system("test"), open).unwrap();
}

fn is_logged_in(local: &Local, token: u8) -> bool {
    local.read(|tx| sessions::find(tx, &[token; 32])).is_some()
}

#[test]
fn whoever_is_disabled_there_is_so_here_even_if_the_rest_cannot_be_held() {
    for (name, value) in [("emailAddress", json!("Bo@example.com")), ("primaryContact", json!("maybe"))] {
        let double = world();
        set(&double, BO, "emailAddress", json!("bo@example.com"));
        let mut local = Local::of(&double.url);
        local.round();
        for (name, value) in [(name, value), ("state", json!("DISABLED")), ("accessLevel", json!("VIEWER"))] {
            set(&double, ANNA, name, value);
        }
        local.round();
        assert_eq!(local.put_aside().len(), 1, "{name}");
        let anna = local.employee(ANNA);
        assert_eq!((&anna["state"], &anna["accessLevel"]), (&json!("DISABLED"), &json!("VIEWER")), "{name}");
        assert_ne!(anna["emailAddress"], "Bo@example.com");
    }
}

#[test]
fn who_leaves_during_a_break_is_gone_when_the_server_is_connected_again() {
    let double = world();
    let mut local = Local::of(&double.url);
    local.round();
    disconnect(&local);
    double.change(|world| drop(world.employees.remove(ANNA)));
    set(&double, BO, "title", json!("Baker"));
    connect(&local, &double.url);
    local.round();
    assert!(local.find("employees", ANNA).is_none());
    assert_eq!(local.employee(BO)["title"], "Baker");
}

#[test]
fn another_platform_deletes_nothing_of_the_one_before() {
    let double = world();
    let mut local = Local::of(&double.url);
    local.round();
    disconnect(&local);
    let other = Double::start();
    let account = "c000000000000000000000f1";
    other.change(|world| world.add_customer(account, "Another operator", None));
    other.be_odd(move |_: &Ask, reply: Reply| match reply.status {
        200 => Reply { body: String::from_utf8(reply.body.clone()).unwrap().replace(OWN, account).into(), ..reply },
        _ => reply,
    });
    let before = local.world()["employees"].clone();
    local.work_with(&other.url);
    connect(&local, &other.url);
    local.round();
    let now = local.world()["employees"].clone();
    let is_kept = |employee: &Value| now.as_array().unwrap().contains(employee);
    assert!(before.as_array().unwrap().iter().all(is_kept), "{:?}", local.record());
}

#[test]
fn who_moves_to_where_the_account_does_not_reach_is_gone_here() {
    let double = world();
    let mut local = Local::of(&double.url);
    local.round();
    let anna = double.change(|world| world.employees.remove(ANNA).unwrap());
    let path = format!("/employee/{ANNA}");
    double.be_odd(move |ask: &Ask, reply: Reply| match ask.is_get(&path) {
        true => Reply::error(403, "access_denied"),
        false => reply,
    });
    local.round();
    assert!(local.find("employees", ANNA).is_none(), "{anna}");
}

#[test]
fn what_a_proxy_says_is_not_the_platforms_word() {
    let double = world();
    let mut local = Local::of(&double.url);
    local.round();
    double.change(|world| drop(world.employees.remove(ANNA)));
    local.update_employee(BO, json!({ "title": "Baker" }));
    for status in [403, 404] {
        double.be_odd(move |ask: &Ask, reply: Reply| match ask.path.starts_with("/employee/") {
            true => Reply { status, ..Reply::html() },
            false => reply,
        });
        local.round();
        assert!(local.find("employees", ANNA).is_some(), "{status}");
        let left: Vec<OperationState> = local.operations().into_iter().map(|it| it.state).collect();
        assert_eq!(left, [OperationState::Waiting], "{status}");
    }
    double.be_sound();
    local.round();
    assert!(local.find("employees", ANNA).is_none() && local.operations().is_empty());
    assert_eq!(double.change(|world| world.employees[BO]["title"].clone()), "Baker");
}

#[test]
fn a_list_does_not_overwrite_what_belongs_to_another_customer() {
    let double = world();
    let mut local = Local::of(&double.url);
    local.round();
    double.be_odd(|ask: &Ask, reply: Reply| match ask.lists_employees_of(BAKERY) {
        true => reply.with(|page| {
            for employee in page["employees"].as_array_mut().unwrap().iter_mut().filter(|it| it["_id"] == ANNA) {
                *employee = json!({ "_id": FIA, "customer": DAIRY, "accessLevel": "OWNER", "name": "Mallory" });
            }
        }),
        false => reply,
    });
    local.round();
    assert_eq!(local.employee(FIA)["name"], "Fia");
}

#[test]
fn whoever_was_created_on_both_sides_does_not_let_the_one_here_in_as_the_one_there() {
    for is_mine in [true, false] {
        let double = world();
        let mut local = Local::of(&double.url);
        local.round();
        let here = local.create_employee(BAKERY, "gina");
        log_in(&local, &here, 1);
        let there = "e00000000000000000000099";
        double.change(|world| world.add_employee(there, BAKERY, "Gina the Owner"));
        set(&double, there, "emailAddress", json!("gina@example.com"));
        set(&double, there, "accessLevel", json!("OWNER"));
        local.round();
        let [conflict] = &local.operations()[..] else { panic!("{:?}", local.operations()) };
        let seq = conflict.seq;
        assert_eq!(conflict.state, OperationState::Conflict);
        local.change(move |tx, _| outcome::decide(tx, seq, is_mine));
        assert!(local.find("employees", &here).is_none(), "it has the platform's id");
        assert!(!is_logged_in(&local, 1), "mine: {is_mine}");
    }
}

#[test]
fn whoever_was_created_here_stays_logged_in_when_the_platform_gives_the_id() {
    let double = world();
    let mut local = Local::of(&double.url);
    local.round();
    let here = local.create_employee(BAKERY, "gina");
    log_in(&local, &here, 1);
    local.round();
    assert!(local.find("employees", &here).is_none() && is_logged_in(&local, 1));
    let names: Vec<Value> =
        local.world()["employees"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    assert!(names.contains(&json!("gina")));
}

#[test]
fn a_conflict_shows_what_the_platform_holds_now() {
    let double = world();
    let mut local = Local::of(&double.url);
    local.round();
    local.update_employee(ANNA, json!({ "title": "Here" }));
    for title in ["There", "There again"] {
        set(&double, ANNA, "title", json!(title));
        local.round();
        let [conflict] = &local.operations()[..] else { panic!("{:?}", local.operations()) };
        assert!(conflict.theirs.as_ref().unwrap().contains(&format!("\"{title}\"")), "{:?}", conflict.theirs);
    }
}
