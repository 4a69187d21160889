//! An edge and its hub as real processes, killed at random over a bad line: what was answered is on both sides.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::mirror_proxy::Proxy;
use crate::support::chance::Chance;
use crate::support::place::succeeds;
use crate::support::{Place, Server, world};

const KILLS: usize = 300;
const EMPLOYEES: usize = 8;
const RESELLER_ADMIN: &str = "e00000000000000000000009";
const ADMIN: &str = "e0000000000000000000000a";

/// A place with an edge's database and a hub's beside it.
struct Pair {
    place: Place,
    proxy: Proxy,
    /// Of a manager, who writes, and of a reseller's administrator, who mirrors.
    writer: String,
    operator: String,
}

impl Pair {
    fn enrolled(seed: u64) -> Pair {
        let mut world = world::with_employees(EMPLOYEES);
        let operator = world::employee(RESELLER_ADMIN, "Rosa", "RESELLER_ADMIN");
        world["employees"].as_array_mut().unwrap().push(operator);
        let mut admin = world::employee(ADMIN, "Ada", "ADMIN");
        admin["password"] = json!("Passw0rd1234");
        world["employees"].as_array_mut().unwrap().push(admin);
        let place = Place::holding(&world);
        let (writer, operator) = (place.token(), place.token_of(RESELLER_ADMIN));
        let pair = Pair { place, proxy: Proxy::start(seed), writer, operator };
        let hub = pair.hub();
        let code = succeeds(&mut pair.place.command(&["hub", "enroll", "--store", &pair.store(), "--name", "Bakery"]));
        let code = code.trim();
        pair.place.run(&["sync", "enroll", &hub.url, code]);
        // The line stays where it is; the hub does not.
        let url = format!("http://{}", pair.proxy.address);
        pair.place.sqlite().execute("update sync_state set hub = ?1", [&url]).unwrap();
        assert!(hub.stop().success());
        pair
    }

    fn store(&self) -> String {
        format!("sqlite:{}", self.place.path("hub.db").display())
    }

    fn hub(&self) -> Server {
        let arguments = ["hub", "--store", &self.store(), "--listen", "127.0.0.1:0"];
        let hub = Server::start(&mut self.place.command(&arguments), self.place.log());
        self.proxy.leads_to(hub.address());
        hub
    }

    /// The configs as the hub has them.
    fn mirrored(&self, hub: &Server) -> HashMap<String, Value> {
        let token = std::fs::read_to_string(self.place.path("hub.db.admin-token")).unwrap();
        let fleet = hub.get("/sync/v1/fleet", token.trim()).body;
        let origin = fleet["origins"][0]["origin"].as_str().unwrap().to_owned();
        assert_eq!(fleet["origins"][0]["consistent"], true, "{fleet}");
        let rows = hub.get(&format!("/sync/v1/origins/{origin}/rows?table=mobile_config"), token.trim()).body;
        let rows = rows["rows"].as_array().unwrap().clone();
        rows.into_iter().map(|row| (row["id"].as_str().unwrap().to_owned(), row["v"]["configs"].clone())).collect()
    }
}

#[test]
fn nothing_answered_is_lost_on_either_side_however_often_they_are_killed() {
    let mut chance = Chance(7);
    let pair = Pair::enrolled(7);
    let (mut edge, mut hub) = (pair.place.serve(), pair.hub());
    let mut answered: HashMap<String, u64> = HashMap::new();
    // On, until the line has done its worst: what is under way at a kill depends on how fast the machine is.
    for kill in (0..10 * KILLS).take_while(|kill| *kill < KILLS || !pair.proxy.has_done_all(6)) {
        std::thread::scope(|scope| {
            let (edge, operator) = (&edge, &pair.operator);
            // The exchange is under way when something is killed.
            scope.spawn(move || drop(edge.try_post("/sync", operator, &json!({}))));
            for _ in 0..chance.below(6) {
                let id = world::nth(chance.below(EMPLOYEES as u64) as usize);
                let n = chance.number() >> 16;
                let body =
                    json!({ "configs": [{ "type": "NUMBER", "n": n, "padding": "x".repeat((n % 3_000) as usize) }] });
                assert_eq!(edge.post(&world::config_path(&id), &pair.writer, &body).status, 200);
                answered.insert(id, n);
            }
            if kill.is_multiple_of(2) { edge.signal_kill() } else { hub.signal_kill() }
        });
        if kill.is_multiple_of(2) {
            edge.kill();
            edge = pair.place.serve();
        } else {
            hub.kill();
            hub = pair.hub();
        }
    }
    assert!(pair.proxy.has_done_all(6));
    pair.proxy.be_good();
    let proof = edge.post("/sync/verify", &pair.operator, &json!({}));
    assert_eq!((proof.status, &proof.body["equal"]), (200, &json!(true)), "{proof:?}");
    let status = edge.get("/sync/status", &pair.operator).body;
    assert_eq!((&status["consistent"], &status["forks"], &status["rewinds"]), (&json!(true), &json!(0), &json!(0)));
    let mirrored = pair.mirrored(&hub);
    for (id, n) in answered {
        assert_eq!(edge.get(&world::config_path(&id), &pair.writer).body["configs"][0]["n"], n);
        assert_eq!(mirrored[&id][0]["n"], n);
    }
    assert!(edge.stop().success() && hub.stop().success());
    assert!(pair.place.run(&["audit", "verify"]).contains("intact"));
}

#[test]
fn a_hub_knows_each_edge_by_its_token_and_tells_it_of_no_other() {
    let place = Place::new();
    let store = format!("sqlite:{}", place.path("hub.db").display());
    let hub = Server::start(&mut place.command(&["hub", "--store", &store, "--listen", "127.0.0.1:0"]), place.log());
    let enroll = |name: &str| {
        let code = succeeds(&mut place.command(&["hub", "enroll", "--store", &store, "--name", name]));
        let body = json!({ "code": code.trim() });
        let answer = hub.post("/sync/v1/enroll", "", &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(hub.post("/sync/v1/enroll", "", &body).status, 404, "a code is good for one edge");
        let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
        (text("origin"), text("token"))
    };
    let ((one, token), (other, _)) = (enroll("One"), enroll("Other"));
    let rows = |origin: &str| format!("/sync/v1/origins/{origin}/rows?table=employee");
    assert_eq!(hub.get(&rows(&one), &token).status, 200);
    assert_eq!(hub.get(&rows(&other), &token).status, 404);
    assert_eq!(hub.get(&rows(&one), &"0".repeat(64)).status, 401);
    let part = json!({ "stage": "00000000-0000-0000-0000-000000000001", "part": 0, "rows": [] });
    assert_eq!(hub.post(&format!("/sync/v1/origins/{other}/stage"), &token, &part).status, 404);
    assert_eq!(hub.get("/sync/v1/fleet", &token).status, 401, "the fleet is the administrator's");
    assert_eq!(hub.post("/sync/v1/codes", &token, &json!({ "name": "Third" })).status, 401);
    for file in ["hub.db", "hub.db-wal", "hub.db.admin-token"] {
        let mode = std::fs::metadata(place.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is for its owner only");
    }
    let admin = std::fs::read_to_string(place.path("hub.db.admin-token")).unwrap();
    let fleet = hub.get("/sync/v1/fleet", admin.trim()).body;
    assert_eq!(fleet["origins"].as_array().unwrap().len(), 2, "{fleet}");
    assert!(hub.stop().success());
}

#[test]
fn without_a_hub_the_mirror_says_so_and_the_rest_works() {
    let place = Place::holding(&world::with_employees(1));
    let (writer, manager) = (place.token(), place.token());
    assert!(place.refused(&["sync", "run"]).contains("sync enroll"));
    assert!(place.refused(&["sync", "enroll", "http://127.0.0.1:1", "none"]).contains("cannot be reached"));
    let server = place.serve();
    let body = json!({ "configs": [] });
    assert_eq!(server.post(&world::config_path(&world::nth(0)), &writer, &body).status, 200);
    assert_eq!(server.get("/sync/status", &manager).status, 403, "for a reseller's administrator");
    assert!(server.stop().success());
    let status: Value = serde_json::from_str(&place.run(&["sync", "status"])).unwrap();
    assert_eq!((&status["enrolled"], &status["consistent"]), (&json!(false), &json!(false)));
}

#[test]
fn a_hub_that_never_answers_does_not_hold_up_the_stop() {
    let pair = Pair::enrolled(1);
    // Accepts connections, and says nothing on them.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    pair.place.sqlite().execute("update sync_state set hub = ?1", [&url]).unwrap();
    let edge = pair.place.serve();
    let operator = &pair.operator;
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| edge.try_post("/sync", operator, &json!({})));
        let _held = silent.accept().unwrap();
        edge.signal("TERM");
        // It is told how the mirror stands, or its connection ends.
        drop(asked.join().unwrap());
    });
    assert!(edge.ends().success());
}

#[test]
fn a_request_does_not_wait_for_a_hub_that_never_answers() {
    let pair = Pair::enrolled(2);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    pair.place.sqlite().execute("update sync_state set hub = ?1", [&url]).unwrap();
    let mut command = pair.place.command(&["serve", "--listen", "127.0.0.1:0", "--request-timeout-s", "1", "--db"]);
    let edge = Server::start(command.arg(pair.place.db()), pair.place.log());
    let asked = edge.post("/sync", &pair.operator, &json!({}));
    assert_eq!(asked.status, 200);
    assert!(asked.body["lastError"].as_str().unwrap().contains("longer than a request may"), "{asked:?}");
    let enroll = json!({ "url": url.replace("127.0.0.1", "localhost"), "code": "a", "currentHub": url });
    let login = json!({ "username": format!("{ADMIN}@example.com"), "password": "Passw0rd1234" });
    let admin = edge.post("/auth/login", "", &login).body["token"].as_str().unwrap().to_owned();
    let calls =
        [("/sync/verify", &pair.operator, json!({}), "longer"), ("/sync/enroll", &admin, enroll, "not answered yet")];
    for (path, token, body, why) in calls {
        let asked = edge.post(path, token, &body);
        let told = &asked.body["error"];
        assert_eq!((asked.status, &told["code"]), (409, &json!("hub")), "{asked:?}");
        assert!(told["message"].as_str().unwrap().contains(why), "{asked:?}");
    }
    assert!(edge.stop().success());
}

#[test]
fn a_hub_tells_what_is_wrong_with_a_call_in_the_shape_of_all_errors() {
    let hub_place = super::mirror_pair::HubPlace::new();
    let hub = hub_place.start();
    let enrolled = hub.server.post("/sync/v1/enroll", "", &json!({ "code": hub_place.code("Bakery") })).body;
    let (origin, token) = (enrolled["origin"].as_str().unwrap(), enrolled["token"].as_str().unwrap());
    let path = |call: &str| format!("/sync/v1/origins/{origin}/{call}");
    let told = |answer: crate::support::server::Answer| {
        let error = &answer.body["error"];
        assert_eq!(error["status"], answer.status, "{answer:?}");
        (answer.status, error["code"].as_str().unwrap().to_owned())
    };
    let is = |status: u16, code: &str| (status, code.to_owned());
    let long = json!({ "padding": "x".repeat(9 << 20) });
    assert_eq!(told(hub.server.post(&path("exchange"), token, &long)), is(413, "payload_too_large"));
    assert_eq!(told(hub.server.post(&path("exchange"), token, &json!([]))), is(400, "bad_request"));
    assert_eq!(told(hub.server.post(&path("exchange"), token, &json!({ "proto": 2 }))), is(409, "upgrade_required"));
    let nil = "00000000-0000-0000-0000-000000000000";
    let push = |to: i64, snap: i64, chg: i64| {
        json!({ "proto": 1, "schema": 3, "request": nil, "epoch": [1, nil], "base": { "epoch": null, "acked": 0, "attempt": nil },
            "to": to, "attempt": nil, "snap": snap, "status": {},
            "rows": [{ "t": "queue", "id": "a", "rev": 1, "chg": chg, "v": { "_id": "a", "customer": "c", "name": "n" } }] })
    };
    for (to, snap, chg) in [(-5, 1, -6), (5, 4, 5), (5, 5, 6), (5, 5, 0)] {
        assert_eq!(told(hub.server.post(&path("exchange"), token, &push(to, snap, chg))), is(400, "bad_request"));
    }
    let with = |name: &str, value: Value| {
        let mut push = push(5, 5, 5);
        push[name] = value;
        push
    };
    for (name, value) in [("epoch", json!([i64::MAX, nil])), ("snap", json!(i64::MAX))] {
        assert_eq!(told(hub.server.post(&path("exchange"), token, &with(name, value))), is(400, "bad_request"));
    }
    for schema in [0, -3] {
        let push = with("schema", json!(schema));
        assert_eq!(told(hub.server.post(&path("exchange"), token, &push)), is(409, "upgrade_required"));
    }
    let clockless = with("status", json!({ "proved_ms": i64::MIN, "clock_ms": i64::MIN }));
    assert_eq!(hub.server.post(&path("exchange"), token, &clockless).status, 200);
    assert!(hub.only()["lastProofAgeSeconds"].is_null(), "a time that cannot be one has no age");
    let head = json!({ "epoch": null, "acked": 0, "attempt": nil });
    let digest = json!({ "head": head, "branches": vec![0; 10_000] });
    let told_of = hub.server.post(&path("digest"), token, &digest).body["leaves"].as_array().unwrap().len();
    assert_eq!(told_of, 256, "there are no more branches");
    let part = json!({ "stage": nil, "part": -1, "rows": [] });
    assert_eq!(told(hub.server.post(&path("stage"), token, &part)), is(400, "bad_request"));
    assert_eq!(told(hub.server.get(&path("rows"), token)), is(404, "table"));
    assert_eq!(told(hub.server.get(&path("rows?table=chair"), token)), is(422, "table"));
    assert_eq!(told(hub.server.get(&path("snapshot?after=chair"), token)), is(400, "bad_request"));
    assert_eq!(told(hub.server.get("/sync/v1/nothing", token)), is(404, "not_found"));
    let code = |body: &Value| hub.server.post("/sync/v1/codes", &hub.admin, body);
    assert_eq!(told(code(&json!({ "name": "Bakery", "origin": origin }))), is(409, "name"));
    assert_eq!(told(code(&json!({}))), is(404, "name"));
    assert_eq!(code(&json!({ "origin": origin })).status, 200);
    assert_eq!(told(hub.server.post(&path("proposals"), token, &json!({}))), is(401, "invalid_token"));
}
