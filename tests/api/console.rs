//! The console: its pages, its session in a cookie, and the calls that it alone makes.

use serde_json::{Value, json};

use super::login::code_now;
use super::support::{Client, Response, TestApp, assert_error, demo};

pub const SESSION: &str = "/local/session";
pub const COOKIE: &str = "telecomx_console";

/// A browser that has logged in to the console.
pub struct Browser {
    pub nobody: Client,
    pub cookie: String,
    csrf: String,
}

impl Browser {
    pub fn log_in(app: &TestApp, username: &str) -> Browser {
        let nobody = app.nobody();
        let answer = nobody.post(SESSION, demo::credentials(username));
        let csrf = answer.ok()["csrfToken"].as_str().unwrap().to_owned();
        Browser { nobody, cookie: cookie_of(&answer), csrf }
    }

    /// As a page of the server does it, with these headers too.
    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Response {
        let request = self.nobody.request(method, path).header("cookie", &format!("{COOKIE}={}", self.cookie));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        match body {
            Some(body) => request.json(body).send(),
            None => request.send(),
        }
    }

    pub fn get(&self, path: &str) -> Response {
        self.request("GET", path, &[], None)
    }

    pub fn post(&self, path: &str, body: Value) -> Response {
        self.request("POST", path, &[("x-csrf-token", &self.csrf)], Some(body))
    }

    pub fn log_out(&self) -> Response {
        self.request("DELETE", SESSION, &[("x-csrf-token", &self.csrf)], None)
    }
}

fn set_cookie(answer: &Response) -> &str {
    answer.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {answer}"))
}

/// The token in the cookie that an answer sets.
fn cookie_of(answer: &Response) -> String {
    let value = set_cookie(answer).strip_prefix(&format!("{COOKIE}=")).unwrap();
    value.split(';').next().unwrap().to_owned()
}

fn title_of(app: &TestApp, employee: &str) -> Value {
    app.admin().get(&format!("/employee/{employee}")).ok()["title"].take()
}

pub fn emma() -> String {
    format!("/employee/{}", demo::EMMA)
}

#[test]
fn the_pages_are_served_from_inside_the_binary_under_a_strict_policy() {
    let app = TestApp::start();
    let moved = app.nobody().get("/console");
    assert_eq!((moved.status, moved.header("location")), (307, Some("/console/")), "{moved}");
    let page = app.nobody().get("/console/");
    assert_eq!(page.status, 200, "{page}");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let again = app.nobody().request("GET", "/console/index.html").header("if-none-match", page.etag()).send();
    assert_eq!((again.status, again.body.len()), (304, 0), "{again}");
    let packed = app.nobody().request("GET", "/console/").header("accept-encoding", "gzip").send();
    assert_eq!(packed.header("content-encoding"), Some("gzip"), "{packed}");
    assert_eq!(app.nobody().get("/console/about.json").ok()["kind"], "server");
    assert_error(&app.nobody().get("/console/nothing.js"), 404, "not_found");
    assert_error(&app.nobody().get("/console/..%2findex.html"), 404, "not_found");
    assert_eq!(app.nobody().act("/console/").status, 405);
    assert!(app.nobody().get("/").text().contains("/console/"), "the first page leads there");
}

#[test]
fn a_server_without_a_console_has_no_such_url() {
    let app = TestApp::start_with(|config| config.no_console = Some(true));
    for path in ["/console", "/console/", "/console/index.html", "/console/about.json"] {
        assert_error(&app.nobody().get(path), 404, "not_found");
    }
    assert!(!app.nobody().get("/").text().contains("/console/"));
}

#[test]
fn the_session_is_in_a_cookie_that_no_script_can_read() {
    let app = TestApp::start();
    let answer = app.nobody().post(SESSION, demo::credentials("manager@bakery.example.com"));
    let body = answer.ok();
    let cookie = set_cookie(&answer).to_owned();
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    for part in ["Max-Age", "Expires", "Secure", "Domain"] {
        assert!(!cookie.contains(part), "{cookie}: it goes with the browser, and there is no TLS");
    }
    assert!(!answer.text().contains(&cookie_of(&answer)), "the body has no token");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let employee = &body["employee"];
    assert_eq!((&employee["_id"], &employee["accessLevel"]), (&json!(demo::MANAGER), &json!("MANAGER")));
    assert_eq!(employee["customer"], demo::BAKERY);
    let browser = Browser::log_in(&app, "manager@bakery.example.com");
    let known = browser.get(SESSION).ok();
    assert_eq!((&known["employee"], &known["csrfToken"]), (employee, &json!(browser.csrf)));
    assert_error(&app.nobody().get(SESSION), 401, "credentials_invalid");
    assert_error(&app.manager().get(SESSION), 401, "credentials_invalid");
}

#[test]
fn a_change_needs_the_token_that_only_the_pages_can_read() {
    let app = TestApp::start();
    let browser = Browser::log_in(&app, "manager@bakery.example.com");
    let other = Browser::log_in(&app, "owner@bakery.example.com");
    let before = title_of(&app, demo::EMMA);
    let session = browser.cookie.clone();
    for wrong in ["", "0", &"0".repeat(64), &other.csrf, &session] {
        let answer = browser.request("POST", &emma(), &[("x-csrf-token", wrong)], Some(json!({ "title": "Boss" })));
        assert_error(&answer, 403, "csrf");
    }
    assert_error(&browser.request("POST", &emma(), &[], Some(json!({ "title": "Boss" }))), 403, "csrf");
    // What changes something by GET counts as a change.
    for path in ["/auth/logout", "/%61uth/logout", &format!("/auth/impersonate/{}", demo::EMMA), "/pbx/switch/SHARED:x"]
    {
        assert_error(&browser.get(path), 403, "csrf");
    }
    assert_error(&browser.request("DELETE", SESSION, &[], None), 403, "csrf");
    assert_eq!(title_of(&app, demo::EMMA), before, "nothing was changed");
    assert_eq!(browser.post(&emma(), json!({ "title": "Head" })).ok()["title"], "Head");
    browser.get(&emma()).ok();
}

#[test]
fn a_hostile_page_cannot_use_the_session() {
    let app = TestApp::start();
    let browser = Browser::log_in(&app, "manager@bakery.example.com");
    let before = title_of(&app, demo::EMMA);
    for foreign in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("referer", "http://localhost:1/page"),
    ] {
        let headers = [foreign, ("x-csrf-token", browser.csrf.as_str())];
        assert_error(&browser.request("GET", &emma(), &headers, None), 401, "credentials_invalid");
        assert_error(&browser.request("GET", SESSION, &headers, None), 401, "credentials_invalid");
        assert_error(&browser.request("DELETE", SESSION, &headers, None), 401, "credentials_invalid");
        let change = browser.request("POST", &emma(), &headers, Some(json!({ "title": "Boss" })));
        assert_error(&change, 401, "credentials_invalid");
        let login = app.nobody().request("POST", SESSION).header(foreign.0, foreign.1);
        let login = login.json(demo::credentials("viewer@bakery.example.com")).send();
        assert_error(&login, 403, "csrf");
        assert_eq!(login.header("set-cookie"), None);
    }
    let form = app.nobody().request("POST", SESSION).header("content-type", "text/plain");
    let form = form.bytes(demo::credentials("viewer@bakery.example.com").to_string()).send();
    assert_error(&form, 415, "unsupported_media_type");
    assert_eq!(title_of(&app, demo::EMMA), before);
    browser.get(SESSION).ok();
}

#[test]
fn the_cookie_of_a_login_goes_before_it_unless_the_pages_say_which() {
    let app = TestApp::start();
    let browser = Browser::log_in(&app, "manager@bakery.example.com");
    let viewer = app.viewer();
    let both = format!("token={}; {COOKIE}={}", viewer.token(), browser.cookie);
    let change = |csrf: Option<&str>| {
        let request = app.nobody().request("POST", &emma()).header("cookie", &both);
        let request = csrf.into_iter().fold(request, |request, csrf| request.header("x-csrf-token", csrf));
        request.json(json!({ "title": "Head" })).send().status
    };
    // A viewer may not, a manager may.
    assert_eq!((change(None), change(Some(&browser.csrf))), (403, 200));
}

#[test]
fn a_logout_ends_this_session_and_no_other() {
    let app = TestApp::start();
    let first = Browser::log_in(&app, "manager@bakery.example.com");
    let second = Browser::log_in(&app, "manager@bakery.example.com");
    let answer = first.log_out();
    assert_eq!(answer.ok(), json!({ "success": true }));
    assert!(set_cookie(&answer).starts_with(&format!("{COOKIE}=;")), "{answer}");
    assert!(set_cookie(&answer).contains("Max-Age=0"), "{answer}");
    assert_error(&first.get(SESSION), 401, "invalid_token");
    assert_error(&first.get(&emma()), 401, "invalid_token");
    second.get(&emma()).ok();
    // The platform's logout ends all of them.
    let all = second.request("GET", "/auth/logout", &[("x-csrf-token", &second.csrf)], None);
    assert_eq!(all.status, 200, "{all}");
    assert_error(&second.get(SESSION), 401, "invalid_token");
}

#[test]
fn a_session_that_is_not_used_ends() {
    let app = TestApp::start();
    let browser = Browser::log_in(&app, "manager@bakery.example.com");
    app.clock.advance_ms(16 * 60_000);
    assert_error(&browser.get(SESSION), 401, "expired");
}

#[test]
fn the_second_factor_and_the_throttle_are_those_of_the_login() {
    let app = TestApp::start_with(|config| config.login_failures_per_name = Some(2));
    let security = json!({ "authenticatorValidation": true });
    app.admin().post(&format!("/employee/{}", demo::VIEWER), security).ok();
    let credentials = demo::credentials("viewer@bakery.example.com");
    let wanted = app.nobody().post(SESSION, credentials.clone());
    assert_error(&wanted, 403, "authenticatorToken");
    assert_eq!(wanted.header("set-cookie"), None);
    let key = wanted.json()["error"]["key"].as_str().unwrap().to_owned();
    let mut with_code = credentials.clone();
    with_code["authenticatorToken"] = json!(code_now(&app, &key));
    let opened = app.nobody().post(SESSION, with_code);
    assert_eq!(opened.ok()["employee"]["_id"], demo::VIEWER);
    set_cookie(&opened);
    let mut wrong = demo::credentials("manager@bakery.example.com");
    wrong["password"] = json!("wrong");
    for _ in 0..2 {
        assert_error(&app.nobody().post(SESSION, wrong.clone()), 401, "credentials_invalid");
    }
    let limited = app.nobody().post(SESSION, demo::credentials("manager@bakery.example.com"));
    assert_error(&limited, 429, "too_many_requests");
    assert!(limited.header("retry-after").is_some() && limited.header("set-cookie").is_none());
    assert_error(&app.nobody().post(SESSION, json!({ "username": "x" })), 404, "password");
}
