//! Proves the audit trail: its chain of hashes, and that each object is what its newest entry left.

use rusqlite::Row;

use super::objects::{self, Difference, Newest};
use crate::db::ReadTx;
use crate::domain::audit::{AuditEntry, GENESIS, Hash, digest};
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::Result;

/// What [`verify`] found.
#[derive(Debug, PartialEq)]
pub enum ChainVerdict {
    Intact {
        entries: i64,
        head: Hash,
    },
    /// The first entry that does not fit, and why.
    Broken {
        seq: i64,
        reason: &'static str,
    },
    /// The chain is whole, and an object is not what its newest entry left: it was changed by hand, or the newest
    /// entries are missing.
    Differs {
        object: String,
    },
}

/// Recomputes the chain from its first entry, and compares the objects with its newest ones. Calls `progress` with each
/// entry's number.
pub fn verify(tx: &ReadTx, progress: impl FnMut(i64)) -> Result<ChainVerdict> {
    let (entries, head, newest) = match walk(tx, progress)? {
        Ok(walked) => walked,
        Err((seq, reason)) => return Ok(ChainVerdict::Broken { seq, reason }),
    };
    let mut first = None;
    objects::differences(tx, newest, |difference| {
        first = Some(difference.wrong);
        false
    })?;
    Ok(first.map_or(ChainVerdict::Intact { entries, head }, |object| ChainVerdict::Differs { object }))
}

/// Every object that is not what its newest entry left. The inner error: the chain is broken.
pub fn differences(tx: &ReadTx) -> Result<Result<Vec<Difference>, (i64, &'static str)>> {
    let newest = match walk(tx, |_| {})? {
        Ok((_, _, newest)) => newest,
        Err(broken) => return Ok(Err(broken)),
    };
    let mut found = vec![];
    objects::differences(tx, newest, |difference| {
        found.push(difference);
        true
    })?;
    Ok(Ok(found))
}

/// The number and hash of the last entry, and the newest on each object; or the first entry that does not fit, and why.
type Walked = Result<(i64, Hash, Newest), (i64, &'static str)>;

fn walk(tx: &ReadTx, mut progress: impl FnMut(i64)) -> crate::error::Result<Walked> {
    let mut statement = tx.conn.prepare(
        "select seq, at, actor, actor_name, impersonator, source, request, operation, action, outcome,
                section, object, customer, description, before, digest_before, digest_after, hash
         from audit order by seq",
    )?;
    let mut rows = statement.query([])?;
    let (mut last, mut head) = (0, GENESIS);
    let mut newest = Newest::default();
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        if seq != last + 1 {
            return Ok(Err((last + 1, "the entry is missing")));
        }
        let checked = check_entry(row, &head).unwrap_or(Err("the entry is not readable"));
        match checked {
            Ok(hash) => head = hash,
            Err(reason) => return Ok(Err((seq, reason))),
        }
        if row.get_ref(9)?.as_str() == Ok("accepted") {
            newest.note(seq, row.get_ref(10)?.as_str().unwrap_or_default(), row.get(11)?, row.get(16)?);
        }
        last = seq;
        progress(seq);
    }
    Ok(Ok((last, head, newest)))
}

/// The hash of the entry in `row` if it follows from `previous`; else what does not fit.
fn check_entry(row: &Row, previous: &Hash) -> rusqlite::Result<Result<Hash, &'static str>> {
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let entry = AuditEntry {
        seq: row.get(0)?,
        at: row.get::<_, Time>(1)?,
        actor: row.get::<_, Option<Id>>(2)?,
        actor_name: text(3)?,
        impersonator: row.get(4)?,
        source: text(5)?,
        request: text(6)?,
        operation: text(7)?,
        action: text(8)?,
        outcome: text(9)?,
        section: text(10)?,
        object: row.get(11)?,
        customer: row.get(12)?,
        description: text(13)?,
        digest_before: row.get(15)?,
        digest_after: row.get(16)?,
    };
    let before: Option<String> = row.get(14)?;
    if before.map(|text| digest(text.as_bytes())) != entry.digest_before {
        return Ok(Err("what the object held before is not what was recorded"));
    }
    let hash: Hash = row.get(17)?;
    if entry.hash(previous) != hash {
        return Ok(Err("its hash does not follow from the entry before it"));
    }
    Ok(Ok(hash))
}
