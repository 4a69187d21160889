//! Callers who ask and do not read.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::{Place, world};

/// Asks for `path` and reads nothing of the answer.
fn ask(address: &str, path: &str, token: &str) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    Some(stream)
}

/// Waits until the answer to each of them has begun, or it was turned away.
fn begin(streams: &[TcpStream]) {
    for stream in streams {
        let _ = stream.peek(&mut [0]);
    }
}

#[test]
fn hundreds_who_do_not_read_cost_little_memory_and_others_are_served() {
    let place = Place::with_world();
    let token = place.token();
    let server = place.serve();
    // Unpacked once: that memory is there for good.
    let whole = fetch(server.address(), "/docs/swagger-ui-bundle.js");
    assert!(whole > 1_000_000, "{whole}");
    let before = server.peak_memory();
    let mut readers = vec![];
    for path in ["/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/openapi.json"] {
        readers.extend((0..120).filter_map(|_| ask(server.address(), path, "")));
    }
    begin(&readers);
    let grown = server.peak_memory() - before;
    assert!(grown < 30_000_000, "{} readers cost {grown} bytes", readers.len());
    assert_eq!(server.get(&world::config_path(world::ANNA), &token).status, 200);
    assert_eq!(fetch(server.address(), "/docs/swagger-ui-bundle.js"), whole, "one who reads gets all of it");
    drop(readers);
    assert!(server.stop().success());
}

/// The length of an answer with its headers.
fn fetch(address: &str, path: &str) -> usize {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = vec![];
    stream.read_to_end(&mut answer).unwrap();
    answer.len()
}

#[test]
fn unread_pages_of_the_change_log_are_bounded() {
    // 60 entries that hold 30 kB each.
    let place = Place::holding(&world::with_large_configs(60));
    let token = place.token();
    let server = place.serve();
    let path = "/log/changelog?limit=500&includeData=true";
    let before = server.peak_memory();
    let readers: Vec<TcpStream> = (0..100).filter_map(|_| ask(server.address(), path, &token)).collect();
    begin(&readers);
    let grown = server.peak_memory() - before;
    assert!(grown < 120_000_000, "{} readers cost {grown} bytes", readers.len());
    drop(readers);
    assert!(server.stop().success());
}
