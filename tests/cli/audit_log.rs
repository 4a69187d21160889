//! `audit log`: who did what, when and from where, the newest first; and logins that failed.

use serde_json::{Value, json};

use crate::support::place::output_with_stdin;
use crate::support::{Place, world};

const PASSWORD: &str = "Long-enough-Pa55word";

fn records(place: &Place, more: &[&str]) -> Vec<Value> {
    let printed = place.run(&[&["audit", "log", "--json"], more].concat());
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The small world after an administrator and its manager have worked in it, each from this machine.
fn worked_in() -> Place {
    let place = Place::with_world();
    let mut create =
        place.on_db(&["admin", "create", "--email", "root@example.com", "--name", "Åse", "--password-stdin"]);
    assert!(output_with_stdin(&mut create, PASSWORD.as_bytes()).status.success());
    let token = place.token();
    let server = place.serve();
    let login =
        |name: &str, password: &str| server.post("/auth/login", "", &json!({ "username": name, "password": password }));
    let admin = login("root@example.com", PASSWORD).body["token"].as_str().unwrap().to_owned();
    let lent =
        server.get(&format!("/auth/impersonate/{}", world::MANAGER), &admin).body["token"].as_str().unwrap().to_owned();
    let anna = format!("/employee/{}", world::ANNA);
    assert_eq!(server.post(&anna, &token, &json!({ "title": "Baker" })).status, 200);
    assert_eq!(server.post(&anna, &lent, &json!({ "title": "Chief" })).status, 200);
    assert_eq!(server.delete(&format!("/customer/{}", world::CUSTOMER), &token).status, 403);
    for (name, password) in
        [("root@example.com", "wrong"), ("Secret-Passw0rd-typed-as-name", "x"), ("root@example.com", "Wrong-1234")]
    {
        assert_eq!(login(name, password).status, 401);
    }
    assert!(server.stop().success());
    place
}

#[test]
fn it_says_who_did_what_when_and_from_where_the_newest_first() {
    let place = worked_in();
    let printed = place.run(&["audit", "log"]);
    let lines: Vec<Vec<&str>> = printed.lines().map(|line| line.split('\t').collect()).collect();
    assert!(
        lines.iter().all(|line| line.len() == 9) && lines.is_sorted_by(|one, other| one[1] >= other[1]),
        "{printed}"
    );
    let told: Vec<(&str, &str, &str, &str)> = lines.iter().map(|line| (line[2], line[3], line[4], line[5])).collect();
    let expected = [
        ("Åse", "127.0.0.1", "login", "failed"),
        ("Unknown user name", "127.0.0.1", "login", "failed"),
        ("Åse", "127.0.0.1", "login", "failed"),
        ("Mia", "127.0.0.1", "delete", "refused"),
        ("Mia (by Åse)", "127.0.0.1", "update", "accepted"),
        ("Mia", "127.0.0.1", "update", "accepted"),
        ("Åse", "127.0.0.1", "impersonate", "accepted"),
        ("System", "command line", "create token", "accepted"),
        ("System", "command line", "create", "accepted"),
    ];
    assert_eq!(told[..expected.len()], expected, "{printed}");
    assert!(!printed.contains("Secret-Passw0rd"), "a password typed for a name is kept nowhere");
    assert!(lines.len() > expected.len(), "the import is in it too");
}

#[test]
fn it_is_filtered_and_comes_in_pages() {
    let place = worked_in();
    let all = records(&place, &[]);
    let count = |more: &[&str]| records(&place, more).len();
    let admin = all[0]["actor"].as_str().unwrap().to_owned();
    for (more, expected) in [
        (["--person", "åSE"], 4),
        (["--person", admin.as_str()], 4),
        (["--person", "mia"], 3),
        (["--person", "nobody of that name"], 0),
        (["--operation", "login"], 3),
        (["--operation", "update"], 2),
        (["--operation", "create token"], 1),
        (["--section", "Hub"], 0),
        (["--object", world::ANNA], 4),
        (["--until", "2020-01-01"], 0),
        (["--since", "2099-01-01T00:00:00Z"], 0),
    ] {
        assert_eq!(count(&more), expected, "{more:?}");
    }
    assert_eq!(count(&["--since", "2020-01-01", "--until", "2099-01-01"]), all.len());
    assert_eq!(count(&["--person", "mia", "--operation", "update", "--object", world::ANNA]), 2);
    let write = all[4]["operation"].as_str().unwrap();
    assert_eq!(count(&["--operation", write]), 1);
    let by_time = all[5]["at"].as_str().unwrap();
    assert!(records(&place, &["--since", by_time]).len() >= 6);
    let mut paged = records(&place, &["--limit", "4"]);
    paged.extend(records(&place, &["--offset", "4", "--limit", "3"]));
    paged.extend(records(&place, &["--offset", "7"]));
    assert_eq!(paged, all);
    for wrong in
        [["--limit", "0"], ["--limit", "many"], ["--offset", "-1"], ["--since", "yesterday"], ["--section", "Nothing"]]
    {
        let output = place.on_db(&[&["audit", "log"], &wrong[..]].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn a_reader_that_wants_no_more_is_no_error() {
    let place = worked_in();
    let script = format!("{} audit log --db {} | head -1", env!("CARGO_BIN_EXE_telecomx-local"), place.db().display());
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.stderr.is_empty() && output.stdout.iter().filter(|byte| **byte == b'\n').count() == 1);
}
