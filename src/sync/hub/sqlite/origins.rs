//! The edges, and the codes they enrol with.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use uuid::Uuid;

use super::audit;
use crate::domain::audit::Hash;
use crate::domain::mirror::{AuditHead, Epoch, Head};
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::audit::{AuditNote, Caller, HubAction};
use crate::sync::hub::limits::Usage;
use crate::sync::hub::operators::SERVER;
use crate::sync::hub::origin::{EnrolmentKind, Origin, Phase, name_is_taken, origin_not_found, unlock_detail};
use crate::sync::hub::retention::CODE_MS;
use crate::sync::hub::rules::EPOCH_MAX;
use crate::sync::protocol::wire::EdgeStatus;

pub const COLUMNS: &str = "origin, name, epoch_n, epoch, acked, attempt, high, stable, enrolled_at, last_seen, resets,
    parent_n, locked, quarantined, status, audit_seq, audit_hash, audit_differs, token_hash, phase,
    moved_to, next_token_hash, tags, acknowledged, rejected,
    used_rows, used_bytes, over_limit";

pub fn from_row(row: &SqlRow) -> rusqlite::Result<Origin> {
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
        status: serde_json::from_str::<EdgeStatus>(&row.get::<_, String>(14)?).unwrap_or_default().bounded(),
        phase: Phase::named(&row.get::<_, String>(19)?, row.get(20)?),
        next_token: row.get(21)?,
        tags: row.get::<_, String>(22)?.split_whitespace().map(str::to_owned).collect(),
        acknowledged: serde_json::from_str(&row.get::<_, String>(23)?).unwrap_or_default(),
        rejected: row.get(24)?,
        used: row.get::<_, Option<i64>>(25)?.zip(row.get(26)?).map(|(rows, bytes)| Usage { rows, bytes }),
        over_limit: row.get::<_, Option<String>>(27)?.and_then(|text| serde_json::from_str(&text).ok()),
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
    let mut statement =
        conn.prepare_cached(&format!("select {COLUMNS} from origins where token_hash = ?1 or next_token_hash = ?1"))?;
    Ok(statement.query_row([token_hash], from_row).optional()?)
}

pub fn all(conn: &Connection) -> Result<Vec<Origin>> {
    let mut statement = conn.prepare(&format!("select {COLUMNS} from origins order by name, origin"))?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub fn add_code(tx: &Connection, code_hash: [u8; 32], kind: &EnrolmentKind, caller: Caller) -> Result<()> {
    let (name, origin) = match kind {
        EnrolmentKind::New(name) => {
            check_name_is_free(tx, name)?;
            (name.clone(), None)
        }
        EnrolmentKind::Replacement(origin) => (get_here(tx, origin)?.name, Some(origin)),
    };
    let sql = "insert into enrolment_codes (code_hash, name, origin, created_at) values (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![code_hash, name, origin, caller.now])?;
    let about = origin.map_or("", String::as_str);
    audit::append(tx, AuditNote::new(caller, HubAction::MakeCode, about, &name))
}

/// 409 `name` when an origin has this name. Old stores may have several origins of one name.
fn check_name_is_free(tx: &Connection, name: &str) -> Result<()> {
    let sql = "select exists (select 1 from origins where name = ?1)";
    if tx.query_row(sql, [name], |row| row.get(0))? { Err(name_is_taken(name)) } else { Ok(()) }
}

pub fn enroll(
    tx: &Connection,
    code_hash: [u8; 32],
    token_hash: [u8; 32],
    origin: &str,
    attempt: Option<Uuid>,
    now: Time,
) -> Result<Option<Origin>> {
    let sql = "select name, origin, attempt, spent_by, spent_token from enrolment_codes
        where code_hash = ?1 and created_at >= ?2";
    let code = tx.query_row(sql, params![code_hash, now.plus_ms(-CODE_MS)], Code::from_row).optional()?;
    let Some(code) = code else { return Ok(None) };
    let attempt = attempt.map(|attempt| attempt.to_string());
    let (enrolled, detail) = match (&code.spent, &code.origin) {
        (Some(spent), _) if attempt.as_ref() == Some(&spent.attempt) => {
            let sql = "update origins set token_hash = ?3, next_token_hash = null
                where origin = ?1 and token_hash = ?2 and phase = 'here'";
            if tx.execute(sql, params![spent.origin, spent.token, token_hash])? == 0 {
                return Ok(None);
            }
            // The same machine once more: the enrolment is in the audit trail already.
            (spent.origin.as_str(), None)
        }
        (Some(_), _) => return Ok(None),
        (None, Some(replaced)) => {
            get_here(tx, replaced)?;
            // An epoch that no edge can follow begins again: a stolen token may have used up its numbers.
            let sql = "update origins set token_hash = ?2, next_token_hash = null, enrolled_at = ?3,
                epoch_n = iif(epoch_n > ?4, 1, epoch_n) where origin = ?1";
            tx.execute(sql, params![replaced, token_hash, now, EPOCH_MAX])?;
            release(tx, replaced)?;
            (replaced.as_str(), Some("in place of the machine before"))
        }
        (None, None) => {
            check_name_is_free(tx, &code.name)?;
            tx.execute(
                "insert into origins (origin, name, token_hash, enrolled_at, attempt) values (?1, ?2, ?3, ?4, ?5)",
                params![origin, code.name, token_hash, now, Uuid::nil().to_string()],
            )?;
            (origin, Some("new"))
        }
    };
    match attempt {
        Some(attempt) => tx.execute(
            "update enrolment_codes set attempt = ?2, spent_by = ?3, spent_token = ?4 where code_hash = ?1",
            params![code_hash, attempt, enrolled, token_hash],
        )?,
        None => tx.execute("delete from enrolment_codes where code_hash = ?1", [code_hash])?,
    };
    if let Some(detail) = detail {
        let detail = format!("{}, {detail}", code.name);
        audit::append(tx, AuditNote::new(Caller::new(SERVER, now), HubAction::Enroll, enrolled, &detail))?;
    }
    get(tx, enrolled).map(Some)
}

/// An enrolment code as it is stored.
struct Code {
    name: String,
    /// The origin to be replaced.
    origin: Option<String>,
    spent: Option<SpentCode>,
}

/// How a code was spent.
struct SpentCode {
    attempt: String,
    origin: String,
    token: Hash,
}

impl Code {
    fn from_row(row: &SqlRow) -> rusqlite::Result<Code> {
        let spent = match row.get::<_, Option<String>>(2)? {
            Some(attempt) => Some(SpentCode { attempt, origin: row.get(3)?, token: row.get(4)? }),
            None => None,
        };
        Ok(Code { name: row.get(0)?, origin: row.get(1)?, spent })
    }
}

/// Unlocks an origin; gives whether it was locked.
pub fn unlock(tx: &Connection, origin: &str, caller: Caller) -> Result<bool> {
    let was_locked = get_here(tx, origin)?.is_locked;
    release(tx, origin)?;
    audit::append(tx, AuditNote::new(caller, HubAction::Unlock, origin, unlock_detail(was_locked)))?;
    Ok(was_locked)
}

/// The hub forgets the earlier epochs of an origin, so that the next reset is accepted.
fn release(tx: &Connection, origin: &str) -> Result<()> {
    tx.execute("update origins set locked = 0, parent_n = 0 where origin = ?1", [origin])?;
    Ok(())
}
