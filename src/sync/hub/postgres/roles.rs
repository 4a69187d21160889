//! The roles of a store: one that owns the tables, one that hubs log in as, and one for what is about the whole fleet.

use anyhow::{Context as _, Result, ensure};
use tokio_postgres::Client;

use super::connect::{self, Address};
use super::schema;
use super::tx::PostgresError;

/// Before the migrations: the roles, and that one owns everything.
const ROLES: &str = include_str!("../../../../sql/hub/postgres/roles.sql");
/// Behind the migrations: what the others may do.
const RIGHTS: &str = include_str!("../../../../sql/hub/postgres/rights.sql");
/// The longest name of the role that runs: the other names have `_owner` or `_fleet` behind it.
const ROLE_MAX: usize = 50;
/// Of all runs in one database, one at a time.
const LOCK: &str = "select pg_advisory_lock(hashtextextended('telecomx hub init', 0))";

/// Makes or brings up to date the roles and the tables of a store in the database at `address`, as the administrator of
/// PostgreSQL that the URL names. `run`: the role that hubs log in as; it is made without a password where it is missing.
/// Repeating it changes nothing. The error is one sentence.
pub async fn init(address: &Address, run: &str) -> Result<()> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_role =
        run.starts_with(|c: char| c.is_ascii_lowercase()) && run.len() <= ROLE_MAX && run.chars().all(is_name);
    ensure!(is_role, "a role is called by at most {ROLE_MAX} lower-case letters, digits and _, a letter first");
    let client = connect::alone(address).await.context("PostgreSQL cannot be reached")?;
    let user: String = client.query_one("select current_user::text", &[]).await.map_err(PostgresError)?.get(0);
    ensure!(user != run, "the URL must name an administrator of PostgreSQL, not {run}, the role that hubs log in as");
    client.execute("select set_config('telecomx.run_role', $1, false)", &[&run]).await.map_err(PostgresError)?;
    client.execute(LOCK, &[]).await.map_err(PostgresError)?;
    step(&client, ROLES).await.context(
        "the roles cannot be made: the URL must name a superuser, or the owner of the database that may create roles",
    )?;
    let become_owner = format!("set role {run}_owner");
    client.batch_execute(&become_owner).await.map_err(PostgresError).context("the owner's role cannot be used")?;
    schema::migrate(&client).await?;
    step(&client, RIGHTS).await.context("the rights cannot be given")
}

async fn step(client: &Client, sql: &str) -> Result<()> {
    Ok(client.batch_execute(&format!("begin; {sql} commit")).await.map_err(PostgresError)?)
}
