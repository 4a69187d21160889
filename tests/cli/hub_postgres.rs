//! Hubs on a PostgreSQL, as real processes: beside each other, killed, and with PostgreSQL away.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::mirror_proxy::Proxy;
use super::mirror_tls::make_certificates;
use crate::support::chance::Chance;
use crate::support::needs;
use crate::support::place::{is_refused, succeeds};
use crate::support::postgres::{Postgres, connected, shared};
use crate::support::{Place, Server, world};

const KILLS: usize = 60;
const EMPLOYEES: usize = 8;
const OPERATOR: &str = "e00000000000000000000009";

fn hub(place: &Place, store: &str, more: &[&str]) -> Server {
    let arguments = [&["hub", "--store", store, "--listen", "127.0.0.1:0"], more].concat();
    Server::start(&mut place.command(&arguments), place.log())
}

/// The token that the first hub of this place has made.
fn admin(place: &Place) -> String {
    std::fs::read_to_string(place.path("telecomx-local-hub.admin-token")).unwrap().trim().to_owned()
}

/// An origin and its token, enrolled with `hub`.
fn enrolled(place: &Place, store: &str, hub: &Server, name: &str) -> (String, String) {
    let code = succeeds(&mut place.command(&["hub", "enroll", "--store", store, "--name", name]));
    let answer = hub.post("/sync/v1/enroll", "", &json!({ "code": code.trim() }));
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
    (text("origin"), text("token"))
}

#[test]
fn hubs_beside_each_other_are_one_hub() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let store = shared().database();
    let first = hub(&place, &store, &[]);
    let (beside, far) = (hub(&place, &store, &[]), hub(&elsewhere, &store, &["--admin-token", "no-file-here"]));
    let (origin, token) = enrolled(&place, &store, &first, "Bakery");
    let file = place.path("telecomx-local-hub.admin-token");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!elsewhere.path("no-file-here").exists(), "the token is made once");
    for hub in [&first, &beside, &far] {
        let fleet = hub.get("/sync/v1/fleet", &admin(&place)).body;
        assert_eq!(fleet["origins"][0]["name"], "Bakery", "{fleet}");
        assert_eq!(hub.get(&format!("/sync/v1/origins/{origin}/rows?table=employee"), &token).status, 200);
        assert_eq!(hub.get("/sync/v1/fleet", &"0".repeat(64)).status, 401);
    }
    // Another's token is not taken for this store's.
    elsewhere.put("other", format!("{}\n", "1".repeat(64)));
    let other = ["hub", "--store", &store, "--listen", "127.0.0.1:0", "--admin-token", "other"];
    assert!(is_refused(&mut elsewhere.command(&other)).contains("holds another token"));
    assert!(first.stop().success() && beside.stop().success() && far.stop().success());
}

#[test]
fn what_cannot_be_a_store_is_refused_in_a_sentence() {
    let place = Place::new();
    let refused = |store: &str| is_refused(&mut place.command(&["hub", "enroll", "--name", "x", "--store", store]));
    assert!(refused("mysql://x").contains("sqlite:PATH or postgres://"));
    assert!(refused("postgres://u@localhost/d?nonsense=1").contains("cannot be read"));
    assert!(refused("postgres://u@%2Fnowhere/d").contains("cannot be reached"));
    let store = shared().database();
    assert!(refused(&store.replace("//hub@", "//postgres@")).contains("BYPASSRLS"));
    let backup = ["hub", "backup", "--store", &store, "--to", "x"];
    assert!(is_refused(&mut place.command(&backup)).contains("pg_basebackup"));
    let verified = |lsn| is_refused(&mut place.command(&["hub", "backup-verified", "--store", &store, lsn]));
    assert!(verified("yesterday").contains("no place in the log"));
    assert!(verified("FFFF/0").contains("ahead of the log"));
}

#[test]
fn a_password_is_taken_from_the_environment_or_a_file_of_ones_own() {
    let postgres = Postgres::start("-c fsync=off -c shared_buffers=16MB");
    let store = postgres.database();
    postgres.sql("alter role hub password 'very secret'");
    postgres.wants_passwords();
    let place = Place::new();
    let arguments = ["hub", "enroll", "--name", "x", "--store", &store];
    assert!(is_refused(&mut place.command(&arguments)).contains("password"));
    succeeds(place.command(&arguments).env("PGPASSWORD", "very secret"));
    let file = place.put("pass", "*:*:*:hub:very secret\n");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(is_refused(place.command(&arguments).env("PGPASSFILE", &file)).contains("0600"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    succeeds(place.command(&arguments).env("PGPASSFILE", &file));
}

#[test]
fn over_a_network_postgres_must_show_a_certificate_that_is_trusted() {
    if !needs("openssl") {
        return;
    }
    let (place, strangers) = (Place::new(), Place::new());
    make_certificates(&place);
    make_certificates(&strangers);
    let mut postgres = Postgres::start("-c fsync=off -c shared_buffers=16MB");
    postgres.database();
    let port = postgres.over_tls(&place.path("cert.pem"), &place.path("key.pem"));
    let run = |host: &str, mode: &str, ca: &std::path::Path| {
        let store = format!("postgres://hub@{host}:{port}/hub0?sslmode={mode}");
        place.command(&["hub", "enroll", "--name", "x", "--store", &store, "--store-ca", ca.to_str().unwrap()])
    };
    let (ca, strange) = (place.path("ca.pem"), strangers.path("ca.pem"));
    let store = format!("postgres://hub@127.0.0.1:{port}/hub0?sslmode=verify-full");
    let serve = ["hub", "--store", &store, "--store-ca", strange.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    assert!(is_refused(&mut place.command(&serve)).contains("certificate"), "it is not waited for");
    succeeds(&mut run("127.0.0.1", "verify-full", &ca));
    assert!(is_refused(&mut run("127.0.0.1", "require", &strange)).contains("certificate"));
    assert!(is_refused(&mut run("localhost", "verify-full", &ca)).contains("certificate"));
    assert!(is_refused(&mut run("127.0.0.1", "verify-full", &place.path("key.pem"))).contains("holds no certificate"));
}

#[test]
fn while_postgres_is_away_hubs_say_when_to_come_again_and_they_recover_by_themselves() {
    let postgres = Postgres::start("-c fsync=off -c shared_buffers=16MB");
    let (place, store) = (Place::new(), postgres.database());
    let hub = hub(&place, &store, &[]);
    let (origin, token) = enrolled(&place, &store, &hub, "Bakery");
    let rows = format!("/sync/v1/origins/{origin}/rows?table=employee");
    postgres.crash();
    let refused = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    for path in [&*rows, "/sync/v1/fleet"] {
        let bearer = if path == rows { &token } else { &admin(&place) };
        let request = refused.get(format!("{}{path}", hub.url)).header("authorization", format!("Bearer {bearer}"));
        let answer = request.call().unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers().get("retry-after").is_some()), (503, true), "{path}");
    }
    assert_eq!(hub.get("/healthz", "").status, 200, "it lives");
    postgres.begin();
    // Connections that broke unnoticed cost one answer each, at most.
    let answers = (0..20).map(|_| hub.get(&rows, &token).status).collect::<Vec<_>>();
    assert_eq!(answers.last(), Some(&200), "{answers:?}");
    assert!(hub.stop().success());
}

#[test]
fn a_verified_backup_makes_stable_what_had_been_mirrored_by_then() {
    let place = Place::holding(&with_operator());
    let store = shared().database();
    let hub = hub(&place, &store, &[]);
    let code = succeeds(&mut place.command(&["hub", "enroll", "--store", &store, "--name", "Bakery"]));
    place.run(&["sync", "enroll", &hub.url, code.trim()]);
    let fleet = || hub.get("/sync/v1/fleet", &admin(&place)).body["origins"][0].clone();
    for _ in 0..2 {
        place.run(&["sync", "run"]);
    }
    let before = fleet();
    assert_eq!((&before["consistent"], &before["stable"]), (&json!(true), &json!(0)), "nothing says that it is safe");
    let lsn = connected(&store, async |client| {
        let row = client.query_one("select pg_current_wal_insert_lsn()::text", &[]).await.unwrap();
        row.get::<_, String>(0)
    });
    succeeds(&mut place.command(&["hub", "backup-verified", "--store", &store, &lsn]));
    place.run(&["sync", "run"]);
    assert_eq!(fleet()["stable"], before["acked"]);
    assert!(hub.stop().success());
}

fn with_operator() -> Value {
    let mut world = world::with_employees(EMPLOYEES);
    world["employees"].as_array_mut().unwrap().push(world::employee(OPERATOR, "Rosa", "RESELLER_ADMIN"));
    world
}

#[test]
fn edge_and_hub_are_killed_over_a_bad_line_and_nothing_answered_is_lost() {
    let mut chance = Chance(11);
    let (place, store) = (Place::holding(&with_operator()), shared().database());
    let (writer, operator) = (place.token(), place.token_of(OPERATOR));
    let proxy = Proxy::start(11);
    let start = || {
        let hub = hub(&place, &store, &[]);
        proxy.leads_to(hub.address());
        hub
    };
    let mut hub = start();
    let code = succeeds(&mut place.command(&["hub", "enroll", "--store", &store, "--name", "Bakery"]));
    place.run(&["sync", "enroll", &hub.url, code.trim()]);
    place.sqlite().execute("update sync_state set hub = ?1", [&format!("http://{}", proxy.address)]).unwrap();
    let mut edge = place.serve();
    let mut answered: HashMap<String, u64> = HashMap::new();
    // On, until the line has done its worst: what is under way at a kill depends on how fast the machine is.
    for kill in (0..10 * KILLS).take_while(|kill| *kill < KILLS || !proxy.has_done_all(1)) {
        std::thread::scope(|scope| {
            let (edge, operator) = (&edge, &operator);
            scope.spawn(move || drop(edge.try_post("/sync", operator, &json!({}))));
            for _ in 0..chance.below(6) {
                let id = world::nth(chance.below(EMPLOYEES as u64) as usize);
                let n = chance.number() >> 16;
                let padding = "x".repeat((n % 3_000) as usize);
                let body = json!({ "configs": [{ "type": "NUMBER", "n": n, "padding": padding }] });
                assert_eq!(edge.post(&world::config_path(&id), &writer, &body).status, 200);
                answered.insert(id, n);
            }
            if kill.is_multiple_of(2) { edge.signal_kill() } else { hub.signal_kill() }
        });
        if kill.is_multiple_of(2) {
            edge.kill();
            edge = place.serve();
        } else {
            hub.kill();
            hub = start();
        }
    }
    assert!(proxy.has_done_all(1));
    proxy.be_good();
    let proof = edge.post("/sync/verify", &operator, &json!({}));
    assert_eq!((proof.status, &proof.body["equal"]), (200, &json!(true)), "{proof:?}");
    let status = edge.get("/sync/status", &operator).body;
    assert_eq!((&status["consistent"], &status["forks"], &status["rewinds"]), (&json!(true), &json!(0), &json!(0)));
    let origin = hub.get("/sync/v1/fleet", &admin(&place)).body["origins"][0]["origin"].as_str().unwrap().to_owned();
    let mirrored = hub.get(&format!("/sync/v1/origins/{origin}/rows?table=mobile_config"), &admin(&place)).body;
    let mirrored = mirrored["rows"].as_array().unwrap();
    for (id, n) in answered {
        assert_eq!(edge.get(&world::config_path(&id), &writer).body["configs"][0]["n"], n);
        assert_eq!(mirrored.iter().find(|row| row["id"] == id).unwrap()["v"]["configs"][0]["n"], n);
    }
    assert!(edge.stop().success() && hub.stop().success());
    assert!(place.run(&["audit", "verify"]).contains("intact"));
}
