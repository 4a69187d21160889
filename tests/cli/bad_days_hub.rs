//! The sections of docs/operations/bad-days.md that are about a hub, played as `bad_days` plays the others.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::json;

use crate::bad_days::{DB, Day};
use crate::mirror_pair::{self, Hub, HubPlace, is_proved, sync, world_with_operator};
use crate::support::place::succeeds;
use crate::support::{Place, Server, world};

const HUB: &str = "/var/lib/telecomx-hub/hub.db";
const HUB_URL: &str = "https://hub.example.com:8444";

/// A server with an authenticator key, mirrored to a hub, and the hub.
fn mirrored() -> (HubPlace, Hub, Place, String) {
    let mut world = world_with_operator(0);
    world["employees"][1]["authenticatorKey"] = json!("OQYGCZBRGE3TQOBZOQYGCZBRGE3TQOBZ");
    mirror_pair::mirrored(&world)
}

#[test]
fn key_file_lost() {
    let (hub_place, hub, place, operator) = mirrored();
    std::fs::remove_file(place.path("telecomx.db.key")).unwrap();
    let sentence = place.refused(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(sentence.contains("the key file") && sentence.contains("is missing, and without it"), "{sentence}");
    let day = Day::of("Key file lost")
        .with(DB, place.db())
        .with(HUB, hub_place.place.path("hub.db"))
        .with("ORIGIN", hub.origin())
        .with(HUB_URL, &hub.server.url);
    // As the page says, on a free port.
    let begun = Server::start(&mut on_free_port(&day, &place, 0), place.log());
    assert!(begun.stop().success());
    let log = std::fs::read_to_string(place.path("server.log")).unwrap();
    assert!(log.contains("1 authenticator key and the token for the hub can never be read again"), "{log}");
    let code = day.run(&place, 1);
    let day = day.with("CODE", code.trim());
    assert!(day.run(&place, 2).contains("in the place of Bakery"));
    let edge = place.serve();
    sync(&edge, &operator);
    is_proved(&edge, &operator);
    let admin = place.path("telecomx.db.key");
    assert_eq!(std::fs::metadata(admin).unwrap().permissions().mode() & 0o777, 0o600);
}

/// The command of the page, which serves, on a free port and as its own process.
fn on_free_port(day: &Day, place: &Place, n: usize) -> Command {
    let text = day.commands[n].replace(DB, place.db().to_str().unwrap());
    let mut words = text.split_whitespace();
    assert_eq!(words.next(), Some("telecomx-local"));
    let mut command = place.command(&words.collect::<Vec<_>>());
    command.args(["--listen", "127.0.0.1:0"]);
    command
}

#[test]
fn machine_lost_with_a_backup_or_with_a_hub() {
    let (hub_place, hub, old, _) = mirrored();
    old.run(&["backup", "telecomx-newest.db"]);
    let exported = old.run(&["export", "--with-secrets"]);
    let new = Place::new();
    let day = Day::of("Machine lost")
        .with("/backup", old.folder())
        .with("/safe", old.folder())
        .with(DB, new.db())
        .with(HUB, hub_place.place.path("hub.db"))
        .with(HUB_URL, &hub.server.url)
        .with("ORIGIN", hub.origin());
    assert!(day.run(&new, 0).contains("put the key file back"));
    for n in 1..3 {
        day.run(&new, n);
    }
    assert_eq!(new.run(&["export", "--with-secrets"]), exported);

    let third = Place::new();
    let code = day.run(&third, 3);
    let day = Day::of("Machine lost").with(HUB_URL, &hub.server.url).with("CODE", code.trim()).with(DB, third.db());
    assert!(day.run(&third, 4).contains("restored Bakery"));
    third.put("new-password", "A-new-Passw0rd-for-me\n");
    let name = login_of_manager(&third);
    let day = day.with("you@example.com", name);
    assert!(day.run(&third, 5).contains("is changed"));
    assert!(third.serve().stop().success());
}

fn login_of_manager(place: &Place) -> String {
    let sql = "select email_address from employees where id = ?1";
    place.sqlite().query_row(sql, [world::MANAGER], |row| row.get(0)).unwrap()
}

#[test]
fn hub_lost() {
    let (hub_place, hub, place, operator) = mirrored();
    let backup = hub_place.place.path("hub-newest.db");
    let store = hub_place.store();
    succeeds(hub_place.place.command(&["hub", "backup", "--store", &store, "--to"]).arg(&backup));
    let address = hub.server.address().to_owned();
    hub.server.kill();
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(hub_place.place.path(&format!("hub.db{end}")));
    }
    let day = Day::of("Hub lost").with("/backup", hub_place.place.folder()).with(HUB, hub_place.place.path("hub.db"));
    day.run(&hub_place.place, 0);
    assert!(day.run(&hub_place.place, 1).contains("intact"));
    let hub = hub_place.start_at(&address, &[]);
    let edge = place.serve();
    assert_eq!(sync(&edge, &operator)["consistent"], json!(true));
    is_proved(&edge, &operator);
    assert!(edge.stop().success());
    drop(hub);

    // Without a backup, a new hub.
    let fresh = HubPlace::new();
    let hub = fresh.start();
    let day =
        Day::of("Hub lost").with(HUB, fresh.place.path("hub.db")).with(HUB_URL, &hub.server.url).with(DB, place.db());
    let code = day.run(&fresh.place, 2);
    assert!(day.with("CODE", code.trim()).run(&place, 3).contains("enrolled with"));
    let edge = place.serve();
    assert_eq!(sync(&edge, &operator)["consistent"], json!(true));
    is_proved(&edge, &operator);
}

#[test]
fn hub_moved() {
    let (hub_place, hub, place, operator) = mirrored();
    assert!(hub.server.stop().success());
    // The same store at another port.
    let hub = hub_place.start();
    let day = Day::of("Hub moved").with(HUB_URL, &hub.server.url).with(DB, place.db());
    assert!(day.run(&place, 0).contains("goes on with the hub at"));
    let edge = place.serve();
    assert_eq!(sync(&edge, &operator)["consistent"], json!(true));
    assert_eq!(hub.only()["resets"].as_i64().unwrap_or(0), 0, "nothing is sent again");
    is_proved(&edge, &operator);
}
