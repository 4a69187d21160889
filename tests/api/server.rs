//! What holds for every request: ids, CORS, compression, HEAD, the description of the API.

use std::collections::BTreeSet;

use serde_json::json;
use telecomx_local::api::routes::endpoints;

use super::support::{TestApp, assert_error, demo, raw};

#[test]
fn a_request_keeps_its_id_or_is_given_one() {
    let app = TestApp::start();
    let ask = |id: &str| app.nobody().request("GET", "/healthz").header("x-request-id", id).send();
    let given = |id: &str| ask(id).header("x-request-id").unwrap().to_owned();
    let longest = "a".repeat(128);
    for fit in ["abc-123", "~!@#", &longest] {
        assert_eq!(given(fit), fit);
    }
    for unfit in ["", "two words", &"a".repeat(129)] {
        let made = given(unfit);
        assert!(made != unfit && made.len() == 32, "{made}");
    }
    assert_ne!(
        app.nobody().get("/healthz").header("x-request-id"),
        app.nobody().get("/healthz").header("x-request-id")
    );
    assert!(app.nobody().get("/nothing").header("x-request-id").is_some());
}

#[test]
fn the_audit_trail_names_the_request() {
    let app = TestApp::start();
    let manager = app.manager();
    let path = format!("/employee/{}", demo::EMMA);
    let (_, entries) = app.audited(|| {
        let request = manager.request("POST", &path).header("x-request-id", "my-request");
        request.json(serde_json::json!({ "name": "Emma II" })).send().ok()
    });
    assert!(entries.len() > 1 && entries.iter().all(|entry| entry.request == "my-request"), "{entries:?}");
}

#[test]
fn only_configured_origins_may_call_from_a_browser() {
    let app = TestApp::start_with(|config| {
        config.cors_origins = Some("https://app.example.com, http://localhost:3000/".into())
    });
    let preflight = |origin: &str| {
        let request = app.nobody().request("OPTIONS", "/pbx/app/mobileconfig").header("origin", origin);
        request
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, content-type, idempotency-key, if-match")
            .send()
    };
    for origin in ["https://app.example.com", "http://localhost:3000"] {
        let answer = preflight(origin);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(origin)), "{answer}");
        let get = app.nobody().request("GET", "/healthz").header("origin", origin).send();
        assert_eq!(get.header("access-control-allow-origin"), Some(origin));
        let refused = app.nobody().request("GET", "/employee").header("origin", origin).send();
        assert_error(&refused, 401, "credentials_invalid");
        assert_eq!(refused.header("access-control-allow-origin"), Some(origin), "or the page cannot read why");
    }
    let foreign = preflight("https://evil.example.com");
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    assert_error(&foreign, 400, "cors");
}

#[test]
fn without_configured_origins_no_page_may_call() {
    let app = TestApp::start();
    let answer = app.nobody().request("GET", "/healthz").header("origin", "https://app.example.com").send();
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
}

#[test]
fn answers_are_compressed_for_those_who_take_it() {
    let app = TestApp::start();
    let ask = |encoding: &str| app.nobody().request("GET", "/openapi.json").header("accept-encoding", encoding).send();
    let plain = ask("identity");
    assert_eq!(plain.header("content-encoding"), None);
    for encoding in ["gzip", "zstd"] {
        let answer = ask(encoding);
        assert_eq!((answer.status, answer.header("content-encoding")), (200, Some(encoding)));
        assert!(answer.body.len() * 2 < plain.body.len(), "{encoding}: {} bytes", answer.body.len());
    }
}

#[test]
fn head_is_get_without_the_body() {
    let app = TestApp::start();
    let manager = app.manager();
    for path in [format!("/employee/{}", demo::EMMA), "/healthz".into(), format!("/employee/{}", demo::ABSENT)] {
        let (get, head) = (manager.get(&path), manager.request("HEAD", &path).send());
        assert_eq!((head.status, head.body.len()), (get.status, 0));
        assert_eq!(head.header("etag"), get.header("etag"));
        assert_eq!(head.header("content-type"), get.header("content-type"));
    }
    let request = "HEAD /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = raw(&app.url, request.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn head_of_a_get_that_changes_something_is_refused() {
    let app = TestApp::start();
    let admin = app.admin();
    let login = format!("/auth/login?username=manager@bakery.example.com&password={}", demo::PASSWORD);
    let impersonate = format!("/auth/impersonate/{}", demo::EMMA);
    let (_, entries) = app.audited(|| {
        for path in ["/auth/logout", &impersonate, &login] {
            let answer = admin.request("HEAD", path).send();
            assert_eq!((answer.status, answer.header("set-cookie")), (405, None), "{answer}");
        }
    });
    assert_eq!(entries, []);
    admin.get("/employee").ok();
    // The same as GET does change something.
    admin.get("/auth/logout").ok();
    assert_error(&admin.get("/employee"), 401, "invalid_token");
}

#[test]
fn the_description_names_every_endpoint() {
    let app = TestApp::start();
    let document = app.nobody().get("/openapi.json").ok();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())))
        .collect();
    assert!(described.contains(&("POST".into(), "/pbx/app/mobileconfig/".into())), "as the platform's page has it");
    let described: BTreeSet<_> =
        described.into_iter().map(|(method, path)| (method, path.trim_end_matches('/').to_owned())).collect();
    let served: BTreeSet<_> = endpoints().iter().map(|e| (e.method.to_owned(), e.path.to_owned())).collect();
    assert_eq!(described, served);
}

#[test]
fn calls_are_named_after_their_documentation_page_each_by_a_name_of_its_own() {
    let app = TestApp::start();
    let document = app.nobody().get("/openapi.json").ok();
    let name = |method: &str, path: &str| document["paths"][path][method]["operationId"].as_str().unwrap().to_owned();
    for (method, path, named) in [
        ("post", "/pbx/app/mobileconfig/", "mobileconfigCopy"),
        ("post", "/auth/login", "authLogin"),
        ("get", "/auth/login", "authLoginGet"),
        ("get", "/customer/{customer}/address/{address}", "customerAddressGet"),
        ("get", "/log/changelog/customer", "changelogList"),
        ("get", "/log/changelog/customer/{customer}/{section}", "changelogListBySection"),
        ("post", "/pbx/queue/{queue}/member", "queueMemberJoin"),
        ("get", "/pbx/queue/{queue}/member/join", "queueMemberJoinGet"),
        ("get", "/pbx/queue/{queue}/member/{member}", "queueMemberUpdateGet"),
        ("get", "/sync/status", "getSyncStatus"),
    ] {
        assert_eq!(name(method, path), named, "{method} {path}");
    }
    let items = document["paths"].as_object().unwrap().values();
    let all: Vec<&str> = items
        .flat_map(|item| item.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let distinct: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(distinct.len(), all.len(), "{all:?}");
}

#[test]
fn what_the_description_calls_public_is_what_needs_no_token() {
    let app = TestApp::start();
    let document = app.nobody().get("/openapi.json").ok();
    assert_eq!(document["security"], json!([{ "token": [] }]), "one way to give it: the header");
    let paths = document["paths"].as_object().unwrap();
    let (mut public, mut guarded) = (0, 0);
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let url = path.replace(['{', '}'], "");
            let answer = app.nobody().request(&method.to_uppercase(), &url).json(json!({})).send();
            let is_public = operation["security"] == json!([]);
            if path.starts_with("/auth/validateToken") {
                continue;
            }
            assert_eq!(answer.status == 401, !is_public, "{method} {url}: {answer}");
            *if is_public { &mut public } else { &mut guarded } += 1;
        }
    }
    assert!(public >= 4 && guarded > 30, "{public} {guarded}");
}

#[test]
fn the_page_to_try_calls_works_without_a_network() {
    let app = TestApp::start();
    for path in ["/docs", "/docs/"] {
        assert_eq!(app.nobody().get(path).header("location"), Some("/docs/index.html"), "{path}");
    }
    let page = app.nobody().get("/docs/index.html");
    assert_eq!(page.status, 200, "{page}");
    assert!(!page.text().contains("://"), "{page}");
    let text = page.text();
    let parts: Vec<&str> =
        text.split(['"', '\'']).filter(|part| part.ends_with(".js") || part.ends_with(".css")).collect();
    assert!(parts.len() >= 4, "{parts:?}");
    for part in parts {
        let answer = app.nobody().get(&format!("/docs/{}", part.trim_start_matches("./")));
        assert_eq!(answer.status, 200, "{answer}");
    }
    let settings = app.nobody().get("/docs/swagger-initializer.js").text();
    assert!(settings.contains("/openapi.json"), "{settings}");
}

#[test]
fn the_server_tells_that_it_lives_and_is_ready() {
    let app = TestApp::start();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(app.nobody().get(path).ok(), serde_json::json!({ "status": "ok" }));
    }
}

#[test]
fn a_request_that_is_no_http_does_not_disturb_the_next() {
    let app = TestApp::start();
    for bytes in [&b"\0\0\0\0\r\n\r\n"[..], b"GET / HTTP/9.9\r\n\r\n", b"GET /\xff HTTP/1.1\r\nhost: localhost\r\n\r\n"]
    {
        let answer = raw(&app.url, bytes);
        assert!(answer.starts_with("HTTP/1.1 4") || answer.is_empty(), "{answer}");
    }
    app.nobody().get("/healthz").ok();
}

#[test]
fn what_the_page_to_try_calls_has_not_is_refused_as_everything_else() {
    let app = TestApp::start();
    assert_error(&app.nobody().get("/docs/nothing.js"), 404, "not_found");
    let answer = app.nobody().act("/docs/index.html");
    assert_error(&answer, 405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
}
