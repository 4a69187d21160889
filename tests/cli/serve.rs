//! `serve`: the ready line, and what keeps it from starting.

use std::net::TcpListener;

use crate::support::place::is_refused;
use crate::support::{Place, world};

#[test]
fn the_first_line_says_exactly_where_it_listens() {
    // `Server::start` reads that line and refuses any other.
    let place = Place::with_world();
    let server = place.serve();
    let port: u16 = server.url.strip_prefix("http://127.0.0.1:").unwrap().parse().unwrap();
    assert_ne!(port, 0);
    assert_eq!(server.get("/healthz", "").status, 200);
    assert_eq!(server.get("/readyz", "").status, 200);
}

#[test]
fn a_missing_database_is_made_with_its_folder_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let db = place.path("a/b/telecomx.db");
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0", "--db"]);
    let server = crate::support::Server::start(command.arg(&db), place.log());
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.path("a")), 0o700);
    for suffix in ["", "-wal", "-shm", ".key", ".lock"] {
        let file = format!("{}{suffix}", db.display());
        assert_eq!(mode(file.as_ref()), 0o600, "{file}");
    }
    assert!(server.stop().success());
}

#[test]
fn an_empty_file_becomes_a_database() {
    let place = Place::new();
    place.put("telecomx.db", "");
    assert!(place.serve().stop().success());
    place.run(&["audit", "verify"]);
}

#[test]
fn a_second_server_on_the_same_file_names_the_first_and_ends_at_once() {
    let place = Place::with_world();
    let token = place.token();
    let first = place.serve();
    let sentence = place.refused(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(sentence.contains("is in use by a running telecomx-local"), "{sentence}");
    assert!(sentence.contains(&format!("(process {})", first.pid)), "{sentence}");
    assert_eq!(first.post(&world::config_path(world::ANNA), &token, &serde_json::json!({})).status, 200);
}

#[test]
fn another_name_of_the_same_file_is_the_same_file() {
    let place = Place::with_world();
    let first = place.serve();
    let link = place.path("other.db");
    std::os::unix::fs::symlink(place.db(), &link).unwrap();
    let sentence = is_refused(place.command(&["serve", "--listen", "127.0.0.1:0", "--db"]).arg(&link));
    assert!(sentence.contains(&format!("(process {})", first.pid)), "{sentence}");
}

#[test]
fn after_a_kill_the_file_is_free_again() {
    let place = Place::with_world();
    place.serve().kill();
    assert!(place.serve().stop().success());
}

#[test]
fn a_port_in_use_is_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = Place::new();
    let sentence = place.refused(&["serve", "--listen", &address]);
    assert!(sentence.starts_with(&format!("{address} is in use")) && sentence.contains("--listen"), "{sentence}");
    assert!(!place.db().exists(), "no database is made for a server that cannot start");
}

#[test]
fn an_address_of_somebody_else_is_one_sentence() {
    let sentence = Place::new().refused(&["serve", "--listen", "192.0.2.1:0", "--insecure"]);
    assert!(sentence.contains("192.0.2.1:0 cannot be listened on"), "{sentence}");
}

#[test]
fn an_open_address_without_tls_is_refused_unless_it_is_meant() {
    let place = Place::new();
    let sentence = place.refused(&["serve", "--listen", "0.0.0.0:0"]);
    assert!(sentence.contains("--tls-cert") && sentence.contains("--insecure"), "{sentence}");
    let mut command = place.on_db(&["serve", "--listen", "0.0.0.0:0", "--insecure"]);
    let server = crate::support::Server::start(&mut command, place.log());
    assert!(server.url.starts_with("http://0.0.0.0:"), "{}", server.url);
}

#[test]
fn whoever_closes_the_pipe_does_not_stop_it() {
    let place = Place::with_world();
    let token = place.token();
    let mut server = place.serve();
    server.close_stdout();
    assert_eq!(server.get(&world::config_path(world::ANNA), &token).status, 200);
    assert!(server.stop().success());
}

#[test]
fn a_token_is_not_logged_however_the_url_around_it_is_written() {
    let place = Place::with_world();
    let token = place.token();
    let server = place.serve();
    let encoded = format!("%{:02x}{}", token.as_bytes()[0], &token[1..]);
    for path in [format!("%74oken/{token}"), format!("token/{encoded}"), format!("Token/{token}"), token.clone()] {
        let status = server.get(&format!("/employee/{}/{path}", world::MANAGER), "").status;
        assert!([404, 501].contains(&status), "{status}");
    }
    assert!(server.stop().success());
    let log = std::fs::read_to_string(place.path("server.log")).unwrap();
    assert_eq!(log.matches("refused").count(), 4, "{log}");
    assert!(!log.contains(&token[1..]), "{log}");
}
