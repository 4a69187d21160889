//! Every documented GET of the demo world, as each kind of user: an appliance answers what the platform answers, with the line and without.

use serde_json::{Value, json};

use crate::appliance::{Appliance, PASSWORD, log_in};
use crate::support::Server;

/// What an appliance answers on its own account: its change log, itself, who is logged in, and objects of the PBX besides queues, which
/// it does not read from the platform.
const OWN: [&str; 20] = [
    "/auth/",
    "/log/",
    "/tools/",
    "/sync",
    "/local",
    "/tokens",
    "/metrics",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/pbx/queue/",
    "/pbx/extension",
    "/pbx/group",
    "/pbx/phonebook",
    "/pbx/switch",
    "/pbx/variable",
    "/pbx/app/action",
    "/pbx/app/version",
    "/pbx/app/permissions",
    "/pbx/app/grouppermissions",
];

const USERS: [&str; 5] = [
    "personal@bakery.example.com",
    "viewer@bakery.example.com",
    "manager@bakery.example.com",
    "reseller@reseller.example.com",
    "admin@platform.example.com",
];

/// What stands for each parameter of a path: somebody's own, somebody else's, and nobody's.
fn values(name: &str) -> &'static [&'static str] {
    match name {
        "customer" => &["c00000000000000000000004", "c00000000000000000000005", "c000000000000000000000ff", "x"],
        "address" => &["ad0000000000000000000401", "ad00000000000000000004ff"],
        _ => &["e00000000000000000000402", "e00000000000000000000501", "e000000000000000000000ff", "x"],
    }
}

/// Every path that a client made from the description would call, with a few arguments.
fn paths(description: &Value) -> Vec<String> {
    let described = description["paths"].as_object().unwrap();
    let reading = described.iter().filter(|(_, operations)| operations.get("get").is_some());
    // What the platform alone can answer is passed on: with the line away it is not answered at all.
    let passed_on = ["overview", "callnotify", "shortcuts", "picture", "resetpassword"];
    let own =
        |path: &str| OWN.iter().any(|own| path.starts_with(own)) || passed_on.iter().any(|end| path.ends_with(end));
    let mut paths: Vec<String> = reading.map(|(path, _)| path.clone()).filter(|path| !own(path)).collect();
    while let Some(place) = paths.iter().position(|path| path.contains('{')) {
        let path = paths.swap_remove(place);
        let (before, rest) = path.split_once('{').unwrap();
        let (name, after) = rest.split_once('}').unwrap();
        paths.extend(values(name).iter().map(|value| format!("{before}{value}{after}")));
    }
    let more = [
        "/employee?full=true&limit=2",
        "/employee?filter=a&includeDeleted=true",
        "/customer?full=true&includeSubresellers=true",
    ];
    paths.extend(more.map(str::to_owned));
    paths.push("/pbx/app/mobileconfig?customer=c00000000000000000000004".to_owned());
    paths.sort();
    paths
}

/// Status and body. Of a queue only the name is known where the platform does not list queues, and not who its members are; nor are
/// extensions.
fn answer(server: &Server, path: &str, token: &str) -> (u16, Value) {
    let answer = server.get(path, token);
    let mut body = answer.body;
    if path == "/pbx/app/queues" {
        for queue in body.as_array_mut().into_iter().flatten() {
            for name in ["number", "dynamic", "member", "members", "serviceLevel", "serviceLevelCritical"] {
                queue[name] = json!(null);
            }
        }
    }
    if path == "/pbx/app/employees" {
        for record in body.as_array_mut().into_iter().flatten() {
            record["extensions"] = json!(null);
        }
    }
    (answer.status, body)
}

/// PERSONAL sees the queues that it is a member of, and members are not known.
fn paths_of<'a>(paths: &'a [String], user: &str) -> impl Iterator<Item = &'a String> {
    let sees_all = user != USERS[0];
    paths.iter().filter(move |path| sees_all || *path != "/pbx/app/queues")
}

#[test]
fn an_appliance_answers_what_the_platform_answers_with_the_line_and_without() {
    let pair = Appliance::alike();
    let here = pair.place.serve_with(&["--platform-requests-per-second", "0"]);
    let paths = paths(&pair.there.get("/openapi.json", "").body);
    assert!(paths.len() > 30, "{paths:?}");
    let mut expected = vec![];
    for user in USERS {
        let (there_token, token) = (log_in(&pair.there, user, PASSWORD), log_in(&here, user, PASSWORD));
        for path in paths_of(&paths, user) {
            let there = answer(&pair.there, path, &there_token);
            assert_eq!(answer(&here, path, &token), there, "{user} {path}");
            expected.push(there);
        }
    }
    assert!(pair.there.stop().success());
    let mut expected = expected.into_iter();
    for user in USERS {
        let token = log_in(&here, user, PASSWORD);
        for path in paths_of(&paths, user) {
            assert_eq!(Some(answer(&here, path, &token)), expected.next(), "without the line: {user} {path}");
        }
    }
}
