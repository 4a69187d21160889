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
    place_of(OLDER)
}

/// The same of any released schema.
pub fn place_of(schema: i32) -> Place {
    let place = Place::new();
    std::fs::set_permissions(place.put("telecomx.db", ""), Permissions::from_mode(0o600)).unwrap();
    let dump = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("sql/tests/{schema:03}.db.sql"));
    place.sqlite().execute_batch(&std::fs::read_to_string(dump).unwrap()).unwrap();
    place
}

/// What an export of [`place`] must give with today's program.
pub fn export() -> String {
    export_of(OLDER)
}

/// The same of [`place_of`].
pub fn export_of(schema: i32) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("sql/tests/{schema:03}.export.json"));
    std::fs::read_to_string(path).unwrap()
}

/// Takes back what the newest migration made: as the program before it would have written it.
pub fn take_back_newest_migration(db: &Path) {
    assert_eq!(OLDER, 9, "the way back is that of one migration: write the one of the newest");
    let conn = Connection::open(db).unwrap();
    let archived: i64 = conn.query_row("select seq from audit_start", [], |row| row.get(0)).unwrap();
    assert_eq!(archived, 0, "what is archived does not come back");
    conn.execute_batch(
        "begin; drop trigger audit_no_delete; drop table audit_segments; drop table audit_start; drop table audit_left;
         create trigger audit_no_delete before delete on audit begin select raise(abort, 'the audit trail is append-only'); end;
         commit",
    )
    .unwrap();
    conn.pragma_update(None, "user_version", OLDER).unwrap();
}

/// `pragma user_version` of the file.
pub fn schema_of(db: &Path) -> i32 {
    Connection::open(db).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}
