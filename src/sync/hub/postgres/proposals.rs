//! Changes that the hub proposes to its edges, and their answers.

use std::borrow::Cow;

use deadpool_postgres::Pool;
use serde_json::value::RawValue;
use tokio_postgres::Row as SqlRow;
use uuid::Uuid;

use super::audit;
use super::origins;
use super::rows::{FIND, number, table, without_nul};
use super::tx::{Batch, Param, describe};
use crate::domain::proposal::{Copy, HubLevel, Proposal, ProposalAnswer, ProposalResult, Task, bounded_detail};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::origin::origin_not_found;
use crate::sync::hub::proposals::{self, ProposalRecord};

macro_rules! columns {
    () => {
        "seq, uuid, t, id, base_rev, base, patch, copy, expires, author, filed_at, result, rev, detail, answered_at, level,
        task"
    };
}

/// Proposals behind $2, at most $3.
pub const LIST: &str =
    concat!("select ", columns!(), " from proposals where origin = $1 and seq > $2 order by seq limit $3");
const GET: &str = concat!("select ", columns!(), " from proposals where origin = $1 and uuid = $2");
/// Proposals that are not answered.
pub const OPEN: &str =
    concat!("select ", columns!(), " from proposals where origin = $1 and result is null order by seq limit $2");
/// Deletes all answers: their effects may be gone with the state that a reset replaces. An edge that still has them answers
/// the same again.
pub const REOPEN: &str =
    "update proposals set result = null, rev = null, detail = null, answered_at = null where origin = $1";
const NEXT: &str = "select coalesce(max(seq), 0) + 1 from proposals where origin = $1";
const INSERT: &str = "
    insert into proposals (origin, seq, uuid, t, id, base_rev, base, patch, copy, expires, author, filed_at, result, rev,
        detail, answered_at, level, task)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
/// $2 to $5: arrays of uuid, result, rev, detail; $6: now. A later answer replaces an earlier one.
const SET_ANSWERS: &str = "
    update proposals p set result = r.result, rev = r.rev, detail = r.detail, answered_at = $6
    from (select distinct on (uuid) * from
            unnest($2::uuid[], $3::text[], $4::int8[], $5::text[]) with ordinality as r (uuid, result, rev, detail, place)
          order by uuid, place desc) r
    where p.origin = $1 and p.uuid = r.uuid";

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Internal(Box::new(error))
}

pub fn from_row(row: &SqlRow) -> Result<ProposalRecord> {
    let text = |column: usize| row.try_get::<_, Option<String>>(column).map_err(describe);
    let raw = |column: usize| text(column)?.map(RawValue::from_string).transpose().map_err(unreadable);
    let copy: Option<Copy> = text(7)?.map(|text| serde_json::from_str(&text)).transpose().map_err(unreadable)?;
    let uuid: Uuid = row.try_get(1).map_err(describe)?;
    let time = |column: usize| row.try_get::<_, Option<i64>>(column).map_err(describe);
    let answer = match (text(11)?.as_deref().and_then(ProposalResult::parse), time(14)?) {
        (Some(result), Some(at)) => {
            let detail = text(13)?.unwrap_or_default();
            Some((ProposalAnswer { uuid, result, rev: time(12)?, detail }, Time::from_millis(at)))
        }
        _ => None,
    };
    let proposal = Proposal {
        uuid,
        seq: row.try_get(0).map_err(describe)?,
        table: table(row, 2)?,
        id: row.try_get(3).map_err(describe)?,
        base_rev: row.try_get(4).map_err(describe)?,
        base: raw(5)?,
        patch: raw(6)?,
        copy,
        task: text(16)?.as_deref().and_then(Task::parse),
        expires_ms: row.try_get(8).map_err(describe)?,
        author: row.try_get(9).map_err(describe)?,
        level: text(15)?.as_deref().and_then(HubLevel::parse),
    };
    Ok(ProposalRecord { proposal, filed_at: Time::from_millis(row.try_get(10).map_err(describe)?), answer })
}

/// Files a proposal, or finds the one with its uuid.
pub async fn file(pool: &Pool, origin: &str, mut proposal: Proposal, now: Time) -> Result<ProposalRecord> {
    let (uuid, t, id) = (proposal.uuid, number(proposal.table), proposal.id.clone());
    let first = Batch::default().with(GET, &[&origin, &uuid]).with(FIND, &[&origin, &t, &id]).with(NEXT, &[&origin]);
    let (mut tx, answers) = origins::begin_here(pool, origin, first).await?;
    if let Some(row) = answers[0].first() {
        let record = from_row(row)?;
        return proposals::check_same_proposal(&record.proposal, &proposal).map(|()| record);
    }
    let mirrored: Option<(i64, &str)> = match answers[1].first() {
        Some(row) => Some((row.try_get(0).map_err(describe)?, row.try_get(1).map_err(describe)?)),
        None => None,
    };
    proposals::complete(&mut proposal, mirrored)?;
    proposal.seq = answers[2].first().ok_or_else(origin_not_found)?.try_get(0).map_err(describe)?;
    let record = ProposalRecord { proposal, filed_at: now, answer: None };
    let entry = audit::next(&mut tx, proposals::audit_note(origin, &record)).await?;
    let columns = ProposalColumns::of(&record)?;
    let mut batch = Batch::default();
    columns.add(&mut batch, &origin);
    entry.add(&mut batch);
    tx.commit(batch).await?;
    drop(columns);
    Ok(record)
}

/// A proposal with its answer, as PostgreSQL can store it.
pub struct ProposalColumns<'f> {
    proposal: &'f Proposal,
    t: i32,
    base: [Option<&'f str>; 2],
    copy: Option<String>,
    author: Cow<'f, str>,
    filed_at: i64,
    result: Option<&'static str>,
    rev: Option<i64>,
    detail: Option<Cow<'f, str>>,
    answered_at: Option<i64>,
    level: Option<&'static str>,
    task: Option<&'static str>,
}

impl ProposalColumns<'_> {
    pub fn of(record: &ProposalRecord) -> Result<ProposalColumns<'_>> {
        let (proposal, answer) = (&record.proposal, record.answer.as_ref());
        let copy = proposal.copy.map(|copy| serde_json::to_string(&copy)).transpose().map_err(unreadable)?;
        Ok(ProposalColumns {
            proposal,
            t: number(proposal.table),
            base: [proposal.base.as_deref().map(RawValue::get), proposal.patch.as_deref().map(RawValue::get)],
            copy,
            author: without_nul(&proposal.author),
            filed_at: record.filed_at.millis(),
            result: answer.map(|(answer, _)| answer.result.name()),
            rev: answer.and_then(|(answer, _)| answer.rev),
            detail: answer.map(|(answer, _)| without_nul(bounded_detail(&answer.detail))),
            answered_at: answer.map(|(_, at)| at.millis()),
            level: proposal.level.map(HubLevel::name),
            task: proposal.task.map(Task::name),
        })
    }

    pub fn add<'p>(&'p self, batch: &mut Batch<'p>, origin: &'p &str) {
        let ProposalColumns {
            proposal,
            t,
            base: [base, patch],
            copy,
            author,
            filed_at,
            result,
            rev,
            detail,
            answered_at,
            level,
            task,
        } = self;
        let Proposal { uuid, seq, id, base_rev, expires_ms, .. } = proposal;
        let what: [Param; 9] = [origin, seq, uuid, t, id, base_rev, base, patch, copy];
        let when: [Param; 9] = [expires_ms, author, filed_at, result, rev, detail, answered_at, level, task];
        batch.add(INSERT, &[&what[..], &when].concat());
    }
}

/// The first of the open proposals, as many as one reply may carry.
pub fn offered(open: &[SqlRow]) -> Result<Vec<Proposal>> {
    let records: Vec<ProposalRecord> = open.iter().map(from_row).collect::<Result<_>>()?;
    Ok(proposals::offered(records.into_iter().map(|record| record.proposal)))
}

/// Answers of an edge, as arrays.
#[derive(Default)]
pub struct AnswerColumns {
    uuid: Vec<Uuid>,
    result: Vec<&'static str>,
    rev: Vec<Option<i64>>,
    detail: Vec<String>,
}

impl AnswerColumns {
    pub fn of(answers: &[ProposalAnswer]) -> AnswerColumns {
        let mut columns = AnswerColumns::default();
        for answer in answers {
            columns.uuid.push(answer.uuid);
            columns.result.push(answer.result.name());
            columns.rev.push(answer.rev);
            columns.detail.push(without_nul(bounded_detail(&answer.detail)).into_owned());
        }
        columns
    }
}

/// Stores the answers of an edge.
pub fn set_answers<'p>(batch: &mut Batch<'p>, origin: &'p &str, answers: &'p AnswerColumns, at: &'p i64) {
    if !answers.uuid.is_empty() {
        batch.add(SET_ANSWERS, &[origin, &answers.uuid, &answers.result, &answers.rev, &answers.detail, at]);
    }
}
