//! What protects people whose browser also shows pages of others.

use serde_json::json;

use super::support::{Client, Response, TestApp, assert_error, demo, raw};

/// The status line of an answer to a request that names this host.
fn status_for(url: &str, host: &str) -> String {
    let answer = raw(url, format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes());
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_server_on_loopback_answers_by_the_names_of_this_machine() {
    let app = TestApp::start();
    for host in ["localhost", "LOCALHOST:8080", "app.localhost:1", "127.0.0.1:9", "127.1.2.3", "[::1]:8080"] {
        assert_eq!(status_for(&app.url, host), "HTTP/1.1 200 OK", "{host}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example:80",
        "127.0.0.1.nip.io",
        "192.168.1.5",
        "[fe80::1]",
        "localhost@evil.example",
    ] {
        assert!(status_for(&app.url, host).starts_with("HTTP/1.1 4"), "{host}: {}", status_for(&app.url, host));
    }
    let post = "POST /auth/login HTTP/1.1\r\nHost: rebound.example:8080\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    let answer = raw(&app.url, post.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 421 ") && answer.contains(r#""code":"misdirected_request""#), "{answer}");
    assert!(answer.contains("x-content-type-options: nosniff") && answer.contains("x-request-id: "), "{answer}");
}

#[test]
fn configured_hosts_are_answered_and_beyond_loopback_any_unless_some_are_configured() {
    let configured = |listen: [u8; 4], hosts: Option<&str>| {
        TestApp::start_with(|config| {
            config.listen = Some((listen, 0).into());
            config.insecure = Some(true);
            config.allowed_hosts = hosts.map(str::to_owned);
        })
    };
    let named = configured([127, 0, 0, 1], Some("pbx.example.com, *.lab.example"));
    let open = configured([0, 0, 0, 0], None);
    let narrow = configured([0, 0, 0, 0], Some("pbx.example.com"));
    for (app, host, is_answered) in [
        (&named, "pbx.example.com:8443", true),
        (&named, "a.lab.example", true),
        (&named, "localhost", true),
        (&named, "evil.example", false),
        (&open, "evil.example", true),
        (&open, "192.0.2.1:80", true),
        (&narrow, "PBX.example.com", true),
        (&narrow, "evil.example", false),
        (&narrow, "a.lab.example", false),
    ] {
        let url = app.url.replace("0.0.0.0", "127.0.0.1");
        let expected = if is_answered { "HTTP/1.1 200 OK" } else { "HTTP/1.1 421 Misdirected Request" };
        assert_eq!(status_for(&url, host), expected, "{host}");
    }
}

/// A request of a browser that has the cookie of this session.
fn with_cookie(app: &TestApp, session: &Client, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let cookie = format!("token={}", session.token());
    let request = app.nobody().request(method, path).header("cookie", &cookie);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    if method == "POST" { request.bytes(r#"{"title":"Head"}"#).send() } else { request.send() }
}

#[test]
fn a_cookie_counts_for_pages_of_this_server_alone() {
    let app = TestApp::start();
    let manager = app.manager();
    let emma = format!("/employee/{}", demo::EMMA);
    let json = ("content-type", "application/json");
    let own = app.url.clone();
    for headers in [
        vec![json, ("sec-fetch-site", "same-origin")],
        vec![json, ("sec-fetch-site", "none")],
        vec![json, ("origin", own.as_str())],
        vec![json],
        vec![("content-type", "application/merge-patch+json; charset=utf-8")],
    ] {
        with_cookie(&app, &manager, "GET", &emma, &headers).ok();
        with_cookie(&app, &manager, "POST", &emma, &headers).ok();
    }
    for headers in [
        vec![],
        vec![("content-type", "text/plain")],
        vec![("content-type", "text/plain; application/json")],
        vec![("content-type", "application/x-www-form-urlencoded")],
        vec![json, ("sec-fetch-site", "same-site")],
        vec![json, ("sec-fetch-site", "cross-site")],
        vec![json, ("sec-fetch-site", "unheard-of")],
        vec![json, ("origin", "http://localhost:3000")],
        vec![json, ("origin", "null")],
        vec![json, ("referer", "https://evil.example/page")],
    ] {
        let answer = with_cookie(&app, &manager, "POST", &emma, &headers);
        assert_error(&answer, 401, "credentials_invalid");
        assert_error(&with_cookie(&app, &manager, "DELETE", &emma, &headers), 401, "credentials_invalid");
        if headers.len() == 2 {
            for path in [&emma, "/auth/logout", &format!("/auth/impersonate/{}", demo::EMMA)] {
                assert_error(&with_cookie(&app, &manager, "GET", path, &headers), 401, "credentials_invalid");
            }
        }
    }
    // A token in the header is not sent by itself.
    let cross = manager.request("POST", &emma).header("sec-fetch-site", "cross-site").bytes(r#"{"title":"Boss"}"#);
    cross.send().ok();
}

#[test]
fn another_page_logs_nobody_in_by_cookie() {
    let app = TestApp::start();
    let query = format!("/auth/login?username=viewer@bakery.example.com&password={}&cookie=1", demo::PASSWORD);
    let mut credentials = demo::credentials("viewer@bakery.example.com");
    credentials["cookie"] = json!(true);
    let by_get = |headers: &[(&str, &str)]| {
        let request = app.nobody().request("GET", &query);
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    };
    let by_post = |headers: &[(&str, &str)]| {
        let request = app.nobody().request("POST", "/auth/login").bytes(credentials.to_string());
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    };
    let json = ("content-type", "application/json");
    for headers in [
        vec![json, ("sec-fetch-site", "cross-site")],
        vec![json, ("sec-fetch-site", "same-site")],
        vec![json, ("origin", "https://evil.example")],
        vec![json, ("referer", "http://127.0.0.1:1/")],
    ] {
        for answer in [by_get(&headers[1..]), by_post(&headers)] {
            assert!(answer.ok()["token"].is_string());
            assert_eq!(answer.header("set-cookie"), None, "{headers:?}");
        }
    }
    assert_eq!(by_post(&[]).header("set-cookie"), None, "a page can send a body without a type");
    for headers in [vec![json], vec![json, ("sec-fetch-site", "none")], vec![json, ("sec-fetch-site", "same-origin")]] {
        assert!(
            by_get(&headers[1..]).header("set-cookie").is_some() && by_post(&headers).header("set-cookie").is_some()
        );
    }
}

#[test]
fn every_answer_says_what_a_browser_may_do_with_it() {
    let app = TestApp::start();
    let employee = format!("/employee/{}", demo::EMMA);
    for path in [
        "/",
        "/docs/index.html",
        "/docs/swagger-ui-bundle.js",
        "/docs/swagger-ui.css",
        "/docs/nothing.js",
        "/openapi.json",
        "/healthz",
        "/nothing",
        "/employee",
        &employee,
        "/pbx/group/x",
        "/auth/login",
        "/metrics",
    ] {
        for answer in [app.manager().get(path), app.nobody().request("DELETE", path).send()] {
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer}");
            assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{answer}");
            assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{answer}");
            let policy = answer.header("content-security-policy").unwrap();
            assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{answer}");
            assert_eq!(policy.contains("script-src 'self'"), path.starts_with("/docs/"), "{path}: {policy}");
        }
    }
    // What the page of the calls needs: scripts of its own and no other.
    let page = app.nobody().get("/docs/index.html").text();
    let scripts: Vec<&str> =
        page.split("<script").skip(1).map(|rest| rest.split("</script>").next().unwrap()).collect();
    assert_eq!(scripts.len(), 3);
    for script in scripts {
        let (attributes, inline) = script.split_once('>').unwrap();
        let file = attributes.split('"').nth(1).unwrap().trim_start_matches("./");
        assert!(inline.trim().is_empty(), "{script}");
        assert_eq!(
            app.nobody().get(&format!("/docs/{file}")).header("content-type"),
            Some("text/javascript; charset=utf-8")
        );
    }
    assert!(!page.contains(" onload=") && !page.contains("<style"), "{page}");
}
