//! The file beside the database that secrets are sealed with.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::support::place::is_refused;
use crate::support::server::within;
use crate::support::{Place, world};

/// A place whose key file has been taken away.
fn without_key() -> (Place, PathBuf) {
    let place = Place::with_world();
    let key = place.path("telecomx.db.key");
    std::fs::remove_file(&key).unwrap();
    (place, key)
}

/// Has everything that reads the key refuse it; gives the sentences.
fn all_refuse(place: &Place) -> Vec<String> {
    place.put("world.json", world::small().to_string());
    let tools: [&[&str]; 3] =
        [&["serve", "--listen", "127.0.0.1:0"], &["import", "world.json"], &["export", "--with-secrets"]];
    tools
        .map(|tool| {
            let mut command = place.on_db(tool);
            within(Duration::from_secs(60), move || is_refused(&mut command))
        })
        .into()
}

#[test]
fn a_pipe_in_its_place_is_refused_at_once() {
    let (place, key) = without_key();
    assert!(Command::new("mkfifo").arg(&key).status().unwrap().success());
    for sentence in all_refuse(&place) {
        assert!(sentence.contains("telecomx.db.key is not a key file, but no regular file at all"), "{sentence}");
    }
}

#[test]
fn a_link_to_one_that_is_not_there_is_refused_and_kept() {
    let (place, key) = without_key();
    symlink(place.path("mounted/later.key"), &key).unwrap();
    for sentence in all_refuse(&place) {
        assert!(sentence.contains("telecomx.db.key is a link to a key file that is not there"), "{sentence}");
    }
    assert!(key.is_symlink());
}

#[test]
fn one_of_another_length_is_refused_and_kept() {
    let (place, key) = without_key();
    place.put("telecomx.db.key", "");
    for sentence in all_refuse(&place) {
        assert!(sentence.contains("is not a key file of 32 bytes: put the right one back"), "{sentence}");
    }
    assert_eq!(std::fs::metadata(&key).unwrap().len(), 0);
}

#[test]
fn one_that_others_can_use_is_taken_from_them_with_a_warning() {
    let place = Place::with_world();
    let key = place.path("telecomx.db.key");
    std::fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    assert!(place.serve().stop().success());
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(place.serve().stop().success());
    let log = std::fs::read_to_string(place.path("server.log")).unwrap();
    assert_eq!(log.matches("telecomx.db.key could be used by others (mode 644)").count(), 1, "{log}");
}
