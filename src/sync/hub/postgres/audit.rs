//! The hub's audit trail.

use deadpool_postgres::Pool;
use tokio_postgres::Row as SqlRow;

use super::tx::{self, Batch, READ, Scope, Tx, WRITE, describe, hash};
use crate::domain::audit::Hash;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::audit::{AuditNote, AuditRecord};

const HEAD: &str = "select seq, hash from audit_head";
/// Whoever appends an entry waits here for the one before. Nothing else is locked behind this.
const LOCK_HEAD: &str = "select seq, hash from audit_head for update";
const HAS: &str = "select exists (select from audit where once = $1)";
const INSERT: &str = "
    insert into audit (seq, at, who, action, object, outcome, detail, hash, once)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const ADVANCE: &str = "update audit_head set seq = $1, hash = $2";
macro_rules! columns {
    () => {
        "seq, at, who, action, object, outcome, detail, hash"
    };
}
const AFTER: &str = concat!("select ", columns!(), " from audit where seq > $1 order by seq limit $2");
const BEFORE: &str = concat!("select ", columns!(), " from audit where seq < $1 order by seq desc limit $2");

/// An entry that is to be appended with the last statements of a transaction.
pub struct NewEntry {
    record: AuditRecord,
    at: i64,
    hash: Vec<u8>,
    once: Option<String>,
}

impl NewEntry {
    fn of(note: AuditNote, head: &[SqlRow], once: Option<&str>) -> Result<NewEntry> {
        let (seq, before) = head_in(head)?;
        let record = note.follow((seq, &before));
        Ok(NewEntry { at: record.at.millis(), hash: record.hash.to_vec(), once: once.map(str::to_owned), record })
    }

    pub fn add<'p>(&'p self, batch: &mut Batch<'p>) {
        let NewEntry { record, at, hash, once } = self;
        let AuditRecord { seq, who, action, origin, outcome, detail, .. } = record;
        batch.add(INSERT, &[seq, at, who, action, origin, outcome, detail, hash, once]);
        batch.add(ADVANCE, &[seq, hash]);
    }
}

fn head_in(rows: &[SqlRow]) -> Result<(i64, Hash)> {
    let row = rows.first().ok_or_else(|| Error::internal("the table audit_head is empty"))?;
    Ok((row.try_get(0).map_err(describe)?, hash(row.try_get(1).map_err(describe)?)?))
}

/// The entry that is next, in the transaction of what it records: one round trip, in which other entries wait until the
/// transaction ends. To be called once everything else is locked that the transaction changes.
pub async fn next(tx: &mut Tx, note: AuditNote) -> Result<NewEntry> {
    let answers = tx.send(Batch::default().with(LOCK_HEAD, &[])).await?;
    NewEntry::of(note, &answers[0], None)
}

/// Commits a transaction with its entry.
pub async fn commit(mut tx: Tx, note: AuditNote) -> Result<()> {
    let entry = next(&mut tx, note).await?;
    let mut last = Batch::default();
    entry.add(&mut last);
    tx.commit(last).await.map(drop)
}

/// Appends an entry of its own; with `once`, only if there is none with this key.
pub async fn note(pool: &Pool, note: AuditNote, once: Option<&str>) -> Result<()> {
    let first = Batch::default().with(LOCK_HEAD, &[]).with(HAS, &[&once]);
    let (tx, answers) = Tx::begin(pool, WRITE, Scope::Fleet, first).await?;
    let is_noted: bool = answers[1].first().map_or(Ok(false), |row| row.try_get(0)).map_err(describe)?;
    if is_noted {
        return Ok(());
    }
    let entry = NewEntry::of(note, &answers[0], once)?;
    let mut batch = Batch::default();
    entry.add(&mut batch);
    tx.commit(batch).await.map(drop)
}

/// Number and hash of the newest entry, as they are noted beside the trail.
pub async fn head(pool: &Pool) -> Result<(i64, Hash)> {
    head_in(&tx::at_once(pool, READ, Scope::Fleet, Batch::default().with(HEAD, &[])).await?[0])
}

/// Entries behind a number, the oldest first.
pub async fn after(pool: &Pool, after: i64, limit: i64) -> Result<Vec<AuditRecord>> {
    let page = Batch::default().with(AFTER, &[&after, &limit]);
    tx::at_once(pool, READ, Scope::Fleet, page).await?[0].iter().map(from_row).collect()
}

/// Entries before a number, the newest first.
pub async fn before(pool: &Pool, before: i64, limit: i64) -> Result<Vec<AuditRecord>> {
    let page = Batch::default().with(BEFORE, &[&before, &limit]);
    tx::at_once(pool, READ, Scope::Fleet, page).await?[0].iter().map(from_row).collect()
}

fn from_row(row: &SqlRow) -> Result<AuditRecord> {
    let text = |column: usize| row.try_get::<_, String>(column).map_err(describe);
    Ok(AuditRecord {
        seq: row.try_get(0).map_err(describe)?,
        at: Time::from_millis(row.try_get(1).map_err(describe)?),
        who: text(2)?,
        action: text(3)?,
        origin: text(4)?,
        outcome: text(5)?,
        detail: text(6)?,
        hash: hash(row.try_get(7).map_err(describe)?)?,
    })
}
