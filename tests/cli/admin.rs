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

#[test]
fn where_there_are_several_top_level_customers_one_must_be_named() {
    let mut document = world::small();
    let more = ["c00000000000000000000003", "c00000000000000000000004"];
    let customers = document["customers"].as_array_mut().unwrap();
    customers.extend([world::customer(more[0], "Second", None), world::customer(more[1], "Third", None)]);
    let place = Place::holding(&document);
    let sentence = place.refused(&["admin", "create", "--email", "root@example.com"]);
    assert!(sentence.contains("no administrator was created") && sentence.contains("--customer"), "{sentence}");
    assert!([world::RESELLER, more[0], more[1], "Third"].iter().all(|named| sentence.contains(named)), "{sentence}");
    place.run(&["admin", "create", "--email", "root@example.com", "--customer", more[1]]);
}

#[test]
fn a_password_may_be_in_a_file() {
    let place = Place::new();
    place.put("password", format!("{GOOD}\nsecond line\n"));
    let printed = place.run(&["admin", "create", "--email", "root@example.com", "--password-file", "password"]);
    assert!(!printed.contains("password"), "{printed}");
    assert_eq!(login(&place, "root@example.com", GOOD), 200);
    let sentence = place.refused(&["admin", "create", "--email", "a@example.com", "--password-file", "none"]);
    assert!(sentence.contains("there is no file none"), "{sentence}");
}

#[test]
fn the_list_names_every_administrator_also_beside_a_server() {
    let place = Place::with_world();
    assert_eq!(place.run(&["admin", "list"]), "");
    place.run(&["admin", "create", "--email", "b@example.com", "--name", "Bodil"]);
    place.run(&["admin", "create", "--email", "a@example.com", "--name", "Ada", "--customer", world::CUSTOMER]);
    let server = place.serve();
    let printed = place.run(&["admin", "list"]);
    let rows: Vec<Vec<&str>> = printed.lines().map(|line| line.split('\t').collect()).collect();
    let expected = [
        ["a@example.com", "Ada", world::CUSTOMER, "Bakery", "ENABLED", "password"],
        ["b@example.com", "Bodil", world::RESELLER, "Reseller", "ENABLED", "password"],
    ];
    assert!(rows.iter().map(|row| &row[1..]).eq(expected.iter().map(|row| &row[..])), "{printed}");
    let first = place.run(&["admin", "list", "--json"]).lines().next().unwrap().to_owned();
    let first: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!((&first["_id"], &first["login"]), (&json!(rows[0][0]), &json!("a@example.com")));
    assert!(server.stop().success());
}

fn new_password(place: &Place, arguments: &[&str], password: &str) -> std::process::Output {
    let mut command = place.on_db(&[&["admin", "password", "--password-stdin"], arguments].concat());
    output_with_stdin(&mut command, format!("{password}\n").as_bytes())
}

#[test]
fn a_forgotten_password_is_replaced_and_that_is_audited() {
    let place = Place::with_world();
    create_with_password(&place, "root@example.com", GOOD).stdout_of_success();
    let server = place.serve();
    let token = server.post("/auth/login", "", &json!({ "username": "root@example.com", "password": GOOD })).body;
    let sentence = new_password(&place, &["--login", "root@example.com"], "An0ther-Passw0rd").sentence_of_refusal();
    assert!(sentence.contains("is in use"), "{sentence}");
    assert!(server.stop().success());
    let said = new_password(&place, &["--login", " ROOT@example.com"], "An0ther-Passw0rd").stdout_of_success();
    assert!(said.contains("sessions are revoked") && !said.contains("An0ther"), "{said}");
    let server = place.serve();
    assert_eq!(server.get("/employee", token["token"].as_str().unwrap()).status, 401);
    assert!(server.stop().success());
    assert_eq!(login(&place, "root@example.com", GOOD), 401);
    assert_eq!(login(&place, "root@example.com", "An0ther-Passw0rd"), 200);
    let trail = place.run(&["audit", "log", "--operation", "update"]);
    assert!(trail.contains("Password changed") && trail.contains("\tcommand line\t"), "{trail}");
    place.run(&["audit", "verify"]);
}

#[test]
fn also_of_others_and_with_their_tokens_but_not_of_who_may_not_log_in() {
    let place = Place::with_world();
    let token = place.token();
    new_password(&place, &["--employee", world::MANAGER], GOOD).stdout_of_success();
    assert_eq!(place.serve().get("/employee", &token).status, 200);
    new_password(&place, &["--employee", world::MANAGER, "--revoke-tokens"], "An0ther-Passw0rd").stdout_of_success();
    assert_eq!(place.serve().get("/employee", &token).status, 401);
    for (arguments, password, why) in [
        (["--login", "nobody@example.com"], GOOD, "Employee not found"),
        (["--employee", world::RESELLER], GOOD, "Employee not found"),
        (["--employee", world::ANNA], "weak", "complexity"),
        (["--employee", world::ANNA], "", "complexity"),
    ] {
        let sentence = new_password(&place, &arguments, password).sentence_of_refusal();
        assert!(sentence.contains("no password was changed") && sentence.contains(why), "{sentence}");
    }
    let mut left = world::small();
    left["employees"][2]["accessLevel"] = json!("NO_LOGIN");
    place.import(&left);
    let sentence = new_password(&place, &["--employee", world::BO], GOOD).sentence_of_refusal();
    assert!(sentence.contains("NO_LOGIN"), "{sentence}");
    // Without a terminal nobody can be asked, and an argument is no way to give it.
    let sentence = place.refused(&["admin", "password", "--employee", world::ANNA]);
    assert!(sentence.contains("--password-stdin"), "{sentence}");
    let wrong = place.on_db(&["admin", "password", "--employee", world::ANNA, "--password", GOOD]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}
