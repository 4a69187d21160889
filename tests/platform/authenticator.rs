//! Authenticators of employees whose logins the platform judges.

use serde_json::json;
use telecomx_local::auth::contexts::authenticator_key;
use telecomx_local::auth::totp;
use telecomx_local::domain::time::Time;
use telecomx_local::store::credentials;

use crate::api::{Response, assert_error, demo};
use crate::servers::{Here, Pair, VIEWER, assert_refused};

/// The code that an authenticator app shows now.
fn code(key: &[u8], now: Time) -> String {
    let secret = totp_rs::Builder::new().with_secret(key.to_vec()).build().unwrap();
    secret.generate(u64::try_from(now.seconds()).unwrap()).to_string()
}

/// Has the platform, and the last reading, want an authenticator of the viewer.
fn require_authenticator(pair: &Pair) {
    let path = format!("/employee/{}", demo::VIEWER);
    pair.there.manager().post(&path, json!({ "authenticatorValidation": true })).ok();
    pair.here.change(demo::VIEWER, |employee| employee.authenticator_validation = true);
}

fn log_in_with(here: &Here, code: &str) -> Response {
    here.try_log_in_with(VIEWER, demo::PASSWORD, json!({ "authenticatorToken": code }))
}

#[test]
fn a_key_that_the_platform_presents_counts_without_it_too() {
    let pair = Pair::start();
    let (here, there) = (&pair.here, &pair.there);
    require_authenticator(&pair);
    let asked = here.try_log_in(VIEWER, demo::PASSWORD);
    assert_error(&asked, 403, "authenticatorToken");
    let error = &asked.json()["error"];
    assert!(error["totp"].as_str().unwrap().starts_with("otpauth://"), "what the platform presents is passed on");
    let key = totp::parse_key(error["key"].as_str().unwrap()).unwrap();
    log_in_with(here, &code(&key, there.clock.now())).ok();
    let kept = here.credentials(demo::VIEWER);
    assert!(kept.totp_confirmed && kept.password_hash.is_some());
    assert_refused(&log_in_with(here, "000000"));
    assert!(here.credentials(demo::VIEWER).password_hash.is_some(), "only the code was wrong");
    pair.line.cut();
    let asked = here.try_log_in(VIEWER, demo::PASSWORD);
    assert_error(&asked, 403, "authenticatorToken");
    assert_eq!(asked.json()["error"].get("key"), None, "no key is presented without the platform");
    assert_refused(&log_in_with(here, &code(&key, here.clock.now())));
    here.clock.advance_ms(60_000);
    log_in_with(here, &code(&key, here.clock.now())).ok();
}

#[test]
fn a_key_that_is_not_known_here_is_not_made_without_the_platform() {
    let pair = Pair::start();
    let (here, there) = (&pair.here, &pair.there);
    require_authenticator(&pair);
    let known = there.nobody().post("/auth/login", demo::credentials(VIEWER)).json();
    let key = totp::parse_key(known["error"]["key"].as_str().unwrap()).unwrap();
    log_in_with(here, &code(&key, there.clock.now())).ok();
    pair.line.cut();
    let offline = log_in_with(here, &code(&key, here.clock.now()));
    assert_error(&offline, 403, "authenticatorToken");
    assert!(offline.message().contains("cannot be reached"), "{offline}");
    assert!(here.credentials(demo::VIEWER).totp_key.is_none());
    let sealed = here.sealer.seal(&authenticator_key(demo::VIEWER.parse().unwrap()), &key).unwrap();
    here.write(move |tx| credentials::set_totp_key(tx, demo::VIEWER.parse().unwrap(), Some(&sealed), false));
    log_in_with(here, &code(&key, here.clock.now())).ok();
}

#[test]
fn a_key_that_the_platform_has_replaced_is_forgotten() {
    let pair = Pair::start();
    let (here, there) = (&pair.here, &pair.there);
    require_authenticator(&pair);
    let sealed = here.sealer.seal(&authenticator_key(demo::VIEWER.parse().unwrap()), &[9; 20]).unwrap();
    here.write(move |tx| credentials::set_totp_key(tx, demo::VIEWER.parse().unwrap(), Some(&sealed), true));
    let known = there.nobody().post("/auth/login", demo::credentials(VIEWER)).json();
    let key = totp::parse_key(known["error"]["key"].as_str().unwrap()).unwrap();
    log_in_with(here, &code(&key, there.clock.now())).ok();
    assert!(here.credentials(demo::VIEWER).totp_key.is_none());
}

#[test]
fn the_authenticator_keys_of_the_platforms_employees_are_made_there() {
    let pair = Pair::start();
    let viewer = pair.here.log_in(VIEWER);
    let create = viewer.act(&format!("/employee/{}/authenticatorkey/create", demo::VIEWER));
    assert_error(&create, 409, "platform");
    let reset =
        pair.here.log_in("owner@bakery.example.com").act(&format!("/employee/{}/authenticatorkey/reset", demo::VIEWER));
    assert_error(&reset, 409, "platform");
    assert!(reset.message().contains("made there"), "{reset}");
}
