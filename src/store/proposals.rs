//! Answers to proposals of the centre.

use rusqlite::{OptionalExtension, named_params, params};
use uuid::Uuid;

use super::{Page, Window};
use crate::db::{ReadTx, WriteTx};
use crate::domain::proposal::{ProposalAnswer, ProposalResult, bounded_detail};
use crate::domain::time::Time;
use crate::error::{Error, Result};

/// Answers told in one exchange, and about how many bytes of them.
const TOLD_MAX: i64 = 200;
const TOLD_MAX_BYTES: usize = 1 << 20;

fn from_row(row: &rusqlite::Row) -> Result<ProposalAnswer> {
    let (uuid, result): (String, String) = (row.get(0)?, row.get(1)?);
    Ok(ProposalAnswer {
        uuid: Uuid::parse_str(&uuid).map_err(|error| Error::Internal(Box::new(error)))?,
        result: ProposalResult::parse(&result).ok_or_else(|| Error::internal("no such result"))?,
        rev: row.get(2)?,
        detail: row.get(3)?,
    })
}

/// Stores an answer. It is sent once the hub has everything that is written by now: what it has changed, and what it was
/// given because of.
pub fn record(tx: &mut WriteTx, outcome: &ProposalAnswer) -> Result<()> {
    let chg = tx.newest_write();
    tx.conn
        .prepare_cached(
            "insert into proposals (id, result, rev, detail, chg, at) values (:id, :result, :rev, :detail, :chg, :now)",
        )?
        .execute(named_params! {
            ":id": outcome.uuid.to_string(), ":result": outcome.result.name(), ":rev": outcome.rev,
            ":detail": bounded_detail(&outcome.detail), ":chg": chg, ":now": tx.now,
        })?;
    Ok(())
}

/// Whether a proposal was answered before; its answer is to be told again then.
pub fn tell_again(tx: &mut WriteTx, uuid: Uuid) -> Result<bool> {
    let mut statement = tx.conn.prepare_cached("update proposals set is_told = 0 where id = ?1")?;
    Ok(statement.execute([uuid.to_string()])? > 0)
}

/// Answers that the hub has not heard, as far as what they changed is in writes up to `to`.
pub fn untold(tx: &ReadTx, to: i64) -> Result<Vec<ProposalAnswer>> {
    let mut statement = tx.conn.prepare_cached(
        "select id, result, rev, detail from proposals where is_told = 0 and chg <= ?1 order by chg, id limit ?2",
    )?;
    let mut rows = statement.query(params![to, TOLD_MAX])?;
    let (mut outcomes, mut bytes) = (vec![], 0);
    while let Some(row) = rows.next()? {
        let answer = from_row(row)?;
        bytes += answer.detail.len();
        if bytes > TOLD_MAX_BYTES && !outcomes.is_empty() {
            break;
        }
        outcomes.push(answer);
    }
    Ok(outcomes)
}

/// One that was answered.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnsweredProposal {
    /// As the hub knows it.
    #[schemars(example = "6f1c7f6e-2b9e-4a57-9d8c-0d6c1a3f9b11")]
    id: String,
    #[schemars(extend("enum" = ["applied", "conflict", "rejected", "expired"]), example = &"applied")]
    result: String,
    /// The row's, when it was applied.
    rev: Option<i64>,
    /// Why, or both values of what was in conflict; of a task its report. Empty for one that was applied.
    detail: String,
    /// When it was answered.
    answered_at: Time,
    /// The hub has heard the answer.
    is_delivered: bool,
}

/// Those that were answered, the newest first.
pub fn list(tx: &ReadTx, window: Window) -> Result<Page<AnsweredProposal>> {
    let total = tx.conn.prepare_cached("select count(*) from proposals")?.query_row([], |row| row.get(0))?;
    let mut statement = tx.conn.prepare_cached(
        "select id, result, rev, detail, at, is_told from proposals order by at desc, id limit ?1 offset ?2",
    )?;
    let rows = statement.query_map([window.limit, window.offset], |row| {
        Ok(AnsweredProposal {
            id: row.get(0)?,
            result: row.get(1)?,
            rev: row.get(2)?,
            detail: row.get(3)?,
            answered_at: row.get(4)?,
            is_delivered: row.get(5)?,
        })
    })?;
    Ok(Page { total, rows: rows.collect::<rusqlite::Result<_>>()? })
}

pub fn has_untold(tx: &ReadTx) -> Result<bool> {
    let mut statement = tx.conn.prepare_cached("select 1 from proposals where is_told = 0 limit 1")?;
    Ok(statement.query_row([], |_| Ok(())).optional()?.is_some())
}

pub fn mark_delivered(tx: &mut WriteTx, delivered: &[Uuid]) -> Result<()> {
    let mut statement = tx.conn.prepare_cached("update proposals set is_told = 1 where id = ?1")?;
    for uuid in delivered {
        statement.execute([uuid.to_string()])?;
    }
    Ok(())
}
