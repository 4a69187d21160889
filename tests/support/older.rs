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

/// Takes back what the newest migration made: as the program before it would have written it.
pub fn take_back_newest_migration(db: &Path) {
    assert_eq!(OLDER, 8, "the way back is that of one migration: write the one of the newest");
    let conn = Connection::open(db).unwrap();
    let released = Connection::open_in_memory().unwrap();
    released.execute_batch(include_str!("../../sql/tests/008.db.sql")).unwrap();
    let column = |conn: &Connection, sql: &str| -> Vec<String> {
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    };
    let drop_triggers = || {
        for name in column(&conn, "select name from sqlite_schema where type = 'trigger'") {
            conn.execute_batch(&format!("drop trigger {name}")).unwrap();
        }
    };
    conn.execute_batch("pragma foreign_keys = off; begin").unwrap();
    drop_triggers();
    conn.execute_batch(include_str!("../../scripts/bench-tool/src/schema_8.sql")).unwrap();
    drop_triggers();
    for table in ["feed_kept", "audit_runs", "audit_objects", "audit_customers"] {
        conn.execute_batch(&format!("drop table {table}")).unwrap();
    }
    for trigger in column(&released, "select sql from sqlite_schema where type = 'trigger'") {
        conn.execute_batch(&trigger).unwrap();
    }
    conn.execute_batch("commit").unwrap();
    conn.pragma_update(None, "user_version", OLDER).unwrap();
}

/// `pragma user_version` of the file.
pub fn schema_of(db: &Path) -> i32 {
    Connection::open(db).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}
