//! The file that holds a hub's administrator's token: treated as a server's key file is.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::mirror_pair::HubPlace;
use crate::support::place::is_refused;
#[cfg(feature = "postgres")]
use crate::support::postgres::shared;
use crate::support::server::within;
#[cfg(feature = "postgres")]
use crate::support::{Place, Server};

/// A store whose token file has been taken away.
fn without_token() -> (HubPlace, PathBuf) {
    let hub_place = HubPlace::new();
    assert!(hub_place.start().server.stop().success());
    let token = hub_place.place.path("hub.db.admin-token");
    std::fs::remove_file(&token).unwrap();
    (hub_place, token)
}

fn refused(hub_place: &HubPlace) -> String {
    let arguments = ["hub", "--store", &hub_place.store(), "--listen", "127.0.0.1:0"];
    let mut command = hub_place.place.command(&arguments);
    within(Duration::from_secs(60), move || is_refused(&mut command))
}

#[test]
fn one_that_others_can_use_is_taken_from_them_with_a_warning() {
    let hub_place = HubPlace::new();
    let first = hub_place.start();
    assert!(first.server.stop().success());
    let token = hub_place.place.path("hub.db.admin-token");
    std::fs::set_permissions(&token, Permissions::from_mode(0o644)).unwrap();
    for _ in 0..2 {
        let again = hub_place.start();
        assert_eq!(again.admin, first.admin);
        assert!(again.server.stop().success());
    }
    assert_eq!(std::fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    let log = std::fs::read_to_string(hub_place.place.path("server.log")).unwrap();
    assert_eq!(log.matches("hub.db.admin-token could be used by others (mode 644)").count(), 1, "{log}");
}

#[cfg(feature = "postgres")]
#[test]
fn one_for_a_postgresql_is_taken_from_others_too() {
    let (place, store) = (Place::new(), shared().database());
    let start = || {
        let arguments = ["hub", "--store", &store, "--listen", "127.0.0.1:0"];
        assert!(Server::start(&mut place.command(&arguments), place.log()).stop().success());
    };
    start();
    let token = place.path("telecomx-local-hub.admin-token");
    std::fs::set_permissions(&token, Permissions::from_mode(0o640)).unwrap();
    start();
    assert_eq!(std::fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    let log = std::fs::read_to_string(place.path("server.log")).unwrap();
    assert_eq!(log.matches("telecomx-local-hub.admin-token could be used by others (mode 640)").count(), 1, "{log}");
}

#[test]
fn a_pipe_in_its_place_is_refused_at_once() {
    let (hub_place, token) = without_token();
    assert!(Command::new("mkfifo").arg(&token).status().unwrap().success());
    let sentence = refused(&hub_place);
    assert!(sentence.contains("hub.db.admin-token is not a token file, but no regular file at all"), "{sentence}");
}

#[test]
fn a_link_to_one_that_is_not_there_is_refused_and_kept() {
    let (hub_place, token) = without_token();
    symlink(hub_place.place.path("mounted/later"), &token).unwrap();
    let sentence = refused(&hub_place);
    assert!(sentence.contains("hub.db.admin-token is a link to a token file that is not there"), "{sentence}");
    assert!(token.is_symlink());
}

#[test]
fn one_that_holds_no_token_is_refused_and_kept() {
    let (hub_place, token) = without_token();
    std::fs::write(&token, "secret").unwrap();
    let sentence = refused(&hub_place);
    assert!(sentence.contains("holds no token of this program: put the right one back"), "{sentence}");
    assert_eq!(std::fs::read_to_string(&token).unwrap(), "secret");
}
