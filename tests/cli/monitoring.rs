//! The alert rules and the dashboard in docs/monitoring: sound, and about figures that a server or a hub really has.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::mirror_pair::{HubPlace, OPERATOR, sync, world_with_operator};
use crate::support::place::Ended;
use crate::support::{Place, needs};
use crate::tls::make_certificate;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/monitoring").join(name)
}

#[test]
fn promtool_finds_the_rules_sound_and_their_tests_pass() {
    if !needs("promtool") {
        return;
    }
    let promtool = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/promtool/promtool");
    for (what, name) in [("check", "alerts.yml"), ("test", "alerts_test.yml")] {
        let output = Command::new(promtool).args([what, "rules"]).arg(file(name)).output().unwrap();
        assert!(output.stdout_of_success().contains("SUCCESS"), "{what} {name}");
    }
    // A rule that no test mentions could be wrong for ever.
    let (rules, tests) = (text("alerts.yml"), text("alerts_test.yml"));
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 10);
    for alert in alerts {
        let raised = format!("alertname: {alert}\n");
        assert!(tests.contains(&raised), "no test raises {alert}");
    }
}

fn text(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

/// Names of figures in a text: those of ours, and those of the process.
fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_figure = |word: &&str| word.starts_with("telecomx_local_") || word.starts_with("process_");
    words.filter(is_figure).map(str::to_owned).collect()
}

/// Names of the figures that have a value in what `/metrics` printed.
fn names_printed(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(['{', ' ']).next().unwrap().to_owned()).collect()
}

#[test]
fn every_figure_that_they_name_is_printed_by_a_server_or_a_hub() {
    let (hub_place, place) = (HubPlace::new(), Place::holding(&world_with_operator(0)));
    if !make_certificate(&place) {
        return;
    }
    let hub = hub_place.start();
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    let operator = place.token_of(OPERATOR);
    let edge = place.serve_with(&["--backup-to", "backups"]);
    sync(&edge, &operator);
    let begun = Instant::now();
    let mut printed = loop {
        let printed = names_printed(&edge.text("/metrics", &operator));
        if printed.contains("telecomx_local_backup_age_seconds") {
            break printed;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no backup was made: {printed:?}");
        std::thread::yield_now();
    };
    assert!(edge.stop().success());
    printed.extend(names_printed(&hub.server.text("/metrics", &hub.admin)));
    let tls = place.serve_with(&["--tls-cert", "cert.pem", "--tls-key", "key.pem"]);
    let curl = Command::new("curl")
        .args(["-sk", "-H", &format!("Authorization: Bearer {operator}"), &format!("{}/metrics", tls.url)])
        .output();
    printed.extend(names_printed(&curl.unwrap().stdout_of_success()));
    assert!(tls.stop().success());

    let dashboard: Value = serde_json::from_str(&text("dashboard.json")).unwrap();
    let expressions: Vec<&str> = dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert!(expressions.len() > 20);
    for (file, text) in [("dashboard.json", expressions.join("\n")), ("alerts.yml", text("alerts.yml"))] {
        let missing: Vec<String> = names_in(&text).difference(&printed).cloned().collect();
        assert_eq!(missing, Vec::<String>::new(), "{file} names what nothing prints");
    }
}
