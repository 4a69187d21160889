//! Answers remembered under an Idempotency-Key, in the transaction of the change they tell of.

use rusqlite::{OptionalExtension, params};

use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::Hash;
use crate::domain::time::Time;
use crate::error::Result;

/// How long an answer is remembered.
const KEPT_MS: i64 = 24 * 3_600_000;

/// A remembered answer, sealed, and the fingerprint of the request it was given to.
pub struct Remembered {
    pub fingerprint: Hash,
    pub answer: Vec<u8>,
}

pub fn find(tx: &ReadTx, scope: &str, key: &Hash) -> Result<Option<Remembered>> {
    let mut statement = tx.conn.prepare_cached(
        "select fingerprint, answer from idempotency_keys where scope = ?1 and key_hash = ?2 and created_at > ?3",
    )?;
    let found = statement.query_row(params![scope, key, tx.now.plus_ms(-KEPT_MS)], |row| {
        Ok(Remembered { fingerprint: row.get(0)?, answer: row.get(1)? })
    });
    Ok(found.optional()?)
}

pub fn insert(tx: &mut WriteTx, scope: &str, key: &Hash, fingerprint: &Hash, answer: &[u8]) -> Result<()> {
    tx.conn
        .prepare_cached(
            "insert or replace into idempotency_keys (scope, key_hash, fingerprint, answer, created_at)
             values (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![scope, key, fingerprint, answer, tx.now])?;
    Ok(())
}

pub fn delete_old(tx: &mut WriteTx, now: Time) -> Result<()> {
    let before = now.plus_ms(-KEPT_MS);
    tx.conn.prepare_cached("delete from idempotency_keys where created_at <= ?1")?.execute([before])?;
    Ok(())
}
