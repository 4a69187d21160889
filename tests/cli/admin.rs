//! `admin create`

use serde_json::json;

use crate::support::place::{Ended, output_with_stdin};
use crate::support::{Place, world};

const GOOD: &str = "Long-enough-Pa55word";

fn create_with_password(place: &Place, email: &str, password: &str) -> std::process::Output {
    let mut command = place.on_db(&["admin", "create", "--email", email, "--password-stdin"]);
    output_with_stdin(&mut command, format!("{password}\nsecond line\n").as_bytes())
}

fn login(place: &Place, email: &str, password: &str) -> u16 {
    place.serve().post("/auth/login", "", &json!({ "username": email, "password": password })).status
}

#[test]
fn a_made_password_is_printed_once_and_works() {
    let place = Place::new();
    let printed = place.run(&["admin", "create", "--email", "root@example.com"]);
    let passwords: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix("password: ")).collect();
    let [password] = passwords[..] else { panic!("{printed}") };
    assert!(printed.starts_with("created administrator "), "{printed}");
    assert_eq!(login(&place, "ROOT@example.com", password), 200);
    let kept = place.run(&["export", "--with-secrets"]);
    assert!(!kept.contains(password));
}

#[test]
fn a_given_password_is_read_from_the_first_line_and_not_printed() {
    let place = Place::new();
    let printed = create_with_password(&place, "root@example.com", GOOD).stdout_of_success();
    assert!(!printed.contains("assword") && printed.lines().count() == 1, "{printed}");
    assert_eq!(login(&place, "root@example.com", GOOD), 200);
}

#[test]
fn a_weak_password_is_refused() {
    let place = Place::with_world();
    for weak in ["", "short1A", "alllowercaseletters", "12345678901234"] {
        let sentence = create_with_password(&place, "root@example.com", weak).sentence_of_refusal();
        assert!(sentence.contains("no administrator was created") && sentence.contains("assword"), "{sentence}");
        assert!(weak.is_empty() || !sentence.contains(weak), "{sentence}");
    }
    assert!(!place.run(&["export"]).contains("root@example.com"));
}

#[test]
fn an_address_in_use_is_refused_in_whatever_case() {
    let place = Place::with_world();
    let taken = format!("{}@EXAMPLE.com", world::ANNA);
    let sentence = place.refused(&["admin", "create", "--email", &taken]);
    assert!(sentence.contains("no administrator was created") && sentence.contains("used by another"), "{sentence}");
    let sentence = place.refused(&["admin", "create", "--email", "no address"]);
    assert!(sentence.contains("no administrator was created"), "{sentence}");
}

#[test]
fn it_belongs_to_the_first_top_level_reseller_or_to_the_customer_named() {
    let place = Place::with_world();
    let first = place.run(&["admin", "create", "--email", "a@example.com", "--name", "Ada"]);
    assert!(first.contains(&format!(" of customer {}", world::RESELLER)), "{first}");
    let second = place.run(&["admin", "create", "--email", "b@example.com", "--customer", world::CUSTOMER]);
    assert!(second.contains(&format!(" of customer {}", world::CUSTOMER)), "{second}");
    assert!(place.run(&["export"]).contains(r#""name":"Ada""#));
    let nowhere = place.refused(&["admin", "create", "--email", "c@example.com", "--customer", &world::nth(1)]);
    assert!(nowhere.contains("no administrator was created"), "{nowhere}");
    place.run(&["doctor"]);
}
