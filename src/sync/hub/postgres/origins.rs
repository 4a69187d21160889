//! The edges, and the codes they enrol with.

use deadpool_postgres::Pool;
use tokio_postgres::Row as SqlRow;
use tokio_postgres::types::PgLsn;
use uuid::Uuid;

use super::stable::{Stable, WalMark, WalPosition};
use super::tx::{self, Answers, Batch, READ, Scope, Tx, WRITE, describe};
use crate::domain::mirror::{AuditHead, Epoch, Head};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::origin::{EnrolmentKind, Origin, Phase, origin_not_found};
use crate::sync::hub::retention::CODE_MS;
use crate::sync::hub::rules::EPOCH_MAX;

macro_rules! columns {
    () => {
        "origin, name, epoch_n, epoch, acked, attempt, high, stable, enrolled_at, last_seen, resets, parent_n, locked,
        quarantined, status, audit_seq, audit_hash, audit_differs, waiting_acked, waiting_lsn, newest_acked, newest_lsn,
        token_hash, phase, moved_to"
    };
}
pub(super) use columns;

pub const GET: &str = concat!("select ", columns!(), " from origins where origin = $1");
const SEEN: &str =
    concat!("select ", columns!(), ", lsn, kept, has_open from seen($1, $2) s, lateral (select (s.head).*) o");
const OF_TOKEN: &str = concat!("select ", columns!(), " from origins where token_hash = $1");
const ALL: &str = concat!("select ", columns!(), " from origins order by name collate \"C\", origin");
const ADD_CODE: &str = "insert into enrolment_codes (code_hash, name, origin, created_at) values ($1, $2, $3, $4)";
const SPEND: &str = "delete from enrolment_codes where code_hash = $1 and created_at >= $2 returning name, origin";
const REPLACE: &str = concat!(
    "update origins set token_hash = $2, enrolled_at = $3, locked = false, parent_n = 0,
        epoch_n = case when epoch_n > $4 then 1 else epoch_n end
     where origin = $1 and phase = 'here' returning ",
    columns!()
);
const ADD: &str = concat!(
    "insert into origins (origin, name, token_hash, enrolled_at, attempt) values ($1, $2, $3, $4, $5) returning ",
    columns!()
);
const UNLOCK: &str = "update origins set locked = false, parent_n = 0 where origin = $1";

/// An origin as it is stored.
pub struct StoredOrigin {
    pub origin: Origin,
    pub stable: Stable,
}

/// An origin at the beginning of a call that locks it, or of an idle exchange, which does not.
pub struct LockedOrigin {
    pub found: StoredOrigin,
    pub wal: WalPosition,
    /// A proposal is not answered yet.
    pub has_open: bool,
}

fn from_row(row: &SqlRow) -> Result<StoredOrigin> {
    let epoch = match (row.try_get(2).map_err(describe)?, row.try_get(3).map_err(describe)?) {
        (Some(n), Some(epoch)) => Some(Epoch(n, epoch)),
        _ => None,
    };
    let number = |column: usize| row.try_get::<_, Option<i64>>(column).map_err(describe);
    let token: &[u8] = row.try_get(22).map_err(describe)?;
    let origin = Origin {
        origin: row.try_get(0).map_err(describe)?,
        name: row.try_get(1).map_err(describe)?,
        token: token.try_into().map_err(|_| Error::internal("a token's hash is no SHA-256"))?,
        head: Head { epoch, acked: row.try_get(4).map_err(describe)?, attempt: row.try_get(5).map_err(describe)? },
        high: row.try_get(6).map_err(describe)?,
        stable: row.try_get(7).map_err(describe)?,
        enrolled_at: Time::from_millis(row.try_get(8).map_err(describe)?),
        last_seen: number(9)?.map(Time::from_millis),
        resets: row.try_get(10).map_err(describe)?,
        parent: row.try_get(11).map_err(describe)?,
        is_locked: row.try_get(12).map_err(describe)?,
        quarantined: row.try_get(13).map_err(describe)?,
        audit: AuditHead(row.try_get(15).map_err(describe)?, row.try_get(16).map_err(describe)?),
        audit_differs: row.try_get(17).map_err(describe)?,
        // For the fleet page only.
        status: serde_json::from_str(row.try_get(14).map_err(describe)?).unwrap_or_default(),
        phase: Phase::named(row.try_get(23).map_err(describe)?, row.try_get(24).map_err(describe)?),
    };
    let wal_mark = |column: usize| -> Result<WalMark> {
        let lsn: Option<PgLsn> = row.try_get(column + 1).map_err(describe)?;
        Ok(number(column)?.zip(lsn))
    };
    Ok(StoredOrigin { stable: Stable { acked: origin.stable, waiting: wal_mark(18)?, newest: wal_mark(20)? }, origin })
}

/// The origin in these rows, or 404.
pub fn one(rows: &[SqlRow]) -> Result<StoredOrigin> {
    rows.first().ok_or_else(origin_not_found).and_then(from_row)
}

/// Runs a whole transaction that only reads, and begins with the origin.
pub async fn read<'p>(pool: &Pool, origin: &'p str, batch: Batch<'p>) -> Result<(StoredOrigin, Answers)> {
    let mut answers =
        tx::at_once(pool, READ, Scope::Origin(origin), Batch::default().with(GET, &[&origin]).then(batch)).await?;
    let found = one(&answers.remove(0))?;
    Ok((found, answers))
}

fn locked_from_rows(rows: &[SqlRow]) -> Result<Option<LockedOrigin>> {
    let found = rows.first().filter(|row| !matches!(row.try_get::<_, Option<&str>>(0), Ok(None)));
    let Some(row) = found else { return Ok(None) };
    let wal = WalPosition { lsn: row.try_get(25).map_err(describe)?, kept: row.try_get(26).map_err(describe)? };
    Ok(Some(LockedOrigin { found: from_row(row)?, wal, has_open: row.try_get(27).map_err(describe)? }))
}

/// Reads an origin without locking it, in one statement.
pub async fn look(pool: &Pool, origin: &str) -> Result<LockedOrigin> {
    locked_from_rows(&tx::single(pool, origin, SEEN, &[&origin, &false]).await?)?.ok_or_else(origin_not_found)
}

/// Begins a transaction that changes an origin: locks it and gives it (`None`: there is none), with the answers to `first`.
pub async fn lock<'p>(pool: &Pool, origin: &'p str, first: Batch<'p>) -> Result<(Tx, Option<LockedOrigin>, Answers)> {
    let batch = Batch::default().with(SEEN, &[&origin, &true]).then(first);
    let (tx, mut answers) = Tx::begin(pool, WRITE, Scope::Seen(origin), batch).await?;
    let locked = locked_from_rows(&answers.remove(0))?;
    Ok((tx, locked, answers))
}

/// The same, or 404 when there is no such origin.
pub async fn begin<'p>(pool: &Pool, origin: &'p str, first: Batch<'p>) -> Result<(Tx, LockedOrigin, Answers)> {
    let (tx, locked, answers) = lock(pool, origin, first).await?;
    Ok((tx, locked.ok_or_else(origin_not_found)?, answers))
}

/// The same of an origin that is here: neither moved nor on its way.
pub async fn begin_here<'p>(pool: &Pool, origin: &'p str, first: Batch<'p>) -> Result<(Tx, Answers)> {
    let (tx, locked, answers) = begin(pool, origin, first).await?;
    locked.found.origin.check_here().map(|()| (tx, answers))
}

pub async fn of_token(pool: &Pool, token_hash: [u8; 32]) -> Result<Option<Origin>> {
    let hash = token_hash.as_slice();
    let answers = tx::at_once(pool, READ, Scope::Fleet, Batch::default().with(OF_TOKEN, &[&hash])).await?;
    answers[0].first().map(|row| from_row(row).map(|found| found.origin)).transpose()
}

pub async fn all(pool: &Pool) -> Result<Vec<Origin>> {
    let answers = tx::at_once(pool, READ, Scope::Fleet, Batch::default().with(ALL, &[])).await?;
    answers[0].iter().map(|row| from_row(row).map(|found| found.origin)).collect()
}

pub async fn add_code(pool: &Pool, code_hash: [u8; 32], kind: &EnrolmentKind, now: Time) -> Result<()> {
    let (name, origin) = match kind {
        EnrolmentKind::New(name) => (name.clone(), None),
        EnrolmentKind::Replacement(origin) => {
            let found = read(pool, origin, Batch::default()).await?.0.origin;
            found.check_here()?;
            (found.name, Some(origin))
        }
    };
    let (hash, at) = (code_hash.as_slice(), now.millis());
    let add = Batch::default().with(ADD_CODE, &[&hash, &name, &origin, &at]);
    tx::at_once(pool, WRITE, Scope::Fleet, add).await.map(drop)
}

pub async fn enroll(
    pool: &Pool,
    code_hash: [u8; 32],
    token_hash: [u8; 32],
    origin: &str,
    now: Time,
) -> Result<Option<Origin>> {
    let (code, token, at, nil) = (code_hash.as_slice(), token_hash.as_slice(), now.millis(), Uuid::nil());
    let oldest = now.plus_ms(-CODE_MS).millis();
    let (tx, answers) = Tx::begin(pool, WRITE, Scope::Fleet, Batch::default().with(SPEND, &[&code, &oldest])).await?;
    let Some(spent) = answers[0].first() else { return Ok(None) };
    let (name, replaced): (String, Option<String>) =
        (spent.try_get(0).map_err(describe)?, spent.try_get(1).map_err(describe)?);
    let batch = match &replaced {
        Some(replaced) => Batch::default().with(REPLACE, &[replaced, &token, &at, &EPOCH_MAX]),
        None => Batch::default().with(ADD, &[&origin, &name, &token, &at, &nil]),
    };
    let answers = tx.commit(batch).await?;
    // The origin to be replaced may have moved since the code was made.
    let enrolled = answers[0].first().ok_or_else(|| Error::conflict("origin", "The origin is at another hub"))?;
    Ok(Some(from_row(enrolled)?.origin))
}

/// Unlocks an origin: the hub forgets its earlier epochs, so that the next reset is accepted.
pub async fn unlock(pool: &Pool, origin: &str) -> Result<()> {
    let (tx, _) = begin_here(pool, origin, Batch::default()).await?;
    tx.commit(Batch::default().with(UNLOCK, &[&origin])).await.map(drop)
}
