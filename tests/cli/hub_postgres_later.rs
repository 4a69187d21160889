//! Hubs that are started before their PostgreSQL.

use serde_json::json;

use crate::support::place::is_refused;
use crate::support::postgres::{Postgres, connected, shared};
use crate::support::{Place, Server};

const OPTIONS: &str = "-c fsync=off -c shared_buffers=16MB";

fn command(place: &Place, store: &str) -> std::process::Command {
    place.command(&["hub", "--store", store, "--listen", "127.0.0.1:0"])
}

#[test]
fn a_hub_that_is_started_before_its_postgres_waits_for_it_and_is_ready_by_itself() {
    let postgres = Postgres::start(OPTIONS);
    let (place, store) = (Place::new(), postgres.database());
    postgres.crash();
    let hub = Server::start(&mut command(&place, &store), place.log());
    for path in ["/readyz", "/sync/v1/fleet", "/.well-known/telecomx-local", "/sync/v1/origins/x/rows?table=queue"] {
        assert_eq!(hub.get(path, &"0".repeat(64)).status, 503, "{path}");
    }
    assert_eq!(hub.get("/healthz", "").status, 200, "it lives");
    postgres.begin();
    // While one server takes the place of the other, a connection may break.
    let asks = || hub.try_post("/sync/v1/enroll", "", &json!({ "code": "none" }));
    while !asks().is_ok_and(|answer| answer.status == 404) {}
    assert_eq!(hub.get("/readyz", "").status, 200);
    let admin = std::fs::read_to_string(place.path("telecomx-local-hub.admin-token")).unwrap();
    assert_eq!(hub.get("/sync/v1/fleet", admin.trim()).status, 200);
    assert!(hub.stop().success());
    let log = std::fs::read_to_string(place.path("server.log")).unwrap();
    assert_eq!(log.matches("503 until it is there").count(), 1, "{log}");
}

#[test]
fn one_that_waits_can_be_stopped() {
    let postgres = Postgres::start(OPTIONS);
    let (place, store) = (Place::new(), postgres.database());
    postgres.crash();
    let hub = Server::start(&mut command(&place, &store), place.log());
    assert_eq!(hub.get("/readyz", "").status, 503);
    assert!(hub.stop().success());
}

#[test]
fn what_does_not_pass_by_itself_still_ends_it() {
    let place = Place::new();
    let postgres = Postgres::start(OPTIONS);
    let store = postgres.database();
    postgres.wants_passwords();
    assert!(is_refused(&mut command(&place, &store)).contains("password"));
    let store = shared().database();
    assert!(is_refused(&mut command(&place, &store.replace("//hub@", "//postgres@"))).contains("BYPASSRLS"));
    let store = shared().database_of_one_role();
    connected(&store, async |client| {
        let sql = "create table hub_migrations (name text primary key, begun_at timestamptz, done_at timestamptz);
            insert into hub_migrations (name) values ('001_initial')";
        client.batch_execute(sql).await.unwrap();
    });
    assert!(is_refused(&mut command(&place, &store)).contains("001_initial began and did not finish"));
}
