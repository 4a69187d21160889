//! An edge whose disk is full: changes are refused, and the mirror goes on.

use serde_json::json;

use super::mirror_pair::{HubPlace, OPERATOR, is_proved, sync, world_with_operator};
use crate::support::disk::SmallDisk;
use crate::support::{Place, Server, needs, world};

fn write(edge: &Server, writer: &str, n: usize) -> u16 {
    let body = json!({ "configs": [{ "type": "NUMBER", "n": n, "padding": "x".repeat(30_000) }] });
    edge.post(&world::config_path(&world::nth(n % 30)), writer, &body).status
}

#[test]
fn reads_and_the_mirror_go_on_and_it_recovers_by_itself() {
    if !needs("mount") {
        return;
    }
    let (hub_place, place) = (HubPlace::new(), Place::holding(&world_with_operator(30)));
    let hub = hub_place.start();
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    let (writer, operator) = (place.token(), place.token_of(OPERATOR));
    let disk = SmallDisk::at(place.path("disk"), "32m");
    let db = disk.path().join("telecomx.db");
    std::fs::copy(place.db(), &db).unwrap();
    std::fs::copy(place.path("telecomx.db.key"), disk.path().join("telecomx.db.key")).unwrap();
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![0; 10 << 20]).unwrap();
    let serve = || Server::start(place.command(&["serve", "--listen", "127.0.0.1:0", "--db"]).arg(&db), place.log());
    let edge = serve();
    assert_eq!(std::fs::metadata(disk.path().join("telecomx.db.reserve")).unwrap().len(), 8 << 20);

    // The hub is away while the disk fills up.
    assert!(hub.server.stop().success());
    let mut answered = 0;
    while write(&edge, &writer, answered) == 200 {
        answered += 1;
        assert!(answered < 3_000, "the disk never fills up");
    }
    assert!(answered > 30);
    for _ in 0..5 {
        assert_eq!(write(&edge, &writer, 0), 507);
    }
    assert_eq!(edge.get(&world::config_path(&world::nth(0)), &writer).status, 200);
    // The line is a new one, and so is its address; the mirror writes where it stands, full disk or not.
    let hub = hub_place.start();
    rusqlite::Connection::open(&db).unwrap().execute("update sync_state set hub = ?1", [&hub.server.url]).unwrap();
    let status = sync(&edge, &operator);
    assert_eq!(status["consistent"], true, "{status}");
    is_proved(&edge, &operator);
    assert_eq!(hub.only()["diskFull"], true, "{}", hub.only());
    for _ in 0..5 {
        assert_eq!(write(&edge, &writer, 0), 507, "the room kept back is not for callers");
        assert_eq!(sync(&edge, &operator)["lastError"], json!(null));
    }

    // Power comes and goes; the disk stays as it is.
    edge.kill();
    let edge = serve();
    for _ in 0..5 {
        assert_eq!(write(&edge, &writer, 0), 507, "nor is it after a restart");
    }
    assert_eq!(sync(&edge, &operator)["lastError"], json!(null));
    assert_eq!(hub.only()["diskFull"], true, "{}", hub.only());

    std::fs::remove_file(ballast).unwrap();
    assert_eq!(write(&edge, &writer, 1), 200, "there is room again");
    assert_eq!(std::fs::metadata(disk.path().join("telecomx.db.reserve")).unwrap().len(), 8 << 20);
    assert_eq!(sync(&edge, &operator)["consistent"], true);
    assert_eq!(hub.only()["diskFull"], false);
    assert!(edge.stop().success());
    crate::support::place::succeeds(place.command(&["doctor", "--db"]).arg(&db));
}

#[test]
fn what_cannot_even_be_written_down_is_told_all_the_same() {
    if !needs("mount") {
        return;
    }
    let (hub_place, place) = (HubPlace::new(), Place::holding(&world_with_operator(3)));
    let hub = hub_place.start();
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    let operator = place.token_of(OPERATOR);
    // Too small for any room to be kept back.
    let disk = SmallDisk::at(place.path("disk"), "3m");
    let db = disk.path().join("telecomx.db");
    std::fs::copy(place.db(), &db).unwrap();
    std::fs::copy(place.path("telecomx.db.key"), disk.path().join("telecomx.db.key")).unwrap();
    let edge = Server::start(place.command(&["serve", "--listen", "127.0.0.1:0", "--db"]).arg(&db), place.log());
    let ballast = disk.fill();
    for told in [sync(&edge, &operator), edge.get("/sync/status", &operator).body] {
        assert!(told["lastError"].as_str().unwrap().contains("disk is full"), "{told}");
    }
    std::fs::remove_file(ballast).unwrap();
    let status = sync(&edge, &operator);
    assert_eq!((&status["lastError"], &status["consistent"]), (&json!(null), &json!(true)));
}
