//! The newest logins that failed. They are not in the audit trail, which is kept for good: strangers must not be able
//! to make it grow.

use rusqlite::named_params;

use crate::db::WriteTx;
use crate::domain::id::Id;
use crate::error::Result;

/// How many are kept.
pub const KEPT_MAX: i64 = 10_000;

/// A login that failed.
pub struct FailedLogin<'a> {
    /// Whose name was given, and that employee's customer; `None`: nobody's. An unknown name is not kept, because people type
    /// passwords there.
    pub employee: Option<(Id, Id)>,
    pub reason: &'a str,
}

/// Adds one, and forgets the oldest beyond [`KEPT_MAX`].
pub fn insert(tx: &mut WriteTx, failed: &FailedLogin) -> Result<()> {
    tx.conn
        .prepare_cached(
            "insert into failed_logins (at, employee, customer, source, request, reason)
             values (:at, :employee, :customer, :source, :request, :reason)",
        )?
        .execute(named_params! {
            ":at": tx.now,
            ":employee": failed.employee.map(|(employee, _)| employee),
            ":customer": failed.employee.map(|(_, customer)| customer),
            ":source": tx.author.source,
            ":request": tx.author.request,
            ":reason": failed.reason,
        })?;
    tx.conn
        .prepare_cached("delete from failed_logins where id <= (select max(id) from failed_logins) - ?1")?
        .execute([KEPT_MAX])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::db::Exclusive;

    #[test]
    fn the_oldest_make_room_for_new_ones() {
        let folder = tempfile::tempdir().unwrap();
        let database = Exclusive::open(&folder.path().join("telecomx.db"), Clock::default()).unwrap();
        let kept = database.write("test", |tx| {
            for id in [1, 2, 3, 4, KEPT_MAX + 1] {
                tx.conn.execute("insert into failed_logins values (?1, 0, null, null, '', '', '')", [id])?;
            }
            insert(tx, &FailedLogin { employee: None, reason: "Unknown user name" })?;
            let mut statement = tx.conn.prepare("select id from failed_logins order by id")?;
            let ids = statement.query_map([], |row| row.get(0))?;
            Ok(ids.collect::<rusqlite::Result<Vec<i64>>>()?)
        });
        assert_eq!(kept.unwrap(), [3, 4, KEPT_MAX + 1, KEPT_MAX + 2]);
    }
}
