//! Proves the audit trail: its chain of hashes, and that each object is what its newest entry left.

use rusqlite::Row;

use super::contents::{self, Contents};
use super::objects::{self, Difference, Newest};
use crate::db::ReadTx;
use crate::domain::audit::{AuditEntry, GENESIS, Hash, digest};
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::{Error, Result};

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
    let contents = contents::check(tx)?;
    let (entries, head, newest) = match walk(tx, &contents, progress)? {
        Chain::Whole { entries, head, newest } => (entries, head, newest),
        Chain::Broken { seq, reason } => return Ok(ChainVerdict::Broken { seq, reason }),
    };
    let mut first = None;
    objects::differences(tx, newest, &contents, |difference| {
        first = Some(difference.wrong);
        false
    })?;
    Ok(first.map_or(ChainVerdict::Intact { entries, head }, |object| ChainVerdict::Differs { object }))
}

/// Every object that is not what its newest entry left. 409 `audit` when the chain is broken.
pub fn differences(tx: &ReadTx) -> Result<Vec<Difference>> {
    let contents = contents::check(tx)?;
    let newest = match walk(tx, &contents, |_| {})? {
        Chain::Whole { newest, .. } => newest,
        Chain::Broken { seq, reason } => {
            let message = format!("the audit trail is broken at entry {seq}: {reason}; restore a backup");
            return Err(Error::conflict("audit", message));
        }
    };
    let mut found = vec![];
    objects::differences(tx, newest, &contents, |difference| {
        found.push(difference);
        true
    })?;
    Ok(found)
}

/// The entries from the first to the last.
enum Chain {
    /// `head` is the hash of the last entry, `newest` the last entry on each object.
    Whole { entries: i64, head: Hash, newest: Newest },
    /// The first entry that does not fit, and why.
    Broken { seq: i64, reason: &'static str },
}

fn walk(tx: &ReadTx, contents: &Contents, mut progress: impl FnMut(i64)) -> Result<Chain> {
    let mut statement = tx.conn.prepare(
        "select seq, at, actor, actor_name, impersonator, source, request, operation, action, outcome,
                section, object, customer, description, before, digest_before, digest_after, hash, content_before, content_after
         from audit order by seq",
    )?;
    let mut rows = statement.query([])?;
    let (mut last, mut head) = (0, GENESIS);
    let mut newest = Newest::default();
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        if seq != last + 1 {
            return Ok(Chain::Broken { seq: last + 1, reason: "the entry is missing" });
        }
        match check_entry(row, contents, &head) {
            Ok((hash, digest_after)) => {
                if row.get_ref(9)?.as_str() == Ok("accepted") {
                    let section = row.get_ref(10)?.as_str().unwrap_or_default();
                    newest.note(seq, section, row.get(11)?, digest_after);
                }
                head = hash;
            }
            Err(reason) => return Ok(Chain::Broken { seq, reason }),
        }
        last = seq;
        progress(seq);
    }
    Ok(Chain::Whole { entries: last, head, newest })
}

/// The hash of the entry in `row` if it follows from `previous`, and the digest of its object afterwards; else what does not fit.
fn check_entry(row: &Row, contents: &Contents, previous: &Hash) -> Result<(Hash, Option<Hash>), &'static str> {
    let (mut entry, before, hash) = read_entry(row).map_err(|_| "the entry is not readable")?;
    let content = |column| row.get::<_, Option<i64>>(column).map_err(|_| "the entry is not readable");
    match content(18)? {
        Some(_) if before.is_some() || entry.digest_before.is_some() => {
            return Err("it holds twice what the object held before");
        }
        Some(id) => {
            let sound = contents.sound(id).ok_or("what the object held before is not what was recorded")?;
            entry.digest_before = Some(sound);
        }
        None if before.map(|text| digest(text.as_bytes())) != entry.digest_before => {
            return Err("what the object held before is not what was recorded");
        }
        None => {}
    }
    if let Some(id) = content(19)? {
        if entry.digest_after.is_some() {
            return Err("it holds twice what the object held afterwards");
        }
        entry.digest_after = Some(contents.digest(id).ok_or("what the object held afterwards is missing")?);
    }
    if entry.hash(previous) != hash {
        return Err("its hash does not follow from the entry before it");
    }
    Ok((hash, entry.digest_after))
}

/// An entry, what the object held before, and the hash as it was stored.
fn read_entry<'r>(row: &'r Row) -> rusqlite::Result<(AuditEntry<'r>, Option<String>, Hash)> {
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
    Ok((entry, row.get(14)?, row.get(17)?))
}
