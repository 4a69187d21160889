//! The entries of one operation: all that one write has recorded, one behind the other.

use rusqlite::named_params;

use crate::db::ReadTx;
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::error::Result;

/// An accepted change of one object.
pub struct OperationEntry {
    pub seq: i64,
    pub section: String,
    pub object: Id,
    pub customer: Option<Id>,
    /// What the object held before; `None`: it was not there.
    pub before: Option<String>,
    /// Digest of what it held afterwards; `None`: it was gone.
    pub digest_after: Option<Hash>,
}

/// Where the entries of an operation are; `None` when there is no such operation. The trail has no index of operations, so this reads
/// it from its end: not for the writer's thread.
pub fn find(tx: &ReadTx, operation: &str) -> Result<Option<(i64, i64)>> {
    let sql = "select min(seq), max(seq) from audit where operation = ?1";
    Ok(tx.conn.query_row(sql, [operation], |row| Ok(row.get::<_, Option<i64>>(0)?.zip(row.get(1)?)))?)
}

/// The accepted changes among the entries of an operation, in their order.
pub fn changes(tx: &ReadTx, operation: &str, (first, last): (i64, i64)) -> Result<Vec<OperationEntry>> {
    let mut statement = tx.conn.prepare_cached(
        "select seq, section, object, customer, coalesce(before, b.text), coalesce(digest_after, c.digest)
         from audit left join contents b on b.id = content_before left join contents c on c.id = content_after
         where seq between :first and :last and operation = :operation and outcome = 'accepted'
            and coalesce(digest_before, b.digest) is not coalesce(digest_after, c.digest) order by seq",
    )?;
    let rows =
        statement.query_map(named_params! { ":first": first, ":last": last, ":operation": operation }, |row| {
            Ok(OperationEntry {
                seq: row.get(0)?,
                section: row.get(1)?,
                object: row.get(2)?,
                customer: row.get(3)?,
                before: row.get(4)?,
                digest_after: row.get(5)?,
            })
        })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
