//! Who makes the tables of a store in PostgreSQL, and with which roles.

use telecomx_local::sync::hub::postgres::{Address, PostgresHub, roles::init};
use telecomx_local::sync::hub::store::HubStore;

use super::edge::{NOW, TestEdge, block_on, by};
use super::postgres_server::{Postgres, connected, shared};
use super::{Place, PostgresPlace};

#[test]
fn a_store_of_one_role_opens_and_hub_init_gives_it_three() {
    let postgres = shared();
    let place = PostgresPlace { url: postgres.database_of_one_role() };
    TestEdge::enrolled(&place.open(), "Bakery");
    let administrator = Address { url: Postgres::as_superuser(&place.url), ca: None };
    for _ in 0..2 {
        block_on(init(&administrator, "hub")).unwrap();
        let store = place.open();
        assert_eq!(block_on(store.origins()).unwrap().len(), 1, "what was there is there");
        let another = TestEdge::enrolled(&store, "Other");
        block_on(store.remove(&another.origin, by(NOW))).unwrap();
    }
    connected(&place.url, async |client| {
        let error = client.batch_execute("truncate mirror").await.unwrap_err();
        assert_eq!(error.code().map(|code| code.code()), Some("42501"));
    });
}

#[test]
fn a_store_of_the_first_schema_is_migrated_with_what_it_holds() {
    let place = PostgresPlace { url: shared().database_of_one_role() };
    let token = super::edge::new_hash();
    connected(&place.url, async |client| {
        let first = include_str!("../../sql/hub/postgres/001_initial.sql");
        let recorded = "create table hub_migrations (
                name text not null primary key, begun_at timestamptz not null default now(), done_at timestamptz);
            insert into hub_migrations values ('001_initial', now(), now());";
        client.batch_execute(&format!("begin; {first}; {recorded}; commit")).await.unwrap();
        client.batch_execute("begin; select set_config('telecomx.fleet', 'on', true)").await.unwrap();
        let origin = "insert into origins (origin, name, token_hash, enrolled_at, attempt)
            values ('one', 'Bakery', $1, 1, gen_random_uuid())";
        client.execute(origin, &[&token.as_slice()]).await.unwrap();
        client.batch_execute("commit").await.unwrap();
    });
    let store = place.open();
    let found = block_on(store.origin_of(token)).unwrap().unwrap();
    assert_eq!((&*found.name, found.next_token, found.tags.len()), ("Bakery", None, 0));
}

#[test]
fn a_store_without_tables_tells_the_role_that_runs_to_have_them_made() {
    let postgres = shared();
    let url = postgres.database_of_one_role();
    connected(&Postgres::as_superuser(&url), async |client| {
        client.batch_execute("revoke create on schema public from hub").await.unwrap();
    });
    let refused = block_on(PostgresHub::open(&Address { url: url.clone(), ca: None })).err().unwrap();
    assert!(refused.to_string().contains("hub init"), "{refused}");
    let wrong = |url: String, role: &str| block_on(init(&Address { url, ca: None }, role)).unwrap_err().to_string();
    assert!(wrong(url.clone(), "hub").contains("not hub, the role that hubs log in as"));
    assert!(wrong(Postgres::as_superuser(&url), "Hub; drop").contains("lower-case letters"));
}

#[test]
fn a_migration_that_is_half_done_is_named_and_nothing_is_served() {
    let place = PostgresPlace { url: shared().database() };
    drop(place.open());
    let refused = |sql: &str| {
        let superuser = Postgres::as_superuser(&place.url);
        connected(&superuser, async |client| client.batch_execute(sql).await.unwrap());
        block_on(PostgresHub::open(&Address { url: place.url.clone(), ca: None })).err().unwrap()
    };
    assert!(
        refused("insert into hub_migrations (name) values ('003_half')")
            .to_string()
            .contains("003_half began and did not finish")
    );
    assert!(refused("update hub_migrations set done_at = now()").to_string().contains("use a newer one"));
    connected(&Postgres::as_superuser(&place.url), async |client| {
        client.batch_execute("delete from hub_migrations where name = '003_half'").await.unwrap();
    });
    drop(place.open());
}

#[test]
fn hubs_that_are_started_together_make_the_tables_once() {
    let place = PostgresPlace { url: shared().database_of_one_role() };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| drop(place.open()));
        }
    });
    TestEdge::enrolled(&place.open(), "Bakery");
}
