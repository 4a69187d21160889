//! New passwords by a link, and the mails that bring it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};
use telecomx_local::domain::outbox::OutboxEntry;
use telecomx_local::store::outbox;

use super::support::{Response, TestApp, assert_error, demo};

const EMMA: &str = "emma@bakery.example.com";
const NEW: &str = "New-Passw0rd";

/// What a mail server heard: each mail as it was sent. `refusal`: what it answers to a recipient, in the place of taking it.
fn mail_server(refusal: Option<&'static str>) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heard, mails) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut answers = stream.try_clone().unwrap();
            let mut say = |text: &str| answers.write_all(format!("{text}\r\n").as_bytes()).is_ok();
            say("220 test");
            let mut mail: Option<String> = None;
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if let Some(text) = &mut mail {
                    if line == "." {
                        let _ = heard.send(mail.take().unwrap());
                        say("250 taken");
                    } else {
                        text.push_str(&(line + "\n"));
                    }
                    continue;
                }
                match line.split([' ', ':']).next().unwrap_or_default().to_uppercase().as_str() {
                    "RCPT" => say(refusal.unwrap_or("250 fine")),
                    "DATA" => {
                        mail = Some(String::new());
                        say("354 go on")
                    }
                    "QUIT" => {
                        say("221 bye");
                        break;
                    }
                    _ => say("250 fine"),
                };
            }
        }
    });
    (port, mails)
}

fn app_with_mail(port: u16) -> TestApp {
    TestApp::start_with(|config| {
        config.smtp.url = Some(format!("smtp://127.0.0.1:{port}"));
        config.smtp.from = Some("Bakery <pbx@bakery.example.com>".into());
        config.smtp.page = Some("https://app.example.com/new-password?lang=en".into());
    })
}

fn outbox_of(app: &TestApp) -> Vec<OutboxEntry> {
    app.db.read(|tx| outbox::list(tx, None, 0, 1_000)).unwrap().1
}

/// The token in a mail as it was sent.
fn token_in(mail: &str) -> String {
    // Long lines are broken off with "=" at their end, and "=" itself is written "=3D".
    let text = mail.replace("=\n", "").replace("=3D", "=");
    let (_, rest) =
        text.split_once("https://app.example.com/new-password?lang=en&token=").unwrap_or_else(|| panic!("{mail}"));
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

fn ask(app: &TestApp, name: &str) -> Response {
    app.nobody().post("/auth/reset", json!({ "username": name }))
}

fn set(app: &TestApp, token: &str, password: &str) -> Response {
    app.nobody().post("/auth/setpassword", json!({ "token": token, "password": password }))
}

#[test]
fn a_link_comes_by_mail_and_sets_a_password_once() {
    let (port, mails) = mail_server(None);
    let app = app_with_mail(port);
    let session = app.log_in(EMMA);
    assert_eq!(ask(&app, "Emma@Bakery.example.com").ok(), json!({ "success": true, "method": "EMAIL" }));
    let mail = mails.recv().unwrap();
    assert!(mail.contains("To: emma@bakery.example.com") && mail.contains("pbx@bakery.example.com"), "{mail}");
    let token = token_in(&mail);
    assert_error(&set(&app, &token, "secret"), 422, "password");
    assert_eq!(set(&app, &token, NEW).ok(), json!({ "success": true }));
    assert_error(&set(&app, &token, NEW), 422, "token");
    assert_error(&session.get(&format!("/employee/{}", demo::EMMA)), 401, "invalid_token");
    app.nobody().post("/auth/login", json!({ "username": EMMA, "password": NEW })).ok();
    assert_error(&app.nobody().post("/auth/login", demo::credentials(EMMA)), 401, "credentials_invalid");
    let kept = outbox_of(&app);
    assert!(!format!("{kept:?}").contains(&token), "no secret is kept: {kept:?}");
}

#[test]
fn a_name_that_nobody_has_is_answered_as_one_that_somebody_has() {
    let app = TestApp::start();
    for name in [EMMA, "nobody@bakery.example.com"] {
        assert_eq!(ask(&app, name).ok(), json!({ "success": true, "method": "EMAIL" }), "{name}");
        assert_error(&ask(&app, name), 403, "time");
    }
    assert_eq!(ask(&app, "nologin@bakery.example.com").ok()["success"], true);
    assert_eq!(outbox_of(&app).len(), 1);
    app.clock.advance_ms(30 * 60_000 + 1);
    for name in [EMMA, "nobody@bakery.example.com"] {
        ask(&app, name).ok();
    }
    assert_error(&ask(&app, "disabled@bakery.example.com"), 403, "account");
}

#[test]
fn a_link_is_good_for_half_an_hour_and_only_while_its_owner_may_use_it() {
    let (port, mails) = mail_server(None);
    let app = app_with_mail(port);
    let owner = app.session_of(demo::OWNER);
    let new_token = || {
        owner.get(&format!("/employee/{}/resetpassword", demo::EMMA)).ok();
        token_in(&mails.recv().unwrap())
    };
    let (first, second) = (new_token(), new_token());
    assert_error(&set(&app, &first, NEW), 422, "token");
    app.clock.advance_ms(30 * 60_000);
    assert_error(&set(&app, &second, NEW), 422, "token");
    let owner = app.session_of(demo::OWNER);
    let emma = format!("/employee/{}", demo::EMMA);
    owner.get(&format!("{emma}/resetpassword")).ok();
    let third = token_in(&mails.recv().unwrap());
    owner.post(&emma, json!({ "authenticatorValidation": true })).ok();
    assert_error(&set(&app, &third, NEW), 403, "username");
    assert_error(&ask(&app, EMMA), 403, "username");
    assert_error(&owner.get(&format!("{emma}/resetpassword")), 409, "employee");
    owner.post(&emma, json!({ "authenticatorValidation": false })).ok();
    app.admin().post(&format!("/customer/{}", demo::BAKERY), json!({ "state": "BLOCKED" })).ok();
    assert_error(&set(&app, &third, NEW), 403, "account");
}

#[test]
fn only_who_may_change_the_login_mails_a_link_and_a_repeat_with_its_key_mails_none() {
    let app = TestApp::start();
    let second = app.owner().post("/employee", json!({ "customer": demo::BAKERY, "accessLevel": "OWNER", "name": "Second", "emailAddress": "second@bakery.example.com" })).ok();
    let second = second["_id"].as_str().unwrap();
    assert_error(&app.owner().get(&format!("/employee/{second}/resetpassword")), 403, "employee");
    let token = app.owner().act(&format!("/employee/{}/token", demo::OWNER)).ok()["token"].as_str().unwrap().to_owned();
    assert_error(&app.with_token(&token).get(&format!("/employee/{}/resetpassword", demo::EMMA)), 403, "access_denied");
    let (_, entries) = app.audited(|| app.admin().get(&format!("/employee/{second}/resetpassword")).ok());
    assert!(entries.iter().any(|entry| entry.object == second && entry.outcome == "accepted"), "{entries:?}");
    let head = app.owner().request("HEAD", &format!("/employee/{}/resetpassword", demo::EMMA)).send();
    assert_eq!((head.status, outbox_of(&app).len()), (405, 1));
    for _ in 0..2 {
        let again = app.nobody().request("POST", "/auth/reset").json(json!({ "username": EMMA }));
        again.header("idempotency-key", "one").send().ok();
    }
    assert_eq!(outbox_of(&app).len(), 2);
}

#[test]
fn the_outbox_says_why_a_mail_server_did_not_take_a_mail() {
    let (port, _mails) = mail_server(Some("550 no such mailbox"));
    let app = app_with_mail(port);
    ask(&app, EMMA).ok();
    let (_kept, never) = channel::<()>();
    let entry = loop {
        let entry = outbox_of(&app).remove(0);
        if entry.error.as_deref() != Some("not handed over yet") {
            break entry;
        }
        // The mail server has its own pace.
        let _ = never.recv_timeout(std::time::Duration::from_millis(20));
    };
    assert!(entry.sent_at.is_none() && entry.error.as_ref().is_some_and(|why| why.contains("550")), "{entry:?}");
}

#[test]
fn odd_requests_for_a_new_password_are_refused() {
    let app = TestApp::start();
    let post = |path: &str, body: Value| app.nobody().post(path, body);
    for (body, status, code) in [
        (json!({ "username": "" }), 422, "username"),
        (json!({ "username": 5 }), 422, "username"),
        (json!({ "username": EMMA, "method": "sms" }), 422, "method"),
        (json!({ "username": "x".repeat(1_001) }), 422, "username"),
        (json!([]), 400, "bad_request"),
    ] {
        assert_error(&post("/auth/reset", body), status, code);
    }
    for token in ["x", &"0".repeat(64), "' or 1=1", &"é".repeat(64)] {
        assert_error(&set(&app, token, NEW), 422, "token");
    }
    assert_error(&post("/auth/setpassword", json!({ "token": "x", "password": "weak" })), 422, "password");
    for _ in 0..10 {
        ask(&app, "someone@bakery.example.com");
    }
    assert_error(&ask(&app, "someone@bakery.example.com"), 429, "too_many_requests");
    app.log_in(EMMA);
}
