//! The schema and its migrations. The table `hub_migrations` records each one before it begins and when it is done.

use anyhow::anyhow;
use tokio_postgres::Client;

use super::connect::{Unready, unready_by};

/// In the order in which they run.
const MIGRATIONS: [(&str, &str); 6] = [
    ("001_initial", include_str!("../../../../sql/hub/postgres/001_initial.sql")),
    ("002_operators", include_str!("../../../../sql/hub/postgres/002_operators.sql")),
    ("010_stages", include_str!("../../../../sql/hub/postgres/010_stages.sql")),
    ("011_tasks", include_str!("../../../../sql/hub/postgres/011_tasks.sql")),
    ("012_limits", include_str!("../../../../sql/hub/postgres/012_limits.sql")),
    ("013_contents", include_str!("../../../../sql/hub/postgres/013_contents.sql")),
];
/// The advisory lock that the one migrating process holds; no other lock of this program uses this number.
const LOCK: i64 = 0x7465_6c65_636f_6d78;

/// Whether there are tables, and whether this role owns them.
const OWNERSHIP: &str = "
    select c.oid is not null, coalesce(pg_has_role(current_user, c.relowner, 'usage'), false)
    from (select to_regclass('hub_migrations')) found (oid) left join pg_class c on c.oid = found.oid";

/// At the start of a hub: runs the migrations where this role owns the tables or makes them; else checks that `hub init` has
/// run them.
pub async fn migrate_or_check(client: &Client) -> Result<(), Unready> {
    let describe = |error: tokio_postgres::Error| unready_by(error, "the store in PostgreSQL cannot be read");
    let found = client.query_one(OWNERSHIP, &[]).await.map_err(describe)?;
    let (are_there, is_owner): (bool, bool) = (found.get(0), found.get(1));
    match (are_there, is_owner) {
        (true, false) => {
            let recorded = recorded(client, &describe).await?;
            if recorded.len() < MIGRATIONS.len() {
                let missing = MIGRATIONS[recorded.len()].0;
                return Err(Unready::Wrong(anyhow!("the store has no migration {missing} yet: run hub init again")));
            }
            Ok(())
        }
        (true, true) => {
            migrate(client).await?;
            tracing::warn!("the role that runs owns the tables, and may switch row-level security off: see hub init");
            Ok(())
        }
        (false, _) => migrate(client).await,
    }
}

/// Runs the migrations that have not run. The error is one sentence; after a migration that was interrupted, no hub serves
/// until an operator has checked the database.
pub async fn migrate(client: &Client) -> Result<(), Unready> {
    let describe = |error: tokio_postgres::Error| {
        unready_by(error, "the store in PostgreSQL cannot be made or migrated (see hub init)")
    };
    // Other hubs that start at the same time wait here.
    client.execute("select pg_advisory_lock($1)", &[&LOCK]).await.map_err(describe)?;
    let migrated = run(client, describe).await;
    client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await.map_err(describe)?;
    migrated
}

async fn run(client: &Client, describe: impl Fn(tokio_postgres::Error) -> Unready) -> Result<(), Unready> {
    client
        .batch_execute(
            "set client_min_messages = warning;
             create table if not exists hub_migrations (
                name text not null primary key, begun_at timestamptz not null default now(), done_at timestamptz)",
        )
        .await
        .map_err(&describe)?;
    let recorded = recorded(client, &describe).await?;
    for (name, sql) in MIGRATIONS.iter().skip(recorded.len()) {
        client.execute("insert into hub_migrations (name) values ($1)", &[name]).await.map_err(&describe)?;
        let done = format!("update hub_migrations set done_at = now() where name = '{name}'");
        let step = client.batch_execute(&format!("begin; {sql}; {done}; commit")).await;
        if let Err(error) = step {
            // PostgreSQL rolled it back: the next start may try again.
            let _ = client.batch_execute("rollback").await;
            let _ = client.execute("delete from hub_migrations where name = $1 and done_at is null", &[name]).await;
            return Err(describe(error));
        }
    }
    Ok(())
}

/// The migrations that were run, in order. An error when one began and did not finish, or is not known.
async fn recorded(
    client: &Client,
    describe: &impl Fn(tokio_postgres::Error) -> Unready,
) -> Result<Vec<(String, bool)>, Unready> {
    let rows = client.query("select name, done_at is not null from hub_migrations order by name", &[]).await;
    let recorded: Vec<(String, bool)> =
        rows.map_err(describe)?.iter().map(|row| (row.get::<_, String>(0), row.get::<_, bool>(1))).collect();
    if let Some((name, _)) = recorded.iter().find(|(_, is_done)| !is_done) {
        return Err(Unready::Wrong(anyhow!(
            "migration {name} began and did not finish: restore the database, or make sure that nothing of the migration is there and delete its line from hub_migrations"
        )));
    }
    if let Some((name, _)) = recorded.iter().find(|(name, _)| MIGRATIONS.iter().all(|(known, _)| known != name)) {
        return Err(Unready::Wrong(anyhow!(
            "the store has migration {name}, which this program does not know: use a newer one"
        )));
    }
    Ok(recorded)
}
