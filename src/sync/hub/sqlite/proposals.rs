//! Changes that the centre wants, and what became of them.

use rusqlite::{Connection, OptionalExtension, Params, Row as SqlRow, named_params, params};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{origins, rows};
use crate::domain::mirror::Table;
use crate::domain::proposal::{Copy, Outcome, Proposal, ProposalResult};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::{OFFERED_MAX, ProposalRecord, rules};

const COLUMNS: &str = "seq, uuid, t, id, base_rev, base, patch, copy, expires, author, filed_at, result, rev, detail,
    answered_at";

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
            Some((Outcome { uuid, result, rev, detail }, at))
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
            expires_ms: row.get(8)?,
            author: row.get(9)?,
        },
        filed_at: row.get(10)?,
        answer,
    })
}

/// Files a proposal, or finds the one with its uuid.
pub fn file(tx: &Connection, origin: &str, mut proposal: Proposal, now: Time) -> Result<ProposalRecord> {
    origins::get_here(tx, origin)?;
    if let Some(filed) = find(tx, origin, proposal.uuid)? {
        return rules::same_proposal(&filed.proposal, &proposal).map(|()| filed);
    }
    let mirrored = rows::find(tx, origin, proposal.table, &proposal.id)?;
    rules::complete(&mut proposal, mirrored.as_ref().map(|(rev, v)| (*rev, v.as_str())))?;
    let seq = "select coalesce(max(seq), 0) + 1 from proposals where origin = ?1";
    proposal.seq = tx.query_row(seq, [origin], |row| row.get(0))?;
    let filed = ProposalRecord { proposal, filed_at: now, answer: None };
    add(tx, origin, &filed)?;
    Ok(filed)
}

/// Keeps a proposal under its number, with its answer if it has one.
pub fn add(tx: &Connection, origin: &str, filed: &ProposalRecord) -> Result<()> {
    let (proposal, now) = (&filed.proposal, filed.filed_at);
    let copy = proposal.copy.map(|copy| serde_json::to_string(&copy)).transpose().map_err(unreadable)?;
    tx.execute(
        "insert into proposals (origin, seq, uuid, t, id, base_rev, base, patch, copy, expires, author, filed_at)
         values (:origin, :seq, :uuid, :t, :id, :base_rev, :base, :patch, :copy, :expires, :author, :now)",
        named_params! {
            ":origin": origin, ":seq": proposal.seq, ":uuid": proposal.uuid.to_string(),
            ":t": proposal.table.number(), ":id": proposal.id, ":base_rev": proposal.base_rev,
            ":base": proposal.base.as_ref().map(|base| base.get()),
            ":patch": proposal.patch.as_ref().map(|patch| patch.get()),
            ":copy": copy, ":expires": proposal.expires_ms, ":author": proposal.author, ":now": now,
        },
    )?;
    filed.answer.iter().try_for_each(|(outcome, at)| answer(tx, origin, outcome, *at))
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

fn select(conn: &Connection, which: &str, params: impl Params) -> Result<Vec<ProposalRecord>> {
    let mut statement = conn.prepare_cached(&format!("select {COLUMNS} from proposals where {which}"))?;
    let mut found = statement.query(params)?;
    let mut filed = vec![];
    while let Some(row) = found.next()? {
        filed.push(from_row(row)?);
    }
    Ok(filed)
}

/// What an edge is offered in one answer: what it has not answered.
pub fn offered(conn: &Connection, origin: &str) -> Result<Vec<Proposal>> {
    let open = select(conn, "origin = ?1 and result is null order by seq limit ?2", params![origin, OFFERED_MAX])?;
    Ok(rules::offered(open.into_iter().map(|filed| filed.proposal)))
}

/// Takes all answers back: what they tell of may be lost with the state that a reset replaces. An edge that has it still
/// answers the same again.
pub fn reopen(tx: &Connection, origin: &str) -> Result<()> {
    let sql = "update proposals set result = null, rev = null, detail = null, answered_at = null where origin = ?1";
    tx.execute(sql, [origin])?;
    Ok(())
}

/// Notes an edge's answer; a later one is the one that holds.
pub fn answer(tx: &Connection, origin: &str, outcome: &Outcome, now: Time) -> Result<()> {
    tx.prepare_cached(
        "update proposals set result = :result, rev = :rev, detail = :detail, answered_at = :now
         where origin = :origin and uuid = :uuid",
    )?
    .execute(named_params! {
        ":origin": origin, ":uuid": outcome.uuid.to_string(), ":result": outcome.result.name(),
        ":rev": outcome.rev, ":detail": outcome.detail, ":now": now,
    })?;
    Ok(())
}
