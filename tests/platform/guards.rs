//! What is not deleted although it is gone, and what is said where the platform does not let the account in.

use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use telecomx_local::domain::platform::OperationState;
use telecomx_local::platform::api::{ApiError, Credential};
use telecomx_local::platform::reader::ReadError;

use super::double::{Ask, Double, Reply, USERNAME};
use super::local::{Local, account, settings};
use super::odd::{ANNA, BAKERY, DAIRY, FIA, platform, set};
use crate::support::{Place, needs};

fn nth(n: usize) -> String {
    format!("e1{n:022}")
}

/// The bakery with so many employees more.
fn large(count: usize) -> Double {
    let double = platform();
    double.change(|world| (0..count).for_each(|n| world.add_employee(&nth(n), BAKERY, &format!("Employee {n}"))));
    double
}

fn employees(local: &Local) -> usize {
    local.world()["employees"].as_array().unwrap().len()
}

#[test]
fn when_very_many_are_gone_at_once_nothing_is_deleted_until_somebody_says_so() {
    let double = large(40);
    let mut local = Local::of(&double.url);
    local.round();
    let before = local.world();
    let taken = double.change(|world| {
        let all = world.employees.clone();
        world.employees.retain(|id, _| !id.starts_with("e10"));
        all
    });
    double.asked();
    assert_eq!(local.round().gone, 0);
    assert_eq!(local.world(), before);
    let guard = local.record().guard.unwrap();
    assert!(guard.contains("40 of 45 employees"), "{guard}");
    let asked = double.asked();
    assert!(!asked.iter().any(|call| call.starts_with("GET /employee/")), "it is not asked after each: {asked:?}");

    // They come back: there is nothing to be said any more.
    let without = double.change(|world| std::mem::replace(&mut world.employees, taken));
    local.round();
    assert_eq!((local.record().guard, local.world()), (None, before));

    // They are gone for good, and somebody says so.
    double.change(|world| world.employees = without);
    local.driver.accepts_deletes = true;
    assert_eq!(local.round().gone, 40);
    assert_eq!((local.record().guard, employees(&local)), (None, 7));
}

#[test]
fn few_that_are_gone_are_asked_for_one_by_one() {
    let double = large(20);
    let mut local = Local::of(&double.url);
    local.round();
    // One is gone, one only hidden from the list, one deleted there, one cannot be seen now, of one the answer is no answer.
    double.change(|world| drop(world.employees.remove(&nth(0))));
    set(&double, &nth(2), "state", json!("DELETED"));
    double.asked();
    double.be_odd(|ask: &Ask, reply: Reply| {
        let hidden: Vec<String> = (0..5).map(nth).collect();
        match ask.path.strip_prefix("/employee/").and_then(|id| hidden.iter().position(|hidden| hidden == id)) {
            Some(3) => return Reply::error(500, "internal_error"),
            Some(4) => return Reply::html(),
            _ => {}
        }
        if !ask.lists_employees_of(BAKERY) {
            return reply;
        }
        reply.with(|page| {
            let list = page["employees"].as_array_mut().unwrap();
            list.retain(|it| !hidden.iter().any(|hidden| it["_id"] == hidden.as_str()));
        })
    });
    // The pages of the double are counted before the hiding: the list is void, and nothing is asked.
    assert_eq!((local.round().gone, local.troubles().len()), (0, 1));
    assert!(!double.asked().iter().any(|call| call.starts_with("GET /employee/")));

    let hidden = double.change(|world| {
        let of = |n| world.employees.get(&nth(n)).cloned();
        (1..5).map(|n| (n, of(n))).collect::<Vec<_>>()
    });
    double.change(|world| (1..5).for_each(|n| drop(world.employees.remove(&nth(n)))));
    double.be_odd(move |ask: &Ask, reply: Reply| {
        let id = ask.path.strip_prefix("/employee/").unwrap_or_default();
        match hidden.iter().find(|(n, _)| nth(*n) == id) {
            Some((1 | 2, Some(employee))) => Reply::json(employee),
            Some((3, _)) => Reply::error(500, "internal_error"),
            Some(_) => Reply::html(),
            None => reply,
        }
    });
    double.asked();
    assert_eq!(local.round().gone, 2);
    let asked = double.asked();
    for n in 0..5 {
        assert_eq!(asked.iter().filter(|call| **call == format!("GET /employee/{}", nth(n))).count(), 1, "{asked:?}");
        let is_gone = n == 0 || n == 2;
        assert_eq!(local.find("employees", &nth(n)).is_none(), is_gone, "{n}");
    }
    assert_eq!(local.record().guard, None);
}

#[test]
fn an_account_that_loses_access_to_one_customer_deletes_nothing_and_goes_on_with_the_others() {
    for (lists, says) in [(403, "out of the account's reach"), (404, "missing at the platform")] {
        let double = large(12);
        let mut local = Local::of(&double.url);
        local.round();
        let before = local.world();
        set(&double, FIA, "title", json!("Chief"));
        double.is_stood_in_for(move |ask: &Ask| {
            let is_of_bakery = [BAKERY, ANNA].iter().any(|id| ask.path.ends_with(id));
            let is_of_bakery = is_of_bakery || ask.has(&format!("customer={BAKERY}"));
            is_of_bakery.then(|| Reply::error(lists, "access_denied"))
        });
        double.be_odd(|ask: &Ask, reply: Reply| match ask.is_get("/customer") {
            true => Reply::json(&page_without(reply, BAKERY)),
            false => reply,
        });
        assert_eq!(local.round().gone, 0);
        let guard = local.record().guard.unwrap();
        assert!(guard.contains(says) && guard.contains(BAKERY), "{guard}");
        let mut now = local.world();
        assert_eq!(local.employee(FIA)["title"], "Chief");
        for employee in now["employees"].as_array_mut().unwrap() {
            employee.as_object_mut().unwrap().remove("title");
        }
        assert_eq!(now, before);
        // What is changed here on it waits, and holds up nobody else.
        local.update_employee(ANNA, json!({ "title": "Baker" }));
        local.update_employee(FIA, json!({ "department": "Cheese" }));
        local.round();
        let left: Vec<_> = local.operations().into_iter().map(|it| (it.target.to_string(), it.state)).collect();
        let state = if lists == 403 { OperationState::Waiting } else { OperationState::Refused };
        assert_eq!(left, [(ANNA.to_owned(), state)]);
        assert!(local.find("employees", ANNA).is_some(), "one that is refused is not deleted: that is for the guard");
        assert_eq!(double.change(|world| world.employees[FIA]["department"].clone()), "Cheese");
        double.be_sound();
        local.round();
        assert_eq!(local.record().guard, None);
        let title = double.change(|world| world.employees[ANNA]["title"].clone());
        assert_eq!(title, if lists == 403 { json!("Baker") } else { Value::Null });
        assert_eq!(local.employee(ANNA)["title"], title, "both sides have the same");
    }
}

fn page_without(reply: Reply, customer: &str) -> Value {
    let mut page = reply.value();
    let list = page["customers"].as_array_mut().unwrap();
    list.retain(|it| it["_id"] != customer);
    page["total"] = json!(list.len());
    page
}

#[test]
fn a_customer_whose_queues_may_not_be_listed_does_not_hide_those_of_others() {
    let double = platform();
    double.change(|world| {
        world.add_queue("a00000000000000000000002", DAIRY, "Milk");
    });
    double.be_odd(|ask: &Ask, reply: Reply| {
        let is_it = ask.is_get("/pbx/dialplan") && ask.has(&format!("customer={BAKERY}"));
        if is_it { Reply::error(403, "access_denied") } else { reply }
    });
    let mut local = Local::of(&double.url);
    local.round();
    assert!(local.find("queues", "a00000000000000000000002").is_some(), "{}", local.world()["queues"]);
}

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
