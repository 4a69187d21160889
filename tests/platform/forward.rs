//! What is not served here is passed on to the platform.

use serde_json::json;

use crate::api::{TestApp, assert_error, raw};
use crate::servers::{Asked, Here, Line, answer, raw_answer, viewer, where_viewer_logs_in as platform};

#[test]
fn what_is_not_served_here_is_answered_by_the_platform() {
    let platform = platform(|_| answer(200, json!([{ "_id": "example.com" }])));
    let here = Here::connected_to(&platform.url());
    let caller = viewer(&here);
    let answer =
        caller.request("GET", "/dns?filter=a%20b&token=x&%74oken=y&limit=2").header("cookie", "token=zzz").send();
    assert_eq!(answer.ok(), json!([{ "_id": "example.com" }]));
    assert_eq!(answer.header("via"), Some("1.1 telecomx-local"));
    let [asked] = &platform.asked_of("/dns")[..] else { panic!("{:?}", platform.asked()) };
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("GET", "/dns?filter=a%20b&limit=2"));
    assert_eq!(asked.header("authorization"), Some("Bearer the-platforms-token"));
    let known = ["authorization", "host", "accept"];
    assert!(asked.headers.iter().all(|(name, _)| known.contains(&name.as_str())), "{asked:?}");
    assert!(!format!("{asked:?}").contains(caller.token()), "the token of this server stays here");
}

#[test]
fn an_error_of_the_platform_is_passed_on() {
    let platform =
        platform(|_| answer(404, json!({ "error": { "code": "id", "message": "Not found", "status": 404 } })));
    let here = Here::connected_to(&platform.url());
    assert_error(&viewer(&here).get("/dns/example.com"), 404, "id");
}

#[test]
fn only_what_reads_is_passed_on_unless_everything_is() {
    let script = |asked: &Asked| raw_answer(200, "content-type: application/json\r\n", &asked.body);
    for forwards_all in [false, true] {
        let platform = platform(script);
        let here = Here::with(&platform.url(), |settings| settings.forwards_all = forwards_all);
        let caller = viewer(&here);
        let body = json!({ "domain": "example.com" });
        for (method, path) in [("POST", "/dns"), ("PUT", "/employee")] {
            let answer = caller.request(method, path).json(body.clone()).send();
            match forwards_all {
                true => assert_eq!(answer.ok(), body),
                false => {
                    assert_error(&answer, 501, "not_implemented");
                    assert!(answer.message().contains("platform.forward"), "{answer}");
                }
            }
        }
        let sent = [platform.asked_of("/dns"), platform.asked_of("/employee")].concat();
        assert_eq!(sent.len(), if forwards_all { 2 } else { 0 });
        assert!(sent.iter().all(|asked| asked.header("content-type") == Some("application/json")), "{sent:?}");
        if forwards_all {
            assert_eq!(caller.delete("/dns/example.com").status, 200);
            let too_long = caller.request("POST", "/dns").header("content-type", "application/json");
            assert_error(&too_long.bytes(vec![b' '; (1 << 20) + 1]).send(), 413, "payload_too_large");
        }
    }
}

#[test]
fn a_head_stays_one() {
    let platform =
        platform(|_| b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 700000\r\netag: \"7\"\r\n\r\n".to_vec());
    let here = Here::connected_to(&platform.url());
    let answer = viewer(&here).request("HEAD", "/dns").send();
    assert_eq!(
        (answer.status, answer.header("etag"), answer.header("content-length")),
        (200, Some("\"7\""), Some("700000"))
    );
    assert_eq!(platform.asked_of("/dns")[0].method, "HEAD");
}

#[test]
fn who_is_unknown_to_the_platform_logs_in_again() {
    let platform = platform(|_| answer(200, json!([])));
    let line = Line::to(&platform.url());
    let here = Here::connected_to(&line.url());
    viewer(&here).get("/dns").ok();
    line.cut();
    let offline = viewer(&here);
    line.mend();
    here.wait_for_the_line();
    let refused = offline.get("/dns");
    assert_error(&refused, 403, "platform");
    assert!(refused.message().contains("log in again"), "{refused}");
    assert_error(&here.log_in("soeren@bakery.example.com").get("/dns"), 403, "platform");
    assert_error(&here.nobody().get("/dns"), 401, "credentials_invalid");
    viewer(&here).get("/dns").ok();
}

#[test]
fn a_token_of_the_platforms_is_passed_on_itself() {
    let there = TestApp::start();
    let line = Line::to(&there.url);
    let here = Here::connected_to(&line.url());
    let caller = here.with_token(there.viewer().token());
    let answer = caller.get("/dns");
    assert_error(&answer, 501, "not_implemented");
    assert_eq!(answer.header("via"), Some("1.1 telecomx-local"), "it is the platform that does not have it: {answer}");
}

#[test]
fn while_the_platform_is_away_the_caller_is_told_to_come_again() {
    let platform = platform(|_| answer(200, json!([])));
    let line = Line::to(&platform.url());
    let here = Here::connected_to(&line.url());
    let caller = viewer(&here);
    caller.get("/dns").ok();
    line.cut();
    for _ in 0..2 {
        let away = caller.get("/dns");
        assert_error(&away, 503, "platform_unreachable");
        assert!(away.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1, "{away}");
    }
    line.mend();
    here.wait_for_the_line();
    caller.get("/dns").ok();
}

#[test]
fn without_a_platform_nothing_is_passed_on() {
    let here = Here::alone(|settings| settings.forwards_all = true);
    let answer = here.log_in("viewer@bakery.example.com").get("/dns");
    assert_error(&answer, 501, "not_implemented");
    assert!(answer.message().contains("telecomx-local does not"), "{answer}");
    assert_eq!(answer.header("via"), None);
}

#[test]
fn of_an_answer_only_what_does_no_harm_is_passed_on() {
    let headers = "content-type: text/html\r\nset-cookie: token=evil; path=/\r\naccess-control-allow-origin: *\r\n\
        content-security-policy: default-src *\r\nx-frame-options: ALLOWALL\r\nserver: nginx\r\nlocation: https://example.com\r\n\
        clear-site-data: \"*\"\r\nstrict-transport-security: max-age=1\r\nx-request-id: theirs\r\nvia: 1.1 other\r\n\
        content-disposition: attachment; filename=\"a.pdf\"\r\netag: \"7\"\r\nlast-modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\
        cache-control: max-age=60\r\nretry-after: 3\r\n";
    let platform = platform(move |_| raw_answer(200, headers, b"<script>alert(1)</script>"));
    let here = Here::connected_to(&platform.url());
    let answer = viewer(&here).get("/dns");
    assert_eq!((answer.status, answer.text().as_str()), (200, "<script>alert(1)</script>"));
    for (name, value) in [
        ("content-type", "text/html"),
        ("content-disposition", "attachment; filename=\"a.pdf\""),
        ("etag", "\"7\""),
        ("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT"),
        ("cache-control", "max-age=60"),
        ("retry-after", "3"),
        ("via", "1.1 telecomx-local"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert_ne!(answer.header("x-request-id"), Some("theirs"));
    for name in [
        "set-cookie",
        "access-control-allow-origin",
        "server",
        "location",
        "clear-site-data",
        "strict-transport-security",
    ] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}

#[test]
fn nobody_is_sent_on_to_another_host() {
    let platform = platform(|asked| {
        let location = if asked.target == "/dns" { "https://evil.example.com/" } else { "/dns" };
        raw_answer(302, &format!("location: {location}\r\n"), b"")
    });
    let here = Here::connected_to(&platform.url());
    let caller = viewer(&here);
    let elsewhere = caller.get("/dns");
    assert_error(&elsewhere, 502, "platform");
    assert_eq!(elsewhere.header("location"), None);
    let on = caller.get("/dns/example.com");
    assert_eq!((on.status, on.header("location")), (302, Some("/dns")));
    assert_eq!(platform.asked_of("/dns").len(), 2, "and it is not followed");
}

#[test]
fn a_cookie_counts_only_as_it_does_for_a_change() {
    let platform = platform(|_| answer(200, json!([])));
    let here = Here::connected_to(&platform.url());
    let token = viewer(&here).token().to_owned();
    let ask = |headers: &[(&str, &str)]| {
        let cookie = format!("token={token}");
        let request = here.nobody().request("GET", "/dns").header("cookie", &cookie);
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    };
    assert_error(&ask(&[]), 401, "credentials_invalid");
    let json = ("content-type", "application/json");
    assert_error(&ask(&[json, ("sec-fetch-site", "cross-site")]), 401, "credentials_invalid");
    assert_eq!(platform.asked_of("/dns").len(), 0);
    ask(&[json, ("sec-fetch-site", "same-origin")]).ok();
    here.nobody().get(&format!("/dns?token={token}")).ok();
    assert!(platform.asked_of("/dns").iter().all(|asked| asked.target == "/dns" && asked.header("cookie").is_none()));
}

#[test]
fn a_path_that_could_be_another_one_there_is_not_passed_on() {
    let platform = platform(|_| answer(200, json!([])));
    let here = Here::connected_to(&platform.url());
    let caller = viewer(&here);
    for path in ["/dns/..", "/dns/.", "/dns/%2e%2E", "/dns/a%2f..%2fb", "/dns/a%5cb", "/dns/a%0ab", "/dns/..%00"] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
            caller.token()
        );
        let answer = raw(&here.url, request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
    }
    assert_eq!(platform.asked_of("/dns").len(), 0);
}
