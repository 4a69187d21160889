//! A database reached by another name is the same database: one lock, one key, one log.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::place::{is_refused, succeeds};
use crate::support::{Place, Server, world};

/// A server of `place` on the database of this name.
fn command(place: &Place, db: &Path) -> Command {
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0", "--db"]);
    command.arg(db);
    command
}

fn serve(place: &Place, db: &Path) -> Server {
    Server::start(&mut command(place, db), place.log())
}

#[test]
fn after_a_kill_a_link_leads_to_all_that_was_answered() {
    let place = Place::with_world();
    let token = place.token();
    std::fs::create_dir(place.path("names")).unwrap();
    let link = place.path("names/link.db");
    symlink("../telecomx.db", &link).unwrap();
    let server = serve(&place, &link);
    let path = world::config_path(world::ANNA);
    // A file that has grown in its log only.
    let body = json!({ "configs": [{ "type": "LAST", "padding": "x".repeat(100_000) }] });
    assert_eq!(server.post(&path, &token, &body).status, 200);
    server.kill();
    let answer = serve(&place, &link).get(&path, &token);
    assert_eq!(answer.body["configs"][0]["type"], "LAST");
}

#[test]
fn a_link_has_no_files_of_its_own() {
    let place = Place::with_world();
    std::fs::create_dir(place.path("names")).unwrap();
    let link = place.path("names/link.db");
    symlink(place.db(), &link).unwrap();
    place.put("world.json", world::small().to_string());
    succeeds(place.command(&["import", "world.json", "--db"]).arg(&link));
    let server = serve(&place, &link);
    assert_eq!(std::fs::read_dir(place.path("names")).unwrap().count(), 1);
    assert!(server.stop().success());
}

#[test]
fn a_link_to_a_file_that_is_yet_to_be_made_is_one_database() {
    let place = Place::new();
    let link = place.path("link.db");
    symlink(place.db(), &link).unwrap();
    let first = serve(&place, &link);
    for name in [link.clone(), place.db()] {
        let sentence = is_refused(&mut command(&place, &name));
        assert!(sentence.contains(&format!("(process {})", first.pid)), "{sentence}");
    }
    assert!(first.stop().success());
    assert!(place.path("telecomx.db.key").exists() && !place.path("link.db.key").exists());
}

#[test]
fn an_import_with_faults_leaves_the_link_as_it_was() {
    let place = Place::new();
    let link = place.path("link.db");
    symlink(place.db(), &link).unwrap();
    place.put("faulty.json", json!({ "customers": [7] }).to_string());
    let import = place.command(&["import", "faulty.json", "--db"]).arg(&link).output().unwrap();
    assert_eq!(import.status.code(), Some(1));
    assert!(link.is_symlink() && !place.db().exists() && !place.path("telecomx.db.lock").exists());
}

#[test]
fn a_file_of_two_names_is_refused_under_both() {
    let place = Place::with_world();
    let other = place.path("other.db");
    std::fs::hard_link(place.db(), &other).unwrap();
    for name in [place.db(), other.clone()] {
        for mut refused in [command(&place, &name), place.command(&["export", "--db", name.to_str().unwrap()])] {
            let sentence = is_refused(&mut refused);
            assert!(sentence.contains("is one of 2 names of the same file") && sentence.contains("--db"), "{sentence}");
        }
    }
    assert!(!place.path("other.db.lock").exists() && !place.path("other.db.key").exists());
    std::fs::remove_file(&other).unwrap();
    assert!(place.serve().stop().success());
}

#[test]
fn what_is_no_regular_file_is_no_database() {
    let place = Place::new();
    assert!(Command::new("mkfifo").arg(place.db()).status().unwrap().success());
    let mut start = place.on_db(&["serve", "--listen", "127.0.0.1:0"]);
    let limit = std::time::Duration::from_secs(60);
    let sentence = crate::support::server::within(limit, move || is_refused(&mut start));
    assert!(sentence.contains("is no regular file"), "{sentence}");
}
