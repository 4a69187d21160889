//! The edges, and the codes they enrol with.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use uuid::Uuid;

use crate::domain::mirror::{AuditHead, Epoch, Head};
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::origin::{EnrolmentKind, Origin, Phase, origin_not_found};
use crate::sync::hub::retention::CODE_MS;
use crate::sync::hub::rules::EPOCH_MAX;

const COLUMNS: &str = "origin, name, epoch_n, epoch, acked, attempt, high, stable, enrolled_at, last_seen, resets,
    parent_n, locked, quarantined, status, audit_seq, audit_hash, audit_differs, token_hash, phase,
    moved_to";

fn from_row(row: &SqlRow) -> rusqlite::Result<Origin> {
    let uuid = |column: usize, text: String| {
        Uuid::parse_str(&text).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
        })
    };
    let epoch = match (row.get::<_, Option<i64>>(2)?, row.get::<_, Option<String>>(3)?) {
        (Some(n), Some(text)) => Some(Epoch(n, uuid(3, text)?)),
        _ => None,
    };
    Ok(Origin {
        origin: row.get(0)?,
        name: row.get(1)?,
        token: row.get(18)?,
        head: Head { epoch, acked: row.get(4)?, attempt: uuid(5, row.get(5)?)? },
        high: row.get(6)?,
        stable: row.get(7)?,
        enrolled_at: row.get(8)?,
        last_seen: row.get(9)?,
        resets: row.get(10)?,
        parent: row.get(11)?,
        is_locked: row.get(12)?,
        quarantined: row.get(13)?,
        audit: AuditHead(row.get(15)?, row.get(16)?),
        audit_differs: row.get(17)?,
        // For the fleet page only.
        status: serde_json::from_str(&row.get::<_, String>(14)?).unwrap_or_default(),
        phase: Phase::named(&row.get::<_, String>(19)?, row.get(20)?),
    })
}

/// The origin, or 404 `origin`.
pub fn get(tx: &Connection, origin: &str) -> Result<Origin> {
    find(tx, origin)?.ok_or_else(origin_not_found)
}

/// The origin, if it is here: neither moved nor on its way.
pub fn get_here(tx: &Connection, origin: &str) -> Result<Origin> {
    let found = get(tx, origin)?;
    found.check_here().map(|()| found)
}

pub fn find(tx: &Connection, origin: &str) -> Result<Option<Origin>> {
    let mut statement = tx.prepare_cached(&format!("select {COLUMNS} from origins where origin = ?1"))?;
    Ok(statement.query_row([origin], from_row).optional()?)
}

pub fn of_token(conn: &Connection, token_hash: [u8; 32]) -> Result<Option<Origin>> {
    let mut statement = conn.prepare_cached(&format!("select {COLUMNS} from origins where token_hash = ?1"))?;
    Ok(statement.query_row([token_hash], from_row).optional()?)
}

pub fn all(conn: &Connection) -> Result<Vec<Origin>> {
    let mut statement = conn.prepare(&format!("select {COLUMNS} from origins order by name, origin"))?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub fn add_code(tx: &Connection, code_hash: [u8; 32], kind: &EnrolmentKind, now: Time) -> Result<()> {
    let (name, origin) = match kind {
        EnrolmentKind::New(name) => (name.clone(), None),
        EnrolmentKind::Replacement(origin) => (get_here(tx, origin)?.name, Some(origin)),
    };
    let sql = "insert into enrolment_codes (code_hash, name, origin, created_at) values (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![code_hash, name, origin, now])?;
    Ok(())
}

pub fn enroll(
    tx: &Connection,
    code_hash: [u8; 32],
    token_hash: [u8; 32],
    origin: &str,
    now: Time,
) -> Result<Option<Origin>> {
    let sql = "delete from enrolment_codes where code_hash = ?1 and created_at >= ?2 returning name, origin";
    let of_row = |row: &SqlRow| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?));
    let spent = tx.query_row(sql, params![code_hash, now.plus_ms(-CODE_MS)], of_row);
    match spent.optional()? {
        None => Ok(None),
        Some((_, Some(replaced))) => {
            get_here(tx, &replaced)?;
            // An epoch that no edge can follow begins again: a stolen token may have used up its numbers.
            let sql = "update origins set token_hash = ?2, enrolled_at = ?3, epoch_n = iif(epoch_n > ?4, 1, epoch_n)
                where origin = ?1";
            tx.execute(sql, params![replaced, token_hash, now, EPOCH_MAX])?;
            unlock(tx, &replaced)?;
            get(tx, &replaced).map(Some)
        }
        Some((name, None)) => {
            tx.execute(
                "insert into origins (origin, name, token_hash, enrolled_at, attempt) values (?1, ?2, ?3, ?4, ?5)",
                params![origin, name, token_hash, now, Uuid::nil().to_string()],
            )?;
            get(tx, origin).map(Some)
        }
    }
}

/// Unlocks an origin: the hub forgets its earlier epochs, so that the next reset is accepted.
pub fn unlock(tx: &Connection, origin: &str) -> Result<()> {
    get_here(tx, origin)?;
    tx.execute("update origins set locked = 0, parent_n = 0 where origin = ?1", [origin])?;
    Ok(())
}
