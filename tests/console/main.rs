//! The console in Debian's Chromium: real servers, real data, a real browser. The scenarios are the `.mjs` files beside this one.
//!
//! Pictures of every page are kept in `target/console-screenshots`; with `CONSOLE_IMAGES=docs/images` those of the documentation are made
//! anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects, and fails")]

#[path = "../platform/appliance.rs"]
#[allow(dead_code, reason = "each test binary uses a part of it")]
mod appliance;
#[path = "../cli/mirror_pair.rs"]
#[allow(dead_code, reason = "each test binary uses a part of it")]
mod mirror_pair;
#[path = "../support/mod.rs"]
mod support;
mod vendored;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use strum::VariantNames;
use telecomx_local::domain::audit;

use appliance::{ANNA, Appliance, OWN_ADMIN, OWN_PASSWORD, round};
use mirror_pair::{Hub, HubPlace};
use support::server::within;
use support::{Place, needs};

/// Emma Counter of the demo world.
const EMMA: &str = "e00000000000000000000405";
/// How long a scenario may take on a busy machine.
const SCENARIO: Duration = Duration::from_secs(400);
/// Markup, a script, a template, quotes, and letters that are written from right to left.
const HOSTILE: &str =
    r#"<img src=x onerror="window.ran=1"><b id="injected">${1}</b></script><script>window.ran=1</script>'"`&lt; שלום"#;
/// Marks that turn the direction of text around. Names cannot hold them; content that is stored as it is given can.
const MARKS: &str = "\u{202e}\u{2067}\u{200f}";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn demo() -> Value {
    serde_json::from_str(&std::fs::read_to_string(root().join("sql/seed/demo.json")).unwrap()).unwrap()
}

/// Node with a script of this folder, the tools that it needs, and the folders for pictures.
fn node(script: &str) -> Command {
    let mut node = Command::new("node");
    node.arg(root().join("tests/console").join(script)).current_dir(root());
    node.env("CONSOLE_TOOLS", root().join("target/tools/browser"));
    node.env("CONSOLE_SHOTS", root().join("target/console-screenshots"));
    if let Some(folder) = std::env::var_os("CONSOLE_IMAGES") {
        node.env("CONSOLE_IMAGES", root().join(PathBuf::from(folder)));
    }
    node
}

/// Plays a scenario, which must succeed; gives what it answers.
fn play(scenario: &str, given: &Value) -> Value {
    let mut node = node(scenario);
    node.arg(given.to_string());
    let output = within(SCENARIO, move || node.output().unwrap());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{scenario}: {text}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(text.trim().lines().last().unwrap_or("null")).unwrap()
}

fn plays_on_the_demo_world(scenario: &str) {
    if !needs("playwright-core") {
        return;
    }
    let place = Place::new();
    let server = place.serve_with(&["--demo"]);
    play(scenario, &json!({ "url": server.url }));
    assert!(server.stop().success());
}

#[test]
fn signing_in_says_what_is_wrong_asks_for_a_second_factor_and_weighs_little() {
    plays_on_the_demo_world("sign_in.mjs");
}

#[test]
fn a_config_is_copied_onto_five_with_a_preview_and_undone() {
    plays_on_the_demo_world("copies.mjs");
}

#[test]
fn a_config_is_edited_by_keyboard_and_by_drag() {
    plays_on_the_demo_world("editor.mjs");
}

#[test]
fn the_audit_trail_shows_what_changed_and_lists_follow_it() {
    plays_on_the_demo_world("history.mjs");
}

#[test]
fn every_page_is_accessible_and_fits_a_phone() {
    plays_on_the_demo_world("pages.mjs");
}

/// A hub, and the demo world enrolled with it.
fn enrolled() -> (HubPlace, Hub, Place) {
    let hub_place = HubPlace::new();
    let hub = hub_place.start();
    let place = Place::holding(&demo());
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery, Main Street")]);
    (hub_place, hub, place)
}

#[test]
fn the_centre_and_its_fleet_show_how_they_stand_and_a_code_enrols() {
    if !needs("playwright-core") {
        return;
    }
    let (_hub_place, hub, place) = enrolled();
    let server = place.serve();
    let answer = play("hub.mjs", &json!({ "url": server.url, "hub": hub.server.url, "token": hub.admin }));
    assert!(server.stop().success());
    let second = Place::holding(&demo());
    let said = second.run(&["sync", "enroll", &hub.server.url, answer["code"].as_str().unwrap()]);
    assert!(said.contains("Florist"), "{said}");
    assert!(hub.server.stop().success());
}

/// Spoils the config of an employee, as a bad disk might, past the triggers.
fn spoil(place: &Place, employee: &str) {
    let high: i64 = place.sqlite().query_row("select high from feed", [], |row| row.get(0)).unwrap();
    let conn = place.sqlite_as_program(high + 1);
    let text = "[{";
    let content = "insert into contents (digest, text) values (?1, ?2)";
    conn.execute(content, (audit::digest(text.as_bytes()), text)).unwrap();
    let spoilt = "update mobile_configs set content = (select max(id) from contents), chg = ?2 where id = ?1";
    assert_eq!(conn.execute(spoilt, (employee, high + 1)).unwrap(), 1);
}

#[test]
fn a_row_in_quarantine_is_shown_on_both_sides_sent_again_and_given_up() {
    if !needs("playwright-core") {
        return;
    }
    let (_hub_place, hub, place) = enrolled();
    place.run(&["sync", "run"]);
    spoil(&place, EMMA);
    let server = place.serve();
    let given = json!({ "url": server.url, "hub": hub.server.url, "token": hub.admin, "row": EMMA });
    play("quarantine.mjs", &given);
    assert!(server.stop().success());
    assert!(hub.server.stop().success());
}

#[test]
fn a_conflict_with_the_platform_is_settled_by_one_click() {
    if !needs("playwright-core") {
        return;
    }
    let pair = Appliance::connected();
    let (here, token) = pair.serve(&[]);
    let there = pair.there_token();
    // Nobody here has heard of the change there.
    pair.there.post(&format!("/employee/{ANNA}"), &there, &json!({ "title": "Theirs" }));
    here.post(&format!("/employee/{ANNA}"), &token, &json!({ "title": "Mine" }));
    assert_eq!(round(&here, &token)["conflicts"], 1);
    play("conflict.mjs", &json!({ "url": here.url, "username": OWN_ADMIN, "password": OWN_PASSWORD }));
    assert_eq!(round(&here, &token)["conflicts"], 0);
    assert_eq!(pair.there.get(&format!("/employee/{ANNA}"), &there).body["title"], "Mine");
    assert!(here.stop().success());
}

/// The demo world with hostile text wherever a person can write.
fn hostile_world() -> Value {
    let mut world = demo();
    let fill = |list: &mut Value, names: &[&str]| {
        for object in list.as_array_mut().unwrap() {
            for name in names {
                object[name] = json!(HOSTILE);
            }
        }
    };
    fill(&mut world["customers"], &["name"]);
    fill(&mut world["employees"], &["name", "title", "department"]);
    fill(&mut world["queues"], &["name"]);
    for customer in world["customers"].as_array_mut().unwrap() {
        fill(&mut customer["addresses"], &["address", "city"]);
    }
    for config in world["mobileConfigs"].as_array_mut().unwrap() {
        let sections = config["configs"].as_array_mut().unwrap();
        for section in sections.iter_mut() {
            for list in ["items", "others"] {
                fill(&mut section[list], &["name"]);
            }
        }
        let marked = format!("{MARKS}{HOSTILE}");
        sections.push(json!({ "type": "<b id=\"injected\">", "data": "W".repeat(1_000_000), "html": marked }));
    }
    world
}

#[test]
fn hostile_text_in_every_field_does_nothing_in_any_page() {
    if !needs("playwright-core") {
        return;
    }
    let hub_place = HubPlace::new();
    let hub = hub_place.start();
    let place = Place::holding(&hostile_world());
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code(HOSTILE)]);
    place.run(&["sync", "run"]);
    let server = place.serve();
    let given = json!({ "url": server.url, "text": HOSTILE, "hub": hub.server.url, "token": hub.admin });
    play("hostile.mjs", &given);
    assert!(server.stop().success());
    assert!(hub.server.stop().success());
}

#[test]
fn both_languages_say_everything() {
    if !needs("node") {
        return;
    }
    let trail = json!({ "section": audit::sections(), "action": audit::Action::VARIANTS });
    let output = node("texts.mjs").arg(root().join("src/console/static")).arg(trail.to_string()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
