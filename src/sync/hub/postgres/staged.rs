//! Parts of a batch that is too large for one request.

use tokio_postgres::Row as SqlRow;

use super::PostgresHub;
use super::origins;
use super::rows::Columns;
use super::tx::{Batch, describe};
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::{retention, row_validation};
use crate::sync::protocol::wire::Part;

/// How much is staged, and whether a part is there.
const ROOM: &str = "
    select coalesce(sum(bytes) filter (where stage = $2), 0)::int8,
        coalesce(bool_or(stage = $2 and part = $3), false), coalesce(bool_or(stage <> $2), false)
    from staged_parts where origin = $1";
/// Whatever was begun beside it is not gone on with.
const CLEAR_OTHERS: [&str; 2] = [
    "delete from staged where origin = $1 and stage <> $2",
    "delete from staged_parts where origin = $1 and stage <> $2",
];
pub const CLEAR: [&str; 2] = ["delete from staged where origin = $1", "delete from staged_parts where origin = $1"];
/// $4 to $10: arrays of table, id, rev, chg, text, code, detail; $11: bytes; $12: now. Nothing, when the part is there.
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
/// Parts that are there, rows that spoil their write, and all rows.
pub const STAGED: &str = "
    select (select count(*) from staged_parts where origin = $1 and stage = $2 and part < $3),
        count(*) filter (where code in ('schema', 'unreadable')), count(*)
    from staged where origin = $1 and stage = $2";

/// Keeps a part of a batch, each row with what is wrong with it.
pub async fn stage(hub: &PostgresHub, origin: &str, part: &Part, now: Time) -> Result<()> {
    let room = Batch::default().with(ROOM, &[&origin, &part.stage, &part.part]);
    let (tx, answers) = origins::begin_here(hub, origin, room).await?;
    let room = answers[0].first().ok_or_else(origins::unknown)?;
    if room.try_get(1).map_err(describe)? {
        return Ok(());
    }
    let (bytes, at) = (retention::bytes_of(&part.rows), now.millis());
    retention::check_stage(part.part, bytes + room.try_get::<_, i64>(0).map_err(describe)?)?;
    let Columns { t, id, rev, chg, v, code, detail } =
        Columns::of(part.rows.iter().map(|row| (row, row_validation::fault(row))));
    let mut batch = Batch::default();
    // Looked for among the parts: the rows are many.
    if room.try_get(2).map_err(describe)? {
        for sql in CLEAR_OTHERS {
            batch.add(sql, &[&origin, &part.stage]);
        }
    }
    batch.add(STAGE, &[&origin, &part.stage, &part.part, &t, &id, &rev, &chg, &v, &code, &detail, &bytes, &at]);
    tx.commit(batch).await.map(drop)
}

/// Of [`STAGED`].
pub fn counts(rows: Option<&Vec<SqlRow>>) -> Result<[i64; 3]> {
    let mut counts = [0; 3];
    if let Some(row) = rows.and_then(|rows| rows.first()) {
        for (column, count) in counts.iter_mut().enumerate() {
            *count = row.try_get(column).map_err(describe)?;
        }
    }
    Ok(counts)
}
