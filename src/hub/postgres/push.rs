//! What a push does to its origin.

use tokio_postgres::Row as SqlRow;
use tokio_postgres::types::PgLsn;
use uuid::Uuid;

use super::origins::{self, Found};
use super::proposals::{self, Outcomes};
use super::rows::{self, Columns};
use super::standing::{self, STANDING, Stable, Standing};
use super::tx::{Batch, Param, READ, Scope, Tx, WRITE, told};
use super::{PostgresHub, quarantine};
use crate::domain::audit::Hash;
use crate::domain::mirror::Row;
use crate::domain::time::Time;
use crate::error::Result;
use crate::hub::faults;
use crate::hub::rules::{self, Verdict};
use crate::hub::{OFFERED_MAX, Origin, QUARANTINE_MAX, Taken};
use crate::mirror::wire::{Mode, Part, Push, Staged};

/// Whatever was begun before is not gone on with.
const CLEAR_OTHERS: [&str; 2] = [
    "delete from staged where origin = $1 and stage <> $2",
    "delete from staged_parts where origin = $1 and stage <> $2",
];
const CLEAR: [&str; 2] = ["delete from staged where origin = $1", "delete from staged_parts where origin = $1"];
/// $4 to $10: arrays of table, id, rev, chg, text, code, detail. Nothing, when the part is there.
const STAGE: &str = "
    with added as (
        insert into staged_parts (origin, stage, part) values ($1, $2, $3) on conflict do nothing returning part)
    insert into staged (origin, stage, t, id, rev, chg, v, code, detail)
    select $1, $2, t, id, rev, chg, v, code, detail
    from added, unnest($4::int4[], $5::text[], $6::int8[], $7::int8[], $8::text[], $9::text[], $10::text[])
        as r (t, id, rev, chg, v, code, detail)
    on conflict (origin, stage, t, id) do update set rev = excluded.rev, chg = excluded.chg, v = excluded.v,
        code = excluded.code, detail = excluded.detail";
/// Parts that are there, rows that spoil their write, and all rows.
const STAGED: &str = "
    select (select count(*) from staged_parts where origin = $1 and stage = $2 and part < $3),
        count(*) filter (where code in ('schema', 'unreadable')), count(*)
    from staged where origin = $1 and stage = $2";
const LOCK_IT: &str = "update origins set locked = true where origin = $1";
const TAKE: &str = concat!(
    "update origins set epoch_n = $2, epoch = $3, acked = $4, attempt = $5, high = $6, resets = $7, parent_n = $8,
        last_seen = $9, status = $10, audit_seq = $11, audit_hash = $12, audit_differs = $13, stable = $14,
        waiting_acked = $15, waiting_lsn = $16, newest_acked = $17, newest_lsn = $18
     where origin = $1 returning ",
    origins::columns!()
);
/// Only what the fleet page shows, and what is stable; unless the head has moved.
const NOTE: &str = concat!(
    "update origins set high = $4, last_seen = $5, status = $6, audit_seq = $7, audit_hash = $8, audit_differs = $9,
        stable = greatest(stable, $10), waiting_acked = $11, waiting_lsn = $12, newest_acked = $13, newest_lsn = $14
     where origin = $1 and acked = $2 and attempt = $3 and not locked and phase = 'here' returning ",
    origins::columns!()
);

/// Keeps a part of a batch, each row with what is wrong with it.
pub async fn stage(hub: &PostgresHub, origin: &str, part: &Part) -> Result<()> {
    let (tx, ..) = origins::begin_here(hub, origin, Batch::default()).await?;
    let Columns { t, id, rev, chg, v, code, detail } =
        Columns::of(part.rows.iter().map(|row| (row, faults::fault(row))));
    let mut batch = Batch::default();
    if part.part == 0 {
        for sql in CLEAR_OTHERS {
            batch.add(sql, &[&origin, &part.stage]);
        }
    }
    batch.add(STAGE, &[&origin, &part.stage, &part.part, &t, &id, &rev, &chg, &v, &code, &detail]);
    tx.commit(batch).await.map(drop)
}

/// Takes a push, if it may be taken: whether it was, and how the origin stands then.
pub async fn take(hub: &PostgresHub, origin: &str, token_hash: &Hash, push: &Push, now: Time) -> Result<Taken> {
    if rules::is_idle(push)
        && push.outcomes.is_empty()
        && let Some(taken) = idle(hub, origin, token_hash, push, now).await?
    {
        return Ok(taken);
    }
    let mut first = Batch::default().with(STANDING, &[]);
    if let Some(Staged { stage, parts }) = &push.staged {
        first.add(STAGED, &[&origin, stage, parts]);
    }
    let (tx, found, answers) = origins::begin(hub, origin, first).await?;
    found.origin.check_token(token_hash)?;
    let [there, faulty, all] = counts(answers.get(1))?;
    let is_whole = push.staged.is_none_or(|staged| there == staged.parts);
    match rules::judge(&found.origin, push, is_whole, now) {
        Verdict::Locked => Err(rules::locked()),
        Verdict::Locks => {
            tx.commit(Batch::default().with(LOCK_IT, &[&origin])).await?;
            Err(rules::locked())
        }
        Verdict::NotTaken => {
            let list = Batch::default().with(quarantine::LIST, &[&origin, &QUARANTINE_MAX]);
            let quarantine = quarantine::from_rows(&tx.commit(list).await?[0])?;
            Ok(Taken { accepted: false, origin: found.origin, quarantine, proposals: vec![] })
        }
        verdict => {
            let applied = Applied::of(push, &found.origin, [faulty, all])?;
            let applied = (verdict == Verdict::Taken).then_some(applied);
            write(tx, &found, &standing::from_rows(&answers[0])?, push, applied.as_ref(), now).await
        }
    }
}

/// Of [`STAGED`].
fn counts(rows: Option<&Vec<SqlRow>>) -> Result<[i64; 3]> {
    let mut counts = [0; 3];
    if let Some(row) = rows.and_then(|rows| rows.first()) {
        for (column, count) in counts.iter_mut().enumerate() {
            *count = row.try_get(column).map_err(told)?;
        }
    }
    Ok(counts)
}

/// One that brings nothing at all: read in one round trip; what the fleet page shows is noted in another, and not each
/// time. `None` when the head moved meanwhile.
async fn idle(hub: &PostgresHub, origin: &str, token_hash: &Hash, push: &Push, now: Time) -> Result<Option<Taken>> {
    let around = Batch::default().with(STANDING, &[]).with(proposals::OPEN, &[&origin, &OFFERED_MAX]);
    let (mut found, answers) = origins::read(hub, origin, around).await?;
    found.origin.check_token(token_hash)?;
    let verdict = rules::judge(&found.origin, push, true, now);
    let stable = found.stable.advanced(found.origin.head.acked, &standing::from_rows(&answers[0])?);
    match verdict {
        Verdict::Locked => return Err(rules::locked()),
        Verdict::Idle { is_noted } if is_noted || stable != found.stable => {
            let noted = Noted::of(&found.origin, push, stable, now);
            let answers = hub.at_once(WRITE, Scope::Origin(origin), noted.note(&origin, push)).await?;
            if answers[0].is_empty() {
                return Ok(None);
            }
            found = origins::one(&answers[0])?;
        }
        _ => {}
    }
    let accepted = matches!(verdict, Verdict::Idle { .. });
    let mut quarantine = vec![];
    if found.origin.quarantined > 0 {
        let list = Batch::default().with(quarantine::LIST, &[&origin, &QUARANTINE_MAX]);
        quarantine = quarantine::from_rows(&hub.at_once(READ, Scope::Origin(origin), list).await?[0])?;
    }
    let is_told = accepted && rules::is_caught_up(push);
    let proposals = if is_told { proposals::offered(&answers[1])? } else { vec![] };
    Ok(Some(Taken { accepted, origin: found.origin, quarantine, proposals }))
}

/// What each exchange notes.
struct Noted {
    at: i64,
    status: String,
    audit: (i64, String, bool),
    stable: i64,
    waiting: (Option<i64>, Option<PgLsn>),
    newest: (Option<i64>, Option<PgLsn>),
}

impl Noted {
    fn of(before: &Origin, push: &Push, stable: Stable, now: Time) -> Noted {
        let (audit, differs) = rules::audit_after(before, push);
        Noted {
            at: now.millis(),
            status: serde_json::to_string(&push.status).unwrap_or_default(),
            audit: (audit.0, rows::without_nul(&audit.1).into_owned(), differs),
            stable: stable.acked,
            waiting: stable.waiting.unzip(),
            newest: stable.newest.unzip(),
        }
    }

    /// In the order of [`TAKE`] and [`NOTE`].
    fn params(&self) -> [Param<'_>; 10] {
        let Noted { at, status, audit: (seq, hash, differs), stable, waiting, newest } = self;
        [at, status, seq, hash, differs, stable, &waiting.0, &waiting.1, &newest.0, &newest.1]
    }

    fn note<'p>(&'p self, origin: &'p &str, push: &'p Push) -> Batch<'p> {
        let head: [Param; 4] = [origin, &push.base.acked, &push.base.attempt, &push.snap];
        Batch::default().with(NOTE, &[&head[..], &self.params()].concat())
    }
}

/// Writes what a push brings, if it brings something, and commits it.
async fn write(
    tx: Tx,
    found: &Found,
    standing: &Standing,
    push: &Push,
    applied: Option<&Applied<'_>>,
    now: Time,
) -> Result<Taken> {
    let before = &found.origin;
    let (origin, is_reset) = (before.origin.as_str(), push.mode == Mode::Replace);
    let (outcomes, head) = (Outcomes::of(&push.outcomes), rules::head_after(push));
    let advanced = || found.stable.advanced(before.head.acked, standing);
    let noted = Noted::of(before, push, if is_reset { Stable::NOTHING } else { advanced() }, now);
    let resets = before.resets + i64::from(is_reset);
    let parent = if is_reset { push.parent.unwrap_or(0) } else { before.parent };
    let mut batch = Batch::default();
    if rules::may_lose(push) {
        batch.add(proposals::REOPEN, &[&origin]);
    }
    proposals::answer(&mut batch, &origin, &outcomes, &noted.at);
    if let Some(applied) = applied {
        applied.add(&mut batch, &origin, &noted.at);
    }
    let at = batch.len();
    batch = match applied {
        None => batch.then(noted.note(&origin, push)),
        Some(_) => {
            let params: [Param; 8] =
                [&origin, &push.epoch.0, &push.epoch.1, &head.acked, &head.attempt, &push.snap, &resets, &parent];
            batch.with(TAKE, &[&params[..], &noted.params()].concat())
        }
    };
    let is_settled = applied.map_or(before.quarantined > 0, |applied| applied.is_settled);
    if is_settled {
        batch.add(quarantine::LIST, &[&origin, &QUARANTINE_MAX]);
    }
    if rules::is_caught_up(push) {
        batch.add(proposals::OPEN, &[&origin, &OFFERED_MAX]);
    }
    let mut answers = tx.commit(batch).await?.split_off(at).into_iter();
    let mut next = |is_asked: bool| if is_asked { answers.next().unwrap_or_default() } else { vec![] };
    let origin = origins::one(&next(true))?.origin;
    let quarantine = quarantine::from_rows(&next(is_settled))?;
    let proposals = proposals::offered(&next(rules::is_caught_up(push)))?;
    Ok(Taken { accepted: true, origin, quarantine, proposals })
}

/// The rows of a push, ready to be sent.
struct Applied<'r> {
    put: Columns<'r>,
    deleted: Columns<'r>,
    aside: Columns<'r>,
    /// A write may begin in one part and end in the last, which is here: it is taken or put aside whole.
    last: Option<(Uuid, i64, Columns<'r>)>,
    /// The epoch that a reset ends.
    ends: Option<i64>,
    /// Something is aside, or may be.
    is_settled: bool,
}

impl<'r> Applied<'r> {
    /// `staged`: how many rows of those staged spoil their write, and how many there are.
    fn of(push: &'r Push, before: &Origin, staged: [i64; 2]) -> Result<Applied<'r>> {
        let ends = (push.mode == Mode::Replace).then(|| before.head.epoch.map_or(0, |epoch| epoch.0));
        let none = Columns::default;
        if let Some(named) = push.staged {
            let last = Columns::of(push.rows.iter().map(|row| (row, faults::fault(row))));
            let is_spoiling = |code: &&Option<&'static str>| code.is_some_and(faults::spoils_its_write);
            let [faulty, all] = staged.map(|count| count.unsigned_abs() as usize);
            faults::check_share(faulty + last.code.iter().filter(is_spoiling).count(), all + last.t.len())?;
            let last = Some((named.stage, named.parts, last));
            return Ok(Applied { put: none(), deleted: none(), aside: none(), last, ends, is_settled: true });
        }
        let sorted = faults::sort(&push.rows)?;
        let is_settled = before.quarantined > 0 || !sorted.aside.is_empty();
        let good = rows::last_of_each(&sorted.good);
        let (put, deleted): (Vec<&Row>, Vec<&Row>) = good.into_iter().partition(|row| row.v.is_some());
        let columns = |rows: Vec<&'r Row>| Columns::of(rows.into_iter().map(|row| (row, None)));
        let aside = Columns::of(sorted.aside.into_iter());
        Ok(Applied { put: columns(put), deleted: columns(deleted), aside, last: None, ends, is_settled })
    }

    fn add<'p>(&'p self, batch: &mut Batch<'p>, origin: &'p &str, at: &'p i64) {
        if let Some(epoch_n) = &self.ends {
            rows::set_aside(batch, origin, epoch_n, at);
        }
        if let Some((stage, part, Columns { t, id, rev, chg, v, code, detail })) = &self.last {
            batch.add(STAGE, &[origin, stage, part, t, id, rev, chg, v, code, detail]);
            quarantine::settle_staged(batch, origin, stage, at);
            rows::apply_staged(batch, origin, stage);
            for sql in CLEAR {
                batch.add(sql, &[origin]);
            }
        }
        rows::apply(batch, origin, &self.put, &self.deleted);
        if self.is_settled {
            quarantine::settle(batch, origin, &self.aside, [&self.put, &self.deleted], at);
        }
        if let Some(epoch_n) = &self.ends {
            rows::discard_found(batch, origin, epoch_n);
        }
    }
}
