//! Parts of a batch that is too large for one request.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::texts::Texts;
use super::{origins, quarantine};
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::limits::OriginLimits;
use crate::sync::hub::rules::{self, PartVerdict};
use crate::sync::hub::stored_text::StoredText;
use crate::sync::hub::{retention, row_validation};
use crate::sync::protocol::wire::{Part, Row, StageState, Staged};

/// What is staged of an origin; `None` when there is nothing.
pub fn state(tx: &Connection, origin: &str) -> Result<Option<StageState>> {
    // One stage at most: a part of another one discards it.
    let mut statement = tx.prepare_cached(
        "select stage, count(*), sum(bytes), (select id from staged_parts n where n.origin = p.origin and n.stage = p.stage
            order by part desc limit 1)
         from staged_parts p where origin = ?1 group by stage order by max(staged_at) desc limit 1",
    )?;
    let found = statement.query_row([origin], |row| {
        let stage = uuid(row.get::<_, String>(0)?)?;
        let last = row.get::<_, Option<String>>(3)?.map(uuid).transpose()?;
        Ok(StageState { stage, parts: row.get(1)?, bytes: row.get(2)?, last })
    });
    Ok(found.optional()?)
}

fn uuid(text: String) -> rusqlite::Result<Uuid> {
    Uuid::parse_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error)))
}

/// Stages a part of a batch, each row with its fault.
pub fn stage(tx: &Connection, origin: &str, part: &Part, limits: &OriginLimits, now: Time) -> Result<()> {
    let found = origins::get_here(tx, origin)?;
    let (stage, known) = (part.stage.to_string(), state(tx, origin)?);
    let twin = "select id from staged_parts where origin = ?1 and stage = ?2 and part = ?3";
    let twin = tx
        .prepare_cached(twin)?
        .query_row(params![origin, stage, part.part], |row| row.get::<_, Option<String>>(0)?.map(uuid).transpose())
        .optional()?;
    if rules::judge_part(&found.head, known.as_ref(), twin, part)? == PartVerdict::Known {
        return Ok(());
    }
    discard_others(tx, origin, &stage)?;
    let bytes = retention::bytes_of(&part.rows);
    let so_far = known.filter(|known| known.stage == part.stage).map_or(0, |known| known.bytes);
    retention::check_part_number(part.part)?;
    limits.check_stage(so_far + bytes)?;
    tx.prepare_cached(
        "insert into staged_parts (origin, stage, part, bytes, staged_at, id) values (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![origin, stage, part.part, bytes, now, part.context.map(|context| context.id.to_string())])?;
    let status = serde_json::to_string(&rules::status_after_part(&found, part)).unwrap_or_default();
    tx.prepare_cached("update origins set status = ?2, last_seen = ?3 where origin = ?1")?
        .execute(params![origin, status, now])?;
    insert_staged(tx, origin, &stage, &part.rows)
}

pub fn insert_staged(tx: &Connection, origin: &str, stage: &str, rows: &[Row]) -> Result<()> {
    let mut insert = tx.prepare_cached(
        "insert or ignore into staged (origin, stage, t, id, rev, chg, text, code, detail)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut texts = Texts::new(tx, origin);
    for row in rows {
        let text = row.v.as_ref().map(|v| texts.add(&StoredText::of(row.t, v))).transpose()?;
        let (code, detail) = row_validation::fault(row).unzip();
        let staged = params![origin, stage, row.t.number(), row.id, row.rev, row.chg, text, code, detail];
        if insert.execute(staged)? == 0 {
            // The batch has the row twice: the last one counts.
            delete_staged(tx, origin, stage, row)?;
            insert.execute(staged)?;
        }
    }
    Ok(())
}

fn delete_staged(tx: &Connection, origin: &str, stage: &str, row: &Row) -> Result<()> {
    let key = params![origin, stage, row.t.number(), row.id];
    let condition = "origin = ?1 and stage = ?2 and t = ?3 and id = ?4";
    tx.execute(&format!("delete from texts where n in (select text from staged where {condition})"), key)?;
    tx.execute(&format!("delete from staged where {condition}"), key)?;
    Ok(())
}

/// Discards all parts of other stages than `stage`.
fn discard_others(tx: &Connection, origin: &str, stage: &str) -> Result<()> {
    let others = params![origin, stage];
    // Looks at the parts: the rows are many.
    let has_others = "select exists (select 1 from staged_parts where origin = ?1 and stage <> ?2)";
    if !tx.query_row(has_others, others, |row| row.get(0))? {
        return Ok(());
    }
    tx.execute("delete from texts where n in (select text from staged where origin = ?1 and stage <> ?2)", others)?;
    tx.execute("delete from staged where origin = ?1 and stage <> ?2", others)?;
    tx.execute("delete from staged_parts where origin = ?1 and stage <> ?2", others)?;
    Ok(())
}

/// Whether all parts that a push names are staged.
pub fn is_staged(tx: &Connection, origin: &str, staged: Staged) -> Result<bool> {
    let staged_parts: i64 = tx.query_row(
        "select count(*) from staged_parts where origin = ?1 and stage = ?2 and part < ?3",
        params![origin, staged.stage.to_string(), staged.parts],
        |row| row.get(0),
    )?;
    Ok(staged_parts == staged.parts)
}

/// Applies the rows of a stage, and deletes the stage.
pub fn apply_staged(tx: &Connection, origin: &str, stage: &str, now: Time) -> Result<()> {
    let (faulty, all): (i64, i64) = tx.query_row(
        "select count(*) filter (where code in ('schema', 'unreadable')), count(*) from staged
         where origin = ?1 and stage = ?2",
        params![origin, stage],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    row_validation::check_fault_share(faulty.unsigned_abs() as usize, all.unsigned_abs() as usize)?;
    quarantine::update_from_stage(tx, origin, stage, now)?;
    let of_stage = params![origin, stage];
    tx.execute(
        "delete from texts where n in (select m.text from staged s
            join mirror m on m.origin = s.origin and m.t = s.t and m.id = s.id where s.origin = ?1 and s.stage = ?2)",
        of_stage,
    )?;
    tx.execute(
        "insert into mirror (origin, t, id, rev, chg, text)
         select origin, t, id, rev, chg, text from staged where origin = ?1 and stage = ?2 and text is not null
         on conflict (origin, t, id) do update set rev = excluded.rev, chg = excluded.chg, text = excluded.text",
        of_stage,
    )?;
    tx.execute(
        "delete from mirror where origin = ?1 and (t, id) in
            (select t, id from staged where origin = ?1 and stage = ?2 and text is null)",
        of_stage,
    )?;
    discard_others(tx, origin, stage)?;
    tx.execute("delete from staged where origin = ?1 and stage = ?2", of_stage)?;
    tx.execute("delete from staged_parts where origin = ?1 and stage = ?2", of_stage)?;
    Ok(())
}
