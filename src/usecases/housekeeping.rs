//! What falls due with time: deletes put off to today, sessions' last use, answers and sessions to be forgotten.

use crate::auth::session_cache::SessionCache;
use crate::db::{Author, Db};
use crate::error::Result;
use crate::store::{clock_floor, employees, idempotency, outbox, sessions};
use crate::usecases::employees::remove;
use crate::usecases::password_reset;

/// One round. Called at the start and once a minute.
pub async fn step(db: &Db, session_cache: &SessionCache) -> Result<()> {
    session_cache.flush(db).await?;
    let known = db.clock().follow();
    // What is removed does not come back: a clock that jumped ahead must not make it due.
    let due = db.clock().confirmed();
    db.write(Author::system("system"), move |tx| {
        clock_floor::put(tx, known)?;
        sessions::delete_forgotten(tx, due)?;
        idempotency::delete_old(tx, due)?;
        outbox::delete_old(tx, due)?;
        password_reset::forget_old(tx, due)?;
        for employee in employees::due_for_delete(tx, due)? {
            remove(tx, employee)?;
        }
        Ok(())
    })
    .await
}
