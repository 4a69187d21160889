//! Origins that arrive from another hub, or move to one.

use deadpool_postgres::Pool;
use serde_json::value::RawValue;
use tokio_postgres::Row as SqlRow;
use uuid::Uuid;

use super::audit;
use super::contents::{Contents, whole_text, with_content};
use super::origins::{self, LockedOrigin};
use super::orphaned_rows;
use super::proposals;
use super::rows::{self, Columns, SCAN, without_nul};
use super::tx::{Batch, describe as failed};
use crate::domain::mirror::Row;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::audit::{AuditNote, Caller, HubAction};
use crate::sync::hub::migration::{self, Arrival, Checksum, Delivery, FinishMove, QuarantinedRow};
use crate::sync::hub::origin::{Origin, Phase, origin_not_found};

const QUARANTINED: &str = concat!(
    "select t, id, rev, chg, ",
    whole_text!("q"),
    ", code, detail, first_seen, tries from quarantine q ",
    with_content!("q"),
    "
    where q.origin = $1 order by t, id"
);
const CHANGE_PHASE: &str = concat!(
    "update origins set phase = $2, moved_to = $3, quarantined = case when $2 = 'moved' then 0 else quarantined end
     where origin = $1 returning ",
    origins::columns!()
);
/// An origin that had moved away and comes back loses the head that it had here.
const ARRIVE: &str = "
    insert into origins (origin, name, token_hash, enrolled_at, attempt, phase) values ($1, $2, $3, $4, $5, 'arriving')
    on conflict (origin) do update set name = excluded.name, token_hash = excluded.token_hash,
        enrolled_at = excluded.enrolled_at, attempt = excluded.attempt, phase = excluded.phase, moved_to = null,
        epoch_n = null, epoch = null, acked = 0, stable = 0, waiting_acked = null, waiting_lsn = null,
        newest_acked = null, newest_lsn = null";
const CLEAR: [&str; 3] = [
    "delete from quarantine where origin = $1",
    "delete from proposals where origin = $1",
    "delete from lost_tail where origin = $1",
];
const CLEAR_STAGED: [&str; 2] = ["delete from staged where origin = $1", "delete from staged_parts where origin = $1"];
const INSERT_QUARANTINED: &str = "
    insert into quarantine (origin, t, id, rev, chg, head, content, tail, code, detail, first_seen, tries)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const COUNTS: &str = "
    select (select count(*) from quarantine where origin = $1), (select count(*) from proposals where origin = $1),
        (select count(*) from lost_tail where origin = $1)";
const FINISH_MOVE: &str = "
    update origins set name = $2, token_hash = $3, enrolled_at = $4, epoch_n = $5, epoch = $6, acked = $7, attempt = $8,
        high = $9, stable = 0, last_seen = $10, status = $11, resets = $12, parent_n = $13, locked = $14,
        quarantined = $15, audit_seq = $16, audit_hash = $17, audit_differs = $18, phase = 'here',
        next_token_hash = $19, tags = $20, acknowledged = $21, rejected = 0,
            used_rows = null, used_bytes = null, over_limit = null, contents_swept = false
    where origin = $1";

/// Every quarantined row, as it is stored.
pub async fn quarantined_rows(pool: &Pool, origin: &str) -> Result<Vec<QuarantinedRow>> {
    let (_, answers) = origins::read(pool, origin, Batch::default().with(QUARANTINED, &[&origin])).await?;
    answers[0].iter().map(quarantined_from_row).collect()
}

fn quarantined_from_row(row: &SqlRow) -> Result<QuarantinedRow> {
    let v: Option<String> = row.try_get(4).map_err(failed)?;
    Ok(QuarantinedRow {
        t: row.try_get::<_, i32>(0).map_err(failed)?.into(),
        id: row.try_get(1).map_err(failed)?,
        rev: row.try_get(2).map_err(failed)?,
        chg: row.try_get(3).map_err(failed)?,
        v: v.map(RawValue::from_string).transpose().map_err(|error| Error::Internal(Box::new(error)))?,
        code: row.try_get(5).map_err(failed)?,
        detail: row.try_get(6).map_err(failed)?,
        first_seen: Time::from_millis(row.try_get(7).map_err(failed)?),
        tries: row.try_get(8).map_err(failed)?,
    })
}

/// Changes the phase of an origin.
pub async fn change_phase(pool: &Pool, origin: &str, to: &Phase, caller: Caller<'_>) -> Result<Origin> {
    let (mut tx, LockedOrigin { found, .. }, _) = origins::begin(pool, origin, Batch::default()).await?;
    migration::check_phase_change(&found.origin.phase, to)?;
    let (name, target) = (to.name(), to.target());
    let mut batch = Batch::default().with(CHANGE_PHASE, &[&origin, &name, &target]);
    if to.hub().is_some() {
        // The other hub has all of it: the checksums were equal.
        orphaned_rows::clear(&mut batch, &origin);
    }
    let answers = tx.send(batch).await?;
    audit::commit(tx, AuditNote::new(caller, HubAction::Move, origin, &to.describe())).await?;
    Ok(origins::one(&answers[0])?.origin)
}

/// Begins an arrival.
pub async fn arrive(pool: &Pool, announced: &Origin) -> Result<Arrival> {
    let (origin, name) = (announced.origin.as_str(), without_nul(&announced.name));
    let (tx, locked, _) = origins::lock(pool, origin, Batch::default()).await?;
    let arrival = migration::judge_arrival(locked.map(|locked| locked.found.origin).as_ref(), announced)?;
    let (token, at, nil) = (announced.token.as_slice(), announced.enrolled_at.millis(), Uuid::nil());
    let mut batch = Batch::default();
    if arrival == Arrival::Begun {
        batch.add(ARRIVE, &[&origin, &name, &token, &at, &nil]);
    }
    tx.commit(batch).await.map(|_| arrival)
}

/// Stores a delivery.
pub async fn deliver(pool: &Pool, origin: &str, delivery: &Delivery) -> Result<()> {
    let (tx, LockedOrigin { found, .. }, _) = origins::begin(pool, origin, Batch::default()).await?;
    migration::check_arriving(&found.origin)?;
    let (upserted, deleted): (Vec<&Row>, Vec<&Row>) = delivery.rows.iter().partition(|row| row.v.is_some());
    let upserted = Columns::of(upserted.into_iter().map(|row| (row, None)));
    let deleted = Columns::of(deleted.into_iter().map(|row| (row, None)));
    let quarantined: Vec<QuarantineColumns> = delivery.quarantined.iter().map(QuarantineColumns::of).collect();
    let proposals = delivery.proposals.iter().map(proposals::ProposalColumns::of).collect::<Result<Vec<_>>>()?;
    let orphaned = orphaned_rows::Columns::of(&delivery.orphaned_rows);
    let mut batch = Batch::default();
    for sql in CLEAR.into_iter().filter(|_| delivery.clears) {
        batch.add(sql, &[&origin]);
    }
    rows::apply(&mut batch, &origin, &upserted, &deleted);
    orphaned.add(&mut batch, &origin);
    for QuarantineColumns { row, t, id, head, content, tail, contents, detail, at } in &quarantined {
        let QuarantinedRow { rev, chg, code, tries, .. } = row;
        contents.put(&mut batch, &origin);
        batch.add(INSERT_QUARANTINED, &[&origin, t, id, rev, chg, head, content, tail, code, detail, at, tries]);
    }
    proposals.iter().for_each(|columns| columns.add(&mut batch, &origin));
    tx.commit(batch).await.map(drop)
}

/// A quarantined row, as PostgreSQL can store it.
struct QuarantineColumns<'a> {
    row: &'a QuarantinedRow,
    t: i32,
    id: std::borrow::Cow<'a, str>,
    head: Option<&'a str>,
    content: Option<Vec<u8>>,
    tail: Option<&'a str>,
    contents: Contents<'a>,
    detail: std::borrow::Cow<'a, str>,
    at: i64,
}

impl QuarantineColumns<'_> {
    fn of(row: &QuarantinedRow) -> QuarantineColumns<'_> {
        let t = i32::try_from(row.t).unwrap_or(i32::MAX);
        let text = row.stored_text();
        let mut contents = Contents::default();
        QuarantineColumns {
            row,
            t,
            id: rows::storable_id(&row.id),
            head: text.map(|text| text.head),
            content: text.and_then(|text| contents.add(&text)),
            tail: text.and_then(|text| text.tail()),
            contents,
            detail: without_nul(&row.detail),
            at: row.first_seen.millis(),
        }
    }
}

/// Ends an arrival, and drops what was staged for the origin here before.
pub async fn finish_move(pool: &Pool, finish: &FinishMove, caller: Caller<'_>) -> Result<()> {
    let announced = &finish.origin;
    let origin = announced.origin.as_str();
    let counts = Batch::default().with(COUNTS, &[&origin]);
    let (mut tx, LockedOrigin { found, .. }, answers) = origins::begin(pool, origin, counts).await?;
    let counts = answers[0].first().ok_or_else(origin_not_found)?;
    let count = |column: usize| counts.try_get(column).map_err(failed);
    let mut checksum =
        Checksum { quarantined: count(0)?, proposals: count(1)?, orphaned: count(2)?, ..Checksum::default() };
    tx.stream(SCAN, origin, |row| {
        let text = |column: usize| row.try_get::<_, &str>(column).map_err(failed);
        let number = |column: usize| row.try_get(column).map_err(failed);
        checksum.add(rows::table(row, 0)?, text(1)?, [number(2)?, number(4)?], text(3)?);
        Ok(())
    })
    .await?;
    if !migration::must_finish(&found.origin, finish, &checksum)? {
        return Ok(());
    }
    let (name, token, enrolled_at) =
        (without_nul(&announced.name), announced.token.as_slice(), announced.enrolled_at.millis());
    let (epoch_n, epoch) = announced.head.epoch.map(|epoch| (epoch.0, epoch.1)).unzip();
    let (last_seen, status) =
        (announced.last_seen.map(Time::millis), serde_json::to_string(&announced.status).unwrap_or_default());
    let hash = without_nul(&announced.audit.1);
    let next_token = announced.next_token.as_ref().map(|token| token.as_slice());
    let (tags, acknowledged) =
        (announced.tags.join(" "), serde_json::to_string(&announced.acknowledged).unwrap_or_default());
    let tags = without_nul(&tags);
    let mut batch = Batch::default().with(
        FINISH_MOVE,
        &[
            &origin,
            &name,
            &token,
            &enrolled_at,
            &epoch_n,
            &epoch,
            &announced.head.acked,
            &announced.head.attempt,
            &announced.high,
            &last_seen,
            &status,
            &announced.resets,
            &announced.parent,
            &announced.is_locked,
            &announced.quarantined,
            &announced.audit.0,
            &hash,
            &announced.audit_differs,
            &next_token,
            &tags,
            &acknowledged,
        ],
    );
    for sql in CLEAR_STAGED {
        batch.add(sql, &[&origin]);
    }
    tx.send(batch).await?;
    audit::commit(tx, AuditNote::new(caller, HubAction::Move, origin, "arrived from another hub")).await
}
