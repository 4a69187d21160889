//! `--ephemeral`: nothing is left behind.

use std::path::PathBuf;

use crate::support::{Place, Server};

fn serve_ephemeral(place: &Place) -> Server {
    // Its log is elsewhere: the folder must be empty afterwards.
    let log = tempfile::tempfile().unwrap();
    Server::start(&mut place.command(&["serve", "--ephemeral", "--listen", "127.0.0.1:0"]), log)
}

fn holds(place: &Place) -> Vec<PathBuf> {
    std::fs::read_dir(place.folder()).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn it_leaves_nothing_behind() {
    let place = Place::new();
    let server = serve_ephemeral(&place);
    assert_eq!(holds(&place).len(), 1);
    assert!(server.stop().success());
    assert_eq!(holds(&place), Vec::<PathBuf>::new());
}

#[test]
fn it_removes_what_a_killed_one_left_but_not_what_a_running_one_uses() {
    let place = Place::new();
    let running = serve_ephemeral(&place);
    let in_use = holds(&place);
    serve_ephemeral(&place).kill();
    assert_eq!(holds(&place).len(), 2);
    assert!(serve_ephemeral(&place).stop().success());
    assert_eq!(holds(&place), in_use);
    assert_eq!(running.get("/readyz", "").status, 200);
    assert!(running.stop().success());
    assert_eq!(holds(&place), Vec::<PathBuf>::new());
}

#[test]
fn a_start_that_fails_leaves_nothing_either() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    crate::support::place::is_refused(&mut place.command(&["serve", "--ephemeral", "--listen", &address]));
    assert_eq!(holds(&place), Vec::<PathBuf>::new());
}

#[test]
fn it_does_not_go_together_with_a_database() {
    let output = Place::new().on_db(&["serve", "--ephemeral"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be used with"));
}
