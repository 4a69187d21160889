//! A disk that fills up under the real server: writes are told so, reads go on, nothing answered is lost.

use std::path::Path;

use serde_json::json;

use crate::support::disk::SmallDisk;
use crate::support::{Place, Server, needs, world};

fn serve(place: &Place, db: &Path) -> Server {
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0", "--db"]);
    Server::start(command.arg(db), place.log())
}

fn write(server: &Server, token: &str, n: usize, padding: usize) -> u16 {
    let body = json!({ "configs": [{ "type": "NUMBER", "n": n, "padding": "x".repeat(padding) }] });
    server.post(&world::config_path(world::ANNA), token, &body).status
}

fn number(server: &Server, token: &str) -> u64 {
    let answer = server.get(&world::config_path(world::ANNA), token);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["configs"][0]["n"].as_u64().unwrap()
}

#[test]
fn writes_are_told_reads_go_on_and_with_room_writes_go_on() {
    if !needs("mount") {
        return;
    }
    let place = Place::with_world();
    let token = place.token();
    let disk = SmallDisk::at(place.path("disk"), "3m");
    let db = disk.path().join("telecomx.db");
    std::fs::copy(place.db(), &db).unwrap();
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![0; 1 << 20]).unwrap();
    let server = serve(&place, &db);

    // Large ones until one does not fit, then small ones until none does.
    let mut last = 0;
    for padding in [40_000, 2_000, 10] {
        let status = loop {
            assert!(last < 3_000, "the disk never fills up");
            match write(&server, &token, last + 1, padding) {
                200 => last += 1,
                other => break other,
            }
        };
        assert_eq!(status, 507, "with {padding} bytes");
        assert_eq!(number(&server, &token), last as u64, "what was answered is there, what was not is not");
    }
    assert!(last > 5);
    for _ in 0..20 {
        assert_eq!(number(&server, &token), last as u64);
    }
    let list = server.get("/pbx/app/mobileconfig", &token);
    assert_eq!(list.status, 200, "{list:?}");
    let everything = crate::support::place::succeeds(place.command(&["export", "--db"]).arg(&db));
    assert!(everything.contains(&format!("\"n\":{last},")));

    std::fs::remove_file(&ballast).unwrap();
    assert_eq!(write(&server, &token, last + 1, 40_000), 200, "there is room again");
    assert_eq!(server.get("/readyz", "").status, 200);
    assert!(server.stop().success());
    crate::support::place::succeeds(place.command(&["doctor", "--db"]).arg(&db));
    let server = serve(&place, &db);
    assert_eq!(number(&server, &token), last as u64 + 1);
}

#[test]
fn a_kill_on_a_full_disk_loses_nothing_either() {
    if !needs("mount") {
        return;
    }
    let place = Place::with_world();
    let token = place.token();
    let disk = SmallDisk::at(place.path("disk"), "3m");
    let db = disk.path().join("telecomx.db");
    std::fs::copy(place.db(), &db).unwrap();
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![0; 1 << 20]).unwrap();
    let server = serve(&place, &db);
    let mut last = 0;
    while write(&server, &token, last + 1, 40_000) == 200 {
        last += 1;
    }
    server.kill();
    // Whatever a start on a full disk comes to, the file is whole when there is room again.
    let started = place.command(&["token", "create", "--employee", world::ANNA, "--db"]).arg(&db).output().unwrap();
    assert!(started.status.code().is_some(), "{started:?}");
    std::fs::remove_file(&ballast).unwrap();
    let server = serve(&place, &db);
    assert_eq!(number(&server, &token), last as u64);
    assert_eq!(write(&server, &token, last + 1, 10), 200);
    assert!(server.stop().success());
    crate::support::place::succeeds(place.command(&["doctor", "--db"]).arg(&db));
}

#[test]
fn a_server_starts_on_a_full_disk_and_reads() {
    if !needs("mount") {
        return;
    }
    let place = Place::with_world();
    let token = place.token();
    let disk = SmallDisk::at(place.path("disk"), "3m");
    let db = disk.path().join("telecomx.db");
    std::fs::copy(place.db(), &db).unwrap();
    let server = serve(&place, &db);
    assert_eq!(write(&server, &token, 1, 10), 200);
    server.kill();
    let ballast = disk.fill();
    let server = serve(&place, &db);
    assert_eq!(number(&server, &token), 1);
    assert_eq!(write(&server, &token, 2, 10), 507);
    assert_eq!(number(&server, &token), 1);
    std::fs::remove_file(ballast).unwrap();
    assert_eq!(write(&server, &token, 3, 10), 200, "there is room again");
    assert!(server.stop().success());
    crate::support::place::succeeds(place.command(&["doctor", "--db"]).arg(&db));
}

#[test]
fn on_a_full_disk_access_can_still_be_taken_away() {
    if !needs("mount") {
        return;
    }
    let mut world = world::with_employees(3);
    world["employees"][0]["accessLevel"] = json!("OWNER");
    let place = Place::holding(&world);
    let (token, lost) = (place.token(), place.token_of(world::ANNA));
    let disk = SmallDisk::at(place.path("disk"), "16m");
    let db = disk.path().join("telecomx.db");
    std::fs::copy(place.db(), &db).unwrap();
    let server = serve(&place, &db);
    assert_eq!(write(&server, &token, 1, 10), 200);
    let ballast = disk.fill();
    let employee = |n: usize| format!("/employee/{}", world::nth(n));
    // The first of them is the first to find the disk full.
    for (n, change) in [
        (0, json!({ "state": "DISABLED" })),
        (1, json!({ "accessLevel": "NO_LOGIN" })),
        (2, json!({ "state": "DISABLED", "accessLevel": "NO_LOGIN" })),
    ] {
        let answer = server.post(&employee(n), &token, &change);
        assert_eq!(answer.status, 200, "{change}: {answer:?}");
    }
    assert_eq!(server.delete(&format!("/employee/{}/token/{lost}", world::ANNA), &token).status, 200);
    assert_eq!(server.get("/pbx/app/queues", &lost).status, 401);
    assert_eq!(server.delete(&employee(1), &token).status, 200);
    assert_eq!(server.get("/auth/logout", &token).status, 200);
    // Whatever else is asked for is refused, also beside what takes access away.
    for change in [
        json!({ "state": "ENABLED" }),
        json!({ "accessLevel": "MANAGER" }),
        json!({ "state": "DISABLED", "name": "N" }),
    ] {
        assert_eq!(server.post(&employee(0), &token, &change).status, 507, "{change}");
    }
    let ready = server.get("/readyz", "");
    assert!(ready.status == 503 && ready.body["problems"][0].as_str().unwrap().contains("disk is full"), "{ready:?}");
    std::fs::remove_file(ballast).unwrap();
    assert_eq!(server.get("/readyz", "").status, 200, "there is room again");
    assert_eq!(server.get(&employee(0), &token).body["state"], "DISABLED");
    assert!(server.stop().success());
    crate::support::place::succeeds(place.command(&["doctor", "--db"]).arg(&db));
}

#[test]
fn a_first_start_without_room_says_so_and_with_room_works() {
    if !needs("mount") {
        return;
    }
    let place = Place::new();
    // From nothing at all to all but the last: whatever is the first not to fit.
    for pages in [0, 1, 2, 4, 8, 16, 32, 40] {
        let disk = SmallDisk::at(place.path(&format!("disk-{pages}")), "3m");
        let ballast = disk.fill();
        let length = std::fs::metadata(&ballast).unwrap().len();
        std::fs::File::options().write(true).open(&ballast).unwrap().set_len(length - pages * 4096).unwrap();
        let db = disk.path().join("telecomx.db");
        let mut command = place.command(&["serve", "--listen", "127.0.0.1:0", "--db"]);
        let sentence = crate::support::place::is_refused(command.arg(&db));
        let expected = "cannot be written: the disk is full; make room on it and try again";
        assert!(sentence.ends_with(expected) && sentence.contains("telecomx.db"), "{pages} pages: {sentence}");
        assert!(!disk.path().join("telecomx.db.key").exists(), "{pages} pages: half a key");
        std::fs::remove_file(ballast).unwrap();
        assert!(serve(&place, &db).stop().success(), "{pages} pages");
        crate::support::place::succeeds(place.command(&["doctor", "--db"]).arg(&db));
    }
}
