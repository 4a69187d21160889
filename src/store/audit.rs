//! The audit trail: append, and prove.

use rusqlite::{OptionalExtension, Row, named_params};

use super::objects::{self, Difference, Newest};
use crate::db::{ReadTx, Refusal, Subject, WriteTx};
use crate::domain::audit::{Action, AuditEntry, GENESIS, Hash, digest};
use crate::domain::id::Id;
use crate::domain::mirror::AuditHead;
use crate::domain::time::Time;
use crate::error::{Error, Result};

/// An accepted change. `before` and `after` are renderings of the object; only `before` is kept, of both the digest.
pub struct Change<'a> {
    pub subject: Subject,
    pub action: Action,
    pub description: &'a str,
    pub before: Option<&'a str>,
    pub after: Option<&'a str>,
}

/// Appends the entry of an accepted change.
pub fn append(tx: &mut WriteTx, change: &Change) -> Result<()> {
    insert(tx, change, "accepted")
}

/// Appends the entry of a refused attempt.
pub fn append_refusal(tx: &mut WriteTx, refusal: &Refusal) -> Result<()> {
    let change = Change {
        subject: refusal.subject,
        action: refusal.action,
        description: &refusal.description,
        before: None,
        after: None,
    };
    insert(tx, &change, "refused")
}

fn insert(tx: &mut WriteTx, change: &Change, outcome: &str) -> Result<()> {
    let (last, previous) = tx.audit_head();
    let author = &tx.author;
    let entry = AuditEntry {
        seq: last + 1,
        at: tx.now,
        actor: author.actor.as_ref().map(|actor| actor.employee),
        actor_name: author.name(),
        impersonator: author.actor.as_ref().and_then(|actor| actor.impersonator),
        source: &author.source,
        request: &author.request,
        operation: &tx.operation,
        action: change.action.name(),
        outcome,
        section: change.subject.section,
        object: change.subject.object,
        customer: change.subject.customer,
        description: change.description,
        digest_before: change.before.map(|text| digest(text.as_bytes())),
        digest_after: change.after.map(|text| digest(text.as_bytes())),
    };
    let hash = entry.hash(&previous);
    tx.conn
        .prepare_cached(
            "insert into audit (seq, at, actor, actor_name, impersonator, source, request, operation, action, outcome,
                section, object, customer, description, before, digest_before, digest_after, hash)
             values (:seq, :at, :actor, :actor_name, :impersonator, :source, :request, :operation, :action, :outcome,
                :section, :object, :customer, :description, :before, :digest_before, :digest_after, :hash)",
        )?
        .execute(named_params! {
            ":seq": entry.seq,
            ":at": entry.at,
            ":actor": entry.actor,
            ":actor_name": entry.actor_name,
            ":impersonator": entry.impersonator,
            ":source": entry.source,
            ":request": entry.request,
            ":operation": entry.operation,
            ":action": entry.action,
            ":outcome": entry.outcome,
            ":section": entry.section,
            ":object": entry.object,
            ":customer": entry.customer,
            ":description": entry.description,
            ":before": change.before,
            ":digest_before": entry.digest_before,
            ":digest_after": entry.digest_after,
            ":hash": hash,
        })?;
    let seq = entry.seq;
    tx.set_audit_head(seq, hash);
    Ok(())
}

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

/// The newest entry.
pub fn head(tx: &ReadTx) -> Result<AuditHead> {
    let newest = tx.conn.prepare_cached("select coalesce(max(seq), 0) from audit")?.query_row([], |row| row.get(0))?;
    entry_at(tx, newest)
}

/// The entry of this number as it stands; without a hash when there is none.
pub fn entry_at(tx: &ReadTx, seq: i64) -> Result<AuditHead> {
    let mut statement = tx.conn.prepare_cached("select lower(hex(hash)) from audit where seq = ?1")?;
    let hash: Option<String> = statement.query_row([seq], |row| row.get(0)).optional()?;
    Ok(AuditHead(seq, hash.unwrap_or_default()))
}

/// Recomputes the chain from its first entry, and compares the objects with its newest ones. Calls `progress` with each
/// entry's number.
pub fn verify(tx: &ReadTx, progress: impl FnMut(i64)) -> Result<ChainVerdict> {
    let (entries, head, newest) = match walk(tx, progress)? {
        Chain::Whole { entries, head, newest } => (entries, head, newest),
        Chain::Broken { seq, reason } => return Ok(ChainVerdict::Broken { seq, reason }),
    };
    let mut first = None;
    objects::differences(tx, newest, |difference| {
        first = Some(difference.wrong);
        false
    })?;
    Ok(first.map_or(ChainVerdict::Intact { entries, head }, |object| ChainVerdict::Differs { object }))
}

/// Every object that is not what its newest entry left. 409 `audit` when the chain is broken.
pub fn differences(tx: &ReadTx) -> Result<Vec<Difference>> {
    let newest = match walk(tx, |_| {})? {
        Chain::Whole { newest, .. } => newest,
        Chain::Broken { seq, reason } => {
            let message = format!("the audit trail is broken at entry {seq}: {reason}; restore a backup");
            return Err(Error::conflict("audit", message));
        }
    };
    let mut found = vec![];
    objects::differences(tx, newest, |difference| {
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

fn walk(tx: &ReadTx, mut progress: impl FnMut(i64)) -> Result<Chain> {
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
            return Ok(Chain::Broken { seq: last + 1, reason: "the entry is missing" });
        }
        match check_entry(row, &head) {
            Ok(hash) => head = hash,
            Err(reason) => return Ok(Chain::Broken { seq, reason }),
        }
        if row.get_ref(9)?.as_str() == Ok("accepted") {
            newest.note(seq, row.get_ref(10)?.as_str().unwrap_or_default(), row.get(11)?, row.get(16)?);
        }
        last = seq;
        progress(seq);
    }
    Ok(Chain::Whole { entries: last, head, newest })
}

/// The hash of the entry in `row` if it follows from `previous`; else what does not fit.
fn check_entry(row: &Row, previous: &Hash) -> Result<Hash, &'static str> {
    let (entry, before, hash) = read_entry(row).map_err(|_| "the entry is not readable")?;
    if before.map(|text| digest(text.as_bytes())) != entry.digest_before {
        return Err("what the object held before is not what was recorded");
    }
    if entry.hash(previous) != hash {
        return Err("its hash does not follow from the entry before it");
    }
    Ok(hash)
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
