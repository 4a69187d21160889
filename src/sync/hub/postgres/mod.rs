//! The hub's store in PostgreSQL: for fleets, and for several hub processes on one database.
//!
//! The process keeps no state. Each call is one transaction, in one round trip or two.

mod lease;
mod tx;

mod connect;

mod schema;
mod stable;

pub mod roles;

mod origins;

mod audit;
mod contents;
mod fleet;
mod operators;

mod rows;

mod orphaned_rows;
mod proposals;
mod quarantine;
mod staged;

mod migration;
mod push;
mod push_rows;
mod retention;
mod usage;

mod admin;

use anyhow::{Context as _, anyhow, bail, ensure};
use deadpool_postgres::Pool;
use tokio::runtime::Runtime;
use uuid::Uuid;

pub use connect::{Address, Unready};

use crate::domain::audit::Hash;
use crate::domain::mirror::{Refused, Row, Table};
use crate::domain::proposal::Proposal;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::audit::Caller;
use crate::sync::hub::limits::OriginLimits;
use crate::sync::hub::migration::{Arrival, Delivery, FinishMove, QuarantinedRow};
use crate::sync::hub::origin::{EnrolmentKind, Origin, Phase};
use crate::sync::hub::orphaned_rows::{OrphanedRow, RemovedOrigin};
use crate::sync::hub::proposals::ProposalRecord;
use crate::sync::hub::store::{HubStore, PushResult};
use crate::sync::protocol::wire::{Part, Push, StageReply};
use tx::{Answers, Batch, READ, Scope, Tx, WRITE};

/// Threads that serve the connections.
const THREADS: usize = 2;

pub struct PostgresHub {
    pool: Pool,
    /// Taken when the store is dropped.
    runtime: Option<Runtime>,
    limits: OriginLimits,
}

impl PostgresHub {
    /// Connects to the database; creates or migrates the tables where needed. The error is one sentence.
    pub async fn open(address: &Address) -> anyhow::Result<PostgresHub> {
        let hub = PostgresHub::new(address)?;
        hub.prepare().await?;
        Ok(hub)
    }

    /// A store that must be prepared before it is used: nothing has connected yet. The error is one sentence.
    pub fn new(address: &Address) -> anyhow::Result<PostgresHub> {
        let (config, tls) = connect::settings(address)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("postgres")
            .enable_all()
            .build()
            .context("threads for PostgreSQL cannot be started")?;
        let pool = connect::pool(config, tls, runtime.handle().clone())?;
        Ok(PostgresHub { pool, runtime: Some(runtime), limits: OriginLimits::DEFAULT })
    }

    /// Creates or migrates the tables where needed.
    pub async fn prepare(&self) -> Result<(), Unready> {
        let client = self.pool.get().await.map_err(connect::unready)?;
        schema::migrate_or_check(&client).await?;
        drop(client);
        let known = self.at_once(WRITE, Scope::Fleet, quarantine::name_known_tables()).await;
        known.map(drop).map_err(not_used)
    }

    /// The hash of the administrator's token, the same for all processes. The first process makes the token, under a lock.
    pub async fn admin(&self, make: impl FnOnce() -> anyhow::Result<Hash>) -> Result<Hash, Unready> {
        const SELECT_HASH: &str = "select admin_hash from hub for update";
        let unreadable =
            |error: anyhow::Error| Unready::Wrong(error.context("the administrator's token cannot be read"));
        let begun = Tx::begin(&self.pool, WRITE, Scope::Fleet, Batch::default().with(SELECT_HASH, &[])).await;
        let (tx, answers) = begun.map_err(not_used)?;
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

    /// Locks an origin against other runs of `hub move`, until the result is dropped. The error is one sentence when another
    /// run holds the lock.
    pub async fn lock_for_move(&self, origin: &str) -> anyhow::Result<impl Send + use<>> {
        let conn = self.pool.get().await.map_err(connect::unready)?;
        let sql = "select pg_try_advisory_lock(hashtextextended($1, 0))";
        let is_locked: bool = conn.query_one(sql, &[&origin]).await.map_err(tx::PostgresError)?.get(0);
        // The connection holds the lock, so it does not go back into the pool.
        ensure!(is_locked, "another run is moving this server");
        Ok(deadpool_postgres::Object::take(conn))
    }

    /// Notes that a backup with all of the log up to `lsn` has been verified: writes up to there are stable. `false` when a
    /// backup that holds more was verified before.
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
        let updated = self.at_once(WRITE, Scope::Fleet, Batch::default().with(note, &[&lsn])).await;
        Ok(updated?[0].first().is_some_and(|row| row.get(0)))
    }

    async fn at_once(&self, how: &'static str, scope: Scope<'_>, batch: Batch<'_>) -> Result<Answers> {
        tx::at_once(&self.pool, how, scope, batch).await
    }
}

/// Whether the hub waits when the store fails at the start.
fn not_used(error: Error) -> Unready {
    let passes = matches!(error, Error::Busy | Error::Unavailable(_));
    let why = anyhow!(error).context("the store cannot be used");
    if passes { Unready::Away(why) } else { Unready::Wrong(why) }
}

impl Drop for PostgresHub {
    fn drop(&mut self) {
        self.pool.close();
        if let Some(runtime) = self.runtime.take() {
            // The thread that drops the store may belong to another runtime, which must not block.
            runtime.shutdown_background();
        }
    }
}

impl HubStore for PostgresHub {
    fn with_limits(mut self, limits: OriginLimits) -> PostgresHub {
        self.limits = limits;
        self
    }

    async fn add_code(&self, code_hash: [u8; 32], kind: &EnrolmentKind, caller: Caller<'_>) -> Result<()> {
        origins::add_code(&self.pool, code_hash, kind, caller).await
    }

    async fn enroll(
        &self,
        code: [u8; 32],
        token: [u8; 32],
        origin: &str,
        attempt: Option<Uuid>,
        now: Time,
    ) -> Result<Option<Origin>> {
        origins::enroll(&self.pool, code, token, origin, attempt, now).await
    }

    async fn origin_of(&self, token_hash: [u8; 32]) -> Result<Option<Origin>> {
        origins::of_token(&self.pool, token_hash).await
    }

    async fn origins(&self) -> Result<Vec<Origin>> {
        origins::all(&self.pool).await
    }

    async fn unlock(&self, origin: &str, caller: Caller<'_>) -> Result<bool> {
        origins::unlock(&self.pool, origin, caller).await
    }

    async fn stage(&self, origin: &str, part: &Part, now: Time) -> Result<()> {
        staged::stage(&self.pool, origin, part, &self.limits, now).await
    }

    async fn staged(&self, origin: &str) -> Result<StageReply> {
        staged::staged(&self.pool, origin).await
    }

    async fn push(&self, origin: &str, token_hash: &Hash, push: &Push, now: Time) -> Result<PushResult> {
        push::apply(&self.pool, origin, (token_hash, &self.limits), push, now).await
    }

    async fn scan(&self, origin: &str, each: impl FnMut(Table, &str, i64, &str) + Send) -> Result<Origin> {
        rows::scan(&self.pool, origin, each).await
    }

    async fn rows(&self, origin: &str, table: Table, after: &str, limit: i64) -> Result<(Origin, Vec<Row>)> {
        rows::page(&self.pool, origin, table, after, limit).await
    }

    async fn quarantine(&self, origin: &str) -> Result<Vec<Refused>> {
        let list = Batch::default().with(quarantine::LIST, &[&origin, &i64::MAX]);
        quarantine::from_rows(&origins::read(&self.pool, origin, list).await?.1[0])
    }

    async fn file_proposal(&self, origin: &str, proposal: Proposal, now: Time) -> Result<ProposalRecord> {
        proposals::file(&self.pool, origin, proposal, now).await
    }

    async fn proposals(&self, origin: &str, after: i64, limit: i64) -> Result<Vec<ProposalRecord>> {
        let list = Batch::default().with(proposals::LIST, &[&origin, &after, &limit]);
        origins::read(&self.pool, origin, list).await?.1[0].iter().map(proposals::from_row).collect()
    }

    async fn quarantined_rows(&self, origin: &str) -> Result<Vec<QuarantinedRow>> {
        migration::quarantined_rows(&self.pool, origin).await
    }

    async fn change_phase(&self, origin: &str, to: &Phase, caller: Caller<'_>) -> Result<Origin> {
        migration::change_phase(&self.pool, origin, to, caller).await
    }

    async fn arrive(&self, announced: &Origin) -> Result<Arrival> {
        migration::arrive(&self.pool, announced).await
    }

    async fn deliver(&self, origin: &str, delivery: &Delivery) -> Result<()> {
        migration::deliver(&self.pool, origin, delivery).await
    }

    async fn finish_move(&self, finish: &FinishMove, caller: Caller<'_>) -> Result<()> {
        migration::finish_move(&self.pool, finish, caller).await
    }

    async fn orphaned_rows(&self, origin: &str, behind: (Time, i64), limit: i64) -> Result<Vec<OrphanedRow>> {
        orphaned_rows::page(&self.pool, origin, behind, limit).await
    }

    async fn remove(&self, origin: &str, caller: Caller<'_>) -> Result<RemovedOrigin> {
        orphaned_rows::remove(&self.pool, origin, caller).await
    }

    async fn prune(&self, now: Time) -> Result<()> {
        retention::prune(&self.pool, now).await
    }
}
