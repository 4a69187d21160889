//! Changes that the hub proposes to its edges, and their answers.

use rusqlite::{Connection, OptionalExtension, Params, Row as SqlRow, named_params, params};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{audit, origins, rows};
use crate::domain::mirror::Table;
use crate::domain::proposal::{Copy, HubLevel, Proposal, ProposalAnswer, ProposalResult, Task, bounded_detail};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::proposals::{self, OFFERED_MAX, ProposalRecord};

const COLUMNS: &str = "seq, uuid, t, id, base_rev, base, patch, copy, expires, author, filed_at, result, rev, detail,
    answered_at, level, task";

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Internal(Box::new(error))
}

fn from_row(row: &SqlRow) -> Result<ProposalRecord> {
    let raw = |column: usize| -> Result<Option<Box<RawValue>>> {
        let text: Option<String> = row.get(column)?;
        text.map(RawValue::from_string).transpose().map_err(unreadable)
    };
    let copy: Option<String> = row.get(7)?;
    let copy: Option<Copy> = copy.map(|text| serde_json::from_str(&text)).transpose().map_err(unreadable)?;
    let uuid = Uuid::parse_str(&row.get::<_, String>(1)?).map_err(unreadable)?;
    let result: Option<String> = row.get(11)?;
    let answer = match (result.as_deref().and_then(ProposalResult::parse), row.get(14)?) {
        (Some(result), Some(at)) => {
            let (rev, detail) = (row.get(12)?, row.get::<_, Option<String>>(13)?.unwrap_or_default());
            Some((ProposalAnswer { uuid, result, rev, detail }, at))
        }
        _ => None,
    };
    Ok(ProposalRecord {
        proposal: Proposal {
            uuid,
            seq: row.get(0)?,
            table: Table::from_number(row.get(2)?).unwrap_or(Table::Other),
            id: row.get(3)?,
            base_rev: row.get(4)?,
            base: raw(5)?,
            patch: raw(6)?,
            copy,
            task: row.get::<_, Option<String>>(16)?.as_deref().and_then(Task::parse),
            expires_ms: row.get(8)?,
            author: row.get(9)?,
            level: row.get::<_, Option<String>>(15)?.as_deref().and_then(HubLevel::parse),
        },
        filed_at: row.get(10)?,
        answer,
    })
}

/// Files a proposal, or finds the one with its uuid.
pub fn file(tx: &Connection, origin: &str, mut proposal: Proposal, now: Time) -> Result<ProposalRecord> {
    origins::get_here(tx, origin)?;
    if let Some(record) = find(tx, origin, proposal.uuid)? {
        return proposals::check_same_proposal(&record.proposal, &proposal).map(|()| record);
    }
    let mirrored = rows::find(tx, origin, proposal.table, &proposal.id)?;
    proposals::complete(&mut proposal, mirrored.as_ref().map(|(rev, v)| (*rev, v.as_str())))?;
    let seq = "select coalesce(max(seq), 0) + 1 from proposals where origin = ?1";
    proposal.seq = tx.query_row(seq, [origin], |row| row.get(0))?;
    let record = ProposalRecord { proposal, filed_at: now, answer: None };
    insert(tx, origin, &record)?;
    audit::append(tx, proposals::audit_note(origin, &record))?;
    Ok(record)
}

/// Stores a proposal under its number, with its answer if it has one.
pub fn insert(tx: &Connection, origin: &str, record: &ProposalRecord) -> Result<()> {
    let (proposal, now) = (&record.proposal, record.filed_at);
    let copy = proposal.copy.map(|copy| serde_json::to_string(&copy)).transpose().map_err(unreadable)?;
    tx.execute(
        "insert into proposals (origin, seq, uuid, t, id, base_rev, base, patch, copy, expires, author, filed_at,
            level, task)
         values (:origin, :seq, :uuid, :t, :id, :base_rev, :base, :patch, :copy, :expires, :author, :now, :level, :task)",
        named_params! {
            ":origin": origin, ":seq": proposal.seq, ":uuid": proposal.uuid.to_string(),
            ":t": proposal.table.number(), ":id": proposal.id, ":base_rev": proposal.base_rev,
            ":base": proposal.base.as_ref().map(|base| base.get()),
            ":patch": proposal.patch.as_ref().map(|patch| patch.get()),
            ":copy": copy, ":expires": proposal.expires_ms, ":author": proposal.author, ":now": now,
            ":level": proposal.level.map(HubLevel::name), ":task": proposal.task.map(Task::name),
        },
    )?;
    record.answer.iter().try_for_each(|(answer, at)| set_answer(tx, origin, answer, *at))
}

fn find(tx: &Connection, origin: &str, uuid: Uuid) -> Result<Option<ProposalRecord>> {
    let sql = format!("select {COLUMNS} from proposals where origin = ?1 and uuid = ?2");
    let found = tx.query_row(&sql, params![origin, uuid.to_string()], |row| Ok(from_row(row)));
    found.optional()?.transpose()
}

/// Proposals behind number `after`, in their order.
pub fn list(conn: &Connection, origin: &str, after: i64, limit: i64) -> Result<Vec<ProposalRecord>> {
    select(conn, "origin = ?1 and seq > ?2 order by seq limit ?3", params![origin, after, limit])
}

fn select(conn: &Connection, condition: &str, params: impl Params) -> Result<Vec<ProposalRecord>> {
    let mut statement = conn.prepare_cached(&format!("select {COLUMNS} from proposals where {condition}"))?;
    let mut found = statement.query(params)?;
    let mut records = vec![];
    while let Some(row) = found.next()? {
        records.push(from_row(row)?);
    }
    Ok(records)
}

/// The proposals to offer an edge in one reply: those that it has not answered.
pub fn offered(conn: &Connection, origin: &str) -> Result<Vec<Proposal>> {
    let open = select(conn, "origin = ?1 and result is null order by seq limit ?2", params![origin, OFFERED_MAX])?;
    Ok(proposals::offered(open.into_iter().map(|record| record.proposal)))
}

/// Deletes all answers: their effects may be gone with the state that a reset replaces. An edge that still has them answers
/// the same again.
pub fn reopen(tx: &Connection, origin: &str) -> Result<()> {
    let sql = "update proposals set result = null, rev = null, detail = null, answered_at = null where origin = ?1";
    tx.execute(sql, [origin])?;
    Ok(())
}

/// Stores an edge's answer; a later one replaces it.
pub fn set_answer(tx: &Connection, origin: &str, answer: &ProposalAnswer, now: Time) -> Result<()> {
    tx.prepare_cached(
        "update proposals set result = :result, rev = :rev, detail = :detail, answered_at = :now
         where origin = :origin and uuid = :uuid",
    )?
    .execute(named_params! {
        ":origin": origin, ":uuid": answer.uuid.to_string(), ":result": answer.result.name(),
        ":rev": answer.rev, ":detail": bounded_detail(&answer.detail), ":now": now,
    })?;
    Ok(())
}
