//! What is done and said where the platform does not let the account in, has no time, or leads elsewhere.

use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use telecomx_local::platform::api::{ApiError, Credential};
use telecomx_local::platform::reader::ReadError;

use super::double::{Ask, Reply, USERNAME};
use super::local::{Local, account, settings};
use super::odd::{ANNA, platform};
use crate::support::{Place, needs};

#[test]
fn a_session_that_has_expired_is_opened_again_and_nothing_is_lost() {
    let double = platform();
    let mut local = Local::of(&double.url);
    local.round();
    assert_eq!(double.logins(), 1);
    double.end_sessions();
    local.update_employee(ANNA, json!({ "title": "Baker" }));
    assert_eq!((local.round().sent, double.logins()), (1, 2));
    // In the middle of a round.
    let ends = double.clone();
    let mut count = 0;
    double.be_odd(move |_: &Ask, reply: Reply| {
        count += 1;
        if count == 5 {
            ends.end_sessions();
        }
        reply
    });
    assert_eq!((local.round().failed, double.logins()), (0, 3));
}

#[test]
fn a_platform_that_has_too_much_to_do_is_left_alone_for_as_long_as_it_says() {
    let double = platform();
    let mut local = Local::of(&double.url);
    local.round();
    for status in [429, 503] {
        double.be_odd(move |_: &Ask, _: Reply| Reply {
            headers: vec![("retry-after", "7".into())],
            ..Reply::error(status, "too_many_requests")
        });
        double.asked();
        let ReadError::Api(ApiError::Busy { retry_after, .. }) = local.fails() else { panic!("it is busy") };
        assert_eq!((retry_after, double.asked().len()), (Some(Duration::from_secs(7)), 1));
    }
    double.be_sound();
    local.round();
    assert_eq!(local.record().last_error, None);
}

#[test]
fn a_redirect_to_another_host_is_not_followed_and_the_token_does_not_go_there() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = format!("http://{}", other.local_addr().unwrap());
    let visits = Arc::new(AtomicUsize::new(0));
    let seen = visits.clone();
    std::thread::spawn(move || {
        other.incoming().for_each(|_| {
            let _ = seen.fetch_add(1, Ordering::SeqCst);
        })
    });
    let double = platform();
    let mut local = Local::of(&double.url);
    local.round();
    let before = local.world();
    for status in [301, 302, 307, 308] {
        let elsewhere = elsewhere.clone();
        double.be_odd(move |ask: &Ask, reply: Reply| match ask.path.starts_with("/auth") {
            true => reply,
            false => Reply { status, headers: vec![("location", format!("{elsewhere}{}", ask.path))], ..Reply::html() },
        });
        local.round();
        assert!(local.troubles().iter().any(|trouble| trouble.contains(&status.to_string())), "{:?}", local.troubles());
        assert_eq!(local.world(), before);
    }
    // Nor a login's, with the password.
    double.be_odd(move |_: &Ask, _: Reply| Reply {
        status: 307,
        headers: vec![("location", format!("{elsewhere}/auth/login"))],
        ..Reply::html()
    });
    let said = Local::of(&double.url).fails().to_string();
    assert!(said.contains("not the platform's API"), "{said}");
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[test]
fn who_is_not_let_in_reads_one_sentence_that_says_what_to_do() {
    let fails = |url: &str, credential: Credential| {
        let mut local = Local::with(url, credential, settings());
        let error = local.fails();
        let is_final = matches!(error, ReadError::Api(ApiError::Credential(_)));
        assert_eq!(local.record().alarm.is_some(), is_final, "an alarm stands until somebody acts");
        (is_final, error.to_string())
    };
    let double = platform();
    let wrong = Credential::Password { username: USERNAME.into(), password: "Passw0rd9999".into() };
    let (is_final, said) = fails(&double.url, wrong);
    assert!(is_final && said.contains("refuses the user name or the password") && said.contains("connect"), "{said}");
    let (is_final, said) = fails(&double.url, Credential::Token("token-that-was-deleted".into()));
    assert!(is_final && said.contains("token") && said.contains("connect"), "{said}");
    double.change(|world| world.level = "PERSONAL".into());
    let (is_final, said) = fails(&double.url, account());
    assert!(is_final && said.contains("reaches nothing") && said.contains("VIEWER"), "{said}");
    double.change(|world| world.level = "RESELLER".into());
    for (code, expected) in [("account", "disabled"), ("smsKey", "code"), ("authenticatorToken", "code")] {
        double.be_odd(move |_: &Ask, _: Reply| Reply::error(403, code));
        let (is_final, said) = fails(&double.url, account());
        assert!(is_final && said.contains(expected), "{said}");
    }
    // Somebody else answers there: a portal, a server that knows no such path, nobody.
    double.be_odd(|_: &Ask, _: Reply| Reply::html());
    let (is_final, said) = fails(&double.url, account());
    assert!(!is_final && said.contains("not the platform's API"), "{said}");
    double.be_odd(|_: &Ask, _: Reply| Reply { status: 404, ..Reply::html() });
    let (is_final, said) = fails(&double.url, account());
    assert!(!is_final && said.contains("not the platform's API"), "{said}");
    double.be_odd(|ask: &Ask, reply: Reply| if ask.path == "/auth/login" { reply } else { Reply::html() });
    let (is_final, said) = fails(&double.url, account());
    assert!(!is_final && said.contains("not the platform's API"), "{said}");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (is_final, said) = fails(&format!("http://{closed}"), account());
    assert!(!is_final && said.contains("cannot be reached"), "{said}");
}

#[test]
fn a_certificate_that_does_not_fit_is_one_sentence_and_the_password_is_not_sent() {
    if !needs("openssl") {
        return;
    }
    let place = Place::with_world();
    let certificate = |name: &str, key: &str, host: &str| {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-keyout", key, "-out", name, "-subj", "/CN=platform", "-addext", &format!("subjectAltName={host}")])
            .current_dir(place.folder())
            .output();
        assert!(made.unwrap().status.success());
    };
    certificate("cert.pem", "key.pem", "DNS:other.example.com");
    let server = place.serve_with(&["--tls-cert", "cert.pem", "--tls-key", "key.pem"]);
    let said = Local::of(&server.url).fails().to_string();
    assert!(said.contains("certificate"), "it is not trusted: {said}");
    let trusting =
        telecomx_local::platform::settings::PlatformSettings { ca: Some(place.path("cert.pem")), ..settings() };
    let said = Local::with(&server.url, account(), trusting).fails().to_string();
    assert!(said.contains("certificate"), "it is trusted, and another's: {said}");
}
