//! Texts are compared in one way: by login, limits, filters, uniqueness and order.

use serde_json::{Value, json};

use crate::support::{Client, TestApp, assert_error, demo};

fn create(app: &TestApp, name: &str, email: Option<&str>) -> crate::support::Response {
    let mut body = json!({ "customer": demo::BAKERY, "accessLevel": "NO_LOGIN", "name": name });
    if let Some(email) = email {
        body["emailAddress"] = json!(email);
    }
    app.manager().post("/employee", body)
}

fn names(caller: &Client, query: &str) -> Vec<String> {
    let list = caller.get(&format!("/employee{query}")).ok();
    list["employees"].as_array().unwrap().iter().map(|row: &Value| row["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_filter_finds_danish_letters_in_any_case_and_form() {
    let app = TestApp::start();
    for name in ["Ærlig Østergård", "Åse Å", "Straße Weiß"] {
        create(&app, name, None).ok();
    }
    for (filter, found) in [
        ("%C3%A6RLIG", "Ærlig Østergård"),
        ("%C3%B8sterg%C3%85RD", "Ærlig Østergård"),
        ("a%CC%8ASE", "Åse Å"),
        ("STRASSE", "Straße Weiß"),
    ] {
        assert_eq!(names(&app.manager(), &format!("?filter={filter}")), [found], "{filter}");
    }
    assert!(names(&app.manager(), "?filter=%25").is_empty() && names(&app.manager(), "?filter=_").is_empty());
}

#[test]
fn a_list_is_in_danish_order() {
    let app = TestApp::start();
    let florist = app.admin();
    for name in ["Øl", "zebra", "Ål", "Æg", "Abe", "øre"] {
        let body = json!({ "customer": demo::FLORIST, "accessLevel": "NO_LOGIN", "name": name });
        florist.post("/employee", body).ok();
    }
    let listed = names(&florist, &format!("?customer={}", demo::FLORIST));
    let ours: Vec<&str> = listed
        .iter()
        .map(String::as_str)
        .filter(|name| ["Øl", "zebra", "Ål", "Æg", "Abe", "øre"].contains(name))
        .collect();
    assert_eq!(ours, ["Abe", "zebra", "Æg", "Øl", "øre", "Ål"]);
}

#[test]
fn two_addresses_that_differ_in_case_or_form_alone_are_one() {
    let app = TestApp::start();
    create(&app, "One", Some("ærø@bakery.example.com")).ok();
    for again in ["ÆRØ@bakery.example.com", "ærØ@BAKERY.example.com"] {
        assert_error(&create(&app, "Other", Some(again)), 409, "emailAddress");
    }
}

#[test]
fn a_login_ignores_blanks_around_the_name_and_the_form_of_the_password() {
    let app = TestApp::start();
    app.viewer().post(&format!("/employee/{}", demo::VIEWER), json!({ "password": "Smørrebrød-1å" })).ok();
    let log_in = |name: &str, password: &str| {
        app.nobody().post("/auth/login", json!({ "username": name, "password": password })).status
    };
    let email =
        app.admin().get(&format!("/employee/{}", demo::VIEWER)).ok()["emailAddress"].as_str().unwrap().to_owned();
    for name in [email.clone(), format!("  {email}\t"), format!("\u{a0}{}", email.to_uppercase())] {
        assert_eq!(log_in(&name, "Smørrebrød-1å"), 200, "{name:?}");
        assert_eq!(log_in(&name, "Smørrebrød-1a\u{30a}"), 200, "{name:?}, as a Mac types it");
    }
    assert_eq!(log_in(&email, "Smørrebrød-1a"), 401);
}

#[test]
fn a_name_that_nobody_sees_is_refused_and_notes_may_have_lines() {
    let app = TestApp::start();
    for name in ["\t", "\u{a0}\u{a0}", "\u{200b}", "\u{feff}Bo", "Bo\u{202e}oB", "Bo\nNext", "\u{2060}", "A\u{ad}B"] {
        assert_error(&create(&app, name, None), 422, "name");
    }
    let stored = create(&app, "A\u{30a}se", None).ok();
    assert_eq!(stored["name"], "Åse", "as it is composed");
    let notes = json!({ "notes": "One\nTwo\r\n\tThree" });
    let changed = app.reseller().post(&format!("/customer/{}", demo::BAKERY), notes.clone()).ok();
    assert_eq!(changed["notes"], notes["notes"]);
}
