//! `hub move`: a server goes on with another hub, and hardly notices.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use serde_json::{Value, json};

use super::mirror_pair::{HubPlace, OPERATOR, is_proved, world_with_operator};
use crate::support::place::{is_refused, succeeds};
#[cfg(feature = "postgres")]
use crate::support::postgres::shared;
use crate::support::{Place, Server, world};

/// More than are compared at a time.
const MANY: usize = 1_100;
pub const FEW: usize = 12;

/// A hub with its administrator's token.
pub struct Target {
    pub server: Server,
    pub admin: std::path::PathBuf,
}

impl Target {
    pub fn line(&self, origin: &str) -> Option<Value> {
        line(&self.server, &self.admin, origin)
    }
}

/// What a hub's fleet page says of an origin.
fn line(hub: &Server, admin: &std::path::Path, origin: &str) -> Option<Value> {
    let token = std::fs::read_to_string(admin).unwrap();
    let fleet = hub.get("/sync/v1/fleet", token.trim());
    assert_eq!(fleet.status, 200, "{fleet:?}");
    fleet.body["origins"].as_array().unwrap().iter().find(|line| line["origin"] == origin).cloned()
}

/// A server enrolled with a hub on a file.
pub struct Source {
    edge_place: Place,
    pub edge: Server,
    hub_place: HubPlace,
    pub hub: Server,
    pub origin: String,
    writer: String,
    pub operator: String,
}

impl Source {
    pub fn with(employees: usize) -> Source {
        let (hub_place, edge_place) = (HubPlace::new(), Place::holding(&world_with_operator(employees)));
        let (writer, operator) = (edge_place.token(), edge_place.token_of(OPERATOR));
        let hub = hub_place.start();
        edge_place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
        edge_place.run(&["sync", "run"]);
        let origin = hub.origin();
        let edge = edge_place.serve();
        Source { edge_place, edge, hub_place, hub: hub.server, origin, writer, operator }
    }

    fn admin(&self) -> std::path::PathBuf {
        self.hub_place.place.path("hub.db.admin-token")
    }

    pub fn line(&self) -> Value {
        line(&self.hub, &self.admin(), &self.origin).unwrap()
    }

    pub fn command(&self, url: &str, admin: &std::path::Path) -> Command {
        let (store, admin) = (self.hub_place.store(), admin.to_str().unwrap());
        let arguments = ["hub", "move", &self.origin, "--store", &store, "--to", url, "--to-admin-token", admin];
        self.hub_place.place.command(&arguments)
    }

    pub fn write(&self, n: u64) {
        let path = world::config_path(&world::nth(n as usize % FEW));
        let body = json!({ "configs": [{ "type": "NUMBER", "n": n }] });
        assert_eq!(self.edge.post(&path, &self.writer, &body).status, 200);
    }

    /// Exchanges with whichever hub has it now, if one has.
    pub fn syncs(&self) -> bool {
        let status = self.edge.post("/sync", &self.operator, &json!({})).body;
        status["lastError"].is_null()
    }

    /// Proposes something, if the hub takes it now.
    pub fn files(&self, n: u32) -> bool {
        let body = json!({ "table": "queue", "id": format!("{n:024}"), "patch": { "name": "x" } });
        let admin = std::fs::read_to_string(self.admin()).unwrap();
        let path = format!("/sync/v1/origins/{}/proposals", self.origin);
        self.hub.post(&path, admin.trim(), &body).status == 200
    }

    /// The move is given up.
    pub fn stays(&self) {
        let arguments = ["hub", "move", &self.origin, "--store", &self.hub_place.store(), "--stay"];
        succeeds(&mut self.hub_place.place.command(&arguments));
    }

    /// Both sides are equal, and nobody has noticed anything.
    pub fn has_moved_to(&self, target: &Target, url: &str) {
        self.write(77);
        is_proved(&self.edge, &self.operator);
        let status = self.edge.get("/sync/status", &self.operator).body;
        assert_eq!((&status["consistent"], &status["forks"], &status["rewinds"]), (&json!(true), &json!(0), &json!(0)));
        assert_eq!((&status["alarm"], &status["lastError"]), (&Value::Null, &Value::Null), "{status}");
        let (here, there) = (self.line(), target.line(&self.origin).unwrap());
        assert_eq!((&here["phase"], &here["movedTo"]), (&json!("moved"), &json!(url)));
        let rows = format!("/sync/v1/origins/{}/rows?table=queue", self.origin);
        let admin = std::fs::read_to_string(self.admin()).unwrap();
        let told = self.hub.get(&rows, admin.trim());
        assert_eq!((told.status, &told.body["error"]["hub"]), (421, &json!(url)), "{told:?}");
        let store = rusqlite::Connection::open(self.hub_place.place.path("hub.db")).unwrap();
        let left: i64 = store.query_row("select count(*) from mirror", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "it keeps no room");
        assert_eq!(
            (&there["phase"], &there["consistent"], &there["resets"]),
            (&json!("here"), &json!(true), &json!(0))
        );
        let hub: String =
            self.edge_place.sqlite().query_row("select hub from sync_state", [], |row| row.get(0)).unwrap();
        assert_eq!(hub, url);
    }
}

pub fn on_sqlite(place: &HubPlace) -> Target {
    Target { server: place.start().server, admin: place.place.path("hub.db.admin-token") }
}

fn moves_while_it_writes(target: &Target) {
    let (source, is_done) = (Source::with(MANY), AtomicBool::new(false));
    let written = AtomicI64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                source.write(n);
                source.syncs();
                written.store(n as i64, Ordering::Relaxed);
                if is_done.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        while written.load(Ordering::Relaxed) < 3 {
            std::thread::yield_now();
        }
        let told = succeeds(&mut source.command(&target.server.url, &target.admin));
        assert!(told.contains(&format!("Bakery is at {}", target.server.url)), "{told}");
        is_done.store(true, Ordering::Relaxed);
    });
    source.has_moved_to(target, &target.server.url);
    assert!(succeeds(&mut source.command(&target.server.url, &target.admin)).contains("is at"), "once more");
    assert!(source.edge.stop().success() && source.hub.stop().success());
}

#[test]
fn a_server_that_writes_goes_on_with_another_hub() {
    let place = HubPlace::new();
    let target = on_sqlite(&place);
    moves_while_it_writes(&target);
    assert!(target.server.stop().success());
}

#[cfg(feature = "postgres")]
#[test]
fn a_server_that_writes_goes_on_with_a_hub_on_postgres() {
    let place = Place::new();
    let arguments = ["hub", "--store", &shared().database(), "--listen", "127.0.0.1:0"];
    let server = Server::start(&mut place.command(&arguments), place.log());
    let target = Target { server, admin: place.path("telecomx-local-hub.admin-token") };
    moves_while_it_writes(&target);
    assert!(target.server.stop().success());
}

#[cfg(feature = "postgres")]
/// All that a hub tells its administrator of an origin, but for where it stands.
fn told(hub: &Server, admin: &std::path::Path, origin: &str) -> Vec<Value> {
    let token = std::fs::read_to_string(admin).unwrap();
    let tables = ["customer", "queue", "employee", "mobile_config"].map(|table| format!("rows?table={table}"));
    let calls = ["quarantine", "proposals"].map(str::to_owned).into_iter().chain(tables);
    let tell = |call: String| hub.get(&format!("/sync/v1/origins/{origin}/{call}"), token.trim()).body;
    calls.map(tell).collect()
}

#[test]
fn a_second_run_beside_one_that_moves_is_refused() {
    let (source, place) = (Source::with(FEW), HubPlace::new());
    let target = on_sqlite(&place);
    let held = std::fs::File::create(source.hub_place.place.path("hub.db.move.lock")).unwrap();
    held.lock().unwrap();
    let sentence = is_refused(&mut source.command(&target.server.url, &target.admin));
    assert!(sentence.contains("in use"), "{sentence}");
    assert_eq!(source.line()["phase"], "here");
    drop(held);
    succeeds(&mut source.command(&target.server.url, &target.admin));
    assert_eq!(source.line()["phase"], "moved");
}

#[cfg(feature = "postgres")]
#[test]
fn all_that_a_hub_has_of_a_server_goes_to_postgres_and_from_there_to_a_file() {
    let source = Source::with(FEW);
    // The server answers no proposal between two comparisons.
    source.edge.signal("STOP");
    let admin = std::fs::read_to_string(source.admin()).unwrap();
    let hub = rusqlite::Connection::open(source.hub_place.place.path("hub.db")).unwrap();
    hub.execute_batch(
        "insert into quarantine (origin, t, id, rev, chg, v, code, detail, first_seen, tries)
            select origin, 4, 'chairs/1', 1, 1, '{\"a\": [1.50]}', 'unknown_table', 'Which?', 7, 3 from origins;
         insert into quarantine (origin, t, id, rev, chg, v, code, detail, first_seen, tries)
            select origin, 1, 'gone', 2, 1, null, 'schema', '', 8, 1 from origins;
         update origins set quarantined = 2",
    )
    .unwrap();
    for body in [
        json!({ "table": "queue", "id": format!("{:024}", 7), "patch": { "name": "Ærø \u{0}", "n": [1, null] } }),
        json!({ "copy": { "_id": world::nth(0), "copyTo": world::nth(1) } }),
    ] {
        let path = format!("/sync/v1/origins/{}/proposals", source.origin);
        assert_eq!(source.hub.post(&path, admin.trim(), &body).status, 200);
    }
    let before = told(&source.hub, &source.admin(), &source.origin);
    assert!(before[0]["quarantine"].as_array().unwrap().len() == 2 && before[1].to_string().contains("Ærø"));
    let (place, store) = (Place::new(), shared().database());
    let server = Server::start(&mut place.command(&["hub", "--store", &store, "--listen", "127.0.0.1:0"]), place.log());
    let postgres = Target { server, admin: place.path("telecomx-local-hub.admin-token") };
    succeeds(&mut source.command(&postgres.server.url, &postgres.admin));
    assert_eq!(told(&postgres.server, &postgres.admin, &source.origin), before);
    let last_place = HubPlace::new();
    let last = on_sqlite(&last_place);
    let (url, file) = (&last.server.url, last.admin.to_str().unwrap());
    let arguments = ["hub", "move", &source.origin, "--store", &store, "--to", url, "--to-admin-token", file];
    succeeds(&mut place.command(&arguments));
    assert_eq!(told(&last.server, &last.admin, &source.origin), before);
    source.edge.signal("CONT");
    // It is sent from the first to the second, and from there to the third.
    assert!(source.syncs());
    is_proved(&source.edge, &source.operator);
    let hub: String = source.edge_place.sqlite().query_row("select hub from sync_state", [], |row| row.get(0)).unwrap();
    assert_eq!(&hub, url);
}

#[test]
fn what_keeps_a_server_from_moving_leaves_it_where_it_is() {
    let (source, place) = (Source::with(FEW), HubPlace::new());
    let target = on_sqlite(&place);
    let refused = |url: &str, admin: &std::path::Path| is_refused(&mut source.command(url, admin));
    assert!(refused("http://127.0.0.1:1", &target.admin).contains("cannot be reached"));
    assert!(refused(&target.server.url, &source.admin()).contains("401"), "another hub's token");
    assert!(refused(&source.hub.url, &source.admin()).contains("not arriving"), "where it is already");
    let store = source.hub_place.store();
    let stay = |origin: &str| {
        let arguments = ["hub", "move", origin, "--store", &store, "--stay"];
        is_refused(&mut source.hub_place.place.command(&arguments))
    };
    assert!(stay("nobody").contains("not found") && stay(&source.origin).contains("is here"));
    assert_eq!((&source.line()["phase"], source.syncs()), (&json!("here"), true));
    assert!(target.line(&source.origin).is_none());
}

#[test]
fn a_server_goes_back_to_ask_as_long_as_the_hub_that_it_is_sent_to_does_not_answer() {
    let source = Source::with(FEW);
    let hub = rusqlite::Connection::open(source.hub_place.place.path("hub.db")).unwrap();
    let is = |phase: &str, url: Option<&str>| {
        hub.execute("update origins set phase = ?1, moved_to = ?2", rusqlite::params![phase, url]).unwrap();
    };
    is("moved", Some("http://127.0.0.1:1"));
    assert!(!source.syncs());
    is("here", None);
    assert!(source.syncs());
    is("moved", Some("ftp://127.0.0.1"));
    assert!(!source.syncs());
    let alarm = source.edge.get("/sync/status", &source.operator).body["alarm"].as_str().unwrap().to_owned();
    assert!(alarm.contains("ftp://127.0.0.1"), "{alarm}");
    // From a hub to itself it goes no more than some times.
    is("moved", Some(&source.hub.url));
    assert!(!source.syncs());
    is("here", None);
    assert!(source.syncs());
}
