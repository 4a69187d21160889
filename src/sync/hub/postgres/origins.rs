//! The edges, and the codes they enrol with.

use deadpool_postgres::Pool;
use tokio_postgres::Row as SqlRow;
use tokio_postgres::types::PgLsn;
use uuid::Uuid;

use super::audit;
use super::stable::{Stable, WalMark, WalPosition};
use super::tx::{self, Answers, Batch, READ, Scope, Tx, WRITE, describe, hash};
use crate::domain::mirror::{AuditHead, Epoch, Head};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::audit::{AuditNote, Caller, HubAction};
use crate::sync::hub::limits::Usage;
use crate::sync::hub::operators::SERVER;
use crate::sync::hub::origin::{EnrolmentKind, Origin, Phase, name_is_taken, origin_not_found, unlock_detail};
use crate::sync::hub::retention::CODE_MS;
use crate::sync::hub::rules::EPOCH_MAX;
use crate::sync::protocol::wire::EdgeStatus;

macro_rules! columns {
    () => {
        "origin, name, epoch_n, epoch, acked, attempt, high, stable, enrolled_at, last_seen, resets, parent_n, locked,
        quarantined, status, audit_seq, audit_hash, audit_differs, waiting_acked, waiting_lsn, newest_acked, newest_lsn,
        token_hash, phase, moved_to, next_token_hash, tags, acknowledged, rejected,
        used_rows, used_bytes, over_limit"
    };
}
pub(super) use columns;

/// Number of the first column behind [`columns`].
const COLUMN_COUNT: usize = 32;

pub const GET: &str = concat!("select ", columns!(), " from origins where origin = $1");
const SEEN: &str =
    concat!("select ", columns!(), ", lsn, kept, has_open from seen($1, $2) s, lateral (select (s.head).*) o");
const OF_TOKEN: &str = concat!("select ", columns!(), " from origins where token_hash = $1 or next_token_hash = $1");
const ALL: &str = concat!("select ", columns!(), " from origins order by name collate \"C\", origin");
const ADD_CODE: &str = "insert into enrolment_codes (code_hash, name, origin, created_at) values ($1, $2, $3, $4)";
const NAME_EXISTS: &str = "select exists (select from origins where name = $1)";
/// Locked: of two that spend it at once the second sees how the first spent it.
const CODE: &str = "
    select name, origin, attempt, spent_by, spent_token from enrolment_codes
    where code_hash = $1 and created_at >= $2 for update";
const SPEND_FOR_GOOD: &str = "delete from enrolment_codes where code_hash = $1";
const SPEND: &str = "update enrolment_codes set attempt = $2, spent_by = $3, spent_token = $4 where code_hash = $1";
const SPEND_AGAIN: &str = concat!(
    "update origins set token_hash = $3, next_token_hash = null
     where origin = $1 and token_hash = $2 and phase = 'here' returning ",
    columns!()
);
const REPLACE: &str = concat!(
    "update origins set token_hash = $2, next_token_hash = null, enrolled_at = $3, locked = false, parent_n = 0,
        epoch_n = case when epoch_n > $4 then 1 else epoch_n end
     where origin = $1 and phase = 'here' returning ",
    columns!()
);
/// Nothing when there is an origin of the name.
const ADD: &str = concat!(
    "insert into origins (origin, name, token_hash, enrolled_at, attempt)
     select $1, $2, $3, $4, $5 where not exists (select from origins where name = $2) returning ",
    columns!()
);
/// Of two codes for one name that are spent at once, the second sees the origin of the first.
const LOCK_NAME: &str = "select pg_advisory_xact_lock(hashtextextended($1, 1))";
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

pub fn from_row(row: &SqlRow) -> Result<StoredOrigin> {
    let epoch = match (row.try_get(2).map_err(describe)?, row.try_get(3).map_err(describe)?) {
        (Some(n), Some(epoch)) => Some(Epoch(n, epoch)),
        _ => None,
    };
    let number = |column: usize| row.try_get::<_, Option<i64>>(column).map_err(describe);
    let token: &[u8] = row.try_get(22).map_err(describe)?;
    let origin = Origin {
        origin: row.try_get(0).map_err(describe)?,
        name: row.try_get(1).map_err(describe)?,
        token: hash(token)?,
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
        status: serde_json::from_str::<EdgeStatus>(row.try_get(14).map_err(describe)?).unwrap_or_default().bounded(),
        phase: Phase::named(row.try_get(23).map_err(describe)?, row.try_get(24).map_err(describe)?),
        next_token: row.try_get::<_, Option<&[u8]>>(25).map_err(describe)?.map(hash).transpose()?,
        tags: row.try_get::<_, &str>(26).map_err(describe)?.split_whitespace().map(str::to_owned).collect(),
        acknowledged: serde_json::from_str(row.try_get(27).map_err(describe)?).unwrap_or_default(),
        rejected: row.try_get(28).map_err(describe)?,
        used: number(29)?.zip(number(30)?).map(|(rows, bytes)| Usage { rows, bytes }),
        over_limit: row
            .try_get::<_, Option<&str>>(31)
            .map_err(describe)?
            .and_then(|text| serde_json::from_str(text).ok()),
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
    let behind = |n: usize| COLUMN_COUNT + n;
    let wal =
        WalPosition { lsn: row.try_get(behind(0)).map_err(describe)?, kept: row.try_get(behind(1)).map_err(describe)? };
    Ok(Some(LockedOrigin { found: from_row(row)?, wal, has_open: row.try_get(behind(2)).map_err(describe)? }))
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

pub async fn add_code(pool: &Pool, code_hash: [u8; 32], kind: &EnrolmentKind, caller: Caller<'_>) -> Result<()> {
    let (name, origin) = match kind {
        EnrolmentKind::New(name) => (name.clone(), None),
        EnrolmentKind::Replacement(origin) => {
            let found = read(pool, origin, Batch::default()).await?.0.origin;
            found.check_here()?;
            (found.name, Some(origin.as_str()))
        }
    };
    let (mut tx, answers) = Tx::begin(pool, WRITE, Scope::Fleet, Batch::default().with(NAME_EXISTS, &[&name])).await?;
    let is_taken: bool = answers[0].first().is_some_and(|row| row.get(0));
    if is_taken && origin.is_none() {
        return Err(name_is_taken(&name));
    }
    let (hash, at) = (code_hash.as_slice(), caller.now.millis());
    let note = AuditNote::new(caller, HubAction::MakeCode, origin.unwrap_or_default(), &name);
    tx.send(Batch::default().with(ADD_CODE, &[&hash, &name, &origin, &at])).await?;
    audit::commit(tx, note).await
}

/// How a code was spent before: with which attempt, for which origin, and the hash of the token that was given.
type SpentCode = (Uuid, String, Vec<u8>);

pub async fn enroll(
    pool: &Pool,
    code_hash: [u8; 32],
    token_hash: [u8; 32],
    origin: &str,
    attempt: Option<Uuid>,
    now: Time,
) -> Result<Option<Origin>> {
    let (code, token, at, nil) = (code_hash.as_slice(), token_hash.as_slice(), now.millis(), Uuid::nil());
    let oldest = now.plus_ms(-CODE_MS).millis();
    let first = Batch::default().with(CODE, &[&code, &oldest]);
    let (mut tx, answers) = Tx::begin(pool, WRITE, Scope::Fleet, first).await?;
    let Some(found) = answers[0].first() else { return Ok(None) };
    let name: String = found.try_get(0).map_err(describe)?;
    let replaced: Option<String> = found.try_get(1).map_err(describe)?;
    let spent: Option<SpentCode> = match found.try_get(2).map_err(describe)? {
        Some(attempt) => Some((attempt, found.try_get(3).map_err(describe)?, found.try_get(4).map_err(describe)?)),
        None => None,
    };
    let (batch, detail) = match (&spent, &replaced) {
        (Some((before, of, given)), _) if attempt == Some(*before) => {
            // The same machine once more: the enrolment is in the audit trail already.
            (Batch::default().with(SPEND_AGAIN, &[of, given, &token]), None)
        }
        (Some(_), _) => return Ok(None),
        (None, Some(replaced)) => (
            Batch::default().with(REPLACE, &[replaced, &token, &at, &EPOCH_MAX]),
            Some("in place of the machine before"),
        ),
        (None, None) => {
            let lock = Batch::default().with(LOCK_NAME, &[&name]);
            (lock.with(ADD, &[&origin, &name, &token, &at, &nil]), Some("new"))
        }
    };
    // The origin first: whoever changes one locks it before the end of the audit trail.
    let answers = tx.send(batch).await?;
    let enrolled = match (answers.last().and_then(|rows| rows.first()), &spent, &replaced) {
        (Some(row), _, _) => from_row(row)?.origin,
        // The token has been used, or replaced, since the code was spent.
        (None, Some(_), _) => return Ok(None),
        // The origin to be replaced may have moved since the code was made.
        (None, None, Some(_)) => return Err(Error::conflict("origin", "The origin is at another hub")),
        (None, None, None) => return Err(name_is_taken(&name)),
    };
    let batch = match &attempt {
        Some(attempt) => Batch::default().with(SPEND, &[&code, attempt, &enrolled.origin, &token]),
        None => Batch::default().with(SPEND_FOR_GOOD, &[&code]),
    };
    let Some(detail) = detail else { return tx.commit(batch).await.map(|_| Some(enrolled)) };
    tx.send(batch).await?;
    let (caller, detail) = (Caller::new(SERVER, now), format!("{name}, {detail}"));
    audit::commit(tx, AuditNote::new(caller, HubAction::Enroll, &enrolled.origin, &detail)).await?;
    Ok(Some(enrolled))
}

/// Unlocks an origin: the hub forgets its earlier epochs, so that the next reset is accepted. Gives
/// whether it was locked.
pub async fn unlock(pool: &Pool, origin: &str, caller: Caller<'_>) -> Result<bool> {
    let (mut tx, locked, _) = begin(pool, origin, Batch::default()).await?;
    locked.found.origin.check_here()?;
    let was_locked = locked.found.origin.is_locked;
    tx.send(Batch::default().with(UNLOCK, &[&origin])).await?;
    let note = AuditNote::new(caller, HubAction::Unlock, origin, unlock_detail(was_locked));
    audit::commit(tx, note).await.map(|()| was_locked)
}
