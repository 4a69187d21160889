//! `key rotate`: everything sealed is sealed anew, and a kill at any point loses nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::mirror_pair::{is_proved, mirrored, sync, world_with_operator};
use crate::support::place::succeeds;
use crate::support::trace::is_killed_at;
use crate::support::{Place, needs, world};

const KEY: &str = "OQYGCZBRGE3TQOBZOQYGCZBRGE3TQOBZ";

fn key(place: &Place) -> PathBuf {
    place.path("telecomx.db.key")
}

/// The small world, with an authenticator key of Anna's that the key file seals.
fn with_authenticator() -> Place {
    let mut world = world::small();
    world["employees"][1]["authenticatorKey"] = json!(KEY);
    Place::holding(&world)
}

/// Whether the key file that is there opens everything.
fn opens_everything(place: &Place) -> bool {
    let found = String::from_utf8(place.on_db(&["doctor"]).output().unwrap().stdout).unwrap();
    found.contains("ok     authenticator keys: 1 opened")
}

#[test]
fn everything_is_sealed_with_a_new_key_and_the_old_one_is_gone() {
    let place = with_authenticator();
    let before = std::fs::read(key(&place)).unwrap();
    let exported = place.run(&["export", "--with-secrets"]);
    let said = place.run(&["key", "rotate"]);
    assert!(said.contains("1 values are sealed with it") && said.contains("the replaced key is gone"), "{said}");
    let after = std::fs::read(key(&place)).unwrap();
    assert!(before != after && after.len() == 32);
    assert_eq!(std::fs::metadata(key(&place)).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(place.run(&["export", "--with-secrets"]), exported);
    for entry in std::fs::read_dir(place.folder()).unwrap() {
        let path = entry.unwrap().path();
        assert_ne!(std::fs::read(&path).unwrap(), before, "{} is the old key", path.display());
    }
    let log = place.run(&["audit", "log", "--operation", "rotate key"]);
    assert!(log.contains("command line") && log.contains("The key file was replaced"), "{log}");
    assert!(place.run(&["audit", "verify"]).contains("intact"));
}

#[test]
fn the_old_key_is_kept_where_it_is_told_and_opens_a_backup_from_before() {
    let place = with_authenticator();
    let before = std::fs::read(key(&place)).unwrap();
    place.run(&["backup", "before.db"]);
    let said = place.run(&["key", "rotate", "--keep-old", "old.key"]);
    assert!(said.contains("the replaced key is in old.key"), "{said}");
    assert_eq!(std::fs::read(place.path("old.key")).unwrap(), before);
    assert_eq!(std::fs::metadata(place.path("old.key")).unwrap().permissions().mode() & 0o777, 0o600);
    let sentence = place.refused(&["key", "rotate", "--keep-old", "old.key"]);
    assert!(sentence.contains("exists already"), "{sentence}");
    let other = Place::new();
    other.run(&["restore", place.path("before.db").to_str().unwrap()]);
    std::fs::copy(place.path("old.key"), key(&other)).unwrap();
    assert_eq!(other.run(&["export", "--with-secrets"]), place.run(&["export", "--with-secrets"]));
    let json: Value = serde_json::from_str(&place.run(&["key", "rotate", "--json"])).unwrap();
    assert_eq!(json["rotated"], json!({ "sealed": 1, "unreadable": 0, "forgotten": 0 }), "{json}");
}

#[test]
fn beside_a_server_it_is_refused_and_without_a_database_too() {
    let place = with_authenticator();
    let before = std::fs::read(key(&place)).unwrap();
    let server = place.serve();
    assert!(place.refused(&["key", "rotate"]).contains("stop it first"));
    assert!(server.stop().success());
    assert_eq!(std::fs::read(key(&place)).unwrap(), before);
    assert!(Place::new().refused(&["key", "rotate"]).contains("there is no database"));
}

#[test]
fn a_server_goes_on_with_its_hub_under_the_new_key_and_forgets_remembered_answers() {
    let (_hub_place, _hub, place, operator) = mirrored(&world_with_operator(0));
    let said = place.run(&["key", "rotate"]);
    assert!(said.contains("1 values are sealed"), "{said}");
    let edge = place.serve();
    assert_eq!(sync(&edge, &operator)["consistent"], json!(true));
    is_proved(&edge, &operator);
}

/// Names in the place's folder.
fn names(place: &Place) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(place.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn killed_anywhere_one_key_fits_and_the_next_start_finds_it() {
    if !needs("strace") {
        return;
    }
    let original = with_authenticator();
    let exported = original.run(&["export", "--with-secrets"]);
    let copy = |from: &Path, to: &Place| {
        for name in ["telecomx.db", "telecomx.db.key"] {
            std::fs::copy(from.join(name), to.path(name)).unwrap();
        }
    };
    let mut ends = (0, 0);
    let names_of_files = "?rename,?renameat,renameat2,?unlink,unlinkat";
    for (calls, step) in [("fsync,fdatasync", 1), (names_of_files, 1), ("write", 1), ("ftruncate", 1), ("pwrite64", 7)]
    {
        for n in (1..).step_by(step) {
            let place = Place::new();
            copy(original.folder(), &place);
            let before = std::fs::read(key(&place)).unwrap();
            let is_killed = is_killed_at(&place.on_db(&["key", "rotate"]), calls, n);
            // Tools that only read find the key that fits too.
            if !names(&place).iter().any(|name| name.ends_with("-journal")) {
                assert!(opens_everything(&place), "{calls} {n}: {:?}", names(&place));
            }
            let server = place.serve();
            assert!(opens_everything(&place), "{calls} {n}: {:?}", names(&place));
            assert!(server.stop().success());
            assert_eq!(place.run(&["export", "--with-secrets"]), exported, "{calls} {n}");
            assert!(!key_is_left(&place), "{calls} {n}: {:?}", names(&place));
            let is_new = std::fs::read(key(&place)).unwrap() != before;
            assert!(is_new || is_killed, "{calls} {n}");
            ends = (ends.0 + usize::from(!is_new), ends.1 + usize::from(is_new));
            if !is_killed {
                break;
            }
        }
    }
    assert!(ends.0 > 3 && ends.1 > 3, "kills before and behind the commit: {ends:?}");
}

/// Whether a second key is beside the one in use.
fn key_is_left(place: &Place) -> bool {
    names(place).iter().any(|name| name.contains(".key.") && !name.ends_with(".part"))
}

#[test]
fn a_rotation_cut_off_is_finished_by_tools_that_write_too() {
    let place = with_authenticator();
    let old = std::fs::read(key(&place)).unwrap();
    // As before the commit: the new key seals nothing.
    std::fs::write(place.path("telecomx.db.key.new"), [7; 32]).unwrap();
    assert!(opens_everything(&place));
    place.import(&world::small());
    assert!(!key_is_left(&place) && std::fs::read(key(&place)).unwrap() == old);
    // As behind the commit: the old key opens nothing.
    std::fs::rename(key(&place), place.path("telecomx.db.key.new")).unwrap();
    std::fs::write(key(&place), [7; 32]).unwrap();
    assert!(opens_everything(&place));
    succeeds(
        place.on_db(&["import", "-"]).stdin(std::fs::File::open(place.put("w", world::small().to_string())).unwrap()),
    );
    assert!(!key_is_left(&place) && std::fs::read(key(&place)).unwrap() == old);
}

#[test]
fn a_key_file_of_another_database_is_not_replaced_and_status_names_it() {
    let place = with_authenticator();
    let right = std::fs::read(key(&place)).unwrap();
    std::fs::write(key(&place), [7; 32]).unwrap();
    let sentence = place.refused(&["key", "rotate"]);
    assert!(sentence.contains("opens nothing of this database"), "{sentence}");
    assert_eq!(std::fs::read(key(&place)).unwrap(), [7; 32]);
    let status = || {
        let output = place.on_db(&["status"]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = status();
    assert!(code == Some(1) && said.contains("ALARM") && said.contains("is another one"), "{said}");
    std::fs::remove_file(key(&place)).unwrap();
    let (code, said) = status();
    assert!(code == Some(1) && said.contains("is missing: put the right file back"), "{said}");
    std::fs::write(key(&place), right).unwrap();
    assert!(opens_everything(&place));
    let (code, said) = status();
    assert!(code == Some(0) && said.contains("opens all 1 sealed values"), "{said}");
}
