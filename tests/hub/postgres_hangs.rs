//! A PostgreSQL that hangs: calls end, and their connections are not used again.

use std::time::Duration;

use telecomx_local::domain::mirror::Table;
use telecomx_local::sync::hub::store::HubStore;

use super::edge::{NOW, TestEdge, block_on, code, queue};
use super::postgres_server::{Postgres, connected};
use super::{Place, PostgresPlace};

/// Within which a call must end.
const SOON: Duration = Duration::from_secs(15);

fn soon<T>(work: impl Future<Output = T>) -> T {
    block_on(async { tokio::time::timeout(SOON, work).await }).unwrap()
}

#[test]
fn calls_of_one_that_hangs_end_within_seconds_and_go_on_afterwards() {
    let postgres = Postgres::start("-c fsync=off -c shared_buffers=16MB");
    let place = PostgresPlace { url: postgres.database() };
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1")]);
    let batch = edge.batch(vec![queue(2, "q2")]);
    let idle = edge.batch(vec![]);
    {
        let _hanging = postgres.hang();
        let push = |push| code(soon(store.push(&edge.origin, &edge.token, push, NOW)));
        assert_eq!((push(&idle), push(&batch)), ("busy", "busy"));
        assert_eq!(code(soon(store.rows(&edge.origin, Table::Queue, "", 10))), "busy");
        assert_eq!(code(soon(store.scan(&edge.origin, |_, _, _, _| {}))), "busy");
    }
    // The batch may have been applied: nobody has heard of it.
    let result = soon(store.push(&edge.origin, &edge.token, &batch, NOW)).unwrap();
    assert!(result.accepted || result.origin.head.attempt == batch.attempt, "{result:?}");
}

#[test]
fn a_long_statement_is_not_given_up_while_others_are_answered() {
    let postgres = Postgres::start("-c fsync=off -c shared_buffers=16MB");
    let place = PostgresPlace { url: postgres.database() };
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1")]);
    let batch = edge.batch(vec![queue(2, "q2")]);
    connected(&Postgres::as_superuser(&place.url), async |client| {
        // Somebody holds the origin for longer than a hub waits for one that hangs.
        client.batch_execute("begin; select 1 from origins for update").await.unwrap();
        let waiting = async { tokio::time::timeout(SOON, store.push(&edge.origin, &edge.token, &batch, NOW)).await };
        let (result, ()) = tokio::join!(waiting, async {
            client.batch_execute("select pg_sleep(6); commit").await.unwrap();
        });
        assert!(result.unwrap().unwrap().accepted);
    });
}

#[test]
fn a_call_whose_caller_has_gone_gives_its_connection_back_to_nobody() {
    let postgres = Postgres::start("-c fsync=off -c shared_buffers=16MB");
    let place = PostgresPlace { url: postgres.database() };
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1")]);
    let batch = edge.batch(vec![queue(2, "q2")]);
    connected(&Postgres::as_superuser(&place.url), async |client| {
        client.batch_execute("begin; select 1 from origins for update").await.unwrap();
        // More callers than there are connections give up while they wait for the origin.
        for _ in 0..20 {
            let given_up = store.push(&edge.origin, &edge.token, &batch, NOW);
            let polled = tokio::time::timeout(Duration::from_millis(100), given_up).await;
            assert!(polled.is_err(), "{polled:?}");
        }
        let read = tokio::time::timeout(SOON, store.rows(&edge.origin, Table::Queue, "", 10)).await;
        assert_eq!(read.unwrap().unwrap().1.len(), 1);
        client.batch_execute("rollback").await.unwrap();
    });
}
