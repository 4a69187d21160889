//! A hub's file of an older program is brought up to date with all that it holds.

use telecomx_local::domain::mirror::Table;
use telecomx_local::sync::hub::sqlite::SqliteHub;
use telecomx_local::sync::hub::store::HubStore;

use super::edge::{block_on, new_hash};

const FIRST: &str = include_str!("../../sql/hub/sqlite/001_initial.sql");

#[test]
fn a_file_of_the_first_schema_keeps_its_mirrors_and_its_lost_tail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch(FIRST).unwrap();
    let token = new_hash();
    conn.execute(
        "insert into origins (origin, name, token_hash, enrolled_at, epoch_n, epoch, acked, attempt, high)
         values ('one', 'Bakery', ?1, 1, 1, '6f1c7f6e-2b9e-4a57-9d8c-0d6c1a3f9b11', 2,
            '9d0b8f2a-5a54-4c2e-8f1a-7c1f4f3f2a10', 2)",
        [token.as_slice()],
    )
    .unwrap();
    conn.execute_batch(
        "insert into mirror values ('one', 1, 'q1', 1, 1, '{\"n\":1}'), ('one', 1, 'q2', 3, 2, '{\"n\":2}');
         insert into mirror values ('one', 3, 'a', 1, 2, '{\"_id\":\"a\",\"configs\":[7]}'),
            ('one', 3, 'b', 1, 2, '{\"_id\":\"b\",\"configs\":[7],\"future\":1}'), ('one', 3, 'c', 1, 2, 'torn');
         insert into staged values ('one', 's', 0, 1, 'q3', 1, 3, '{}');
         insert into staged_parts values ('one', 's', 0);
         insert into lost_tail values ('one', 1, 1, 'q9', 1, 1, '{\"n\":9}', 5), ('one', 1, 1, 'q8', 1, 1, '{\"n\":8}', 5);
         pragma user_version = 1;",
    )
    .unwrap();
    drop(conn);
    let store = SqliteHub::open(&path).unwrap();
    let origin = block_on(store.origin_of(token)).unwrap().unwrap();
    assert_eq!((&*origin.name, origin.head.acked, origin.is_consistent()), ("Bakery", 2, true));
    let (_, rows) = block_on(store.rows("one", Table::Queue, "", 10)).unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (&*row.id, row.rev, row.chg, row.v.as_ref().unwrap().get())).collect();
    assert_eq!(rows, [("q1", 1, 1, r#"{"n":1}"#.into()), ("q2", 3, 2, r#"{"n":2}"#.into())]);
    let conn = rusqlite::Connection::open(&path).unwrap();
    let lost =
        "select group_concat(id || v, ' ') from (select id, v from lost_tail join texts on n = text order by id)";
    let lost: String = conn.query_row(lost, [], |row| row.get(0)).unwrap();
    assert_eq!(lost, r#"q8{"n":8} q9{"n":9}"#);
    let texts: i64 = conn.query_row("select count(*) from texts", [], |row| row.get(0)).unwrap();
    assert_eq!(texts, 7, "what was staged is sent again");
    let (_, configs) = block_on(store.rows("one", Table::MobileConfig, "", 10)).unwrap();
    let texts: Vec<_> = configs.iter().filter_map(|row| Some(row.v.as_ref()?.get())).collect();
    assert_eq!(texts, [r#"{"_id":"a","configs":[7]}"#, r#"{"_id":"b","configs":[7],"future":1}"#]);
    let contents: i64 = conn.query_row("select count(*) from contents", [], |row| row.get(0)).unwrap();
    assert_eq!(contents, 1, "both refer to it");
}
