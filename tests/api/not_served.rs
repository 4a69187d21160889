//! Endpoints of the platform that this server has not.

use telecomx_local::api::not_served::platform_endpoints;
use telecomx_local::api::routes::endpoints;

use super::support::{Client, TestApp, assert_error, demo};

/// A URL of this pattern.
fn url(pattern: &str) -> String {
    let segments = pattern.split('/').map(|segment| if segment.starts_with('{') { demo::EMMA } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

fn ask(caller: &Client, method: &str, path: &str) -> super::support::Response {
    caller.request(method, path).send()
}

#[test]
fn every_other_endpoint_of_the_platform_is_not_implemented() {
    let app = TestApp::start();
    let callers = [app.nobody(), app.admin()];
    let mut asked = 0;
    for (method, pattern) in platform_endpoints() {
        for caller in &callers {
            let answer = ask(caller, method, &url(&pattern));
            assert_error(&answer, 501, "not_implemented");
            assert!(answer.message().contains("telecomx-local does not"), "{answer}");
        }
        asked += 1;
    }
    assert!(asked > 130, "{asked}");
}

#[test]
fn no_endpoint_is_both_served_and_not() {
    for (method, pattern) in platform_endpoints() {
        let is_served = endpoints().iter().any(|endpoint| endpoint.method == method && endpoint.path == pattern);
        assert!(!is_served, "{method} {pattern}");
    }
}

#[test]
fn another_method_of_theirs_is_not_implemented_either_since_the_list_may_lack_it() {
    let app = TestApp::start();
    for (method, path) in
        [("DELETE", "/dns"), ("DELETE", "/customer/organizationresellers"), ("PUT", "/employee"), ("PATCH", "/dns")]
    {
        assert_error(&ask(&app.nobody(), method, path), 501, "not_implemented");
    }
    let answer = ask(&app.nobody(), "OPTIONS", "/dns");
    assert_eq!((answer.status, answer.header("allow")), (204, Some("GET, POST, OPTIONS")));
}

#[test]
fn their_urls_are_taken_with_a_trailing_slash_too() {
    let app = TestApp::start();
    assert_error(&app.nobody().get("/dns/"), 501, "not_implemented");
}
