//! A store in PostgreSQL of the schema before contents stood apart is brought up to date with all that it holds.

use telecomx_local::domain::mirror::Table;
use telecomx_local::sync::hub::postgres::Address;
use telecomx_local::sync::hub::postgres::roles::init;
use telecomx_local::sync::hub::store::HubStore;

use super::edge::{block_on, new_hash};
use super::postgres_server::{Postgres, connected, shared};
use super::{Place, PostgresPlace};

const BEFORE: [(&str, &str); 5] = [
    ("001_initial", include_str!("../../sql/hub/postgres/001_initial.sql")),
    ("002_operators", include_str!("../../sql/hub/postgres/002_operators.sql")),
    ("010_stages", include_str!("../../sql/hub/postgres/010_stages.sql")),
    ("011_tasks", include_str!("../../sql/hub/postgres/011_tasks.sql")),
    ("012_limits", include_str!("../../sql/hub/postgres/012_limits.sql")),
];

/// Texts of mobile configs: two that share a content, and some that must stay as they are.
const TEXTS: [&str; 7] = [
    r#"{"_id":"a","customer":"c","configs":[{"type":"X", "n":1}]}"#,
    r#"{"_id":"b","customer":"c","configs":[{"type":"X", "n":1}]}"#,
    r#"{"_id":"c","customer":"ø","configs":[{"type":"ÆØÅ"}]}"#,
    r#"{"_id":"d","customer":"c","configs":[],"future":[]}"#,
    r#"{"_id":"e","customer":"c","configs":["\u0000"]}"#,
    r#"{"configs":[1],"_id":"f","customer":"c"}"#,
    "torn [",
];

/// A store of the older schema, with mobile configs and a queue of one origin, owned by the role that runs.
fn older(url: &str, token: [u8; 32]) {
    connected(url, async |client| {
        let made =
            "create table hub_migrations (name text not null primary key, begun_at timestamptz not null default now(),
            done_at timestamptz)";
        client.batch_execute(made).await.unwrap();
        for (name, sql) in BEFORE {
            client.batch_execute(&format!("begin; {sql}; commit")).await.unwrap();
            let done = "insert into hub_migrations (name, done_at) values ($1, now())";
            client.execute(done, &[&name]).await.unwrap();
        }
        client.batch_execute("begin; select set_config('telecomx.fleet', 'on', true)").await.unwrap();
        let origin = "insert into origins (origin, name, token_hash, enrolled_at, attempt)
            values ('one', 'Bakery', $1, 1, gen_random_uuid())";
        client.execute(origin, &[&token.as_slice()]).await.unwrap();
        for (id, text) in ["a", "b", "c", "d", "e", "f", "g"].into_iter().zip(TEXTS) {
            client.execute("insert into mirror values ('one', 3, $1, 1, 1, $2)", &[&id, &text]).await.unwrap();
        }
        let others = r#"insert into mirror values ('one', 1, 'q', 1, 1, '{"_id":"q","customer":"c","configs":[1]}');
            insert into lost_tail (origin, epoch_n, t, id, rev, chg, v, lost_at) values ('one', 1, 3, 'l', 1, 1, '{"configs":[2]}', 5)"#;
        client.batch_execute(others).await.unwrap();
        client.batch_execute("commit").await.unwrap();
    });
}

#[test]
fn a_store_of_the_schema_before_keeps_every_text_and_has_its_contents_once() {
    for is_made_anew_by_hub_init in [true, false] {
        let place = PostgresPlace { url: shared().database_of_one_role() };
        let token = new_hash();
        older(&place.url, token);
        if is_made_anew_by_hub_init {
            block_on(init(&Address { url: Postgres::as_superuser(&place.url), ca: None }, "hub")).unwrap();
        }
        let store = place.open();
        let (_, rows) = block_on(store.rows("one", Table::MobileConfig, "", 10)).unwrap();
        // What PostgreSQL itself cannot read, or is not as a server renders it, is whole.
        let texts: Vec<String> = rows.iter().filter_map(|row| Some(row.v.as_ref()?.get().into_owned())).collect();
        assert_eq!(texts, TEXTS[..6]);
        assert!(rows[6].bad.is_some(), "it was damaged before, and costs the others nothing");
        assert_eq!(place.count("select count(*) from contents"), 2);
        assert_eq!(place.count("select count(*) from mirror where content is not null"), 3);
        let (_, queues) = block_on(store.rows("one", Table::Queue, "", 10)).unwrap();
        assert_eq!(queues[0].v.as_ref().unwrap().get(), r#"{"_id":"q","customer":"c","configs":[1]}"#);
        let lost = block_on(store.orphaned_rows("one", telecomx_local::sync::hub::orphaned_rows::NEWEST, 10)).unwrap();
        assert_eq!(lost[0].v.get(), r#"{"configs":[2]}"#);
    }
}
