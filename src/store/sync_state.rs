//! Where this edge stands with its hub, and the attempts it has made.

use rusqlite::{OptionalExtension, named_params, params};
use uuid::Uuid;

use super::tombstones;
use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::Hash;
use crate::domain::mirror::{Epoch, Head, Position};
use crate::domain::time::Time;
use crate::error::{Error, Result};

/// How to reach the hub, and as whom.
#[derive(Clone, Debug)]
pub struct Enrolment {
    pub hub: String,
    pub origin: String,
    /// Sealed with the key file.
    pub token: Vec<u8>,
}

/// How it has gone so far.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub last_success: Option<Time>,
    pub last_error: Option<String>,
    pub forks: i64,
    pub rewinds: i64,
    /// When both sides were last found equal.
    pub proved_at: Option<Time>,
    /// In what both sides differed when they were last compared.
    pub difference: Option<String>,
    /// Why it has stopped; it stays stopped until an operator acts.
    pub alarm: Option<String>,
    /// By how many milliseconds the hub's clock was ahead at the last exchange.
    pub hub_clock_offset_ms: Option<i64>,
}

/// How far apart the clocks of a server and its hub may be before both report it.
const CLOCK_OFFSET_MAX_MS: i64 = 60_000;

/// Whether a clock that differs by this many milliseconds from the hub's is worth an alarm.
pub fn is_clock_off(offset_ms: i64) -> bool {
    offset_ms.saturating_abs() > CLOCK_OFFSET_MAX_MS
}

/// That the clocks differ so much, and what to do; `None` when that is not worth an alarm.
pub fn describe_clock_offset(offset_ms: i64) -> Option<String> {
    let side = if offset_ms > 0 { "ahead of" } else { "behind" };
    let seconds = offset_ms.unsigned_abs() / 1_000;
    is_clock_off(offset_ms).then(|| {
        format!("the hub's clock was {seconds} s {side} this server's at the last exchange: set the one that is wrong")
    })
}

impl Record {
    /// The hub refuses this edge, and will go on: what it has there is not to be relied on.
    pub fn is_refused(&self) -> bool {
        self.last_error.is_some() && self.alarm.is_some()
    }

    /// Whether the clocks of this server and its hub were too far apart at the last exchange.
    pub fn is_clock_off(&self) -> bool {
        self.hub_clock_offset_ms.is_some_and(is_clock_off)
    }

    /// What an operator should look at. `silent_alarm_ms`: how long the hub may be out of reach before that is an alarm.
    pub fn alarm(&self, now: Time, silent_alarm_ms: i64) -> Option<String> {
        let silent = || {
            let silent_ms = now.millis() - self.last_success?.millis();
            (silent_ms >= silent_alarm_ms).then(|| {
                let why = self.last_error.as_deref().unwrap_or("no exchange was tried");
                format!("the hub has not been reached for {} hours: {why}", silent_ms / 3_600_000)
            })
        };
        let clock = || self.hub_clock_offset_ms.and_then(describe_clock_offset);
        self.alarm.clone().or_else(|| self.difference.clone()).or_else(silent).or_else(clock)
    }
}

/// Begins with a hub; what was with another is forgotten, but for the answers to its proposals: it may be the same one,
/// under which each is still answered once.
pub fn enroll(tx: &mut WriteTx, enrolment: &Enrolment, position: &Position) -> Result<()> {
    for table in ["sync_state", "attempts", "quarantine", "stage", "stage_parts"] {
        tx.conn.execute(&format!("delete from {table}"), [])?;
    }
    tx.conn.execute(
        "insert into sync_state (id, hub, origin, token, epoch_n, epoch, resetting, base_attempt, acked, attempt, stable)
         values (1, :hub, :origin, :token, :epoch_n, :epoch, 0, :nil, 0, :nil, 0)",
        named_params! {
            ":hub": enrolment.hub, ":origin": enrolment.origin, ":token": enrolment.token,
            ":epoch_n": position.epoch.0, ":epoch": position.epoch.1.to_string(), ":nil": Uuid::nil().to_string(),
        },
    )?;
    Ok(())
}

/// The attempt to enrol by the code of this hash: the same one until another code is tried, whatever happens in between.
pub fn enrolment_attempt(tx: &mut WriteTx, code_hash: &Hash) -> Result<Uuid> {
    let sql = "select attempt from enrolment_attempt where code_hash = ?1";
    let begun: Option<String> = tx.conn.query_row(sql, [code_hash], |row| row.get(0)).optional()?;
    if let Some(begun) = begun {
        return uuid(&begun);
    }
    let attempt = Uuid::new_v4();
    let sql = "insert or replace into enrolment_attempt (id, code_hash, attempt) values (1, ?1, ?2)";
    tx.conn.execute(sql, params![code_hash, attempt.to_string()])?;
    Ok(attempt)
}

/// The hub this edge is enrolled with.
pub fn enrolment(tx: &ReadTx) -> Result<Option<Enrolment>> {
    let from_row = |row: &rusqlite::Row| Ok(Enrolment { hub: row.get(0)?, origin: row.get(1)?, token: row.get(2)? });
    Ok(tx.conn.query_row("select hub, origin, token from sync_state", [], from_row).optional()?)
}

/// Goes on with the hub at another URL, which has what the one before had.
pub fn set_hub(tx: &mut WriteTx, hub: &str) -> Result<()> {
    tx.conn.execute("update sync_state set hub = ?1", [hub])?;
    Ok(())
}

/// Goes on with another token of the same hub, sealed as in [`Enrolment`]; `false` when the edge has another enrolment by now.
pub fn set_token(tx: &mut WriteTx, enrolment: &Enrolment, token: &[u8]) -> Result<bool> {
    let sql = "update sync_state set token = ?3 where origin = ?1 and token = ?2";
    Ok(tx.conn.execute(sql, params![enrolment.origin, enrolment.token, token])? > 0)
}

/// Where it stands; `None` when it is not enrolled.
pub fn position(tx: &ReadTx) -> Result<Option<Position>> {
    let mut statement = tx.conn.prepare_cached(
        "select epoch_n, epoch, resetting, base_epoch_n, base_epoch, base_attempt, acked, attempt, stable, parent_n
         from sync_state",
    )?;
    let found = statement.query_row([], |row| {
        let base_epoch = match (row.get::<_, Option<i64>>(3)?, row.get::<_, Option<String>>(4)?) {
            (Some(n), Some(epoch)) => Some((n, epoch)),
            _ => None,
        };
        Ok((
            (row.get::<_, i64>(0)?, row.get::<_, String>(1)?),
            row.get::<_, bool>(2)?,
            base_epoch,
            row.get::<_, String>(5)?,
            row.get::<_, i64>(6)?,
            row.get::<_, String>(7)?,
            (row.get::<_, i64>(8)?, row.get::<_, i64>(9)?),
        ))
    });
    let Some((epoch, is_resetting, base_epoch, base_attempt, acked, attempt, (stable, parent))) = found.optional()?
    else {
        return Ok(None);
    };
    let epoch_of = |(n, text): (i64, String)| Ok::<_, Error>(Epoch(n, uuid(&text)?));
    let base = Head { epoch: base_epoch.map(epoch_of).transpose()?, acked, attempt: uuid(&base_attempt)? };
    Ok(Some(if is_resetting {
        Position { epoch: epoch_of(epoch)?, resetting: Some(base), acked: 0, attempt: Uuid::nil(), stable: 0, parent }
    } else {
        Position { epoch: epoch_of(epoch)?, resetting: None, acked, attempt: uuid(&attempt)?, stable, parent }
    }))
}

/// Takes a new position, and forgets what is not needed from there on: attempts that are stable, and the tombstones of
/// all writes up to `forget`.
pub fn set_position(tx: &mut WriteTx, position: &Position, forget: i64) -> Result<()> {
    let base = position.resetting.unwrap_or(Head::EMPTY);
    tx.conn
        .prepare_cached(
            "update sync_state set epoch_n = :epoch_n, epoch = :epoch, resetting = :resetting,
                base_epoch_n = :base_epoch_n, base_epoch = :base_epoch, base_attempt = :base_attempt,
                acked = :acked, attempt = :attempt, stable = :stable, parent_n = :parent",
        )?
        .execute(named_params! {
            ":epoch_n": position.epoch.0,
            ":epoch": position.epoch.1.to_string(),
            ":resetting": position.resetting.is_some(),
            ":base_epoch_n": base.epoch.map(|epoch| epoch.0),
            ":base_epoch": base.epoch.map(|epoch| epoch.1.to_string()),
            ":base_attempt": base.attempt.to_string(),
            ":acked": if position.resetting.is_some() { base.acked } else { position.acked },
            ":attempt": position.attempt.to_string(),
            ":stable": position.stable,
            ":parent": position.parent,
        })?;
    tx.conn
        .prepare_cached("delete from attempts where (n < ?1 or n = ?1 and ?1 = ?2) and attempt <> ?3")?
        .execute(params![position.stable, position.acked, position.attempt.to_string()])?;
    tombstones::forget(tx, forget)
}

/// Remembers an attempt that goes up to write `n`, before it is sent.
pub fn record_attempt(tx: &mut WriteTx, attempt: Uuid, n: i64) -> Result<()> {
    tx.conn
        .prepare_cached("insert into attempts (attempt, n) values (?1, ?2)")?
        .execute(params![attempt.to_string(), n])?;
    Ok(())
}

/// Up to which write an attempt of this edge went.
pub fn attempt(tx: &ReadTx, attempt: Uuid) -> Result<Option<i64>> {
    let mut statement = tx.conn.prepare_cached("select n from attempts where attempt = ?1")?;
    Ok(statement.query_row([attempt.to_string()], |row| row.get(0)).optional()?)
}

/// Notes an exchange that went well; `alarm`: set when an operator must look at something.
pub fn note(tx: &mut WriteTx, forks: i64, rewinds: i64, alarm: Option<&str>) -> Result<()> {
    tx.conn
        .prepare_cached(
            "update sync_state set last_success = :now, last_error = null, alarm = :alarm,
                forks = forks + :forks, rewinds = rewinds + :rewinds",
        )?
        .execute(named_params! { ":now": tx.now, ":forks": forks, ":rewinds": rewinds, ":alarm": alarm })?;
    Ok(())
}

/// Notes by how many milliseconds the hub's clock is ahead.
pub fn note_hub_clock(tx: &mut WriteTx, offset_ms: i64) -> Result<()> {
    tx.conn.prepare_cached("update sync_state set hub_clock_offset_ms = ?1")?.execute([offset_ms])?;
    Ok(())
}

/// Notes what went wrong; `is_alarm`: it will not pass by itself.
pub fn note_error(tx: &mut WriteTx, error: &str, is_alarm: bool) -> Result<()> {
    tx.conn
        .prepare_cached("update sync_state set last_error = ?1, alarm = ?2")?
        .execute(params![error, is_alarm.then_some(error)])?;
    Ok(())
}

/// Notes that both sides were found equal, or in what they differ.
pub fn note_proof(tx: &mut WriteTx, difference: Option<&str>) -> Result<()> {
    tx.conn.execute(
        "update sync_state set difference = ?1, proved_at = iif(?1 is null, ?2, proved_at)",
        params![difference, tx.now],
    )?;
    Ok(())
}

pub fn record(tx: &ReadTx) -> Result<Record> {
    let mut statement = tx.conn.prepare_cached(
        "select last_success, last_error, forks, rewinds, proved_at, alarm, difference, hub_clock_offset_ms
         from sync_state",
    )?;
    let found = statement.query_row([], |row| {
        Ok(Record {
            last_success: row.get(0)?,
            last_error: row.get(1)?,
            forks: row.get(2)?,
            rewinds: row.get(3)?,
            proved_at: row.get(4)?,
            alarm: row.get(5)?,
            difference: row.get(6)?,
            hub_clock_offset_ms: row.get(7)?,
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// Number of the newest audit entry whose hash the hub knows.
pub fn audit_acked(tx: &ReadTx) -> Result<i64> {
    Ok(tx.conn.prepare_cached("select audit_acked from sync_state")?.query_row([], |row| row.get(0))?)
}

pub fn set_audit_acked(tx: &mut WriteTx, seq: i64) -> Result<()> {
    tx.conn.prepare_cached("update sync_state set audit_acked = ?1")?.execute([seq])?;
    Ok(())
}

fn uuid(text: &str) -> Result<Uuid> {
    Uuid::parse_str(text).map_err(|error| Error::Internal(Box::new(error)))
}
