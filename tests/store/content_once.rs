//! The content of mobile configs is kept once, and databases in which it was not are brought over.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use rusqlite::types::Value;
use rusqlite::{Connection, named_params};
use serde_json::json;
use telecomx_local::clock::Clock;
use telecomx_local::db::{Author, Db};
use telecomx_local::domain::audit::{Action, AuditEntry, Hash, MOBILE_CONFIGS, digest};
use telecomx_local::domain::time::Time;
use telecomx_local::store::{contents, mobile_configs};

use crate::support::{Place, older, world};

/// Entries that are put behind those of the old database: more than two runs of the index.
const ENTRIES: usize = 2_500;

/// Appends `count` updates of a config to the trail of schema 8, as that program did. Every content comes twice.
pub fn append_updates(conn: &mut Connection, count: usize) {
    let tx = conn.transaction().unwrap();
    let (id, customer, mut now): (String, String, String) = tx
        .query_row("select id, customer, configs from mobile_configs order by id limit 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    let (mut seq, mut at, mut hash): (i64, i64, Hash) = tx
        .query_row("select seq, at, hash from audit order by seq desc limit 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    for n in 0..count {
        let after = json!([{ "type": "NUMBER", "n": n / 2 % (count / 4), "data": "x".repeat(1_500) }]).to_string();
        seq += 1;
        at += 1;
        let entry = AuditEntry {
            seq,
            at: Time::from_millis(at),
            actor: None,
            actor_name: "System",
            impersonator: None,
            source: "test",
            request: "",
            operation: "5b0c0e3c-0000-4000-8000-000000000001",
            action: "update",
            outcome: "accepted",
            section: MOBILE_CONFIGS,
            object: id.parse().unwrap(),
            customer: Some(customer.parse().unwrap()),
            description: "Mobile config updated",
            digest_before: Some(digest(now.as_bytes())),
            digest_after: Some(digest(after.as_bytes())),
        };
        hash = entry.hash(&hash);
        let sql = "insert into audit (seq, at, actor_name, source, request, operation, action, outcome, section, object, customer,
                description, before, digest_before, digest_after, hash)
             values (:seq, :at, 'System', 'test', '', :operation, 'update', 'accepted', :section, :object, :customer,
                :description, :before, :digest_before, :digest_after, :hash)";
        tx.prepare_cached(sql)
            .unwrap()
            .execute(named_params! {
                ":seq": seq, ":at": at, ":operation": entry.operation, ":section": entry.section, ":object": id,
                ":customer": customer, ":description": entry.description, ":before": now,
                ":digest_before": entry.digest_before, ":digest_after": entry.digest_after, ":hash": hash,
            })
            .unwrap();
        now = after;
    }
    tx.execute_batch("drop trigger mobile_configs_update").unwrap();
    tx.execute("update mobile_configs set configs = ?1 where id = ?2", (&now, &id)).unwrap();
    tx.execute_batch(
        "create trigger mobile_configs_update before update on mobile_configs when new.chg is not (select writing from feed)
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;",
    )
    .unwrap();
    tx.commit().unwrap();
}

fn rows(conn: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = conn.prepare(sql).unwrap();
    let width = statement.column_count();
    let rows = statement.query_map([], |row| (0..width).map(|column| row.get(column)).collect()).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

const ENTRY: &str =
    "seq, at, actor, actor_name, impersonator, source, request, operation, action, outcome, section, object,
    customer, description, hash";

/// All that a database of schema 8 says in its trail and its configs.
fn state_of_8(conn: &Connection) -> Vec<Vec<Value>> {
    let trail = format!("select {ENTRY}, before, digest_before, digest_after from audit order by seq");
    let configs = "select id, customer, configs, rev, chg, ext from mobile_configs order by id";
    [rows(conn, &trail), rows(conn, configs), rows(conn, "select high from feed")].concat()
}

/// The same of one of schema 9.
fn state_of_9(conn: &Connection) -> Vec<Vec<Value>> {
    let trail = format!(
        "select {ENTRY}, coalesce(before, b.text), coalesce(digest_before, b.digest), coalesce(digest_after, c.digest)
         from audit left join contents b on b.id = content_before left join contents c on c.id = content_after order by seq"
    );
    let configs = "select m.id, customer, c.text, rev, chg, ext from mobile_configs m join contents c on c.id = m.content order by m.id";
    [rows(conn, &trail), rows(conn, configs), rows(conn, "select high from feed")].concat()
}

/// The content of a mobile config, if this is one: nothing else is an array.
fn content(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) if text.starts_with('[') => Some(text.clone()),
        _ => None,
    }
}

fn number(conn: &Connection, sql: &str) -> i64 {
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Brings the database over, and nothing else.
fn migrate(place: &Place) {
    drop(Db::open(&place.db(), Clock::default()).unwrap());
}

#[test]
fn what_the_trail_and_the_configs_say_is_the_same_after_the_migration() {
    let place = older::place_of(8);
    append_updates(&mut place.sqlite(), ENTRIES);
    let before = state_of_8(&place.sqlite());
    migrate(&place);
    let conn = place.sqlite();
    assert!(state_of_9(&conn) == before);
    assert_eq!(
        number(&conn, "select count(*) from audit where section = 'PbxAppMobileConfigs' and before is not null"),
        0
    );
    let distinct: BTreeSet<String> = before.iter().flatten().filter_map(content).collect();
    assert_eq!(number(&conn, "select count(*) from contents"), distinct.len() as i64, "each is there once");
    assert_eq!(number(&conn, "select count(*) from audit_runs"), ENTRIES as i64 / 1024);
    let found = String::from_utf8(place.on_db(&["doctor"]).output().unwrap().stdout).unwrap();
    for check in ["audit trail: 2537 entries", "audit index: ", "stored contents: ", "mobile configs: ", "file: sound"]
    {
        assert!(found.contains(&format!("ok     {check}")), "{check}: {found}");
    }
}

#[test]
fn an_entry_that_does_not_hold_what_was_recorded_is_not_made_to_look_sound() {
    let place = older::place_of(8);
    append_updates(&mut place.sqlite(), 4);
    let conn = place.sqlite();
    let last = number(&conn, "select max(seq) from audit");
    conn.execute_batch(&format!(
        "drop trigger audit_no_update; update audit set before = '[2]' where seq = {last} - 1"
    ))
    .unwrap();
    conn.execute_batch("create trigger audit_no_update before update on audit begin select raise(abort, 'the audit trail is append-only'); end;").unwrap();
    let before = state_of_8(&conn);
    drop(conn);
    migrate(&place);
    assert!(state_of_9(&place.sqlite()) == before);
    let said = place.refused(&["audit", "verify"]);
    assert!(said.contains(&format!("broken at entry {}", last - 1)), "{said}");
}

#[test]
fn a_migration_that_is_killed_leaves_the_old_database() {
    let place = older::place_of(8);
    append_updates(&mut place.sqlite(), ENTRIES);
    let before = state_of_8(&place.sqlite());
    let image = std::fs::read(place.db()).unwrap();
    let log = place.path("telecomx.db-wal");
    place.put("empty.json", r#"{"customers":[]}"#);
    let mut seen = BTreeMap::new();
    // Killed when it has come this far, in bytes of its log.
    for reached in [1, 500_000, 1_000_000, 1_500_000, 2_000_000] {
        let _ = std::fs::remove_file(&log);
        let _ = std::fs::remove_file(place.path("telecomx.db-shm"));
        std::fs::write(place.db(), &image).unwrap();
        let mut command = place.on_db(&["import", "empty.json"]);
        let mut tool = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while std::fs::metadata(&log).map_or(0, |data| data.len()) < reached && tool.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let _ = tool.kill();
        tool.wait().unwrap();
        let conn = place.sqlite();
        let version = number(&conn, "pragma user_version");
        *seen.entry(version).or_insert(0) += 1;
        let after = if version == 8 { state_of_8(&conn) } else { state_of_9(&conn) };
        assert!(after == before, "at {reached}: schema {version}");
        assert_eq!(rows(&conn, "pragma integrity_check"), [[Value::Text("ok".into())]]);
    }
    assert!(seen.get(&8).is_some_and(|count| *count > 0), "{seen:?}");
    migrate(&place);
    assert!(state_of_9(&place.sqlite()) == before);
}

#[test]
fn a_copy_writes_no_content_and_what_it_replaced_is_still_there() {
    let place = Place::holding(&world::small());
    let token = place.token();
    let server = place.serve();
    let content = |n: u32| json!({ "configs": [{ "type": "NUMBER", "n": n }] });
    for (employee, n) in [(world::ANNA, 1), (world::BO, 2)] {
        assert_eq!(server.post(&world::config_path(employee), &token, &content(n)).status, 200);
    }
    let kept = number(&place.sqlite(), "select count(*) from contents");
    let copy = json!({ "_id": world::ANNA, "copyTo": world::BO });
    for _ in 0..3 {
        let answer = server.post("/pbx/app/mobileconfig/", &token, &copy);
        assert_eq!((answer.status, &answer.body["configs"]), (200, &content(1)["configs"]));
    }
    assert_eq!(number(&place.sqlite(), "select count(*) from contents"), kept);
    assert!(server.stop().success());
    place.run(&["audit", "verify"]);
}

#[test]
fn what_anything_refers_to_is_never_swept_and_all_else_is() {
    let place = Place::holding(&world::small());
    let token = place.token();
    let server = place.serve();
    for n in 0..4 {
        let content = json!({ "configs": [{ "type": "NUMBER", "n": n }] });
        assert_eq!(server.post(&world::config_path(world::ANNA), &token, &content).status, 200);
    }
    assert!(server.stop().success());
    let referred =
        "select distinct content from (select content from mobile_configs union select content_before from audit
        union select content_after from audit) where content is not null order by 1";
    let conn = place.sqlite();
    let expected = rows(&conn, referred);
    assert!(expected.len() > 4);
    conn.execute_batch("insert into contents (digest, text) values (randomblob(32), '[1]'), (randomblob(32), '[2]')")
        .unwrap();
    let db = Db::open(&place.db(), Clock::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let sweep = || runtime.block_on(db.write(Author::system("test"), contents::sweep)).unwrap();
    sweep();
    assert_eq!(rows(&conn, "select id from contents order by 1"), expected);
    // What comes to be referred to after it was looked for stays.
    let text = r#"[{"type":"LATER"}]"#;
    conn.execute(
        "insert into contents (digest, text) values (?1, ?2), (randomblob(32), '[3]')",
        (digest(text.as_bytes()), text),
    )
    .unwrap();
    let found = db.read(contents::unreferenced).unwrap();
    let anna = world::ANNA.parse().unwrap();
    let write = db.write(Author::system("test"), move |tx| {
        let config = mobile_configs::get(tx, anna)?;
        mobile_configs::replace(tx, config, text.to_owned(), Action::Update, "Mobile config updated")
    });
    runtime.block_on(write).unwrap();
    let remove = db.write(Author::system("test"), move |tx| contents::remove_step(tx, found));
    assert!(runtime.block_on(remove).unwrap().is_empty());
    let expected = rows(&conn, referred);
    assert_eq!(rows(&conn, "select id from contents order by 1"), expected);
    // Whichever reference alone is left: what it leads to stays.
    let of_one = [
        "update audit set content_before = null, content_after = null",
        "update mobile_configs set content = 0; update audit set content_after = null",
        "update mobile_configs set content = 0; update audit set content_before = null",
    ];
    drop(db);
    for others_gone in of_one {
        let copy = place.path("alone.db");
        let _ = std::fs::remove_file(&copy);
        conn.execute("vacuum into ?1", [copy.to_str().unwrap()]).unwrap();
        std::fs::set_permissions(&copy, Permissions::from_mode(0o600)).unwrap();
        let alone = Connection::open(&copy).unwrap();
        alone.execute_batch("drop trigger audit_no_update; drop trigger mobile_configs_update").unwrap();
        alone.execute_batch(others_gone).unwrap();
        let kept: Vec<_> = rows(&alone, referred).into_iter().filter(|id| id[0] != Value::Integer(0)).collect();
        assert!(!kept.is_empty(), "{others_gone}");
        let db = Db::open(&copy, Clock::default()).unwrap();
        runtime.block_on(db.write(Author::system("test"), contents::sweep)).unwrap();
        assert_eq!(rows(&alone, "select id from contents order by 1"), kept, "{others_gone}");
    }
}
