//! Transactions: statements sent together, for one origin or for the fleet.

use std::pin::pin;
use std::task::{Context, Waker};

use deadpool_postgres::{Object, Pool, PoolError, TimeoutType};
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement as Prepared};

use super::lease::{Lease, answered};
use crate::domain::audit::Hash;
use crate::error::{Error, Result, in_one_line};
use crate::sync::hub::origin::origin_not_found;
use crate::sync::hub::store::store_unreachable;

/// Which rows a transaction sees, by row-level security.
#[derive(Clone, Copy)]
pub enum Scope<'o> {
    Origin(&'o str),
    /// The same, set by the first statement itself: see the function `seen` in the schema.
    Seen(&'o str),
    /// Enrolment, tokens, the fleet page.
    Fleet,
}

pub const READ: &str = "begin isolation level repeatable read read only";
/// Each statement sees what was committed before it: once the head row is locked, it is the newest.
pub const WRITE: &str = "begin isolation level read committed read write";
const ORIGIN: &str = "select set_config('telecomx.origin', $1, true)";
/// From here to its end a transaction is about the fleet: see the function in the schema.
pub const FLEET: &str = "select fleet_scope()";

pub type Param<'p> = &'p (dyn ToSql + Sync);

/// Statements that are sent together and answered together; each sees the effects of those before it.
#[derive(Default)]
pub struct Batch<'p>(Vec<(&'static str, Vec<Param<'p>>)>);

impl<'p> Batch<'p> {
    pub fn add(&mut self, sql: &'static str, params: &[Param<'p>]) {
        self.0.push((sql, params.to_vec()));
    }

    pub fn with(mut self, sql: &'static str, params: &[Param<'p>]) -> Batch<'p> {
        self.add(sql, params);
        self
    }

    fn begin(how: &'static str, scope: &'p Scope<'p>) -> Batch<'p> {
        let begin = Batch::default().with(how, &[]);
        match scope {
            Scope::Origin(origin) => begin.with(ORIGIN, &[origin]),
            Scope::Seen(_) => begin,
            Scope::Fleet => begin.with(FLEET, &[]),
        }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn then(mut self, others: Batch<'p>) -> Batch<'p> {
        self.0.extend(others.0);
        self
    }
}

/// The rows that each statement of a batch gave.
pub type Answers = Vec<Vec<Row>>;

/// An open transaction: rolled back unless it is committed, also when its future is dropped.
pub struct Tx {
    lease: Lease,
    is_open: bool,
}

impl Tx {
    /// Begins a transaction with the statements of `first`: one round trip.
    pub async fn begin(pool: &Pool, how: &'static str, scope: Scope<'_>, first: Batch<'_>) -> Result<(Tx, Answers)> {
        let mut tx = Tx { lease: connection(pool, scope).await?, is_open: true };
        let begin = Batch::begin(how, &scope);
        let own = begin.len();
        let mut answers = tx.send(begin.then(first)).await?;
        answers.drain(..own);
        Ok((tx, answers))
    }

    /// Runs statements in the transaction, and leaves it open: one round trip. 503 when PostgreSQL hangs.
    pub async fn send(&mut self, batch: Batch<'_>) -> Result<Answers> {
        let conn = self.lease.start()?;
        let answers = answered(conn, send(conn, batch)).await.ok_or_else(store_unreachable)?;
        self.lease.finish();
        answers
    }

    /// Runs the statements of `last` and commits: one round trip.
    pub async fn commit(mut self, last: Batch<'_>) -> Result<Answers> {
        let answers = self.send(last.with("commit", &[])).await?;
        self.is_open = false;
        Ok(answers)
    }

    /// Calls `each` with every row that a statement about an origin gives, while they are read.
    pub async fn stream(
        &mut self,
        sql: &str,
        origin: &str,
        mut each: impl FnMut(&Row) -> Result<()> + Send,
    ) -> Result<()> {
        let conn = self.lease.start()?;
        let begun = async {
            let statement = conn.prepare_cached(sql).await?;
            conn.query_raw(&statement, [&origin]).await
        };
        let rows = answered(conn, begun).await.ok_or_else(store_unreachable)?.map_err(describe)?;
        let mut rows = pin!(rows);
        while let Some(row) = answered(conn, rows.try_next()).await.ok_or_else(store_unreachable)?.map_err(describe)? {
            each(&row)?;
        }
        self.lease.finish();
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if self.is_open
            && let Some(conn) = self.lease.idle()
        {
            // The first poll sends it, before anything that the next user of the connection sends; nothing waits for its answer.
            let rollback = pin!(conn.batch_execute("rollback"));
            let _ = rollback.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

/// Runs a whole transaction in one round trip.
pub async fn at_once(pool: &Pool, how: &'static str, scope: Scope<'_>, batch: Batch<'_>) -> Result<Answers> {
    let mut tx = Tx { lease: connection(pool, scope).await?, is_open: true };
    let begin = Batch::begin(how, &scope);
    let own = begin.len();
    let mut answers = tx.send(begin.then(batch).with("commit", &[])).await?;
    tx.is_open = false;
    answers.drain(..own);
    Ok(answers)
}

/// Runs one statement that is a transaction by itself, and sets its scope by itself.
pub async fn single<'p>(pool: &Pool, origin: &str, sql: &'static str, params: &[Param<'p>]) -> Result<Vec<Row>> {
    let mut tx = Tx { lease: connection(pool, Scope::Seen(origin)).await?, is_open: false };
    Ok(tx.send(Batch::default().with(sql, params)).await?.pop().unwrap_or_default())
}

async fn connection(pool: &Pool, scope: Scope<'_>) -> Result<Lease> {
    // PostgreSQL cannot store such an id: there is no such origin.
    if matches!(scope, Scope::Origin(origin) | Scope::Seen(origin) if origin.contains('\0')) {
        return Err(origin_not_found());
    }
    pool.get().await.map(Lease::new).map_err(|error| {
        let why = match &error {
            PoolError::Backend(error) => in_full(error),
            other => other.to_string(),
        };
        tracing::warn!(error = %why, "PostgreSQL cannot be reached");
        match error {
            // All connections are in use.
            PoolError::Timeout(TimeoutType::Wait) => Error::Busy,
            _ => store_unreachable(),
        }
    })
}

/// Sends all of a batch before it waits for the first answer. The error is that of the first statement that failed: those
/// behind it fail only because of it.
async fn send(conn: &Object, batch: Batch<'_>) -> Result<Answers> {
    let mut prepared: Vec<(Prepared, Vec<Param>)> = Vec::with_capacity(batch.0.len());
    for (sql, params) in batch.0 {
        prepared.push((conn.prepare_cached(sql).await.map_err(describe)?, params));
    }
    let answers = join_all(prepared.iter().map(|(statement, params)| conn.query(statement, params))).await;
    answers.into_iter().collect::<Result<_, _>>().map_err(describe)
}

/// The error for the caller. 503 when PostgreSQL is unreachable, restarting, or no longer the primary: the transaction was
/// not acknowledged.
pub fn describe(error: tokio_postgres::Error) -> Error {
    let Some(state) = error.code() else {
        let is_broken =
            error.is_closed() || std::error::Error::source(&error).is_some_and(|source| source.is::<std::io::Error>());
        if is_broken {
            tracing::warn!(error = %in_full(&error), "the connection to PostgreSQL broke");
            return store_unreachable();
        }
        return Error::Internal(Box::new(PostgresError(error)));
    };
    match state.code() {
        "53100" => Error::StorageFull,
        "22021" => Error::bad_request("Text holds a character that cannot be stored"),
        // Terminated by an administrator or a crash; too many connections; lock timeout; deadlock; standby.
        code if ["08", "53", "57", "40"].iter().any(|class| code.starts_with(class))
            || matches!(code, "55P03" | "55000" | "25006" | "25P03") =>
        {
            tracing::warn!(error = %in_full(&error), "PostgreSQL cannot run this statement now");
            Error::Busy
        }
        _ => Error::Internal(Box::new(PostgresError(error))),
    }
}

/// A stored SHA-256.
pub fn hash(bytes: &[u8]) -> Result<Hash> {
    bytes.try_into().map_err(|_| Error::internal("a stored hash is no SHA-256"))
}

/// An error of PostgreSQL, printed with its code: its own text may say only that it came from the database.
#[derive(Debug, thiserror::Error)]
#[error("{}", in_full(.0))]
pub struct PostgresError(#[source] pub tokio_postgres::Error);

/// The text of [`PostgresError`].
pub fn in_full(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(database_error) => format!("{} ({})", database_error.message(), database_error.code().code()),
        None => in_one_line(error),
    }
}
