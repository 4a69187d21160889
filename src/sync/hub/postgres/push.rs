//! What a push does to its origin.

use tokio_postgres::types::PgLsn;
use uuid::Uuid;

use super::origins::{self, Seen};
use super::proposals::{self, Outcomes};
use super::rows::{self, Columns};
use super::staged::{CLEAR, STAGE, STAGED, counts};
use super::standing::Stable;
use super::tx::{Batch, Param, READ, Scope, Tx, WRITE};
use super::{PostgresHub, quarantine};
use crate::domain::audit::Hash;
use crate::domain::mirror::Row;
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::row_validation;
use crate::sync::hub::rules::{self, PushVerdict};
use crate::sync::hub::{OFFERED_MAX, Origin, PushResult, QUARANTINE_MAX};
use crate::sync::protocol::wire::{Mode, Push, Staged};

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

/// Takes a push, if it may be taken: whether it was, and how the origin stands then.
pub async fn take(hub: &PostgresHub, origin: &str, token_hash: &Hash, push: &Push, now: Time) -> Result<PushResult> {
    if rules::is_idle(push)
        && push.outcomes.is_empty()
        && let Some(taken) = idle(hub, origin, token_hash, push, now).await?
    {
        return Ok(taken);
    }
    let mut first = Batch::default();
    if let Some(Staged { stage, parts }) = &push.staged {
        first.add(STAGED, &[&origin, stage, parts]);
    }
    let (tx, seen, answers) = origins::begin(hub, origin, first).await?;
    let found = &seen.found;
    found.origin.check_token(token_hash)?;
    let [there, faulty, all] = counts(answers.first())?;
    let is_whole = push.staged.is_none_or(|staged| there == staged.parts);
    match rules::judge(&found.origin, push, is_whole, now) {
        PushVerdict::Locked => Err(rules::locked()),
        PushVerdict::Locks => {
            tx.commit(Batch::default().with(LOCK_IT, &[&origin])).await?;
            Err(rules::locked())
        }
        PushVerdict::NotTaken => {
            let list = Batch::default().with(quarantine::LIST, &[&origin, &QUARANTINE_MAX]);
            let quarantine = quarantine::from_rows(&tx.commit(list).await?[0])?;
            Ok(PushResult { accepted: false, origin: seen.found.origin, quarantine, proposals: vec![] })
        }
        verdict => {
            let applied = Applied::of(push, &found.origin, [faulty, all])?;
            let applied = (verdict == PushVerdict::PushResult).then_some(applied);
            write(tx, &seen, push, applied.as_ref(), now).await
        }
    }
}

/// One that brings nothing at all: seen in one round trip; what the fleet page shows is noted in another, and not each
/// time. `None` when the head moved meanwhile.
async fn idle(
    hub: &PostgresHub,
    origin: &str,
    token_hash: &Hash,
    push: &Push,
    now: Time,
) -> Result<Option<PushResult>> {
    let Seen { mut found, standing, has_open } = origins::look(hub, origin).await?;
    found.origin.check_token(token_hash)?;
    let verdict = rules::judge(&found.origin, push, true, now);
    let stable = found.stable.advanced(found.origin.head.acked, &standing);
    match verdict {
        PushVerdict::Locked => return Err(rules::locked()),
        PushVerdict::Idle { is_noted } if is_noted || stable != found.stable => {
            let noted = Noted::of(&found.origin, push, stable, now);
            let answers = hub.at_once(WRITE, Scope::Origin(origin), noted.note(&origin, push)).await?;
            if answers[0].is_empty() {
                return Ok(None);
            }
            found = origins::one(&answers[0])?;
        }
        _ => {}
    }
    let accepted = matches!(verdict, PushVerdict::Idle { .. });
    let (is_aside, is_told) = (found.origin.quarantined > 0, accepted && has_open && rules::is_caught_up(push));
    let (mut quarantine, mut proposals) = (vec![], vec![]);
    if is_aside || is_told {
        let both = Batch::default()
            .with(quarantine::LIST, &[&origin, &QUARANTINE_MAX])
            .with(proposals::OPEN, &[&origin, &OFFERED_MAX]);
        let answers = hub.at_once(READ, Scope::Origin(origin), both).await?;
        quarantine = quarantine::from_rows(&answers[0])?;
        proposals = if is_told { proposals::offered(&answers[1])? } else { vec![] };
    }
    Ok(Some(PushResult { accepted, origin: found.origin, quarantine, proposals }))
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
async fn write(tx: Tx, seen: &Seen, push: &Push, applied: Option<&Applied<'_>>, now: Time) -> Result<PushResult> {
    let Seen { found, standing, has_open } = seen;
    let before = &found.origin;
    // A reset may have taken answers back.
    let is_told = rules::is_caught_up(push) && (*has_open || rules::may_lose(push));
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
    if is_told {
        batch.add(proposals::OPEN, &[&origin, &OFFERED_MAX]);
    }
    let mut answers = tx.commit(batch).await?.split_off(at).into_iter();
    let mut next = |is_asked: bool| if is_asked { answers.next().unwrap_or_default() } else { vec![] };
    let origin = origins::one(&next(true))?.origin;
    let quarantine = quarantine::from_rows(&next(is_settled))?;
    let proposals = proposals::offered(&next(is_told))?;
    Ok(PushResult { accepted: true, origin, quarantine, proposals })
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
            let last = Columns::of(push.rows.iter().map(|row| (row, row_validation::fault(row))));
            let is_spoiling = |code: &&Option<&'static str>| code.is_some_and(row_validation::poisons_transaction);
            let [faulty, all] = staged.map(|count| count.unsigned_abs() as usize);
            row_validation::check_share(faulty + last.code.iter().filter(is_spoiling).count(), all + last.t.len())?;
            let last = Some((named.stage, named.parts, last));
            return Ok(Applied { put: none(), deleted: none(), aside: none(), last, ends, is_settled: true });
        }
        let sorted = row_validation::sort(&push.rows)?;
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
            batch.add(STAGE, &[origin, stage, part, t, id, rev, chg, v, code, detail, &0_i64, at]);
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
