//! Backups into a folder, by hand and by the server itself, and a restore from one.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::support::Place;

fn backups(place: &Place) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place.path("backups")).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    found.sort();
    found
}

#[test]
fn the_newest_are_kept_and_each_can_be_restored() {
    let place = Place::with_world();
    std::fs::create_dir(place.path("backups")).unwrap();
    place.put("backups/mine.db", "not one of them");
    for _ in 0..4 {
        place.run(&["backup", "--to", "backups", "--keep", "2"]);
    }
    let found = backups(&place);
    assert_eq!(found.len(), 3, "two, and a file of another name: {found:?}");
    let newest = found.iter().rfind(|file| file.to_string_lossy().contains("telecomx-")).unwrap();
    let other = Place::new();
    let restore = ["restore", newest.to_str().unwrap()];
    let said = other.run(&restore);
    assert!(said.contains("3 employees"), "{said}");
    assert_eq!(other.run(&["export"]), place.run(&["export"]));
    let sentence = other.refused(&restore);
    assert!(sentence.contains("nothing is overwritten"), "{sentence}");
}

#[test]
fn what_is_no_sound_backup_is_refused_and_leaves_nothing() {
    let place = Place::with_world();
    place.run(&["backup", "whole.db"]);
    let whole = std::fs::read(place.path("whole.db")).unwrap();
    place.put("cut.db", &whole[..whole.len() / 2]);
    let mut damaged = whole.clone();
    damaged[8_192..12_288].fill(0xaa);
    place.put("damaged.db", damaged);
    place.put("text.db", "nonsense");
    let other = Place::new();
    let db = other.db();
    for name in ["cut.db", "damaged.db", "text.db", "absent.db"] {
        let file = place.path(name);
        let sentence = other.refused(&["restore", file.to_str().unwrap()]);
        assert!(sentence.contains(name), "{name}: {sentence}");
        assert!(
            !db.exists() && !PathBuf::from(format!("{}.restoring", db.display())).exists(),
            "{name} left something"
        );
    }
}

#[test]
fn a_server_backs_itself_up_and_tells_how_old_the_newest_is() {
    let place = Place::with_world();
    let folder = place.path("backups");
    let token = place.put("metrics-token", "a-token-for-the-metrics-alone");
    std::fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
    let (to, token) = (folder.to_str().unwrap(), token.to_str().unwrap());
    let server = place.serve_with(&["--backup-to", to, "--metrics-token-file", token]);
    let begun = Instant::now();
    while !backups(&place).iter().any(|file| file.extension().is_some_and(|end| end == "db")) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no backup was made");
        std::thread::yield_now();
    }
    let db = place.db();
    let settings = format!("db = {db:?}\n[backup]\nto = {folder:?}\n");
    let config = place.put("config.toml", settings);
    let screen = place.run(&["status", "--config", config.to_str().unwrap()]);
    assert!(screen.contains("backup ") && screen.contains(" ago"), "{screen}");
    let metrics = server.text("/metrics", "a-token-for-the-metrics-alone");
    assert!(metrics.contains("backup_age_seconds"), "{metrics}");
}

#[test]
fn a_backup_is_not_put_where_the_log_of_another_database_is_left() {
    let place = Place::with_world();
    let backup = place.path("backup.db");
    place.run(&["backup", backup.to_str().unwrap()]);
    std::fs::remove_file(place.db()).unwrap();
    for log in ["telecomx.db-wal", "telecomx.db-journal"] {
        let log = place.put(log, "writes that were answered");
        let sentence = place.refused(&["restore", backup.to_str().unwrap()]);
        assert!(sentence.contains("is left of another database") && sentence.contains("move it away"), "{sentence}");
        assert!(!place.db().exists());
        std::fs::remove_file(log).unwrap();
    }
    place.run(&["restore", backup.to_str().unwrap()]);
    place.run(&["audit", "verify"]);
}
