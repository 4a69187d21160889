//! Parts of a batch that is too large for one request.

use deadpool_postgres::Pool;
use tokio_postgres::Row as SqlRow;
use uuid::Uuid;

use super::origins;
use super::rows::Columns;
use super::tx::{Batch, describe};
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::limits::OriginLimits;
use crate::sync::hub::rules::{self, PartVerdict};
use crate::sync::hub::{retention, row_validation};
use crate::sync::protocol::wire::{Part, StageReply, StageState};

/// Each stage of an origin, the newest first: its parts, their bytes, the id of the newest part, and the id of part $2.
const STAGES: &str = "
    select stage, count(*), coalesce(sum(bytes), 0)::int8,
        (select id from staged_parts n where n.origin = $1 and n.stage = p.stage order by part desc limit 1),
        coalesce(bool_or(part = $2), false), (array_agg(id) filter (where part = $2))[1]
    from staged_parts p where origin = $1 group by stage order by max(staged_at) desc";
const NOTE_PART: &str = "update origins set status = $2, last_seen = $3, contents_swept = false where origin = $1";
/// Discards all parts of other stages.
const CLEAR_OTHERS: [&str; 2] = [
    "delete from staged where origin = $1 and stage <> $2",
    "delete from staged_parts where origin = $1 and stage <> $2",
];
pub const CLEAR: [&str; 2] = ["delete from staged where origin = $1", "delete from staged_parts where origin = $1"];
/// $4 to $12: arrays of table, id, rev, chg, the parts of the text, code, detail; $13: bytes; $14: now; $15: the id of the part.
/// Changes nothing when the part is staged already.
const STAGE: &str = "
    with added as (
        insert into staged_parts (origin, stage, part, bytes, staged_at, id) values ($1, $2, $3, $13, $14, $15)
        on conflict do nothing returning part)
    insert into staged (origin, stage, t, id, rev, chg, head, content, tail, code, detail)
    select $1, $2, r.*
    from added, unnest($4::int4[], $5::text[], $6::int8[], $7::int8[], $8::text[], $9::bytea[], $10::text[], $11::text[],
        $12::text[]) as r
    on conflict (origin, stage, t, id) do update set rev = excluded.rev, chg = excluded.chg, head = excluded.head,
        content = excluded.content, tail = excluded.tail, code = excluded.code, detail = excluded.detail";
/// The number of staged parts, of rows that poison their write, and of all rows.
pub const STAGED: &str = "
    select (select count(*) from staged_parts where origin = $1 and stage = $2 and part < $3),
        count(*) filter (where code in ('schema', 'unreadable')), count(*)
    from staged where origin = $1 and stage = $2";

/// What is staged of an origin.
pub async fn staged(pool: &Pool, origin: &str) -> Result<StageReply> {
    let none = -1_i64;
    let (found, answers) = origins::read(pool, origin, Batch::default().with(STAGES, &[&origin, &none])).await?;
    found.origin.check_here()?;
    let staged = answers[0].first().map(stage_of).transpose()?;
    Ok(StageReply { head: found.origin.head, contents: true, staged })
}

fn stage_of(row: &SqlRow) -> Result<StageState> {
    Ok(StageState {
        stage: row.try_get(0).map_err(describe)?,
        parts: row.try_get(1).map_err(describe)?,
        bytes: row.try_get(2).map_err(describe)?,
        last: row.try_get(3).map_err(describe)?,
    })
}

/// Stages a part of a batch, each row with its fault.
pub async fn stage(pool: &Pool, origin: &str, part: &Part, limits: &OriginLimits, now: Time) -> Result<()> {
    let state = Batch::default().with(STAGES, &[&origin, &part.part]);
    let (tx, locked, answers) = origins::begin(pool, origin, state).await?;
    let found = &locked.found.origin;
    found.check_here()?;
    let (mut known, mut twin, has_others) = (None, None, answers[0].len() > 1);
    for row in &answers[0] {
        let stage = stage_of(row)?;
        if known.is_none() || stage.stage == part.stage {
            known = Some(stage);
        }
        if stage.stage == part.stage && row.try_get(4).map_err(describe)? {
            twin = Some(row.try_get(5).map_err(describe)?);
        }
    }
    if rules::judge_part(&found.head, known.as_ref(), twin, part)? == PartVerdict::Known {
        return Ok(());
    }
    let so_far = known.filter(|known| known.stage == part.stage);
    let (bytes, at) = (retention::bytes_of(&part.rows), now.millis());
    retention::check_part_number(part.part)?;
    limits.check_stage(bytes + so_far.map_or(0, |known| known.bytes))?;
    let id = part.context.map(|context| context.id);
    let status = serde_json::to_string(&rules::status_after_part(found, part)).unwrap_or_default();
    let columns = Columns::of(part.rows.iter().map(|row| (row, row_validation::fault(row))));
    let mut batch = Batch::default();
    if has_others || known.is_some() && so_far.is_none() {
        for sql in CLEAR_OTHERS {
            batch.add(sql, &[&origin, &part.stage]);
        }
    }
    add_rows(&mut batch, &origin, (&part.stage, &part.part, &id), &columns, (&bytes, &at));
    batch.add(NOTE_PART, &[&origin, &status, &at]);
    tx.commit(batch).await.map(drop)
}

/// Stages the rows of a part of a stage, with its number and its id.
pub fn add_rows<'p>(
    batch: &mut Batch<'p>,
    origin: &'p &str,
    (stage, part, id): (&'p Uuid, &'p i64, &'p Option<Uuid>),
    columns: &'p Columns,
    (bytes, at): (&'p i64, &'p i64),
) {
    columns.contents.put(batch, origin);
    let Columns { t, id: ids, rev, chg, head, content, tail, code, detail, .. } = columns;
    batch.add(STAGE, &[origin, stage, part, t, ids, rev, chg, head, content, tail, code, detail, bytes, at, id]);
}

/// The counts that [`STAGED`] gave.
pub fn counts(rows: Option<&Vec<SqlRow>>) -> Result<[i64; 3]> {
    let mut counts = [0; 3];
    if let Some(row) = rows.and_then(|rows| rows.first()) {
        for (column, count) in counts.iter_mut().enumerate() {
            *count = row.try_get(column).map_err(describe)?;
        }
    }
    Ok(counts)
}
