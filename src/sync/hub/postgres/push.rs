//! What a push changes in its origin.

use deadpool_postgres::Pool;
use tokio_postgres::types::PgLsn;

use super::origins::{self, LockedOrigin};
use super::proposals::{self, AnswerColumns};
use super::push_rows::PushRows;
use super::rows;
use super::stable::Stable;
use super::staged::{STAGED, counts};
use super::tx::{self, Batch, Param, READ, Scope, Tx, WRITE};
use super::{quarantine, usage};
use crate::domain::audit::Hash;
use crate::domain::time::Time;
use crate::error::Result;
use crate::sync::hub::limits::{OriginLimits, OverLimit, Usage, UsageOfPush};
use crate::sync::hub::origin::Origin;
use crate::sync::hub::proposals::OFFERED_MAX;
use crate::sync::hub::rules::{self, PushVerdict};
use crate::sync::hub::store::{PushResult, QUARANTINE_MAX};
use crate::sync::protocol::wire::{Mode, Push, Staged};

const LOCK: &str = "update origins set locked = true where origin = $1";
const APPLY: &str = concat!(
    "update origins set epoch_n = $2, epoch = $3, acked = $4, attempt = $5, high = $6, resets = $7, parent_n = $8,
        last_seen = $9, status = $10, audit_seq = $11, audit_hash = $12, audit_differs = $13, stable = $14,
        waiting_acked = $15, waiting_lsn = $16, newest_acked = $17, newest_lsn = $18,
        rejected = 0, used_rows = $19, used_bytes = $20, over_limit = $21, contents_swept = false
     where origin = $1 returning ",
    origins::columns!()
);
/// Updates only what the fleet page shows and what is stable; nothing when the head has moved.
const UPDATE_FLEET: &str = concat!(
    "update origins set high = $4, last_seen = $5, status = $6, audit_seq = $7, audit_hash = $8, audit_differs = $9,
        stable = greatest(stable, $10), waiting_acked = $11, waiting_lsn = $12, newest_acked = $13, newest_lsn = $14,
        rejected = 0
     where origin = $1 and acked = $2 and attempt = $3 and not locked and phase = 'here' returning ",
    origins::columns!()
);

const NOTE_REJECTION: &str = "update origins set rejected = $2, last_seen = $3 where origin = $1";
const SET_USED: &str = "update origins set used_rows = $2, used_bytes = $3 where origin = $1";

/// Applies a push where it is to be accepted.
pub async fn apply(
    pool: &Pool,
    origin: &str,
    (token_hash, limits): (&Hash, &OriginLimits),
    push: &Push,
    now: Time,
) -> Result<PushResult> {
    if rules::is_idle(push)
        && push.outcomes.is_empty()
        && let Some(result) = apply_idle(pool, origin, token_hash, push, now).await?
    {
        return Ok(result);
    }
    let mut first = Batch::default();
    if let Some(Staged { stage, parts }) = &push.staged {
        first.add(STAGED, &[&origin, stage, parts]);
    }
    let (mut tx, locked, answers) = origins::begin(pool, origin, first).await?;
    let found = &locked.found;
    found.origin.check_token(token_hash)?;
    let [parts, faulty, all] = counts(answers.first())?;
    let is_whole = push.staged.is_none_or(|staged| parts == staged.parts);
    match rules::judge(&found.origin, push, is_whole, now) {
        PushVerdict::Locked => Err(rules::locked()),
        PushVerdict::Lock => {
            tx.commit(Batch::default().with(LOCK, &[&origin])).await?;
            Err(rules::locked())
        }
        PushVerdict::Reject => {
            let mut batch = Batch::default().with(quarantine::LIST, &[&origin, &QUARANTINE_MAX]);
            let noted = rules::after_rejection(&found.origin, now)
                .map(|(rejected, seen)| (rejected, seen, seen.map(Time::millis)));
            if let Some((rejected, _, seen_ms)) = &noted {
                batch.add(NOTE_REJECTION, &[&origin, rejected, seen_ms]);
            }
            let quarantine = quarantine::from_rows(&tx.commit(batch).await?[0])?;
            let mut origin = locked.found.origin;
            if let Some((rejected, last_seen, _)) = noted {
                (origin.rejected, origin.last_seen) = (rejected, last_seen);
            }
            Ok(PushResult { accepted: false, origin, quarantine, proposals: vec![] })
        }
        verdict => {
            let rows = PushRows::of(push, &found.origin, [faulty, all])?;
            let rows = match verdict {
                PushVerdict::Apply => {
                    Some((rows, usage::before_push(&mut tx, &found.origin, push, limits).await?, limits))
                }
                _ => None,
            };
            write(tx, &locked, push, rows.as_ref(), now).await
        }
    }
}

/// A push that brings nothing at all takes one round trip; the update of what the fleet page shows takes another, and does
/// not happen each time. `None` when the head moved meanwhile.
async fn apply_idle(
    pool: &Pool,
    origin: &str,
    token_hash: &Hash,
    push: &Push,
    now: Time,
) -> Result<Option<PushResult>> {
    let LockedOrigin { mut found, wal, has_open } = origins::look(pool, origin).await?;
    found.origin.check_token(token_hash)?;
    let verdict = rules::judge(&found.origin, push, true, now);
    let stable = found.stable.advanced(found.origin.head.acked, &wal);
    match verdict {
        PushVerdict::Locked => return Err(rules::locked()),
        // Noted by a transaction that locks the origin.
        PushVerdict::Reject if rules::after_rejection(&found.origin, now).is_some() => return Ok(None),
        PushVerdict::Idle { updates_fleet } if updates_fleet || stable != found.stable => {
            let update = FleetUpdate::of(&found.origin, push, stable, now);
            let answers = tx::at_once(pool, WRITE, Scope::Origin(origin), update.batch(&origin, push)).await?;
            if answers[0].is_empty() {
                return Ok(None);
            }
            found = origins::one(&answers[0])?;
        }
        _ => {}
    }
    let accepted = matches!(verdict, PushVerdict::Idle { .. });
    let (has_quarantined, offers) = (found.origin.quarantined > 0, accepted && has_open && rules::is_caught_up(push));
    let (mut quarantine, mut proposals) = (vec![], vec![]);
    if has_quarantined || offers {
        let both = Batch::default()
            .with(quarantine::LIST, &[&origin, &QUARANTINE_MAX])
            .with(proposals::OPEN, &[&origin, &OFFERED_MAX]);
        let answers = tx::at_once(pool, READ, Scope::Origin(origin), both).await?;
        quarantine = quarantine::from_rows(&answers[0])?;
        proposals = if offers { proposals::offered(&answers[1])? } else { vec![] };
    }
    Ok(Some(PushResult { accepted, origin: found.origin, quarantine, proposals }))
}

/// What each exchange may update.
struct FleetUpdate {
    at: i64,
    status: String,
    audit: (i64, String, bool),
    stable: i64,
    waiting: (Option<i64>, Option<PgLsn>),
    newest: (Option<i64>, Option<PgLsn>),
}

impl FleetUpdate {
    fn of(before: &Origin, push: &Push, stable: Stable, now: Time) -> FleetUpdate {
        let (audit, differs) = rules::audit_after(before, push);
        FleetUpdate {
            at: now.millis(),
            status: serde_json::to_string(&push.status).unwrap_or_default(),
            audit: (audit.0, rows::without_nul(&audit.1).into_owned(), differs),
            stable: stable.acked,
            waiting: stable.waiting.unzip(),
            newest: stable.newest.unzip(),
        }
    }

    /// In the order of [`APPLY`] and [`UPDATE_FLEET`].
    fn params(&self) -> [Param<'_>; 10] {
        let FleetUpdate { at, status, audit: (seq, hash, differs), stable, waiting, newest } = self;
        [at, status, seq, hash, differs, stable, &waiting.0, &waiting.1, &newest.0, &newest.1]
    }

    fn batch<'p>(&'p self, origin: &'p &str, push: &'p Push) -> Batch<'p> {
        let head: [Param; 4] = [origin, &push.base.acked, &push.base.attempt, &push.snap];
        Batch::default().with(UPDATE_FLEET, &[&head[..], &self.params()].concat())
    }
}

/// Writes what a push brings, if it brings something, and commits.
async fn write(
    mut tx: Tx,
    locked: &LockedOrigin,
    push: &Push,
    rows: Option<&(PushRows<'_>, UsageOfPush, &OriginLimits)>,
    now: Time,
) -> Result<PushResult> {
    let (rows, counted) = rows.map(|(rows, used, limits)| (rows, (*used, *limits))).unzip();
    let used = counted.map_or(Usage::default(), |(used, _)| used.estimate());
    let must_count = counted.filter(|(used, limits)| used.must_count_after(limits));
    let LockedOrigin { found, wal, has_open } = locked;
    let before = &found.origin;
    // A reset may make answered proposals open again.
    let offers = rules::is_caught_up(push) && (*has_open || rules::may_undo_answers(push));
    let (origin, is_reset) = (before.origin.as_str(), push.mode == Mode::Replace);
    let (proposal_answers, head) = (AnswerColumns::of(&push.outcomes), rules::head_after(push));
    let advanced = || found.stable.advanced(before.head.acked, wal);
    let update = FleetUpdate::of(before, push, if is_reset { Stable::NOTHING } else { advanced() }, now);
    let resets = before.resets + i64::from(is_reset);
    let parent = if is_reset { push.parent.unwrap_or(0) } else { before.parent };
    let over_limit = OverLimit::after_push(before.over_limit, now);
    let over_limit = over_limit.map(|over| serde_json::to_string(&over).unwrap_or_default());
    let mut batch = Batch::default();
    if rules::may_undo_answers(push) {
        batch.add(proposals::REOPEN, &[&origin]);
    }
    proposals::set_answers(&mut batch, &origin, &proposal_answers, &update.at);
    if let Some(rows) = rows {
        rows.add(&mut batch, &origin, &update.at);
    }
    let at = batch.len();
    batch = match rows {
        None => batch.then(update.batch(&origin, push)),
        Some(_) => {
            let params: [Param; 8] =
                [&origin, &push.epoch.0, &push.epoch.1, &head.acked, &head.attempt, &push.snap, &resets, &parent];
            let usage: [Param; 3] = [&used.rows, &used.bytes, &over_limit];
            batch.with(APPLY, &[&params[..], &update.params(), &usage].concat())
        }
    };
    let has_quarantined = rows.map_or(before.quarantined > 0, |rows| rows.touches_quarantine);
    if has_quarantined {
        batch.add(quarantine::LIST, &[&origin, &QUARANTINE_MAX]);
    }
    if offers {
        batch.add(proposals::OPEN, &[&origin, &OFFERED_MAX]);
    }
    let mut answers = match must_count {
        None => tx.commit(batch).await?,
        Some((usage, limits)) => {
            let answers = tx.send(batch).await?;
            let used = usage.check(usage::count(&mut tx, origin).await?, limits)?;
            tx.commit(Batch::default().with(SET_USED, &[&origin, &used.rows, &used.bytes])).await?;
            answers
        }
    };
    let mut answers = answers.split_off(at).into_iter();
    let mut next = |is_asked: bool| if is_asked { answers.next().unwrap_or_default() } else { vec![] };
    let origin = origins::one(&next(true))?.origin;
    let quarantine = quarantine::from_rows(&next(has_quarantined))?;
    let proposals = proposals::offered(&next(offers))?;
    Ok(PushResult { accepted: true, origin, quarantine, proposals })
}
