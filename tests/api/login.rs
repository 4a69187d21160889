//! `/auth/login`

use serde_json::{Value, json};
use telecomx_local::auth::totp;

use super::support::{Response, TestApp, assert_error, code_of, demo};

fn log_in(app: &TestApp, username: &str, password: &str) -> Response {
    app.nobody().post("/auth/login", json!({ "username": username, "password": password }))
}

#[test]
fn a_login_answers_a_token_and_whose_it_is() {
    let app = TestApp::start();
    let answer = log_in(&app, "Viewer@Bakery.example.com", demo::PASSWORD);
    let body = answer.ok();
    let names: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let documented = ["token", "expiresInMinutes", "employee", "customer", "accessLevel"];
    assert_eq!(names[..5], documented);
    assert_eq!((&body["employee"], &body["customer"]), (&json!(demo::VIEWER), &json!(demo::BAKERY)));
    assert_eq!((&body["expiresInMinutes"], &body["accessLevel"]), (&json!(15), &json!("VIEWER")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let query =
        format!("/auth/login?username=viewer@bakery.example.com&password={}&persist=1&cookie=0", demo::PASSWORD);
    assert_eq!(app.nobody().get(&query).ok()["expiresInMinutes"], -1);
}

#[test]
fn unknown_wrong_and_no_login_are_refused_alike() {
    let app = TestApp::start();
    let mut bodies: Vec<Vec<u8>> = vec![];
    for (username, password) in [
        ("nobody@example.com", demo::PASSWORD),
        ("viewer@bakery.example.com", "wrong"),
        ("viewer@bakery.example.com", "demo-passw0rd"),
        ("nologin@bakery.example.com", demo::PASSWORD),
        ("disabled@bakery.example.com", "wrong"),
    ] {
        let answer = log_in(&app, username, password);
        assert_error(&answer, 401, "credentials_invalid");
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "a user could be found out");
}

#[test]
fn a_disabled_account_is_told_so_after_the_right_password_only() {
    let app = TestApp::start();
    let answer = log_in(&app, "disabled@bakery.example.com", demo::PASSWORD);
    assert_error(&answer, 403, "account");
    assert_eq!(answer.message(), "Account disabled");
    app.admin().post(&format!("/customer/{}", demo::BAKERY), json!({ "state": "BLOCKED" })).ok();
    assert_error(&log_in(&app, "viewer@bakery.example.com", demo::PASSWORD), 403, "account");
    assert_error(&log_in(&app, "viewer@bakery.example.com", "wrong"), 401, "credentials_invalid");
}

#[test]
fn an_ip_restriction_keeps_other_addresses_out() {
    let app = TestApp::start();
    let admin = app.admin();
    let restrict = |to: Value| admin.post(&format!("/employee/{}", demo::VIEWER), json!({ "ipRestriction": to })).ok();
    restrict(json!("192.0.2.1,192.0.2.2"));
    let refused = log_in(&app, "viewer@bakery.example.com", demo::PASSWORD);
    assert_error(&refused, 401, "invalid_token");
    assert_eq!(refused.message(), "IP address not authenticated");
    assert_error(&log_in(&app, "viewer@bakery.example.com", "wrong"), 401, "credentials_invalid");
    restrict(json!("192.0.2.1, 127.0.0.1"));
    log_in(&app, "viewer@bakery.example.com", demo::PASSWORD).ok();
    let mapped = restrict(json!("::FFFF:127.0.0.1,2001:DB8::0:1"));
    assert_eq!(mapped["ipRestriction"], "127.0.0.1, 2001:db8::1", "as callers' addresses are written");
    log_in(&app, "viewer@bakery.example.com", demo::PASSWORD).ok();
    restrict(Value::Null);
    log_in(&app, "viewer@bakery.example.com", demo::PASSWORD).ok();
}

#[test]
fn too_many_failures_of_a_name_are_told_when_to_come_back() {
    let app = TestApp::start_with(|config| config.login_failures_per_name = Some(3));
    for _ in 0..3 {
        assert_error(&log_in(&app, "viewer@bakery.example.com", "wrong"), 401, "credentials_invalid");
    }
    for password in ["wrong", demo::PASSWORD] {
        let answer = log_in(&app, "VIEWER@bakery.example.com", password);
        assert_error(&answer, 429, "too_many_requests");
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=300).contains(&seconds), "{seconds}");
    }
    log_in(&app, "manager@bakery.example.com", demo::PASSWORD).ok();
    app.clock.advance_ms(301_000);
    log_in(&app, "viewer@bakery.example.com", demo::PASSWORD).ok();
}

#[test]
fn too_many_failures_from_an_address_hold_up_every_name() {
    let app = TestApp::start_with(|config| {
        config.login_failures_per_address = Some(3);
        config.login_failure_window_s = Some(60);
    });
    for i in 0..3 {
        assert_error(&log_in(&app, &format!("{i}@example.com"), "wrong"), 401, "credentials_invalid");
    }
    assert_error(&log_in(&app, "viewer@bakery.example.com", demo::PASSWORD), 429, "too_many_requests");
    app.clock.advance_ms(61_000);
    log_in(&app, "viewer@bakery.example.com", demo::PASSWORD).ok();
}

#[test]
fn logins_that_succeed_do_not_count_as_failures() {
    let app = TestApp::start_with(|config| config.login_failures_per_name = Some(2));
    for _ in 0..4 {
        log_in(&app, "viewer@bakery.example.com", demo::PASSWORD).ok();
    }
}

/// The code that an authenticator app shows now.
pub fn code_now(app: &TestApp, key: &str) -> String {
    let secret = totp::parse_key(key).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    totp.generate(app.clock.now().seconds() as u64).to_string()
}

fn log_in_with(app: &TestApp, code: Option<&str>) -> Response {
    let mut body = demo::credentials("viewer@bakery.example.com");
    if let Some(code) = code {
        body["authenticatorToken"] = json!(code);
    }
    app.nobody().post("/auth/login", body)
}

fn require_authenticator(app: &TestApp) {
    let path = format!("/employee/{}", demo::VIEWER);
    app.manager().post(&path, json!({ "authenticatorValidation": true })).ok();
}

/// The key that a login without a code presents.
fn presented_key(app: &TestApp) -> String {
    let answer = log_in_with(app, None);
    assert_error(&answer, 403, "authenticatorToken");
    assert_eq!(answer.message(), "Authenticator token required");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let error = &answer.json()["error"];
    let key = error["key"].as_str().unwrap_or_else(|| panic!("no key: {answer}"));
    let expected = format!("otpauth://totp/TelecomX:viewer@bakery.example.com?secret={key}&issuer=TelecomX");
    assert_eq!(error["totp"], expected.as_str());
    key.to_owned()
}

#[test]
fn a_first_login_presents_a_key_until_a_code_of_it_was_used() {
    let app = TestApp::start();
    require_authenticator(&app);
    let key = presented_key(&app);
    assert_eq!(presented_key(&app), key);
    log_in_with(&app, Some(&code_now(&app, &key))).ok();
    let asked = log_in_with(&app, None);
    assert_error(&asked, 403, "authenticatorToken");
    assert_eq!(asked.json()["error"].get("key"), None, "{asked}");
}

#[test]
fn a_code_is_good_for_one_login() {
    let app = TestApp::start();
    require_authenticator(&app);
    let key = presented_key(&app);
    let code = code_now(&app, &key);
    log_in_with(&app, Some(&code)).ok();
    assert_error(&log_in_with(&app, Some(&code)), 401, "credentials_invalid");
    app.clock.advance_ms(60_000);
    log_in_with(&app, Some(&code_now(&app, &key))).ok();
    for wrong in ["000000", "", "abc", "12345678901234567890"] {
        assert_error(&log_in_with(&app, Some(wrong)), 401, "credentials_invalid");
    }
}

#[test]
fn wrong_codes_count_as_failures() {
    let app = TestApp::start_with(|config| config.login_failures_per_name = Some(2));
    require_authenticator(&app);
    let key = presented_key(&app);
    for _ in 0..2 {
        assert_error(&log_in_with(&app, Some("abc")), 401, "credentials_invalid");
    }
    assert_error(&log_in_with(&app, Some(&code_now(&app, &key))), 429, "too_many_requests");
}

#[test]
fn a_key_that_was_reset_is_replaced_at_the_next_login() {
    let app = TestApp::start();
    require_authenticator(&app);
    let key = presented_key(&app);
    log_in_with(&app, Some(&code_now(&app, &key))).ok();
    app.manager().act(&format!("/employee/{}/authenticatorkey/reset", demo::VIEWER)).ok();
    assert_ne!(presented_key(&app), key);
}

#[test]
fn an_employee_may_make_a_new_key_of_its_own() {
    let app = TestApp::start();
    require_authenticator(&app);
    let old = presented_key(&app);
    let viewer = log_in_with(&app, Some(&code_now(&app, &old))).ok();
    let viewer = app.with_token(viewer["token"].as_str().unwrap());
    let path = format!("/employee/{}/authenticatorkey/create", demo::VIEWER);
    let made = viewer.act(&path).ok();
    let key = made["key"].as_str().unwrap();
    assert_eq!(made["success"], true);
    assert!(made["totp"].as_str().unwrap().contains(key));
    app.clock.advance_ms(60_000);
    assert_error(&log_in_with(&app, Some(&code_now(&app, &old))), 401, "credentials_invalid");
    log_in_with(&app, Some(&code_now(&app, key))).ok();
}

#[test]
fn a_customer_may_want_the_authenticator_of_everybody() {
    let app = TestApp::start();
    app.owner().post(&format!("/customer/{}", demo::BAKERY), json!({ "authenticationSecurity": "AUTHENTICATOR" })).ok();
    presented_key(&app);
    let answer = log_in(&app, "personal@bakery.example.com", "wrong");
    assert_eq!(code_of(&answer), "credentials_invalid", "nothing is told before the right password");
}

#[test]
fn sms_login_cannot_be_had_here_and_lets_nobody_in() {
    let app = TestApp::start();
    app.owner().post(&format!("/customer/{}", demo::BAKERY), json!({ "authenticationSecurity": "SMS" })).ok();
    assert_error(&log_in(&app, "viewer@bakery.example.com", demo::PASSWORD), 403, "smsKey");
}

/// Name, reason and number of the logins that are noted as failed.
fn failed(app: &TestApp) -> Vec<(Option<String>, String)> {
    let sql = "select employee, reason from failed_logins order by id";
    let read = app.db.read(|tx| {
        let mut statement = tx.conn.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    });
    read.unwrap()
}

#[test]
fn logins_that_fail_are_noted_without_what_was_typed() {
    let app = TestApp::start();
    app.manager().post(&format!("/employee/{}", demo::VIEWER), json!({ "ipRestriction": "192.0.2.1" })).ok();
    app.owner().post(&format!("/employee/{}", demo::MANAGER), json!({ "authenticatorValidation": true })).ok();
    log_in(&app, "nobody@example.com", "Secret-Passw0rd");
    log_in(&app, "viewer@bakery.example.com", "Secret-Passw0rd");
    log_in(&app, "viewer@bakery.example.com", demo::PASSWORD);
    log_in(&app, "disabled@bakery.example.com", demo::PASSWORD);
    log_in(&app, "nologin@bakery.example.com", demo::PASSWORD);
    // Neither right nor wrong: only the code is missing.
    assert_error(&log_in(&app, "manager@bakery.example.com", demo::PASSWORD), 403, "authenticatorToken");
    let of = |employee: &str, reason: &str| (Some(employee.to_owned()), reason.to_owned());
    assert_eq!(
        failed(&app),
        [
            (None, "Unknown user name".into()),
            of(demo::VIEWER, "Wrong password or code"),
            of(demo::VIEWER, "IP address not authenticated"),
            of(demo::DISABLED, "Account disabled"),
            of(demo::NO_LOGIN, "Wrong password or code"),
        ]
    );
    let wrong_code =
        json!({ "username": "manager@bakery.example.com", "password": demo::PASSWORD, "authenticatorToken": "000000" });
    assert_error(&app.nobody().post("/auth/login", wrong_code), 401, "credentials_invalid");
    assert_eq!(failed(&app).last(), Some(&of(demo::MANAGER, "Wrong password or code")));
}

#[test]
fn colleagues_behind_one_address_with_right_passwords_do_not_hinder_each_other() {
    let app = TestApp::start_with(|config| {
        config.login_failures_per_address = Some(3);
        config.login_failures_per_name = Some(3);
    });
    let names = ["owner", "manager", "viewer", "personal", "emma", "soeren", "ida"];
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let attempts: Vec<_> = (0..3)
            .flat_map(|_| names)
            .map(|name| {
                let (url, name) = (app.nobody(), format!("{name}@bakery.example.com"));
                scope.spawn(move || url.post("/auth/login", demo::credentials(&name)).status)
            })
            .collect();
        attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect()
    });
    assert_eq!(statuses, vec![200; 21]);
    // Failures still count.
    let wrong = ["a@example.com", "b@example.com", "c@example.com", "d@example.com"]
        .map(|name| log_in(&app, name, "wrong").status);
    assert_eq!(wrong, [401, 401, 401, 429]);
}
