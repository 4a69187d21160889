//! `status`: one screen, and an exit code for monitoring.

use std::process::Command;

use serde_json::Value;

use crate::support::{Place, needs};

fn status(place: &Place, arguments: &[&str]) -> (Option<i32>, String) {
    let output = place.command(&[&["status"], arguments].concat()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_server_that_is_well_is_shown_on_one_screen_and_ends_with_0() {
    let place = Place::with_world();
    let db = place.db();
    let db = ["--db", db.to_str().unwrap()];
    let (code, stopped) = status(&place, &db);
    assert_eq!(code, Some(0), "{stopped}");
    assert!(
        stopped.contains("does not run") && stopped.contains("3 employees") && stopped.contains(" free"),
        "{stopped}"
    );
    assert!(stopped.lines().count() < 15 && !stopped.contains("ALARM"), "{stopped}");
    let server = place.serve();
    let (code, running) = status(&place, &db);
    assert!(code == Some(0) && running.contains("runs (process "), "{running}");
    let (_, json) = status(&place, &[&db[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["alarms"], &json["hub"]["enrolled"]), (&Value::Array(vec![]), &Value::Bool(false)), "{json}");
    assert!(json["server"]["process"].is_string() && json["database"]["bytes"].as_u64() > Some(0), "{json}");
    assert!(server.stop().success());
}

#[test]
fn what_needs_somebody_is_an_alarm_and_ends_with_1() {
    if !needs("openssl") {
        return;
    }
    let place = Place::with_world();
    let (cert, key) = (place.path("cert.pem"), place.path("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "5",
            "-subj",
            "/CN=localhost",
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output()
        .unwrap();
    assert!(made.status.success());
    let settings = format!("db = {:?}\ntls_cert = {cert:?}\ntls_key = {key:?}\n", place.db());
    let config = place.put("config.toml", settings);
    let (code, screen) = status(&place, &["--config", config.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{screen}");
    let alarm = screen.lines().find(|line| line.starts_with("ALARM")).unwrap();
    assert!(alarm.contains("cert.pem") && alarm.contains("days more"), "{alarm}");
    std::fs::write(&cert, "nonsense").unwrap();
    let (code, screen) = status(&place, &["--config", config.to_str().unwrap()]);
    assert!(code == Some(1) && screen.contains("cannot be read"), "{screen}");
}
