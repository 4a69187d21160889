//! PostgreSQL's own walls: with the program's checks out of the way, row-level security alone keeps origins apart.

use telecomx_local::domain::proposal::Proposal;
use telecomx_local::sync::hub::origin::EnrolmentKind;
use telecomx_local::sync::hub::postgres::{Address, PostgresHub};
use telecomx_local::sync::hub::store::{HubStore, add_code};
use tokio_postgres::{Client, SimpleQueryMessage};
use uuid::Uuid;

use super::edge::{NOW, TestEdge, block_on, queue, row};
use super::postgres_server::{Postgres, connected, shared};
use super::{Place, PostgresPlace};

/// Something of an origin in every table that has an origin.
fn fill<'s>(store: &'s PostgresHub, name: &str) -> TestEdge<'s, PostgresHub> {
    let mut edge = TestEdge::enrolled(store, name);
    edge.pushes(vec![queue(1, "lost"), queue(2, "q1")]);
    edge.push(&edge.reset(2, 1, vec![queue(3, "q1"), row(4, "bad", "7")]));
    edge.stage(Uuid::new_v4(), 0, vec![queue(5, "staged")]);
    let patch = Some(serde_json::value::RawValue::from_string("{}".into()).unwrap());
    let proposal = Proposal {
        uuid: Uuid::new_v4(),
        seq: 0,
        table: telecomx_local::domain::mirror::Table::Queue,
        id: "q1".into(),
        base_rev: None,
        base: None,
        patch,
        copy: None,
        expires_ms: NOW.millis(),
        author: "Olga".into(),
        level: None,
    };
    block_on(store.file_proposal(&edge.origin, proposal, NOW)).unwrap();
    block_on(add_code(store, &EnrolmentKind::Replacement(edge.origin.clone()), NOW)).unwrap();
    edge
}

/// Every table and partition that names an origin, from the catalogue; and those of them that are no partitions.
async fn tables(client: &Client) -> Vec<(String, bool)> {
    let sql = "select c.relname, c.relispartition from pg_class c join pg_attribute a on a.attrelid = c.oid
        where a.attname = 'origin' and c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1";
    client.query(sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn count(client: &Client, sql: &str) -> i64 {
    let answers = client.simple_query(sql).await.unwrap();
    let rows = answers.iter().filter_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0).map(|count| count.parse().unwrap()),
        SimpleQueryMessage::CommandComplete(count) => i64::try_from(*count).ok(),
        _ => None,
    });
    rows.into_iter().next().unwrap()
}

#[test]
fn one_origin_reads_and_writes_no_row_of_another_whatever_is_asked() {
    let place = PostgresPlace { url: shared().database() };
    let store = place.open();
    let (one, other) = (fill(&store, "One"), fill(&store, "Other"));
    let (mine, theirs) = (one.origin.as_str(), other.origin.as_str());
    connected(&place.url, async |client| {
        let tables = tables(client).await;
        assert!(tables.len() > 80 && tables.iter().any(|(table, _)| table == "mirror_07"));
        for (table, is_partition) in &tables {
            let their_rows = format!("where origin = '{theirs}'");
            client.batch_execute("begin; select set_config('telecomx.fleet', 'on', true)").await.unwrap();
            let there = count(client, &format!("select count(*) from {table} {their_rows}")).await;
            assert!(there > 0 || *is_partition, "{table} holds nothing that could be touched");
            client.batch_execute("rollback; begin").await.unwrap();
            let set = format!("select set_config('telecomx.origin', '{mine}', true)");
            client.batch_execute(&set).await.unwrap();
            let read = format!("select count(*) from {table} where origin is distinct from '{mine}'");
            assert_eq!(count(client, &read).await, 0, "{table} is read");
            if !is_partition && table != "enrolment_codes" {
                let own = format!("select count(*) from {table} where origin = '{mine}'");
                assert!(count(client, &own).await > 0, "{table} does not show what is one's own");
            }
            let changed = format!("update {table} set origin = origin {their_rows}");
            assert_eq!(count(client, &changed).await, 0, "{table} is changed");
            assert_eq!(count(client, &format!("delete from {table} {their_rows}")).await, 0, "{table} is deleted from");
            let given = format!("update {table} set origin = '{theirs}' where origin = '{mine}'");
            let refused = client.simple_query(&given).await;
            assert!(refused.is_err() || *is_partition || table == "enrolment_codes", "{table}: a row is given away");
            client.batch_execute("rollback").await.unwrap();
        }
        // A row of another's cannot be made up either.
        client.batch_execute(&format!("begin; select set_config('telecomx.origin', '{mine}', true)")).await.unwrap();
        let made = format!("insert into mirror values ('{theirs}', 1, 'x', 1, 1, '{{}}')");
        assert!(client.batch_execute(&made).await.unwrap_err().to_string().contains("db error"));
        client.batch_execute("rollback").await.unwrap();
    });
    assert_eq!((other.queues().as_str(), other.found().quarantined), ("q1", 1));
}

#[test]
fn without_an_origin_nothing_is_there_at_all() {
    let place = PostgresPlace { url: shared().database() };
    let store = place.open();
    fill(&store, "One");
    connected(&place.url, async |client| {
        for (table, _) in tables(client).await {
            assert_eq!(count(client, &format!("select count(*) from {table}")).await, 0, "{table}");
        }
    });
}

#[test]
fn a_role_that_is_above_the_policies_is_not_taken() {
    let url = shared().database().replace("//hub@", "//postgres@");
    let refused = block_on(PostgresHub::open(&Address { url, ca: None }));
    assert!(refused.err().unwrap().to_string().contains("BYPASSRLS"));
}

#[test]
fn a_migration_that_is_half_done_is_named_and_nothing_is_served() {
    let place = PostgresPlace { url: shared().database() };
    drop(place.open());
    let refused = |sql: &str| {
        connected(&place.url, async |client| client.batch_execute(sql).await.unwrap());
        block_on(PostgresHub::open(&Address { url: place.url.clone(), ca: None })).err().unwrap()
    };
    assert!(
        refused("insert into hub_migrations (name) values ('002_half')")
            .to_string()
            .contains("002_half began and did not finish")
    );
    assert!(refused("update hub_migrations set done_at = now()").to_string().contains("use a newer one"));
    connected(&place.url, async |client| {
        client.batch_execute("delete from hub_migrations where name = '002_half'").await.unwrap();
    });
    drop(place.open());
}

#[test]
fn hubs_that_are_started_together_make_the_tables_once() {
    let place = PostgresPlace { url: shared().database() };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| drop(place.open()));
        }
    });
    TestEdge::enrolled(&place.open(), "Bakery");
}

#[test]
fn what_a_synchronous_standby_has_is_stable_once_this_role_may_know() {
    let postgres = Postgres::start("-c fsync=off -c shared_buffers=16MB");
    let place = PostgresPlace { url: postgres.database() };
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let _standby = postgres.with_standby();
    edge.pushes(vec![queue(1, "q1")]);
    let idle = edge.batch(vec![]);
    for _ in 0..3 {
        assert_eq!(edge.push(&idle).origin.stable, 0, "nobody has said so");
    }
    postgres.sql("grant pg_read_all_stats to hub");
    edge.push(&idle);
    assert_eq!(edge.push(&idle).origin.stable, 1);
    edge.pushes(vec![queue(2, "q2")]);
    let idle = edge.batch(vec![]);
    edge.push(&idle);
    assert_eq!(edge.push(&idle).origin.stable, 2);
    assert_eq!(edge.found().stable, 2);
}
