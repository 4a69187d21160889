//! The hub's store in PostgreSQL: for fleets, and for several hub processes beside each other.
//!
//! Nothing is kept in the process. Each call is one transaction, in one round trip or two.

mod connect;
mod migration;
mod migrations;
mod origins;
mod orphaned_rows;
mod proposals;
mod push;
mod quarantine;
mod retention;
mod rows;
mod staged;
mod standing;
mod tx;

use anyhow::{Context as _, anyhow, bail, ensure};
use deadpool_postgres::Pool;
use tokio::runtime::Runtime;
use tokio_postgres::Row as SqlRow;

pub use connect::{Address, Unready};

use super::migration::{Arrival, Delivery, FinishMove, Phase, Quarantined};
use super::orphaned_rows::{Lost, Removed};
use super::{EnrolmentKind, HubStore, Origin, ProposalRecord, PushResult};
use crate::domain::audit::Hash;
use crate::domain::mirror::{Refused, Row, Table};
use crate::domain::proposal::Proposal;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::protocol::wire::{Part, Push};
use tx::{Answers, Batch, Param, READ, Scope, Tx, WRITE};

/// What is said to whoever comes as a superuser.
const ABOVE_POLICIES: &str =
    "the role is a superuser's or has BYPASSRLS: row-level security would not hold; use one of its own";

/// Threads that the connections are served by.
const THREADS: usize = 2;

pub struct PostgresHub {
    pool: Pool,
    /// Taken when the hub is dropped.
    runtime: Option<Runtime>,
}

impl PostgresHub {
    /// Opens the database; makes or migrates the tables where needed.
    pub async fn open(address: &Address) -> anyhow::Result<PostgresHub> {
        let hub = PostgresHub::new(address)?;
        hub.prepare().await.map_err(|(Unready::Away(why) | Unready::Wrong(why))| why)?;
        Ok(hub)
    }

    /// One that must be prepared before its first use.
    pub fn new(address: &Address) -> anyhow::Result<PostgresHub> {
        let (config, tls) = connect::settings(address)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("postgres")
            .enable_all()
            .build()
            .context("threads for PostgreSQL cannot be started")?;
        let pool = connect::pool(config, tls, runtime.handle().clone())?;
        Ok(PostgresHub { pool, runtime: Some(runtime) })
    }

    /// Makes or migrates the tables where needed.
    pub async fn prepare(&self) -> Result<(), Unready> {
        let client = self.pool.get().await.map_err(connect::unready)?;
        migrations::migrate(&client).await?;
        drop(client);
        let known = self.at_once(WRITE, Scope::Fleet, quarantine::name_known_tables()).await;
        known.map(drop).map_err(not_used)
    }

    /// The hash of the administrator's token: the same for all processes. The first of them makes it, and no other
    /// meanwhile.
    pub async fn admin(&self, make: impl FnOnce() -> anyhow::Result<Hash>) -> Result<Hash, Unready> {
        const HELD: &str = "select admin_hash from hub for update";
        let unreadable =
            |error: anyhow::Error| Unready::Wrong(error.context("the administrator's token cannot be read"));
        let held = self.begin(WRITE, Scope::Fleet, Batch::default().with(HELD, &[])).await;
        let (tx, answers) = held.map_err(not_used)?;
        let row = answers[0].first().ok_or_else(|| unreadable(anyhow!("the table hub is empty")))?;
        if let Some(hash) = row.try_get::<_, Option<Vec<u8>>>(0).map_err(|error| unreadable(error.into()))? {
            return hash.try_into().map_err(|_| unreadable(anyhow!("it is no SHA-256")));
        }
        let hash = make().map_err(Unready::Wrong)?;
        let bytes = hash.as_slice();
        let set = Batch::default().with("update hub set admin_hash = $1", &[&bytes]);
        tx.commit(set).await.map_err(not_used)?;
        Ok(hash)
    }

    /// Locks an origin against other commands that move it, until the returned value is dropped. An error when another
    /// command has it.
    pub async fn alone(&self, origin: &str) -> anyhow::Result<impl Send + use<>> {
        let conn = self.pool.get().await.map_err(connect::unready)?;
        let sql = "select pg_try_advisory_lock(hashtextextended($1, 0))";
        let taken: bool = conn.query_one(sql, &[&origin]).await.map_err(tx::PostgresError)?.get(0);
        // Not back into the pool: the lock is the connection's.
        ensure!(taken, "another run is moving this server");
        Ok(deadpool_postgres::Object::take(conn))
    }

    /// A backup that holds all of the log up to `lsn` has been verified: what edges had brought by then is stable. Whether
    /// that is news: one that holds more may have been verified before.
    pub async fn note_verified(&self, lsn: &str) -> anyhow::Result<bool> {
        let lsn: tokio_postgres::types::PgLsn =
            lsn.parse().map_err(|_| anyhow!("{lsn} is no place in the log, such as 0/16B3748"))?;
        let ahead = "select $1 > pg_current_wal_insert_lsn()";
        let note = "update hub set verified_lsn = greatest(verified_lsn, $1) returning verified_lsn = $1";
        let answers = self.at_once(READ, Scope::Fleet, Batch::default().with(ahead, &[&lsn])).await;
        let is_ahead: bool = answers?[0].first().is_some_and(|row| row.get(0));
        if is_ahead {
            bail!("{lsn} is ahead of the log of this PostgreSQL: it is of another one");
        }
        let noted = self.at_once(WRITE, Scope::Fleet, Batch::default().with(note, &[&lsn])).await;
        Ok(noted?[0].first().is_some_and(|row| row.get(0)))
    }

    async fn at_once(&self, how: &'static str, scope: Scope<'_>, batch: Batch<'_>) -> Result<Answers> {
        tx::at_once(&self.pool, how, scope, batch).await
    }

    async fn single(&self, origin: &str, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<SqlRow>> {
        tx::single(&self.pool, origin, sql, params).await
    }

    async fn begin(&self, how: &'static str, scope: Scope<'_>, first: Batch<'_>) -> Result<(Tx, Answers)> {
        Tx::begin(&self.pool, how, scope, first).await
    }
}

/// Why a store cannot be used at the start: what passes by itself is waited for.
fn not_used(error: Error) -> Unready {
    let passes = matches!(error, Error::Busy | Error::Unavailable(_));
    let why = anyhow!(error).context("the store cannot be used");
    if passes { Unready::Away(why) } else { Unready::Wrong(why) }
}

impl Drop for PostgresHub {
    fn drop(&mut self) {
        self.pool.close();
        if let Some(runtime) = self.runtime.take() {
            // It may be dropped on another runtime, which must not block.
            runtime.shutdown_background();
        }
    }
}

impl HubStore for PostgresHub {
    async fn add_code(&self, code_hash: [u8; 32], admits: &EnrolmentKind, now: Time) -> Result<()> {
        origins::add_code(self, code_hash, admits, now).await
    }

    async fn enroll(&self, code: [u8; 32], token: [u8; 32], origin: &str, now: Time) -> Result<Option<Origin>> {
        origins::enroll(self, code, token, origin, now).await
    }

    async fn origin_of(&self, token_hash: [u8; 32]) -> Result<Option<Origin>> {
        origins::of_token(self, token_hash).await
    }

    async fn origins(&self) -> Result<Vec<Origin>> {
        origins::all(self).await
    }

    async fn unlock(&self, origin: &str) -> Result<()> {
        origins::unlock(self, origin).await
    }

    async fn stage(&self, origin: &str, part: &Part, now: Time) -> Result<()> {
        staged::stage(self, origin, part, now).await
    }

    async fn push(&self, origin: &str, token_hash: &Hash, push: &Push, now: Time) -> Result<PushResult> {
        push::take(self, origin, token_hash, push, now).await
    }

    async fn scan(&self, origin: &str, each: impl FnMut(Table, &str, i64, &str) + Send) -> Result<Origin> {
        rows::scan(self, origin, each).await
    }

    async fn rows(&self, origin: &str, table: Table, after: &str, limit: i64) -> Result<(Origin, Vec<Row>)> {
        rows::page(self, origin, table, after, limit).await
    }

    async fn quarantine(&self, origin: &str) -> Result<Vec<Refused>> {
        let list = Batch::default().with(quarantine::LIST, &[&origin, &i64::MAX]);
        quarantine::from_rows(&origins::read(self, origin, list).await?.1[0])
    }

    async fn file(&self, origin: &str, proposal: Proposal, now: Time) -> Result<ProposalRecord> {
        proposals::file(self, origin, proposal, now).await
    }

    async fn proposals(&self, origin: &str, after: i64, limit: i64) -> Result<Vec<ProposalRecord>> {
        let list = Batch::default().with(proposals::LIST, &[&origin, &after, &limit]);
        origins::read(self, origin, list).await?.1[0].iter().map(proposals::from_row).collect()
    }

    async fn aside(&self, origin: &str) -> Result<Vec<Quarantined>> {
        migration::aside(self, origin).await
    }

    async fn step(&self, origin: &str, to: &Phase) -> Result<Origin> {
        migration::step(self, origin, to).await
    }

    async fn arrive(&self, announced: &Origin) -> Result<Arrival> {
        migration::arrive(self, announced).await
    }

    async fn deliver(&self, origin: &str, delivery: &Delivery) -> Result<()> {
        migration::deliver(self, origin, delivery).await
    }

    async fn settle(&self, settling: &FinishMove) -> Result<()> {
        migration::settle(self, settling).await
    }

    async fn lost(&self, origin: &str, behind: (Time, i64), limit: i64) -> Result<Vec<Lost>> {
        orphaned_rows::page(self, origin, behind, limit).await
    }

    async fn remove(&self, origin: &str) -> Result<Removed> {
        orphaned_rows::remove(self, origin).await
    }

    async fn prune(&self, now: Time) -> Result<()> {
        retention::prune(self, now).await
    }
}
