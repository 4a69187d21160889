//! Every command that prints has `--json`, and prints nothing but JSON then.

use serde_json::Value;

use crate::mirror_pair::HubPlace;
use crate::support::place::succeeds;
use crate::support::{Place, world};

/// Commands without it, and why.
const EXCEPTIONS: [(&str, &str); 4] = [
    ("serve", "it prints the one line that its starters wait for, and logs as JSON"),
    ("hub", "as serve"),
    ("export", "what it prints is the document: JSON, or CSV where that is asked for"),
    ("generate", "as export"),
];

/// Names of the commands that do something, each with whether it has `--json`.
fn commands(of: &clap::Command, path: &str, found: &mut Vec<(String, bool)>) {
    let has_json = of.get_arguments().any(|argument| argument.get_long() == Some("json"));
    let is_leaf = !of.has_subcommands() || of.is_args_conflicts_with_subcommands_set();
    if !path.is_empty() && is_leaf {
        found.push((path.to_owned(), has_json));
    }
    for command in of.get_subcommands() {
        commands(command, format!("{path} {}", command.get_name()).trim(), found);
    }
}

#[test]
fn every_command_has_it_or_is_a_named_exception() {
    let mut found = vec![];
    commands(&telecomx_local::cli::definition(), "", &mut found);
    assert!(found.len() > 40, "{found:?}");
    let is_exception = |name: &str| EXCEPTIONS.iter().any(|(exception, _)| *exception == name);
    let without: Vec<&String> =
        found.iter().filter(|(name, has_json)| !has_json && !is_exception(name)).map(|(name, _)| name).collect();
    assert!(without.is_empty(), "without --json: {without:?}");
    for (exception, why) in EXCEPTIONS {
        let command = found.iter().find(|(name, _)| name == exception);
        assert!(
            command.is_some_and(|(_, has_json)| !has_json) && !why.is_empty(),
            "{exception} is no exception any more"
        );
    }
}

/// Every line must be JSON; gives them.
fn json(place: &Place, arguments: &[&str]) -> Vec<Value> {
    parsed(arguments, &place.run(&[arguments, &["--json"]].concat()))
}

fn parsed(arguments: &[&str], said: &str) -> Vec<Value> {
    let lines = said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{arguments:?}: {said}")));
    let lines: Vec<Value> = lines.collect();
    assert!(!lines.is_empty(), "{arguments:?} prints nothing");
    lines
}

#[test]
fn the_tools_of_a_server_print_json_only() {
    let place = Place::with_world();
    let document = place.put("world.json", world::small().to_string());
    place.put("password", "A-long-Passw0rd\n");
    let document = document.to_str().unwrap();
    let created = &json(&place, &["token", "create", "--employee", world::ANNA])[0];
    assert_eq!(created["token"].as_str().unwrap().len(), 64);
    assert_eq!(json(&place, &["token", "revoke", "--employee", world::ANNA])[0]["revoked"], 1);
    let admin = json(&place, &["admin", "create", "--email", "admin@example.com"]);
    assert!(admin[0]["password"].is_string() && admin[0]["id"].is_string(), "{admin:?}");
    assert_eq!(json(&place, &["import", document]).len(), 1);
    assert!(json(&place, &["import", "--dry-run", document]).len() > 1);
    assert_eq!(json(&place, &["audit", "verify"])[0]["head"].as_str().unwrap().len(), 64);
    let last_list: [&[&str]; 11] = [
        &["admin", "list"],
        &["admin", "password", "--employee", world::BO, "--password-file", "password"],
        &["audit", "log"],
        &["backup", "one.db"],
        &["backup", "--to", "backups"],
        &["clock", "show"],
        &["clock", "reset"],
        &["copy", "--from", world::ANNA, "--to", world::BO],
        &["doctor"],
        &["key", "rotate"],
        &["status"],
    ];
    for arguments in last_list {
        json(&place, arguments);
    }
    for arguments in [&["sync", "status"], &["platform", "status"]] {
        let said = place.run(&[&arguments[..], &["--json"]].concat());
        serde_json::from_str::<Value>(&said).unwrap_or_else(|_| panic!("{arguments:?}: {said}"));
    }
    let other = Place::new();
    let restored = &json(&other, &["restore", place.path("one.db").to_str().unwrap()])[0];
    assert_eq!((&restored["hasHub"], &restored["needsKey"]), (&false.into(), &false.into()), "{restored}");
}

#[test]
fn the_tools_of_a_hub_and_of_the_mirror_print_json_only() {
    let hub_place = HubPlace::new();
    let hub = hub_place.start();
    let place = Place::with_world();
    let store = hub_place.store();
    let at_hub = |arguments: &[&str]| {
        let mut command = hub_place.place.command(arguments);
        parsed(arguments, &succeeds(command.args(["--json", "--store", &store])))
    };
    let code = at_hub(&["hub", "enroll", "--name", "Bakery"])[0]["code"].as_str().unwrap().to_owned();
    let enrolled = json(&place, &["sync", "enroll", &hub.server.url, &code]);
    let origin = enrolled[0]["origin"].as_str().unwrap();
    assert!(json(&place, &["sync", "run"])[0]["acked"].is_number());
    assert_eq!(json(&place, &["sync", "verify"])[0]["equal"], true);
    json(&place, &["sync", "rotate-token"]);
    json(&place, &["sync", "repoint", &hub.server.url]);
    assert!(at_hub(&["hub", "ask", origin, "sync"])[0]["proposal"].is_string());
    at_hub(&["hub", "proposals", origin]);
    let token = at_hub(&["hub", "operator", "add", "mia", "--level", "read"]);
    assert!(token[0]["token"].is_string(), "{token:?}");
    let rest: [&[&str]; 8] = [
        &["hub", "operator", "list"],
        &["hub", "operator", "rotate", "mia"],
        &["hub", "operator", "remove", "mia"],
        &["hub", "token", "rotate"],
        &["hub", "audit", "log"],
        &["hub", "audit", "verify"],
        &["hub", "tag", origin, "pilot"],
        &["hub", "backup", "--to", "hub-backup.db"],
    ];
    for arguments in rest {
        at_hub(arguments);
    }
    at_hub(&["hub", "remove", origin]);
}
