//! `--demo`: something to try, at once.

use std::process::Command;

use serde_json::Value;

use crate::support::{Place, Server};

/// The call that the server prints, as somebody would copy it.
fn printed_call(server: &mut Server) -> String {
    let text = server.read_until(|line| line.contains("/docs/"));
    let begin = text.find("curl ").unwrap_or_else(|| panic!("no call in {text}"));
    let end = text[begin..].find("\n\n").unwrap();
    text[begin..begin + end].to_owned()
}

/// Pastes `call` into a shell; gives status and body.
fn paste(call: &str) -> (String, Value) {
    let output = Command::new("sh").args(["-c", &format!("{call} -s -w '\\n%{{http_code}}'")]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.to_owned(), serde_json::from_str(body).unwrap())
}

#[test]
fn the_printed_call_works_when_it_is_pasted_and_again_after_a_second_start() {
    if !crate::support::needs("curl") {
        return;
    }
    let place = Place::new();
    let mut first = place.serve_with(&["--demo"]);
    let call = printed_call(&mut first);
    let (status, config) = paste(&call);
    assert_eq!(status, "200", "{config}");
    assert_eq!(config["_id"], "e00000000000000000000405");
    let source = first.get("/pbx/app/mobileconfig/e00000000000000000000404", token_in(&call));
    assert_eq!(source.body["configs"], config["configs"]);
    assert!(first.stop().success());
    let entries = audit_entries(&place);

    let mut second = place.serve_with(&["--demo"]);
    let second_call = printed_call(&mut second);
    assert_eq!(paste(&second_call).0, "200");
    assert_eq!(second.get("/pbx/app/queues", token_in(&call)).status, 401, "the first start's token has ended");
    assert!(second.stop().success());
    assert_eq!(audit_entries(&place), entries + 1, "the second copy is recorded, and nothing is loaded again");
}

fn token_in(call: &str) -> &str {
    call.split("Bearer ").nth(1).unwrap().split('\'').next().unwrap()
}

fn audit_entries(place: &Place) -> i64 {
    place.sqlite().query_row("select count(*) from audit", [], |row| row.get(0)).unwrap()
}

#[test]
fn the_printed_login_works() {
    let place = Place::new();
    let mut server = place.serve_with(&["--demo"]);
    let text = server.read_until(|line| line.contains("/docs/"));
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_matches(['.', '(', ')'])).collect();
    let after = |word: &str| words[words.iter().position(|found| *found == word).unwrap() + 1];
    let login = serde_json::json!({ "username": after("as"), "password": after("password") });
    let answer = server.post("/auth/login", "", &login);
    assert_eq!(answer.status, 200, "{login} {answer:?}");
}

#[test]
fn a_database_in_use_by_others_is_left_alone() {
    let place = Place::with_world();
    let before = place.run(&["export"]);
    let mut server = place.serve_with(&["--demo"]);
    server.read_until(|line| line == "The database holds something already: the demo world was not loaded.");
    assert!(server.stop().success());
    assert_eq!(place.run(&["export"]), before);
}

#[test]
fn it_is_refused_on_an_open_address() {
    let place = Place::new();
    for more in [&["--insecure"][..], &[]] {
        let sentence = place.refused(&[&["serve", "--demo", "--listen", "0.0.0.0:0"], more].concat());
        assert!(sentence.contains("--demo is refused on 0.0.0.0:0"), "{sentence}");
    }
    assert!(!place.db().exists());
}
