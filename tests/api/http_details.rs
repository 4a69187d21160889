//! Details of HTTP: tags, encodings, methods, proxies, cookies.

use std::io::Write;

use serde_json::json;

use crate::support::{TestApp, assert_error, demo};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_tag_speaks_of_what_its_reader_gets() {
    let app = TestApp::start();
    let path = format!("/customer/{}", demo::BAKERY);
    app.reseller().post(&path, json!({ "notes": "Pays late" })).ok();
    let (reseller, manager) = (app.reseller().get(&path), app.manager().get(&path));
    assert_ne!(reseller.etag(), manager.etag(), "only one of them sees the notes");
    assert!(reseller.header("vary").is_some_and(|vary| vary.contains("authorization")));
    let mistaken = app.manager().request("GET", &path).header("if-none-match", reseller.etag()).send();
    assert_eq!(mistaken.status, 200);
    let rev = reseller.etag().trim_matches('"').split('-').next().unwrap().to_owned();
    for wrong in [format!("\"{rev}\""), format!("\"{rev}-0000000000000000\""), format!("W/{}", reseller.etag())] {
        let refused =
            app.reseller().request("POST", &path).header("if-match", &wrong).json(json!({ "notes": "" })).send();
        assert_eq!(refused.status, 412, "{wrong}");
    }
    let several = format!("\"other\", {}", reseller.etag());
    let changed =
        app.reseller().request("POST", &path).header("if-match", &several).json(json!({ "notes": "" })).send();
    assert_eq!(changed.status, 200);
}

#[test]
fn a_compressed_body_is_read_and_an_unknown_encoding_named() {
    let app = TestApp::start();
    let path = format!("/employee/{}", demo::VIEWER);
    let post = |encoding: &str, body: Vec<u8>| {
        let request = app.manager().request("POST", &path).header("content-type", "application/json");
        request.header("content-encoding", encoding).bytes(body).send()
    };
    assert_eq!(post("gzip", gzip(r#"{"title":"Zipped"}"#)).ok()["title"], "Zipped");
    let zstd = zstd::encode_all(&br#"{"title":"Packed"}"#[..], 1).unwrap();
    assert_eq!(post("zstd", zstd).ok()["title"], "Packed");
    assert_eq!(post("identity", br#"{"title":"Plain"}"#.to_vec()).ok()["title"], "Plain");
    let refused = post("br", b"x".to_vec());
    assert_eq!(refused.status, 415);
    assert!(refused.header("accept-encoding").is_some_and(|known| known.contains("gzip")), "{refused}");
    assert_error(&post("gzip", b"nonsense".to_vec()), 400, "bad_request");
    assert_eq!(post("gzip", gzip(&" ".repeat(5 << 20))).status, 413, "a bomb");
}

#[test]
fn head_is_served_where_get_is_and_options_says_what_is_taken() {
    let app = TestApp::start();
    for path in ["/employee", "/customer", "/openapi.json", "/docs/index.html", "/"] {
        let head = app.admin().request("HEAD", path).send();
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
    }
    for (path, allow) in [
        ("/employee", "GET, HEAD, POST, OPTIONS"),
        ("/auth/logout", "GET, OPTIONS"),
        ("/pbx/app/mobileconfig", "GET, HEAD, POST, OPTIONS"),
    ] {
        let options = app.nobody().request("OPTIONS", path).send();
        assert_eq!((options.status, options.header("allow")), (204, Some(allow)), "{path}");
    }
}

#[test]
fn pages_of_this_machine_may_call_the_demo_and_others_only_when_configured() {
    let demo = TestApp::start_with(|config| config.demo = Some(true));
    let allowed = |app: &TestApp, origin: &str| {
        let answer = app.admin().request("GET", "/employee").header("origin", origin).send();
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    for origin in ["http://localhost:3000", "http://127.0.0.1:5173", "http://localhost:80"] {
        assert_eq!(allowed(&demo, origin).as_deref(), Some(origin));
    }
    for origin in
        ["http://localhost", "http://localhost:3000.evil.example", "https://evil.example", "http://localhost:x"]
    {
        assert_eq!(allowed(&demo, origin), None, "{origin}");
    }
    assert_eq!(allowed(&TestApp::start(), "http://localhost:3000"), None);
}

#[test]
fn the_cookie_of_another_application_does_not_hide_ours() {
    let app = TestApp::start();
    let token = app.manager().token().to_owned();
    for cookies in [
        format!("token=eyJhbGciOiJIUzI1NiJ9.e30.x; token={token}"),
        format!("token={token}; token=other"),
        format!("a=b; token=; token={token}"),
    ] {
        assert_eq!(app.nobody().request("GET", "/employee").header("cookie", &cookies).send().status, 200, "{cookies}");
    }
    assert_eq!(app.nobody().request("GET", "/employee").header("cookie", "token=other").send().status, 401);
}

#[test]
fn the_address_that_was_printed_has_a_page() {
    let app = TestApp::start();
    let page = app.nobody().get("/");
    assert!(page.status == 200 && page.text().contains("/docs/"), "{page}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(page.header("content-security-policy").is_some());
}
