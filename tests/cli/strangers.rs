//! What anybody can send without a token: it fills no log with errors, and answers tell a browser what to do with them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::mirror_pair::HubPlace;
use crate::support::{Place, Server};

/// Sends bytes, and reads what comes back until the server closes the connection or says no more.
fn send(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    // A server that closes early has answered already.
    let _ = stream.write_all(bytes);
    let (mut answer, mut part) = (vec![], [0; 4_096]);
    while let Ok(length @ 1..) = stream.read(&mut part) {
        answer.extend_from_slice(&part[..length]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Bytes that are no request, a request that breaks off, and one whose answer nobody waits for.
fn send_nonsense(server: &Server) {
    let long = [b"GET /".as_slice(), &[b'a'; 200_000], b" HTTP/1.1\r\n\r\n"].concat();
    for bytes in [
        b"nonsense\r\n\r\n".as_slice(),
        b"\x16\x03\x01\x00\xa5\x01\x00\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \x00\x01\r\n\r\n",
        &[0; 1_000],
        &long,
    ] {
        send(server, bytes);
    }
    let mut left = TcpStream::connect(server.address()).unwrap();
    left.write_all(b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
}

fn assert_no_error(place: &Place) {
    let log = std::fs::read_to_string(place.path("server.log")).unwrap();
    assert!(!log.contains("ERROR") && !log.contains("stream error"), "{log}");
}

#[test]
fn nonsense_is_no_error_of_the_server_or_the_hub() {
    let place = Place::with_world();
    let server = place.serve();
    send_nonsense(&server);
    assert_eq!(server.get("/healthz", "").status, 200);
    assert!(server.stop().success());
    assert_no_error(&place);

    let hub_place = HubPlace::new();
    let hub = hub_place.start();
    send_nonsense(&hub.server);
    assert_eq!(hub.server.get("/healthz", "").status, 200);
    assert!(hub.server.stop().success());
    assert_no_error(&hub_place.place);
}

#[test]
fn a_hub_s_answers_say_what_a_browser_may_do_with_them() {
    let hub_place = HubPlace::new();
    let hub = hub_place.start();
    for path in ["/healthz", "/readyz", "/metrics", "/sync/v1/fleet", "/.well-known/telecomx-local", "/nothing"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: hub.example.com\r\nConnection: close\r\n\r\n");
        let answer = send(&hub.server, request.as_bytes()).to_lowercase();
        for header in
            ["x-content-type-options: nosniff", "x-frame-options: deny", "content-security-policy: default-src 'none'"]
        {
            assert!(answer.contains(header), "{path}: {answer}");
        }
    }
    assert!(hub.server.stop().success());
}

#[test]
fn a_host_name_that_is_none_is_refused_at_the_start() {
    let place = Place::with_world();
    for wrong in ["https://pbx.example.com", "pbx.example.com:8080", "a b", "pbx.*.com", "user@host"] {
        let sentence = place.refused(&["serve", "--listen", "127.0.0.1:0", "--allowed-hosts", wrong]);
        assert!(sentence.contains("--allowed-hosts is no host name"), "{sentence}");
    }
}
