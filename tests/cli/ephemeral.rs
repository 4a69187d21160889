//! `--ephemeral`: nothing is left behind.

use std::path::PathBuf;

use serde_json::json;

use crate::support::place::is_refused;
use crate::support::{Place, Server, world};

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
    is_refused(&mut place.command(&["serve", "--ephemeral", "--listen", &address]));
    assert_eq!(holds(&place), Vec::<PathBuf>::new());
}

#[test]
fn it_does_not_go_together_with_a_database() {
    let output = Place::new().on_db(&["serve", "--ephemeral"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be used with"));
}

#[test]
fn it_can_begin_with_what_a_document_holds() {
    let place = Place::new();
    let mut world = world::small();
    world["employees"][0]["password"] = json!("First-Passw0rd");
    let document = place.put("world.json", world.to_string());
    let mut command = place.command(&["serve", "--ephemeral", "--listen", "127.0.0.1:0", "--import"]);
    let server = Server::start(command.arg(&document), tempfile::tempfile().unwrap());
    let login = json!({ "username": format!("{}@example.com", world::MANAGER), "password": "First-Passw0rd" });
    let token = server.post("/auth/login", "", &login).body["token"].as_str().unwrap().to_owned();
    assert_eq!(server.get(&world::config_path(world::ANNA), &token).body["_id"], world::ANNA);
    assert!(server.stop().success());
    assert_eq!(holds(&place), [document]);
}

#[test]
fn a_document_that_cannot_be_imported_is_one_sentence_and_leaves_nothing() {
    let place = Place::new();
    let documents = [
        ("broken.json", "{\"customers\":[", "not a JSON object"),
        ("faulty.json", r#"{"customers":[{"_id":"c00000000000000000000001"}]}"#, "customers[0].name"),
        ("empty.json", "{}", "holds none of"),
    ];
    let serve = |name: &str| {
        is_refused(&mut place.command(&["serve", "--ephemeral", "--import", name, "--listen", "127.0.0.1:0"]))
    };
    for (name, text, expected) in documents {
        place.put(name, text);
        let sentence = serve(name);
        assert!(sentence.contains(name) && sentence.contains(expected), "{sentence}");
    }
    assert!(serve("missing.json").contains("missing.json cannot be read"));
    assert_eq!(holds(&place).len(), documents.len(), "no folder is left behind");
}

#[test]
fn a_document_is_imported_only_into_what_is_not_kept() {
    let place = Place::new();
    place.put("world.json", world::small().to_string());
    for other in [&["--listen", "127.0.0.1:0"][..], &["--ephemeral", "--demo"], &["--ephemeral=false"]] {
        let mut command = place.command(&["serve", "--import", "world.json"]);
        let sentence = is_refused(command.args(other));
        assert!(sentence.contains("--import goes with --ephemeral"), "{other:?}: {sentence}");
    }
}
