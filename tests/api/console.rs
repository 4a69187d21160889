//! The console: its pages, its session in a cookie, and the calls that it alone makes.

use serde_json::{Value, json};

use super::login::code_now;
use super::support::{Client, Response, TestApp, assert_error, demo};

const SESSION: &str = "/local/session";
const COOKIE: &str = "telecomx_console";

/// A browser that has logged in to the console.
struct Browser {
    nobody: Client,
    cookie: String,
    csrf: String,
}

impl Browser {
    fn log_in(app: &TestApp, username: &str) -> Browser {
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

    fn get(&self, path: &str) -> Response {
        self.request("GET", path, &[], None)
    }

    fn post(&self, path: &str, body: Value) -> Response {
        self.request("POST", path, &[("x-csrf-token", &self.csrf)], Some(body))
    }

    fn log_out(&self) -> Response {
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

fn emma() -> String {
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

#[test]
fn the_audit_trail_says_who_did_what_from_where_and_what_was_before_and_after() {
    let app = TestApp::start();
    let manager = app.manager();
    manager.request("POST", &emma()).header("x-request-id", "baking-1").json(json!({ "title": "Baker" })).send().ok();
    manager.post(&emma(), json!({ "title": "Head baker" })).ok();
    let page = manager.get(&format!("/local/audit?item={}", demo::EMMA)).ok();
    let [newest, older] = [0, 1].map(|place| page["entries"][place].clone());
    assert!(newest["seq"].as_i64() > older["seq"].as_i64());
    assert_eq!((&newest["before"]["title"], &newest["after"]["title"]), (&json!("Baker"), &json!("Head baker")));
    assert_eq!(older["after"]["title"], "Baker");
    assert_eq!((&older["who"]["employee"], &older["who"]["accessLevel"]), (&json!(demo::MANAGER), &json!("MANAGER")));
    assert_eq!(older["from"], json!({ "address": "127.0.0.1", "way": "API", "request": "baking-1" }));
    assert_eq!(
        (&older["action"], &older["section"], &older["refused"]),
        (&json!("update"), &json!("Employees"), &json!(false))
    );
    assert_eq!((&older["item"], &older["customer"]), (&json!(demo::EMMA), &json!(demo::BAKERY)));
    let brief = manager.get(&format!("/local/audit?item={}&brief=true", demo::EMMA)).ok();
    assert!(brief["entries"][0].get("before").is_none() && brief["total"] == page["total"]);
}

#[test]
fn the_audit_trail_can_be_narrowed_down() {
    let app = TestApp::start();
    let (manager, admin) = (app.manager(), app.admin());
    manager.post(&emma(), json!({ "title": "Baker" })).ok();
    let copied =
        manager.post("/local/copies", json!({ "_id": demo::MANAGER, "copyTo": [demo::EMMA, demo::SOEREN] })).ok();
    let operation = copied["operation"].as_str().unwrap();
    assert_eq!(app.viewer().post(&format!("/employee/{}", demo::OWNER), json!({ "department": "x" })).status, 403);
    let total = |query: &str| admin.get(&format!("/local/audit?{query}")).ok()["total"].as_i64().unwrap();
    let of_bakery = format!("customer={}", demo::BAKERY);
    assert_eq!(total(&format!("operation={operation}")), 2);
    assert_eq!(total(&format!("{of_bakery}&operation=copy")), 2);
    assert_eq!(total(&format!("{of_bakery}&refused=true")), 1);
    assert_eq!(total(&format!("{of_bakery}&refused=false")), total(&of_bakery) - 1);
    assert_eq!(total(&format!("by={}&section=Employees", demo::MANAGER)), 1);
    assert_eq!(total("by=manager&section=Employees&refused=false&item=e00000000000000000000405"), 1);
    assert_eq!((total("since=2999-01-01"), total("until=2999-01-01")), (0, total("")));
    assert_eq!(total("since=2999-01-01T00:00:00Z&until=2000-01-01"), 0);
    let first = admin.get("/local/audit?limit=1").ok();
    let second = admin.get("/local/audit?limit=1&offset=1").ok();
    assert_eq!(first["entries"][0]["seq"].as_i64().unwrap() - 1, second["entries"][0]["seq"].as_i64().unwrap());
    for (query, name) in [
        ("since=yesterday", "since"),
        ("item=x", "item"),
        ("refused=maybe", "refused"),
        ("limit=501", "limit"),
        ("by=", "by"),
    ] {
        assert_error(&admin.get(&format!("/local/audit?{query}")), 422, name);
    }
}

#[test]
fn nobody_reads_in_the_audit_trail_what_the_change_log_hides() {
    let app = TestApp::start();
    app.admin().post(&emma(), json!({ "title": "Baker" })).ok();
    app.personal().post("/pbx/phonebook", json!({ "personal": true, "givenName": "Secretly" })).ok();
    let manager = app.manager();
    let seen = manager.get("/local/audit?limit=500").ok();
    let entries = seen["entries"].as_array().unwrap();
    assert!(entries.iter().all(|entry| entry["customer"] == demo::BAKERY), "of no other customer");
    let title = entries.iter().find(|entry| entry["after"]["title"] == "Baker").unwrap();
    assert_eq!(
        (&title["who"], &title["from"]),
        (&Value::Null, &Value::Null),
        "an administrator is nobody of the bakery's"
    );
    assert!(!seen.to_string().contains("Secretly"), "a contact of somebody's own");
    for by in [demo::ADMIN, "admin"] {
        let found = manager.get(&format!("/local/audit?item={}&by={by}", demo::EMMA)).ok();
        assert_eq!(found["total"], 0, "who it was cannot be found out by asking");
    }
    let of_admin = app.admin().get(&format!("/local/audit?item={}&by={}", demo::EMMA, demo::ADMIN)).ok();
    assert_eq!(of_admin["entries"][0]["who"]["employee"], demo::ADMIN);
    let personal = app.personal();
    for path in ["/local/audit", "/local/audit/verify", "/local/status", "/local/sync/history", "/local/sync/proposals"]
    {
        assert_error(&personal.get(path), 403, "access_denied");
    }
    assert_error(&manager.get(&format!("/local/audit?customer={}", demo::WORKSHOP)), 403, "access_denied");
    assert_error(&manager.get("/local/audit?customer=SYSTEM"), 403, "access_denied");
    let reseller = app.reseller().get("/local/audit?limit=500").ok();
    let of: std::collections::BTreeSet<&str> =
        reseller["entries"].as_array().unwrap().iter().filter_map(|entry| entry["customer"].as_str()).collect();
    assert!(of.contains(demo::BAKERY) && of.contains(demo::FLORIST), "{of:?}");
    assert!(!of.contains(demo::LIBRARY) && !of.contains(demo::PLATFORM), "{of:?}");
}

#[test]
fn an_administrator_sees_how_the_server_is() {
    let app = TestApp::start();
    let admin = app.admin();
    let status = admin.get("/local/status").ok();
    assert_eq!(status["server"]["process"], json!(std::process::id().to_string()));
    assert_eq!(status["server"]["listen"], app.url.trim_start_matches("http://"));
    assert_eq!(status["hub"]["enrolled"], false);
    let storage = &status["storage"];
    for size in ["databaseBytes", "auditBytes", "auditEntries", "growthBytesPerDay", "freeBytes"] {
        assert!(storage[size].as_i64().unwrap() > 0, "{size}: {storage}");
    }
    assert!(storage["daysUntilFull"].as_f64().unwrap() > 0.0, "{storage}");
    let proof = admin.get("/local/audit/verify").ok();
    assert_eq!((&proof["ok"], &proof["faults"]), (&json!(true), &json!([])));
    assert_eq!(proof["entries"], storage["auditEntries"]);
    assert_eq!(proof["head"].as_str().unwrap().len(), 64);
    assert_eq!(admin.get("/local/sync/history").ok(), json!({ "everySeconds": 10, "samples": [] }));
    assert_eq!(admin.get("/local/sync/proposals").ok()["total"], 0);
}

/// Server-sent events, as a browser receives them.
struct Events(std::io::BufReader<std::net::TcpStream>);

impl Events {
    fn of(browser: &Browser) -> Events {
        let mut stream = std::net::TcpStream::connect(browser.nobody.url().trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
        let cookie = format!("{COOKIE}={}", browser.cookie);
        let head = format!(
            "GET /local/events HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n"
        );
        std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
        let mut events = Events(std::io::BufReader::new(stream));
        assert!(events.line().unwrap().starts_with("HTTP/1.1 200"));
        assert!(events.lines_to("").contains(&"content-type: text/event-stream".to_owned()));
        events
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = std::io::BufRead::read_line(&mut self.0, &mut line).unwrap();
        (length > 0).then(|| line.trim_end().to_owned())
    }

    fn lines_to(&mut self, last: &str) -> Vec<String> {
        std::iter::from_fn(|| self.line()).take_while(|line| line != last).map(|line| line.to_lowercase()).collect()
    }

    /// The next event and its data; `None` at the end.
    fn next(&mut self) -> Option<(String, Value)> {
        loop {
            let line = self.line()?;
            let Some(name) = line.strip_prefix("event: ") else { continue };
            let data = self.line().unwrap();
            return Some((name.to_owned(), serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap()));
        }
    }
}

#[test]
fn a_change_is_told_as_it_happens_until_the_session_ends() {
    let app = TestApp::start();
    let browser = Browser::log_in(&app, "manager@bakery.example.com");
    let mut events = Events::of(&browser);
    app.admin().post(&format!("/employee/{}", demo::WORKSHOPS_PERSONAL), json!({ "title": "Smith" })).ok();
    browser.post("/pbx/app/mobileconfig/", json!({ "_id": demo::MANAGER, "copyTo": demo::EMMA })).ok();
    let copied =
        json!({ "customer": demo::BAKERY, "section": "PbxAppMobileConfigs", "item": demo::EMMA, "operation": "copy" });
    assert_eq!(events.next(), Some(("change".into(), copied)), "and nothing of another customer before it");
    browser.log_out().ok();
    assert_eq!(events.next(), Some(("end".into(), json!({}))));
    assert_eq!(events.next(), None);
    assert_error(&browser.get("/local/events"), 401, "invalid_token");
}

#[test]
fn an_operator_is_told_how_the_mirror_stands_and_only_so_many_listen() {
    let app = TestApp::start_with(|config| config.realtime_connections_per_address = Some(1));
    let browser = Browser::log_in(&app, "admin@platform.example.com");
    let mut events = Events::of(&browser);
    let (name, summary) = events.next().unwrap();
    assert_eq!((&*name, &summary["quarantine"]), ("sync", &json!(0)));
    assert_eq!(browser.get("/local/events").status, 503);
}
