//! A damaged database file: the server says so at the start, and names what is wrong.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::place::Ended;
use crate::support::server::Answer;
use crate::support::{Place, Server, world};

const PAGE: usize = 4_096;

/// The database of `place` with `bytes` flipped, under another name and with its key.
fn damaged(place: &Place, name: &str, bytes: &[(usize, u8)]) -> PathBuf {
    let mut file = std::fs::read(place.db()).unwrap();
    for (at, mask) in bytes {
        file[*at] ^= mask;
    }
    let _ = std::fs::copy(place.path("telecomx.db.key"), place.path(&format!("{name}.key")));
    let path = place.put(name, file);
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

fn doctor(place: &Place, db: &Path) -> bool {
    place.command(&["doctor", "--db"]).arg(db).output().unwrap().status.success()
}

/// Asks whether the server is ready, once it has looked at its database: a large one takes longer than the start waits.
fn readiness(place: &Place, server: &Server) -> Answer {
    let is_examined =
        || std::fs::read_to_string(place.path("server.log")).unwrap().contains("the database was examined");
    while !is_examined() {
        assert_eq!(server.get("/healthz", "").status, 200);
    }
    server.get("/readyz", "")
}

/// Whether a server that is started on `db` says that it is ready; `None` when it does not start.
fn is_ready(place: &Place, db: &Path) -> Option<bool> {
    place.put("server.log", "");
    let mut command: Command = place.command(&["serve", "--listen", "127.0.0.1:0", "--db"]);
    let server = Server::try_start(command.arg(db), place.log())?;
    let status = readiness(place, &server).status;
    server.kill();
    Some(status == 200)
}

/// A database of some pages in each table.
fn place() -> Place {
    Place::holding(&world::with_large_configs(30))
}

#[test]
fn damage_that_the_doctor_finds_is_found_at_the_start_and_said() {
    let place = place();
    let length = std::fs::metadata(place.db()).unwrap().len() as usize;
    let pages = length / PAGE;
    let (mut visible, mut missed) = (0, vec![]);
    // In each page in turn: its kind, its count of cells, a pointer, what is in its middle, and what is at its end.
    for page in (0..pages).step_by(29) {
        for (place_in_page, mask) in [(0, 0x08), (4, 0x41), (9, 0x10), (PAGE / 2, 0x21), (PAGE - 40, 0x5a)] {
            let at = page * PAGE + place_in_page + if page == 0 { 100 } else { 0 };
            if at >= length {
                continue;
            }
            let name = format!("damaged-{page}-{place_in_page}.db");
            let db = damaged(&place, &name, &[(at, mask)]);
            if doctor(&place, &db) {
                continue;
            }
            visible += 1;
            if is_ready(&place, &db) == Some(true) {
                missed.push(name);
            }
        }
    }
    assert!(visible > 12, "only {visible} of them are visibly damaged");
    assert!(missed.is_empty(), "{} of {visible} are served as if nothing was wrong: {missed:?}", missed.len());
}

#[test]
fn what_is_wrong_is_in_the_answer_in_the_log_and_in_the_figures() {
    let place = Place::with_world();
    place.sqlite().execute_batch("drop trigger audit_no_update").unwrap();
    let server = place.serve();
    let answer = readiness(&place, &server);
    assert_eq!((answer.status, answer.body["status"].as_str()), (503, Some("failing")), "{answer:?}");
    let problem = answer.body["problems"][0].as_str().unwrap();
    assert!(problem.contains("damaged (schema)") && problem.contains("doctor"), "{problem}");
    assert_eq!(server.get("/healthz", "").status, 200);
    assert!(server.stop().success());
    let log = std::fs::read_to_string(place.path("server.log")).unwrap();
    assert!(log.contains("the database is damaged: schema: ") && log.contains("audit_no_update"), "{log}");
}

#[test]
fn a_sound_database_is_ready_from_the_first_answer_on() {
    for world in [world::small(), world::with_employees(300), world::with_large_configs(30)] {
        let place = Place::holding(&world);
        let server = place.serve();
        assert_eq!(server.get("/readyz", "").status, 200);
        let answer = readiness(&place, &server);
        assert_eq!((answer.status, answer.body.to_string()), (200, r#"{"status":"ok"}"#.into()));
        assert!(server.stop().success());
        place.command(&["doctor", "--db"]).arg(place.db()).output().unwrap().stdout_of_success();
    }
}
