//! URLs that are wrong: a clear error in the platform's shape, nothing changed, never a 500.

use std::collections::BTreeMap;

use telecomx_local::api::routes::endpoints;
use telecomx_local::web::middleware::may_change;

use super::support::{Response, TestApp, assert_error, code_of, demo};

/// A URL of this path with `value` in the place of `placeholder`, and something that exists in all other places.
fn with_value(path: &str, placeholder: &str, value: &str) -> String {
    let existing = [
        ("{customer}", demo::BAKERY),
        ("{employee}", demo::EMMA),
        ("{address}", demo::SECOND_ADDRESS),
        ("{section}", "Employees"),
        ("{item}", demo::EMMA),
        ("{entry}", "000000000000000000000001"),
        ("{token}", "0000"),
        ("{contact}", demo::SHARED_CONTACT),
        ("{name}", "SHARED:night"),
        ("{queue}", demo::ORDERS),
        ("{member}", demo::EMMA_IN_ORDERS),
        ("{extension}", demo::EMMAS_EXTENSION),
        ("{group}", demo::SHOP),
    ];
    let path = path.replace(placeholder, value);
    existing.into_iter().fold(path, |path, (name, value)| path.replace(name, value))
}

fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| segment.starts_with('{'))
}

/// Refused as the platform refuses, by the caller's fault.
#[track_caller]
fn assert_refused(answer: &Response) {
    code_of(answer);
    assert!((400..500).contains(&answer.status) && answer.status != 401, "{answer}");
}

#[test]
fn what_is_no_id_is_refused_in_every_place_of_every_url() {
    let app = TestApp::start();
    let admin = app.admin();
    let before = app.export();
    let long = "a".repeat(5_000);
    let ids = [
        "12345678901234567890123",
        "1234567890123456789012345",
        "12345678901234567890123g",
        "%00",
        "%ff",
        "%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00",
        "%C3%A6%C3%A6%C3%A6%C3%A6%C3%A6%C3%A6%C3%A6%C3%A6%C3%A6%C3%A6%C3%A6%C3%A6",
        "%20",
        "..%2f..",
        "'%20or%201=1--",
        &long,
    ];
    for endpoint in endpoints() {
        // A section is any text, and one that does not exist has no entries.
        for placeholder in placeholders(endpoint.path).filter(|name| *name != "{section}") {
            for id in ids {
                let request = admin.request(endpoint.method, &with_value(endpoint.path, placeholder, id));
                let request =
                    if endpoint.body.is_none() { request } else { request.json(serde_json::json!({ "name": "x" })) };
                assert_refused(&request.send());
            }
        }
    }
    assert!(app.export() == before, "a refused request changed something");
}

#[test]
fn a_section_may_be_any_text() {
    let app = TestApp::start();
    let owner = app.owner();
    for section in ["%00", "%ff", "%C3%A6", "%27", "NoSuchSection"] {
        let answer = owner.get(&format!("/log/changelog/customer/{}/{section}", demo::BAKERY)).ok();
        assert_eq!(answer["total"], 0, "{section}");
    }
}

#[test]
fn a_value_out_of_range_is_refused_by_every_list() {
    let app = TestApp::start();
    let admin = app.admin();
    let paged: Vec<_> = endpoints().into_iter().filter(|e| e.query.split(' ').any(|name| name == "limit")).collect();
    assert_eq!(
        paged.len(),
        14,
        "customers, employees, contacts, extensions, groups, tokens, operations, conflicts, proposals, the audit trail, and the \
         change log at four URLs"
    );
    for endpoint in paged {
        let path = with_value(endpoint.path, "", "");
        let beyond = match endpoint.path {
            "/pbx/phonebook" => "limit=50001",
            "/pbx/extension" | "/pbx/group" => "limit=1001",
            _ => "limit=501",
        };
        for (query, code) in [
            ("limit=0", "limit"),
            (beyond, "limit"),
            ("limit=-1", "limit"),
            ("limit=ten", "limit"),
            ("limit=1e2", "limit"),
            ("limit=", "limit"),
            ("limit=9999999999999999999999", "limit"),
            ("offset=-1", "offset"),
            ("offset=x", "offset"),
        ] {
            assert_error(&admin.get(&format!("{path}?{query}")), 422, code);
        }
        for query in ["limit=1", "limit=500", "offset=9223372036854775807"] {
            admin.get(&format!("{path}?{query}")).ok();
        }
    }
}

#[test]
fn an_argument_that_is_no_id_or_flag_is_refused_by_its_name() {
    let app = TestApp::start();
    let admin = app.admin();
    for endpoint in endpoints().iter().filter(|endpoint| endpoint.method == "GET" && endpoint.page != "api:auth:login")
    {
        let path = with_value(endpoint.path, "{employee}", demo::MANAGER);
        for name in endpoint.query.split_whitespace() {
            let ids = ["customer", "employee", "reseller", "queue", "parentReseller", "customerIds", "ids"];
            let flags = ["full", "all", "includeDeleted", "includeSubresellers", "resellers", "flexcare", "iptv"];
            let more_flags =
                ["remove", "simple", "extend", "persist", "includeData", "includeEmployees", "includeChanges"];
            let values: &[&str] = match name {
                // Numbers are taken too.
                _ if endpoint.path.starts_with("/pbx/app/action/") => continue,
                // Accepted, of no effect.
                "all" if endpoint.path == "/pbx/app/queues" => continue,
                "extension" if endpoint.path == "/pbx/app/queues" => &["", "12", "%00", demo::SOEREN],
                "target" => &["", "12", "%ff", demo::SOEREN],
                "sort" => &["", "size", "%00", "Name"],
                "expandGoto" | "expandExtension" | "members" | "callers" | "standalone" | "includePhones" => {
                    &["maybe", "2"]
                }
                _ if ids.contains(&name) => &["12", "%00", "%ff", "zzzzzzzzzzzzzzzzzzzzzzzz"],
                _ if flags.contains(&name) || more_flags.contains(&name) => &["maybe", "%00", "2"],
                "sortBy" | "orderBy" | "what" | "version" => &["", "other", "%ff"],
                "date" | "since" => &["yesterday", "%00", "2026-13-01"],
                _ => continue,
            };
            for value in values {
                let answer = admin.get(&format!("{path}?{name}={value}"));
                assert_eq!(answer.status, 422, "{answer}");
                assert!(code_of(&answer).starts_with(name), "{answer}");
            }
        }
    }
}

#[test]
fn a_method_that_a_url_has_not_is_told_which_it_has() {
    let app = TestApp::start();
    let admin = app.admin();
    let mut methods: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for endpoint in endpoints() {
        let served = methods.entry(endpoint.path).or_default();
        served.push(endpoint.method);
        if endpoint.method == "GET" && !may_change(endpoint.path) {
            served.push("HEAD");
        }
    }
    let own: Vec<&str> = endpoints().iter().filter(|it| it.page.is_empty()).map(|it| it.path).collect();
    let before = app.export();
    for (path, served) in methods {
        for method in ["GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "BREW"] {
            if served.contains(&method) {
                continue;
            }
            let answer = admin.request(method, &with_value(path, "", "")).send();
            match (method, own.contains(&path)) {
                ("OPTIONS", _) => assert_eq!((answer.status, answer.text()), (204, String::new())),
                // Of the platform's URLs not every method is known.
                (_, false) => assert_error(&answer, 501, "not_implemented"),
                (_, true) => assert_error(&answer, 405, "method_not_allowed"),
            }
            let mut allowed: Vec<_> = answer.header("allow").unwrap_or_default().split(", ").collect();
            allowed.sort_unstable();
            let mut served = [&served[..], &["OPTIONS"]].concat();
            served.sort_unstable();
            assert_eq!(allowed, served, "{answer}");
        }
    }
    assert!(app.export() == before);
}

#[test]
fn a_url_that_nothing_has_is_not_found() {
    let app = TestApp::start();
    for path in ["/nothing", "/%00", "/%ff", "/customer/1/2/3/4", "/pbx/app/mobileconfig/1/2", "/CUSTOMER"] {
        assert_error(&app.nobody().get(path), 404, "not_found");
    }
}
