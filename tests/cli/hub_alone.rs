//! A store in a file has one hub; whoever only looks in does so beside it.

use std::os::unix::fs::symlink;

use super::mirror_pair::HubPlace;
use crate::support::place::{is_refused, succeeds};

/// The sentence with which a second hub on `store` ends.
fn second(hub_place: &HubPlace, store: &str) -> String {
    is_refused(&mut hub_place.place.command(&["hub", "--store", store, "--listen", "127.0.0.1:0"]))
}

#[test]
fn a_second_hub_on_the_same_file_ends_and_says_why() {
    let hub_place = HubPlace::new();
    let hub = hub_place.start();
    symlink("hub.db", hub_place.place.path("link.db")).unwrap();
    for name in ["hub.db", "link.db"] {
        let sentence = second(&hub_place, &format!("sqlite:{name}"));
        assert!(sentence.contains(&format!("(process {})", hub.server.pid)), "{sentence}");
        assert!(sentence.contains("is in use") && sentence.contains("choose another --store"), "{sentence}");
    }
    assert_eq!(hub.server.get("/readyz", "").status, 200);
    assert!(hub.server.stop().success());
    assert!(hub_place.start().server.stop().success());
}

#[test]
fn the_other_commands_go_on_beside_it() {
    let hub_place = HubPlace::new();
    let hub = hub_place.start();
    assert_eq!(hub_place.code("Bakery").len(), 32);
    let (store, place) = (hub_place.store(), &hub_place.place);
    succeeds(&mut place.command(&["hub", "backup", "--store", &store, "--to", "copy.db"]));
    let stay = is_refused(&mut place.command(&["hub", "move", "nobody", "--store", &store, "--stay"]));
    assert!(stay.contains("Origin not found"), "{stay}");
    assert!(hub.server.stop().success());
}

#[test]
fn after_a_kill_the_next_one_starts_at_once() {
    let hub_place = HubPlace::new();
    hub_place.start().server.kill();
    assert!(hub_place.place.path("hub.db.lock").exists());
    assert!(hub_place.start().server.stop().success());
}

#[test]
fn a_file_with_two_names_is_no_store() {
    let hub_place = HubPlace::new();
    assert!(hub_place.start().server.stop().success());
    std::fs::hard_link(hub_place.place.path("hub.db"), hub_place.place.path("other.db")).unwrap();
    let sentence = second(&hub_place, "sqlite:other.db");
    assert!(sentence.contains("hard links") && sentence.contains("choose another --store"), "{sentence}");
}

#[cfg(not(feature = "postgres"))]
#[test]
fn a_build_without_postgresql_says_so_in_one_sentence() {
    let place = crate::support::Place::new();
    for command in [&["hub", "--listen", "127.0.0.1:0"][..], &["hub", "enroll", "--name", "Bakery"]] {
        let sentence =
            is_refused(&mut place.command(&[command, &["--store", "postgres://hub@localhost/hub"]].concat()));
        assert!(sentence.contains("has no PostgreSQL") && sentence.contains("sqlite:PATH"), "{sentence}");
    }
}
