//! Proves the audit trail: its chain of hashes, and that each object is what its newest entry left.

use rusqlite::{OptionalExtension, Row};

use super::audit_segments::{self, Place, Segment};
use super::contents::{self, Contents};
use super::newest::Newest;
use super::objects::{self, Difference};
use crate::db::ReadTx;
use crate::domain::audit::{AUDIT_TRAIL, AuditEntry, Hash, digest};
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
    let mut contents = contents::check(tx)?;
    let (entries, head, newest) = match walk(tx, &mut contents, progress)? {
        Chain::Whole { entries, head, newest } => (entries, head, newest),
        Chain::Broken { seq, reason } => return Ok(ChainVerdict::Broken { seq, reason }),
    };
    let mut first = None;
    objects::differences(tx, *newest, &mut contents, |difference| {
        first = Some(difference.wrong);
        false
    })?;
    Ok(first.map_or(ChainVerdict::Intact { entries, head }, |object| ChainVerdict::Differs { object }))
}

/// Every object that is not what its newest entry left. 409 `audit` when the chain is broken.
pub fn differences(tx: &ReadTx) -> Result<Vec<Difference>> {
    let mut contents = contents::check(tx)?;
    let newest = match walk(tx, &mut contents, |_| {})? {
        Chain::Whole { newest, .. } => newest,
        Chain::Broken { seq, reason } => {
            let message = format!("the audit trail is broken at entry {seq}: {reason}; restore a backup");
            return Err(Error::conflict("audit", message));
        }
    };
    let mut found = vec![];
    objects::differences(tx, *newest, &mut contents, |difference| {
        found.push(difference);
        true
    })?;
    Ok(found)
}

/// The entries from the first that is here to the last.
enum Chain {
    /// `entries`: those that were archived included. `head` is the hash of the last entry, `newest` the last entry on each object.
    Whole { entries: i64, head: Hash, newest: Box<Newest> },
    /// The first entry that does not fit, and why.
    Broken { seq: i64, reason: &'static str },
}

fn walk(tx: &ReadTx, contents: &mut Contents, mut progress: impl FnMut(i64)) -> Result<Chain> {
    let start = audit_segments::start(tx)?;
    let segments = audit_segments::all(tx)?;
    let mut newest = audit_segments::left(tx)?;
    // The objects as the last archived entry left them, and what the trail itself says of the segments.
    let end = segments.last().map_or(0, |segment| segment.last.0);
    let mut left = (start.0 == end).then(|| newest.digest()).transpose()?;
    let mut vouched = vec![];
    let mut last = start;
    let broken = part(tx, contents, start, i64::MAX, |proven| {
        let entry = &proven.entry;
        if entry.outcome == "accepted" {
            newest.note(entry.seq, entry.section, entry.object, entry.digest_after)?;
        }
        if entry.seq == end {
            left = Some(newest.digest()?);
        }
        if entry.section == AUDIT_TRAIL {
            vouched.push((entry.seq, entry.digest_after));
        }
        last = (entry.seq, proven.hash);
        progress(entry.seq);
        Ok(())
    })?;
    if let Some((seq, reason)) = broken {
        return Ok(Chain::Broken { seq, reason });
    }
    let stray = "select min(seq) from audit where seq <= ?1";
    if let Some(seq) = tx.conn.query_row(stray, [start.0], |row| row.get(0))? {
        return Ok(Chain::Broken {
            seq,
            reason: "it comes before the first entry of the trail: somebody inserted it by hand",
        });
    }
    if let Some((seq, reason)) = archive_fault(&segments, left, &vouched, start) {
        return Ok(Chain::Broken { seq, reason });
    }
    Ok(Chain::Whole { entries: last.0, head: last.1, newest: Box::new(newest) })
}

/// What does not fit between what is recorded of the archived part and the entries that vouch for it.
fn archive_fault(
    segments: &[Segment],
    left: Option<Hash>,
    vouched: &[(i64, Option<Hash>)],
    (start, start_hash): Place,
) -> Option<(i64, &'static str)> {
    let gone = Some((start + 1, "the entries before it are gone, and no archive of them is recorded"));
    let Some(newest) = segments.last() else {
        let is_whole = start == 0 && vouched.is_empty() && left == Some(digest(b""));
        return if is_whole { None } else { gone };
    };
    let is_reached = start < newest.last.0 || (start, start_hash) == newest.last;
    if vouched.is_empty() || vouched.len() > segments.len() || left != Some(newest.left) || !is_reached {
        return gone;
    }
    let recorded = audit_segments::renderings(segments);
    let wrong = vouched
        .iter()
        .rev()
        .zip(recorded.iter().rev())
        .find(|((_, vouched), recorded)| *vouched != Some(digest(recorded.as_bytes())));
    wrong.map(|((seq, _), _)| (*seq, "it vouches for another archive of the entries before than is recorded"))
}

/// The hash of an entry.
pub fn hash_at(tx: &ReadTx, seq: i64) -> Result<Option<Hash>> {
    let mut statement = tx.conn.prepare_cached("select hash from audit where seq = ?1")?;
    Ok(statement.query_row([seq], |row| row.get(0)).optional()?)
}

/// An entry that follows from the one before it.
pub struct Proven<'r> {
    pub entry: AuditEntry<'r>,
    pub hash: Hash,
    /// What the object held before, where it does not stand among the contents.
    pub before: Option<String>,
    /// The contents that a mobile config held before and after.
    pub contents: [Option<i64>; 2],
}

/// Recomputes the chain behind `start` up to the entry `end`, and calls `each` with every entry; the first that does not fit, and why.
pub fn part(
    tx: &ReadTx,
    contents: &mut Contents,
    start: Place,
    end: i64,
    mut each: impl FnMut(&Proven) -> Result<()>,
) -> Result<Option<(i64, &'static str)>> {
    let mut statement = tx.conn.prepare(
        "select seq, at, actor, actor_name, impersonator, source, request, operation, action, outcome,
                section, object, customer, description, before, digest_before, digest_after, hash, content_before, content_after
         from audit where seq > ?1 and seq <= ?2 order by seq",
    )?;
    let mut rows = statement.query([start.0, end])?;
    let (mut last, mut head) = start;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        if seq != last + 1 {
            return Ok(Some((last + 1, "the entry is missing")));
        }
        match prove(row, HeldContents::of(tx, row, contents)?, &head) {
            Ok(proven) => {
                each(&proven)?;
                head = proven.hash;
            }
            Err(reason) => return Ok(Some((seq, reason))),
        }
        last = seq;
    }
    Ok(None)
}

/// The contents that an entry refers to, before and after, and their digests: of that before only if its text still has it.
struct HeldContents {
    ids: [Option<i64>; 2],
    digests: [Option<Hash>; 2],
}

impl HeldContents {
    /// `None` when the entry is not readable.
    fn of(tx: &ReadTx, row: &Row, contents: &mut Contents) -> Result<Option<HeldContents>> {
        let (Ok(before), Ok(after)) = (row.get::<_, Option<i64>>(18), row.get::<_, Option<i64>>(19)) else {
            return Ok(None);
        };
        let sound = before.map(|id| contents.sound(tx, id)).transpose()?.flatten();
        let recorded = after.map(|id| contents.digest(tx, id)).transpose()?.flatten();
        Ok(Some(HeldContents { ids: [before, after], digests: [sound, recorded] }))
    }
}

/// The entry in `row` if it follows from `previous`; else what does not fit.
fn prove<'r>(row: &'r Row, held: Option<HeldContents>, previous: &Hash) -> Result<Proven<'r>, &'static str> {
    let (mut entry, before, hash) = read_entry(row).map_err(|_| "the entry is not readable")?;
    let held = held.ok_or("the entry is not readable")?;
    match held.ids[0] {
        Some(_) if before.is_some() || entry.digest_before.is_some() => {
            return Err("it holds twice what the object held before");
        }
        Some(_) => {
            let sound = held.digests[0].ok_or("what the object held before is not what was recorded")?;
            entry.digest_before = Some(sound);
        }
        None if before.as_ref().map(|text| digest(text.as_bytes())) != entry.digest_before => {
            return Err("what the object held before is not what was recorded");
        }
        None => {}
    }
    if held.ids[1].is_some() {
        if entry.digest_after.is_some() {
            return Err("it holds twice what the object held afterwards");
        }
        entry.digest_after = Some(held.digests[1].ok_or("what the object held afterwards is missing")?);
    }
    if entry.hash(previous) != hash {
        return Err("its hash does not follow from the entry before it");
    }
    Ok(Proven { entry, hash, before, contents: held.ids })
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
