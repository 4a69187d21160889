//! Files that are missing, moved, or something else than a file.

use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::json;

use crate::support::place::{is_refused, succeeds};
use crate::support::{Place, Server, world};

#[test]
fn no_database_is_begun_where_files_of_another_are_left() {
    for left in ["telecomx.db-wal", "telecomx.db.key", "telecomx.db.reserve", "telecomx.db-journal"] {
        let place = Place::new();
        place.put(left, "left");
        for tool in [&["serve", "--listen", "127.0.0.1:0"][..], &["admin", "create", "--email", "a@b.example"]] {
            let sentence = is_refused(&mut place.on_db(tool));
            assert!(sentence.contains("is missing") && sentence.contains(left), "{sentence}");
        }
        assert!(!place.db().exists() && std::fs::read(place.path(left)).unwrap() == b"left");
    }
}

#[test]
fn a_database_that_is_moved_away_is_neither_read_nor_written_until_it_is_back() {
    let place = Place::with_world();
    let token = place.token();
    let server = place.serve();
    let path = world::config_path(world::ANNA);
    let change = |n: u32| json!({ "configs": [{ "type": "NUMBER", "n": n }] });
    assert_eq!(server.post(&path, &token, &change(1)).status, 200);
    let (db, away) = (place.db(), place.path("away.db"));
    std::fs::rename(&db, &away).unwrap();
    assert_eq!(server.post(&path, &token, &change(2)).status, 503);
    assert_eq!((server.get(&path, &token).status, server.get("/readyz", "").status), (503, 503));
    std::fs::write(&db, "another file").unwrap();
    assert_eq!(server.post(&path, &token, &change(3)).status, 503);
    assert_eq!(std::fs::read(&db).unwrap(), b"another file");
    std::fs::rename(&away, &db).unwrap();
    assert_eq!(server.post(&path, &token, &change(3)).status, 200);
    let (log, log_away) = (place.path("telecomx.db-wal"), place.path("away.db-wal"));
    std::fs::rename(&log, &log_away).unwrap();
    assert_eq!(server.post(&path, &token, &change(3)).status, 503, "the log holds what was acknowledged");
    std::fs::rename(&log_away, &log).unwrap();
    assert_eq!(server.post(&path, &token, &change(4)).status, 200);
    assert_eq!(server.get(&path, &token).body["configs"], change(4)["configs"]);
    assert!(server.stop().success());
    let log = std::fs::read_to_string(place.path("server.log")).unwrap();
    assert_eq!(log.matches("was moved, removed or replaced while the server runs").count(), 2, "{log}");
}

#[test]
fn a_lost_key_file_is_not_made_anew_in_silence_where_something_was_sealed_with_it() {
    let mut world = world::small();
    world["employees"][0]["authenticatorKey"] = json!("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    let place = Place::holding(&world);
    let key = place.path("telecomx.db.key");
    std::fs::remove_file(&key).unwrap();
    for tool in [&["serve", "--listen", "127.0.0.1:0"][..], &["import", "world.json"], &["sync", "run"]] {
        place.put("world.json", world::small().to_string());
        let sentence = is_refused(&mut place.on_db(tool));
        assert!(sentence.contains("1 authenticator key") && sentence.contains("--new-key"), "{sentence}");
        assert!(!key.exists());
    }
    let server = place.serve_with(&["--new-key"]);
    assert!(key.exists() && server.stop().success());
    let log = std::fs::read_to_string(place.path("server.log")).unwrap();
    assert!(log.contains("1 authenticator key can never be read again"), "{log}");
    let sentence = is_refused(&mut place.on_db(&["serve", "--new-key", "--listen", "127.0.0.1:0"]));
    assert!(sentence.contains("leave out --new-key"), "{sentence}");
}

#[test]
fn an_export_leaves_links_and_special_files_what_they_are() {
    let place = Place::with_world();
    let (real, link) = (place.path("real.json"), place.path("link.json"));
    std::fs::write(&real, "old").unwrap();
    symlink(&real, &link).unwrap();
    place.run(&["export", link.to_str().unwrap()]);
    assert!(link.is_symlink() && std::fs::read_to_string(&real).unwrap().contains("employees"));
    let (later, dangling) = (place.path("later.json"), place.path("dangling.json"));
    symlink(&later, &dangling).unwrap();
    place.run(&["export", dangling.to_str().unwrap()]);
    assert!(dangling.is_symlink() && later.is_file());
    let sentence = place.refused(&["export", "/dev/full"]);
    assert!(sentence.contains("/dev/full"), "{sentence}");
    assert!(!std::fs::metadata("/dev/full").unwrap().is_file());
    let sentence = place.refused(&["export", place.folder().to_str().unwrap()]);
    assert!(!sentence.is_empty() && place.folder().is_dir());
    let pipe = place.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = Command::new("cat").arg(&pipe).stdout(std::process::Stdio::piped()).spawn().unwrap();
    place.run(&["export", pipe.to_str().unwrap()]);
    let read = reader.wait_with_output().unwrap().stdout;
    assert!(String::from_utf8(read).unwrap().contains("employees") && !pipe.is_file());
    for target in ["/dev/null", pipe.to_str().unwrap()] {
        let sentence = place.refused(&["backup", target]);
        assert!(sentence.contains(target), "{sentence}");
    }
}

#[test]
fn a_url_or_a_word_of_sqlite_is_no_path_of_a_database() {
    let place = Place::new();
    for (db, why) in [("file:x.db", "is a URL"), ("file:x?mode=memory", "is a URL"), (":memory:", "--ephemeral")] {
        let sentence = is_refused(&mut place.command(&["serve", "--db", db]));
        assert!(sentence.contains(why), "{sentence}");
    }
    assert_eq!(std::fs::read_dir(place.folder()).unwrap().count(), 0);
    for origins in ["*", "app.example.com", "https://app.example.com/path"] {
        let sentence = is_refused(&mut place.on_db(&["serve", "--cors-origins", origins]));
        assert!(sentence.contains("is no origin"), "{sentence}");
    }
    let sentence = is_refused(&mut place.on_db(&["serve", "--trusted-proxies", "proxy.example.com"]));
    assert!(sentence.contains("--trusted-proxies"), "{sentence}");
}

#[test]
fn a_hangup_reads_the_log_level_again_and_does_not_end_the_server() {
    let place = Place::with_world();
    let settings = place.put("settings.toml", "log_level = \"error\"\n");
    let server = place.serve_with(&["--config", settings.to_str().unwrap()]);
    server.get("/nothing", "");
    place.put("settings.toml", "log_level = \"debug\"\n");
    server.signal("HUP");
    let log = || std::fs::read_to_string(place.path("server.log")).unwrap();
    // The signal is handled on its own; requests show when it was.
    for _ in 0..10_000 {
        server.get("/nothing", "");
        if log().contains("refused") {
            break;
        }
    }
    assert!(log().contains("read again"), "{}", log());
    assert!(server.stop().success());
}

#[test]
fn the_clock_is_shown_and_taken_as_right_by_command() {
    let place = Place::with_world();
    assert!(place.run(&["clock", "show"]).contains("last known"));
    // As after a clock that was nine years ahead.
    let known = "insert or replace into clock_floor (id, at) values (1, unixepoch() * 1000 + 9 * 365 * 24 * 3600000)";
    place.sqlite().execute(known, []).unwrap();
    let sentence = place.refused(&["clock", "show"]);
    assert!(sentence.contains("cannot be") && sentence.contains("clock reset"), "{sentence}");
    assert!(is_refused(&mut place.on_db(&["doctor"])).contains("1 of"));
    place.run(&["clock", "reset"]);
    place.run(&["clock", "show"]);
    succeeds(&mut place.on_db(&["doctor"]));
}

#[test]
fn a_link_in_the_place_of_a_file_beside_the_database_is_not_followed() {
    for (left, is_refused_at_start) in [(".lock", true), (".reserve", false), ("-wal", true), ("-journal", false)] {
        for target in ["victim", "missing"] {
            let place = Place::with_world();
            place.put("victim", "precious");
            let link = place.path(&format!("telecomx.db{left}"));
            let _ = std::fs::remove_file(&link);
            symlink(place.path(target), &link).unwrap();
            let mut command = place.on_db(&["serve", "--listen", "127.0.0.1:0"]);
            let server = Server::try_start(&mut command, place.log());
            assert!(server.is_none() || !is_refused_at_start, "{left} is followed");
            drop(server);
            assert_eq!(std::fs::read(place.path("victim")).unwrap(), b"precious", "written to through {left}");
            assert!(!place.path("missing").exists(), "made through {left}");
        }
    }
}
