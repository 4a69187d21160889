//! A populated database of every released schema opens with today's program and keeps all that it held.
//!
//! `sql/tests/NNN.db.sql` is such a database as text (`sqlite3 file .dump`, with its two pragmas), and
//! `sql/tests/NNN.export.json` what an export of it must give. A released pair is never edited.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::{Place, world};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sql").join(name)
}

/// Names of the files in `folder` that end in `suffix`, without it, in order.
fn stems(folder: &Path, suffix: &str) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut stems: Vec<String> = names.filter_map(|name| name.strip_suffix(suffix).map(str::to_owned)).collect();
    stems.sort();
    stems
}

#[test]
fn there_is_a_database_of_every_schema() {
    let numbers: Vec<String> = stems(&folder("migrations"), ".sql").iter().map(|stem| stem[..3].to_owned()).collect();
    assert_eq!(stems(&folder("tests"), ".db.sql"), numbers);
    assert_eq!(numbers.len(), telecomx_local::db::SCHEMA_VERSION as usize);
}

#[test]
fn each_opens_with_today_s_program_and_exports_what_it_held() {
    for number in stems(&folder("tests"), ".db.sql") {
        let place = Place::new();
        std::fs::set_permissions(place.put("telecomx.db", ""), Permissions::from_mode(0o600)).unwrap();
        let dump = std::fs::read_to_string(folder("tests").join(format!("{number}.db.sql"))).unwrap();
        place.sqlite().execute_batch(&dump).unwrap();
        let trail: i64 = place.sqlite().query_row("select max(seq) from audit", [], |row| row.get(0)).unwrap();
        // The key file that belongs to it is not kept.
        assert!(place.serve_with(&["--new-key"]).stop().success(), "schema {number}");
        let found = String::from_utf8(place.on_db(&["doctor"]).output().unwrap().stdout).unwrap();
        let wrong: Vec<&str> = found.lines().filter(|line| line.starts_with("WRONG")).collect();
        // Nor was it used lately: its last known time is behind.
        let of_key = ["WRONG  authenticator keys: ", "WRONG  hub token: ", "WRONG  clock: ", "WRONG  platform: "];
        let is_of_key = |line: &&str| of_key.iter().any(|begin| line.starts_with(begin));
        assert!(wrong.iter().all(is_of_key), "schema {number}: {found}");
        assert!(found.contains(&format!("ok     audit trail: {trail} entries")), "schema {number}: {found}");
        let expected = std::fs::read_to_string(folder("tests").join(format!("{number}.export.json"))).unwrap();
        assert_eq!(place.run(&["export"]), expected, "schema {number}");
        // And it can be worked with.
        let token = place.token();
        let body = serde_json::json!({ "configs": [] });
        assert_eq!(place.serve().post(&world::config_path(world::ANNA), &token, &body).status, 200);
    }
}
