//! A connection of the pool, for the time of one transaction: it goes back only when nothing is under way on it.

use std::pin::pin;
use std::time::Duration;

use deadpool::managed::Manager as _;
use deadpool_postgres::Object;

use crate::error::Result;
use crate::sync::hub::store::store_unreachable;

/// How long a call waits for an answer before it asks whether PostgreSQL still answers others.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long PostgreSQL may take to answer that.
const PROBE: Duration = Duration::from_secs(2);

pub struct Lease {
    /// Taken when the connection does not go back.
    conn: Option<Object>,
    /// A call was sent whose answer has not come.
    is_waiting: bool,
}

impl Lease {
    pub fn new(conn: Object) -> Lease {
        Lease { conn: Some(conn), is_waiting: false }
    }

    /// The connection, to send a call. Until [`Lease::finish`] the connection does not go back: the next user would wait for
    /// the answer to a call that nobody waits for any more.
    pub fn start(&mut self) -> Result<&Object> {
        self.is_waiting = true;
        self.conn.as_ref().ok_or_else(store_unreachable)
    }

    /// The answer has come.
    pub fn finish(&mut self) {
        self.is_waiting = false;
    }

    /// The connection, if nothing is under way on it.
    pub fn idle(&self) -> Option<&Object> {
        self.conn.as_ref().filter(|_| !self.is_waiting)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_waiting
            && let Some(conn) = self.conn.take()
        {
            // This closes the connection, which ends what is under way on it.
            drop(Object::take(conn));
        }
    }
}

/// Waits for the answer to a call on `conn`; `None` when PostgreSQL has hung. A long statement is not given up while
/// PostgreSQL answers others.
pub async fn answered<T>(conn: &Object, call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    loop {
        match tokio::time::timeout(PATIENCE, &mut call).await {
            Ok(answer) => return Some(answer),
            Err(_) if is_alive(conn).await => {}
            Err(_) => {
                tracing::warn!("PostgreSQL does not answer: the call is given up");
                return None;
            }
        }
    }
}

/// Whether PostgreSQL answers on a connection of its own.
async fn is_alive(conn: &Object) -> bool {
    let Some(pool) = Object::pool(conn) else { return false };
    let probe = async {
        let client = pool.manager().create().await?;
        client.simple_query("select 1").await
    };
    matches!(tokio::time::timeout(PROBE, probe).await, Ok(Ok(_)))
}
