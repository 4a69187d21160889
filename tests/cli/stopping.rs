//! How a server stops: what is under way is finished, and nobody who merely holds a connection holds it up.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::support::{Place, Server, world};

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

#[test]
fn sigterm_and_sigint_both_end_it_well() {
    for signal in ["TERM", "INT"] {
        let place = Place::with_world();
        for _ in 0..5 {
            // At once: the ready line is all that was read.
            let server = place.serve();
            server.signal(signal);
            assert_eq!(server.ends().code(), Some(0), "SIG{signal}");
        }
        let log = std::fs::read_to_string(place.path("server.log")).unwrap();
        assert_eq!(log.matches("stopping").count(), 5, "{log}");
        assert!(!log.contains("ERROR"), "{log}");
    }
}

#[test]
fn signals_are_caught_before_the_ready_line_is_out() {
    let place = Place::with_world();
    // Nobody reads yet, and the pipe is full: it cannot get beyond its ready line.
    let (mut stdout, mut pipe) = std::io::pipe().unwrap();
    let filling = [b'.'; 64 << 10];
    pipe.write_all(&filling).unwrap();
    let mut server =
        place.on_db(&["serve", "--listen", "127.0.0.1:0"]).stdout(pipe).stderr(place.log()).spawn().unwrap();
    let pid = server.id();
    let begun = std::time::Instant::now();
    while !catches_sigterm(pid) && begun.elapsed() < Duration::from_secs(60) {
        std::thread::yield_now();
    }
    // Not caught, it would end it there and then.
    assert!(Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap().success());
    let mut said = String::new();
    stdout.read_to_string(&mut said).unwrap();
    assert!(said[filling.len()..].starts_with("telecomx-local listening on "), "{}", said.trim_start_matches('.'));
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

fn catches_sigterm(pid: u32) -> bool {
    const TERM: u64 = 1 << 14;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
    u64::from_str_radix(caught, 16).unwrap() & TERM != 0
}

#[test]
fn idle_connections_do_not_hold_it_up() {
    let place = Place::with_world();
    let server = place.serve();
    let silent = connect(&server);
    let mut idle = connect(&server);
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut status = String::new();
    BufReader::new(idle.try_clone().unwrap()).read_line(&mut status).unwrap();
    assert!(status.starts_with("HTTP/1.1 200"), "{status}");
    assert_eq!(server.stop().code(), Some(0));
    drop((silent, idle));
}

#[test]
fn a_request_whose_rest_never_comes_does_not_hold_it_up_for_ever() {
    let place = Place::with_world();
    let token = place.token();
    let server = place.serve();
    let stuck = begin_write(&server, &token, 100);
    assert_eq!(server.stop().code(), Some(0));
    drop(stuck);
}

#[test]
fn a_request_under_way_is_answered_and_kept() {
    let place = Place::with_world();
    let token = place.token();
    let server = place.serve();
    let body = json!({ "configs": [{ "type": "LAST" }] }).to_string();
    let mut writing = begin_write(&server, &token, body.len());
    server.signal("TERM");
    wait_until_it_accepts_nobody(&server);
    writing.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    writing.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("LAST"), "{answer:?}");
    assert_eq!(server.ends().code(), Some(0));
    assert!(place.run(&["export"]).contains("LAST"));
}

/// Sends the head of a write, and waits for the server to ask for its body of `length` bytes.
fn begin_write(server: &Server, token: &str, length: usize) -> TcpStream {
    let mut stream = connect(server);
    let path = world::config_path(world::ANNA);
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

/// Knocks until nobody opens: the server has begun to stop.
fn wait_until_it_accepts_nobody(server: &Server) {
    let begun = std::time::Instant::now();
    while let Ok(mut stream) = TcpStream::connect(server.address()) {
        assert!(begun.elapsed() < Duration::from_secs(8), "it still accepts connections");
        // A connection in the backlog of a listener that is closed is reset: either way the read returns.
        let _ = stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n");
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let _ = stream.read(&mut [0; 64]);
    }
}
