//! Databases of the schema before the newest.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;

use super::Place;

/// The schema before the newest.
pub const OLDER: i32 = telecomx_local::db::SCHEMA_VERSION - 1;

/// A populated database of the schema before the newest, as it was released; its key file is not kept.
pub fn place() -> Place {
    let place = Place::new();
    std::fs::set_permissions(place.put("telecomx.db", ""), Permissions::from_mode(0o600)).unwrap();
    let dump = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("sql/tests/{OLDER:03}.db.sql"));
    place.sqlite().execute_batch(&std::fs::read_to_string(dump).unwrap()).unwrap();
    place
}

/// What an export of [`place`] must give with today's program.
pub fn export() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("sql/tests/{OLDER:03}.export.json"));
    std::fs::read_to_string(path).unwrap()
}

/// Takes back what the newest migration made, in a database that has nothing in what it added: as the program before it would have
/// written it.
pub fn take_back_newest_migration(db: &Path) {
    let conn = Connection::open(db).unwrap();
    let text = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/migrations")).unwrap();
    let mut migrations: Vec<_> = text.map(|entry| entry.unwrap().path()).collect();
    migrations.sort();
    let newest = std::fs::read_to_string(migrations.last().unwrap()).unwrap();
    conn.execute_batch("pragma foreign_keys = off; begin").unwrap();
    for line in newest.lines().rev() {
        let word = |n: usize| line.split_whitespace().nth(n).unwrap();
        if line.starts_with("create table ") {
            conn.execute_batch(&format!("drop table {}", word(2))).unwrap();
        } else if line.starts_with("alter table ") && line.contains(" add column ") {
            conn.execute_batch(&format!("alter table {} drop column {}", word(2), word(5))).unwrap();
        }
    }
    conn.execute_batch("commit").unwrap();
    conn.pragma_update(None, "user_version", OLDER).unwrap();
}

/// `pragma user_version` of the file.
pub fn schema_of(db: &Path) -> i32 {
    Connection::open(db).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}
