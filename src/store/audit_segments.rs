//! The older part of the audit trail: which files it was written to, and what is kept of it here.
//!
//! A segment is recorded before the entries that it holds are removed, in steps. The chain goes on behind the entry that [`start`]
//! names. An entry of the trail vouches for each segment, so that neither can be changed by hand without being noticed.

use rusqlite::{OptionalExtension, Row, params};
use serde_json::json;

use super::audit::{self, Change};
use super::audit_index::RUN;
use super::mirrored_tables::of_section;
use super::newest::Newest;
use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::audit::{AUDIT_TRAIL, Action, GENESIS, Hash, digest};
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::{Error, Result};

/// Entries that are removed in one step, which a write that comes meanwhile waits for. A run is a whole number of steps.
const STEP: i64 = 128;

/// An entry of the trail by its number, and its hash. Number 0 stands before the first.
pub type Place = (i64, Hash);

/// A part of the trail that a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Number and hash of its last entry.
    pub last: Place,
    /// The latest time of its entries.
    pub until: Time,
    /// The file that it was written to.
    pub file: String,
    /// SHA-256 of that file.
    pub digest: Hash,
    /// SHA-256 over what its entries and those before left of every object: see `Newest::digest`.
    pub left: Hash,
}

/// The entry in front of the first one that is still here.
pub fn start(tx: &ReadTx) -> Result<Place> {
    let mut statement = tx.conn.prepare_cached("select seq, hash from audit_start")?;
    let found = statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    found.ok_or_else(|| Error::conflict("audit", "where the audit trail begins was removed by hand: restore a backup"))
}

/// All segments, in the order of their entries.
pub fn all(tx: &ReadTx) -> Result<Vec<Segment>> {
    let mut statement =
        tx.conn.prepare_cached("select last, hash, until, file, digest, left from audit_segments order by last")?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The segment with the newest entries.
pub fn newest(tx: &ReadTx) -> Result<Option<Segment>> {
    let sql = "select last, hash, until, file, digest, left from audit_segments order by last desc limit 1";
    Ok(tx.conn.prepare_cached(sql)?.query_row([], from_row).optional()?)
}

fn from_row(row: &Row) -> rusqlite::Result<Segment> {
    let last = (row.get(0)?, row.get(1)?);
    Ok(Segment { last, until: row.get(2)?, file: row.get(3)?, digest: row.get(4)?, left: row.get(5)? })
}

/// The entry behind which the next segment begins.
pub fn written_up_to(tx: &ReadTx) -> Result<Place> {
    Ok(newest(tx)?.map_or((0, GENESIS), |segment| segment.last))
}

/// The first entry of the next run that is full and in no segment, and the latest of its times.
pub fn next_run(tx: &ReadTx) -> Result<Option<(i64, Time)>> {
    let (written, _) = written_up_to(tx)?;
    let mut statement = tx.conn.prepare_cached("select run * 1024 + 1, to_at from audit_runs where run = ?1")?;
    Ok(statement.query_row([written / RUN], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// The last entry of the oldest runs whose entries are all from before `before`, and the latest of their times; `None` when there is no
/// such run that is in no segment yet. Only whole runs are taken: the index of the trail is made of them.
pub fn last_before(tx: &ReadTx, before: Time) -> Result<Option<(i64, Time)>> {
    let (written, _) = written_up_to(tx)?;
    let mut statement = tx.conn.prepare_cached("select run, to_at from audit_runs where run >= ?1 order by run")?;
    let mut rows = statement.query([written / RUN])?;
    let mut found: Option<(i64, Time)> = None;
    while let Some(row) = rows.next()? {
        let (run, to): (i64, Time) = (row.get(0)?, row.get(1)?);
        if to >= before {
            break;
        }
        let until = found.map_or(to, |(_, until)| until.max(to));
        found = Some(((run + 1) * RUN, until));
    }
    Ok(found)
}

/// Records that a file holds the entries behind those of the segment before.
pub fn record(tx: &mut WriteTx, segment: &Segment) -> Result<()> {
    let mut segments = all(tx)?;
    let first = segments.last().map_or(1, |before| before.last.0 + 1);
    let (last, hash) = segment.last;
    if first > last {
        return Err(Error::conflict("audit", "another run has archived this part of the audit trail meanwhile"));
    }
    tx.conn
        .prepare_cached(
            "insert into audit_segments (last, hash, until, file, digest, left) values (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![last, hash, segment.until, segment.file, segment.digest, segment.left])?;
    segments.push(segment.clone());
    let renderings = renderings(&segments);
    let description = format!("Audit entries {first} to {last} were archived");
    let change = Change {
        subject: Subject { section: AUDIT_TRAIL, object: Id::ZERO, customer: None },
        action: Action::Archive,
        description: &description,
        before: None,
        after: renderings.last().map(String::as_str),
    };
    audit::append(tx, &change)
}

/// Each segment as the entry that vouches for it digests it: with the digest of the one before, so that the newest vouches for all.
/// Where a file is does not matter: it may be moved.
pub fn renderings(segments: &[Segment]) -> Vec<String> {
    let mut renderings: Vec<String> = vec![];
    let mut first = 1;
    for segment in segments {
        let before = renderings.last().map(|before| hex::encode(digest(before.as_bytes())));
        let (last, hash) = segment.last;
        let rendering = json!({
            "first": first, "last": last, "hash": hex::encode(hash), "until": segment.until,
            "digest": hex::encode(segment.digest), "left": hex::encode(segment.left), "before": before,
        });
        renderings.push(rendering.to_string());
        first = last + 1;
    }
    renderings
}

/// Removes the next few entries that a segment holds; whether there are more.
pub fn remove_step(tx: &mut WriteTx) -> Result<bool> {
    let ((from, _), (end, _)) = (start(tx)?, written_up_to(tx)?);
    if from >= end {
        return Ok(false);
    }
    let to = (from + STEP).min(end);
    keep_what_is_left(tx, from + 1, to)?;
    tx.conn
        .prepare_cached("update audit_start set (seq, hash) = (select seq, hash from audit where seq = ?1)")?
        .execute([to])?;
    tx.conn.prepare_cached("delete from audit where seq between ?1 and ?2")?.execute([from + 1, to])?;
    if to % RUN == 0 {
        for table in ["audit_objects", "audit_customers", "audit_runs"] {
            tx.conn.prepare_cached(&format!("delete from {table} where run = ?1"))?.execute([to / RUN - 1])?;
        }
    }
    Ok(to < end)
}

/// Keeps of entries that go what they left of each mirrored object.
fn keep_what_is_left(tx: &WriteTx, first: i64, last: i64) -> Result<()> {
    let mut entries = tx.conn.prepare_cached(
        "select seq, section, object, coalesce(digest_after, (select digest from contents c where c.id = content_after))
         from audit where seq between ?1 and ?2 and outcome = 'accepted' order by seq",
    )?;
    let mut put = tx.conn.prepare_cached(
        "insert into audit_left (place, object, section, seq, digest) values (?1, ?2, ?3, ?4, ?5)
         on conflict (place, object) do update set section = excluded.section, seq = excluded.seq, digest = excluded.digest",
    )?;
    let mut forget = tx.conn.prepare_cached("delete from audit_left where place = ?1 and object = ?2")?;
    let mut rows = entries.query([first, last])?;
    while let Some(row) = rows.next()? {
        let section: String = row.get(1)?;
        let Some(table) = of_section(&section) else { continue };
        let (seq, object, digest): (i64, Id, Option<Hash>) = (row.get(0)?, row.get(2)?, row.get(3)?);
        match digest {
            Some(digest) => put.execute(params![table.name, object, section, seq, digest])?,
            None => forget.execute(params![table.name, object])?,
        };
    }
    Ok(())
}

/// What the entries that are no longer here left of each object. An error when a row cannot be what the program has written.
pub fn left(tx: &ReadTx) -> Result<Newest> {
    let mut statement = tx.conn.prepare_cached("select seq, section, object, digest, place from audit_left")?;
    let mut rows = statement.query([])?;
    let mut newest = Newest::default();
    while let Some(row) = rows.next()? {
        let section = row.get_ref(1)?.as_str().unwrap_or_default();
        if of_section(section).map(|table| table.name) != row.get_ref(4)?.as_str().ok() {
            return Err(Error::conflict(
                "audit",
                "what archived audit entries left was changed by hand: restore a backup",
            ));
        }
        newest.note(row.get(0)?, section, row.get(2)?, row.get(3)?)?;
    }
    Ok(newest)
}
