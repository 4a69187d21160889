//! What falls due with time: deletes put off to today, sessions' last use, answers and sessions to be forgotten.

use crate::auth::session_cache::SessionCache;
use crate::db::{Author, Db};
use crate::error::Result;
use crate::store::{clock_floor, employees, idempotency, sessions};
use crate::usecases::employees::remove;

/// One round. Called at the start and once a minute.
pub async fn step(db: &Db, identities: &SessionCache) -> Result<()> {
    identities.flush(db).await?;
    db.clock().raise(db.clock().now());
    db.write(Author::system("system"), |tx| {
        clock_floor::put(tx)?;
        sessions::delete_forgotten(tx)?;
        idempotency::delete_old(tx)?;
        for employee in employees::due_for_delete(tx)? {
            remove(tx, employee)?;
        }
        Ok(())
    })
    .await
}
