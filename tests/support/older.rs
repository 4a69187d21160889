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
    assert_eq!(OLDER, 10, "the way back is that of one migration: write the one of the newest");
    let conn = Connection::open(db).unwrap();
    conn.execute_batch(
        "begin; drop trigger mobile_configs_insert; drop trigger mobile_configs_update; drop trigger mobile_configs_delete;
         drop view feed; drop view mobile_configs_by_write; drop view mobile_configs_recent;
         drop table mobile_config_feed; drop table mobile_config_feed_state; drop index mobile_configs_customer;
         alter table mobile_configs rename to mobile_configs_after;
         create table mobile_configs (id text not null primary key references employees (id),
            customer text not null references customers (id), content integer not null, rev integer not null, chg integer not null,
            ext text not null default '{}') strict;
         insert into mobile_configs select * from mobile_configs_after;
         drop table mobile_configs_after;
         create index mobile_configs_customer on mobile_configs (customer);
         create index mobile_configs_feed on mobile_configs (chg, id, rev);
         create view feed (high) as select max(high) from (
            select high from feed_kept union all select max(chg) from customers union all select max(chg) from queues
            union all select max(chg) from employees union all select max(chg) from mobile_configs
            union all select max(chg) from pbx_objects union all select max(chg) from tombstones);
         create trigger mobile_configs_insert before insert on mobile_configs when new.chg is not written_by_telecomx_local_only()
            begin select raise(abort, ''); end;
         create trigger mobile_configs_update before update on mobile_configs when new.chg is not written_by_telecomx_local_only()
            begin select raise(abort, ''); end;
         create trigger mobile_configs_delete before delete on mobile_configs when written_by_telecomx_local_only() is null
            begin select raise(abort, ''); end;
         commit",
    )
    .unwrap();
    conn.pragma_update(None, "user_version", OLDER).unwrap();
}

/// `pragma user_version` of the file.
pub fn schema_of(db: &Path) -> i32 {
    Connection::open(db).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}
