//! PostgreSQL's own walls: with the program's checks out of the way, row-level security alone keeps origins apart.

use telecomx_local::domain::mirror::{Row, Table};
use telecomx_local::domain::proposal::Proposal;
use telecomx_local::sync::hub::origin::EnrolmentKind;
use telecomx_local::sync::hub::postgres::{Address, PostgresHub};
use telecomx_local::sync::hub::store::{HubStore, add_code};
use tokio_postgres::{Client, SimpleQueryMessage};
use uuid::Uuid;

use super::edge::{NOW, TestEdge, block_on, by, queue, row};
use super::postgres_server::{Postgres, connected, shared};
use super::{Place, PostgresPlace};

/// Something of an origin in every table that has an origin.
fn fill<'s>(store: &'s PostgresHub, name: &str) -> TestEdge<'s, PostgresHub> {
    let mut edge = TestEdge::enrolled(store, name);
    let config = row(1, "config", r#"{"_id":"config","customer":"c","configs":[]}"#);
    let config = Row { t: Table::MobileConfig, ..config };
    edge.pushes(vec![queue(1, "lost"), config, queue(2, "q1")]);
    edge.push(&edge.reset(2, 1, vec![queue(3, "q1"), row(4, "bad", "7")]));
    edge.stage(Uuid::new_v4(), 0, vec![queue(5, "staged")]);
    let patch = Some(serde_json::value::RawValue::from_string("{}".into()).unwrap());
    let proposal = Proposal {
        uuid: Uuid::new_v4(),
        seq: 0,
        table: Table::Queue,
        id: "q1".into(),
        base_rev: None,
        base: None,
        patch,
        copy: None,
        expires_ms: NOW.millis(),
        author: "Olga".into(),
        level: None,
        task: None,
    };
    block_on(store.file_proposal(&edge.origin, proposal, NOW)).unwrap();
    block_on(add_code(store, &EnrolmentKind::Replacement(edge.origin.clone()), by(NOW))).unwrap();
    edge
}

/// Every table and partition that names an origin, from the catalogue; and whether it is a partition.
async fn tables(client: &Client) -> Vec<(String, bool)> {
    let sql = "select c.relname, c.relispartition from pg_class c join pg_attribute a on a.attrelid = c.oid
        where a.attname = 'origin' and c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1";
    client.query(sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// What a statement gives or touches; `None` when this role has no right to it. Runs in a savepoint.
async fn count(client: &Client, sql: &str) -> Option<i64> {
    client.batch_execute("savepoint before").await.unwrap();
    let answers = match client.simple_query(sql).await {
        Ok(answers) => answers,
        Err(error) => {
            assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{sql}: {error:?}");
            client.batch_execute("rollback to before").await.unwrap();
            return None;
        }
    };
    let rows = answers.iter().filter_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0).map(|count| count.parse().unwrap()),
        SimpleQueryMessage::CommandComplete(count) => i64::try_from(*count).ok(),
        _ => None,
    });
    Some(rows.into_iter().next().unwrap())
}

/// The tables of which a superuser sees rows of this origin.
fn filled(url: &str, origin: &str) -> Vec<String> {
    connected(&Postgres::as_superuser(url), async |client| {
        client.batch_execute("begin").await.unwrap();
        let mut filled = vec![];
        for (table, _) in tables(client).await {
            let there = count(client, &format!("select count(*) from {table} where origin = '{origin}'")).await;
            if there.unwrap() > 0 {
                filled.push(table);
            }
        }
        filled
    })
}

#[test]
fn one_origin_reads_and_writes_no_row_of_another_whatever_is_asked() {
    let place = PostgresPlace { url: shared().database() };
    let store = place.open();
    let (one, other) = (fill(&store, "One"), fill(&store, "Other"));
    let (mine, theirs) = (one.origin.as_str(), other.origin.as_str());
    let (my_tables, their_tables) = (filled(&place.url, mine), filled(&place.url, theirs));
    connected(&place.url, async |client| {
        let tables = tables(client).await;
        assert!(tables.len() > 80 && tables.iter().any(|(table, _)| table == "mirror_07"));
        for (table, is_partition) in &tables {
            assert!(*is_partition || their_tables.contains(table), "{table} holds nothing that could be touched");
            client.batch_execute("begin").await.unwrap();
            let set = format!("select set_config('telecomx.origin', '{mine}', true)");
            client.batch_execute(&set).await.unwrap();
            // What was the scope of the fleet before there were roles opens nothing.
            client.batch_execute("select set_config('telecomx.fleet', 'on', true)").await.unwrap();
            let their_rows = format!("where origin = '{theirs}'");
            let touches = async |sql: String| count(client, &sql).await.unwrap_or(0);
            assert_eq!(
                touches(format!("select count(*) from {table} where origin is distinct from '{mine}'")).await,
                0,
                "{table} is read"
            );
            let own = count(client, &format!("select count(*) from {table} where origin = '{mine}'")).await;
            assert_eq!(own.is_some(), !is_partition && table != "enrolment_codes", "{table}: a partition has a way in");
            assert!(
                own.is_none_or(|own| own > 0) || !my_tables.contains(table),
                "{table} does not show what is one's own"
            );
            assert_eq!(
                touches(format!("update {table} set origin = origin {their_rows}")).await,
                0,
                "{table} is changed"
            );
            assert_eq!(touches(format!("delete from {table} {their_rows}")).await, 0, "{table} is deleted from");
            let given = format!("update {table} set origin = '{theirs}' where origin = '{mine}'");
            assert!(client.simple_query(&given).await.is_err(), "{table}: a row is given away");
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
        client.batch_execute("begin").await.unwrap();
        for (table, _) in tables(client).await {
            let seen = count(client, &format!("select count(*) from {table}")).await;
            assert_eq!(seen.unwrap_or(0), 0, "{table}");
        }
    });
}

#[test]
fn the_role_that_runs_owns_nothing_and_switches_no_wall_off() {
    let place = PostgresPlace { url: shared().database() };
    let store = place.open();
    let edge = fill(&store, "One");
    connected(&place.url, async |client| {
        let refused = async |sql: &str| {
            let error = client.batch_execute(sql).await.unwrap_err();
            assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{sql}: {error:?}");
        };
        for sql in [
            "truncate mirror",
            "truncate audit",
            "alter table origins no force row level security",
            "alter table origins disable row level security",
            "drop policy own on mirror",
            "drop table mirror",
            "create table mine (n int)",
            "create or replace function fleet_scope() returns void language sql as 'select 1'",
            "update audit set who = 'nobody'",
            "delete from audit",
            "insert into hub_migrations (name) values ('x')",
            "set role hub_owner",
            "select * from operators",
            "select * from enrolment_codes",
        ] {
            refused(sql).await;
        }
        let owned =
            "select count(*) from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname = current_user";
        assert_eq!(client.query_one(owned, &[]).await.unwrap().get::<_, i64>(0), 0);
    });
    assert_eq!(edge.queues(), "q1");
}

#[test]
fn what_is_about_the_fleet_sees_no_mirrored_row_and_changes_no_entry_of_the_audit_trail() {
    let place = PostgresPlace { url: shared().database() };
    fill(&place.open(), "One");
    connected(&place.url, async |client| {
        client.batch_execute("begin; select fleet_scope()").await.unwrap();
        assert_eq!(count(client, "select count(*) from origins").await, Some(1));
        for sql in [
            "select count(*) from mirror",
            "delete from mirror",
            "select count(*) from contents",
            "delete from contents",
            "update audit set who = 'nobody'",
            "delete from audit",
            "truncate origins",
        ] {
            assert_eq!(count(client, sql).await, None, "{sql}");
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
    postgres.sql("grant pg_read_all_stats to hub_owner");
    edge.push(&idle);
    assert_eq!(edge.push(&idle).origin.stable, 1);
    edge.pushes(vec![queue(2, "q2")]);
    let idle = edge.batch(vec![]);
    edge.push(&idle);
    assert_eq!(edge.push(&idle).origin.stable, 2);
    assert_eq!(edge.found().stable, 2);
}
