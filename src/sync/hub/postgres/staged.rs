//! Parts of a batch that is too large for one request.

use deadpool_postgres::Pool;
use tokio_postgres::Row as SqlRow;

use super::origins;
use super::rows::Columns;
use super::tx::{Batch, describe};
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::origin::origin_not_found;
use crate::sync::hub::{retention, row_validation};
use crate::sync::protocol::wire::Part;

/// How much is staged, whether the part is staged already, and whether there are other stages.
const STAGE_STATE: &str = "
    select coalesce(sum(bytes) filter (where stage = $2), 0)::int8,
        coalesce(bool_or(stage = $2 and part = $3), false), coalesce(bool_or(stage <> $2), false)
    from staged_parts where origin = $1";
/// Discards all parts of other stages.
const CLEAR_OTHERS: [&str; 2] = [
    "delete from staged where origin = $1 and stage <> $2",
    "delete from staged_parts where origin = $1 and stage <> $2",
];
pub const CLEAR: [&str; 2] = ["delete from staged where origin = $1", "delete from staged_parts where origin = $1"];
/// $4 to $10: arrays of table, id, rev, chg, text, code, detail; $11: bytes; $12: now. Changes nothing when the part is
/// staged already.
pub const STAGE: &str = "
    with added as (
        insert into staged_parts (origin, stage, part, bytes, staged_at) values ($1, $2, $3, $11, $12)
        on conflict do nothing returning part)
    insert into staged (origin, stage, t, id, rev, chg, v, code, detail)
    select $1, $2, t, id, rev, chg, v, code, detail
    from added, unnest($4::int4[], $5::text[], $6::int8[], $7::int8[], $8::text[], $9::text[], $10::text[])
        as r (t, id, rev, chg, v, code, detail)
    on conflict (origin, stage, t, id) do update set rev = excluded.rev, chg = excluded.chg, v = excluded.v,
        code = excluded.code, detail = excluded.detail";
/// The number of staged parts, of rows that poison their write, and of all rows.
pub const STAGED: &str = "
    select (select count(*) from staged_parts where origin = $1 and stage = $2 and part < $3),
        count(*) filter (where code in ('schema', 'unreadable')), count(*)
    from staged where origin = $1 and stage = $2";

/// Stages a part of a batch, each row with its fault.
pub async fn stage(pool: &Pool, origin: &str, part: &Part, now: Time) -> Result<()> {
    let state = Batch::default().with(STAGE_STATE, &[&origin, &part.stage, &part.part]);
    let (tx, answers) = origins::begin_here(pool, origin, state).await?;
    let state = answers[0].first().ok_or_else(origin_not_found)?;
    if state.try_get(1).map_err(describe)? {
        return Ok(());
    }
    let (bytes, at) = (retention::bytes_of(&part.rows), now.millis());
    retention::check_stage(part.part, bytes + state.try_get::<_, i64>(0).map_err(describe)?)?;
    let Columns { t, id, rev, chg, v, code, detail } =
        Columns::of(part.rows.iter().map(|row| (row, row_validation::fault(row))));
    let mut batch = Batch::default();
    // Looks at the parts: the rows are many.
    if state.try_get(2).map_err(describe)? {
        for sql in CLEAR_OTHERS {
            batch.add(sql, &[&origin, &part.stage]);
        }
    }
    batch.add(STAGE, &[&origin, &part.stage, &part.part, &t, &id, &rev, &chg, &v, &code, &detail, &bytes, &at]);
    tx.commit(batch).await.map(drop)
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
