//! An edge's end of the mirror: reads what is due, records the attempt, and takes in the answer. It knows no network,
//! no clock and no chance: whoever drives it carries its messages and gives it its uuids.

use std::sync::Arc;

use uuid::Uuid;

use super::batch::Batch;
use super::engine::{Fork, ReplyVerdict, Rule, judge, rule};
use crate::db::{Author, Db, ReadTx, SCHEMA_VERSION, WriteTx};
use crate::domain::mirror::Position;
use crate::domain::proposal::{Outcome as Answer, ProposalResult};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::store::feed::{self, FeedCursor};
use crate::store::{audit, proposals as answers, quarantine, sync_state};
use crate::sync::protocol::wire::{EdgeStatus, Mode, PROTO, Part, Push, Reply, Staged};
use crate::usecases::proposals;

const AUDIT_DIFFERS: &str = "the audit trail is not the one that the hub was told of: entries were changed or cut off";

/// How old `last_success` may be before an exchange that brings nothing writes it anew.
const NOTED_MS: i64 = 10_000;

/// A message for the hub.
#[derive(Debug)]
pub enum Outgoing {
    /// To be followed by the next message; by the push only once the hub has all parts.
    Part(Part),
    Push(Box<Push>),
}

impl Outgoing {
    /// How many it brings.
    pub fn rows(&self) -> usize {
        match self {
            Outgoing::Part(part) => part.rows.len(),
            Outgoing::Push(push) => push.rows.len(),
        }
    }
}

/// What came of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeOutcome {
    /// Not the answer that was waited for.
    Ignored,
    /// The hub has everything up to `acked`.
    Acked { acked: i64 },
    /// The hub had less than it once had, and is given the rest again.
    Rewound { acked: i64 },
    /// A new epoch has begun.
    Forked(Fork),
}

/// A batch that goes in parts.
struct Sending {
    stage: Uuid,
    parts: i64,
    /// Behind what has been sent.
    after: FeedCursor,
    /// Where the batch ends.
    to: i64,
}

/// An edge and its one exchange under way.
pub struct SyncSession {
    db: Arc<Db>,
    sending: Option<Sending>,
    request: Option<Uuid>,
    /// Answers to proposals that the push under way tells.
    telling: Vec<Uuid>,
}

impl SyncSession {
    pub fn new(db: Arc<Db>) -> SyncSession {
        SyncSession { db, sending: None, request: None, telling: vec![] }
    }

    /// The next message. A push with nothing new asks for the hub's state.
    pub async fn next(&mut self, max_bytes: usize, fresh: &mut impl FnMut() -> Uuid) -> Result<Outgoing> {
        let position = self.position()?;
        let (after, to) = match &self.sending {
            Some(sending) => (sending.after.clone(), Some(sending.to)),
            None => (FeedCursor::after_write(position.acked), None),
        };
        let batch = self.db.read(|tx| Batch::read(tx, mode(&position), after, to, max_bytes))?;
        if !batch.is_complete {
            let (stage, part) = match &self.sending {
                Some(sending) => (sending.stage, sending.parts),
                None => (fresh(), 0),
            };
            self.sending = Some(Sending { stage, parts: part + 1, after: batch.after, to: batch.to });
            return Ok(Outgoing::Part(Part { stage, part, rows: batch.rows }));
        }
        let staged = self.sending.take().map(|sending| Staged { stage: sending.stage, parts: sending.parts });
        let base = position.base();
        let is_idle = position.resetting.is_none() && batch.to == position.acked;
        let attempt = if is_idle { position.attempt } else { fresh() };
        if !is_idle && !rule(Rule::Record) {
            // After the reading: a copy of this database that knows the attempt has every write that it left out.
            let to = batch.to;
            self.db.write(Author::system("mirror"), move |tx| sync_state::record_attempt(tx, attempt, to)).await?;
        }
        let request = fresh();
        self.request = Some(request);
        let to = batch.to;
        let (outcomes, status, audit) = self.db.read(|tx| {
            let known = audit::entry_at(tx, sync_state::audit_acked(tx)?)?;
            Ok((answers::untold(tx, to)?, self.status(tx)?, [known, audit::head(tx)?]))
        })?;
        self.telling = outcomes.iter().map(|answer| answer.uuid).collect();
        Ok(Outgoing::Push(Box::new(Push {
            proto: PROTO,
            schema: SCHEMA_VERSION,
            request,
            mode: mode(&position),
            epoch: position.epoch,
            parent: position.resetting.map(|_| position.parent),
            base,
            to: batch.to,
            attempt,
            snap: batch.snap,
            staged,
            rows: batch.rows,
            outcomes,
            audit,
            status,
        })))
    }

    /// Nothing came back, or nothing that says how the hub stands: what was under way is begun anew.
    pub fn failed(&mut self) {
        (self.sending, self.request) = (None, None);
        self.telling = vec![];
    }

    /// Takes in an answer. `fresh`: the uuid of a new epoch, if one must begin.
    pub async fn answered(&mut self, reply: &Reply, fresh: Uuid) -> Result<ExchangeOutcome> {
        self.db.clock().believe(Time::from_millis(reply.clock_ms));
        let position = self.position()?;
        // Judged by what is on disk, by nobody else's hand than this one's.
        let known = self.db.read(|tx| sync_state::attempt(tx, reply.head.attempt))?;
        let made = |_| if rule(Rule::Record) { Some(reply.head.acked) } else { known };
        let verdict = judge(&position, self.request.unwrap_or_default(), reply, made, fresh);
        let (next, outcome) = match verdict {
            ReplyVerdict::Ignore => return Ok(ExchangeOutcome::Ignored),
            ReplyVerdict::Adopt(next) => {
                let (acked, is_back) = (next.acked, next.epoch == position.epoch && next.acked < position.acked);
                (next, if is_back { ExchangeOutcome::Rewound { acked } } else { ExchangeOutcome::Acked { acked } })
            }
            ReplyVerdict::Reset { position, reason } => (position, ExchangeOutcome::Forked(reason)),
        };
        let delivered = if reply.accepted { std::mem::take(&mut self.telling) } else { vec![] };
        self.failed();
        let is_new = next != position || !delivered.is_empty();
        if is_new || self.is_to_be_noted(reply)? {
            // What a hub has put aside of another life says nothing of this one.
            let aside = next.resetting.is_none().then(|| reply.quarantine.clone());
            let (audit, acked) = (reply.audit, next.acked);
            let alarm = reply.audit_differs.then_some(AUDIT_DIFFERS);
            let forget = if rule(Rule::Stable) { next.acked } else { next.stable };
            let (is_fork, is_back) =
                (matches!(outcome, ExchangeOutcome::Forked(_)), matches!(outcome, ExchangeOutcome::Rewound { .. }));
            let work = move |tx: &mut WriteTx| {
                if next != position {
                    sync_state::set_position(tx, &next, forget)?;
                }
                answers::mark_delivered(tx, &delivered)?;
                if let Some(aside) = aside {
                    quarantine::set(tx, &aside, acked)?;
                }
                sync_state::set_audit_acked(tx, audit)?;
                sync_state::note(tx, is_fork.into(), is_back.into(), alarm)
            };
            self.db.write(Author::system("mirror"), work).await?;
        }
        if !matches!(outcome, ExchangeOutcome::Forked(_)) {
            self.answer_proposals(reply).await?;
        }
        Ok(outcome)
    }

    /// Whether an answer that changes nothing else is worth a commit: after an error, for what is in quarantine, and now
    /// and then.
    fn is_to_be_noted(&self, reply: &Reply) -> Result<bool> {
        self.db.read(|tx| {
            let record = sync_state::record(tx)?;
            let is_old = record.last_success.is_none_or(|last| (tx.now.millis() - last.millis()).abs() >= NOTED_MS);
            let is_aside = !reply.quarantine.is_empty() || quarantine::count(tx)? > 0;
            let is_wrong = reply.audit_differs || record.last_error.is_some() || record.alarm.is_some();
            Ok(is_old || is_aside || is_wrong || sync_state::audit_acked(tx)? != reply.audit)
        })
    }

    /// Applies what the centre wants, each proposal with its answer in one transaction.
    async fn answer_proposals(&self, reply: &Reply) -> Result<()> {
        let hub_now = Time::from_millis(reply.clock_ms);
        for proposal in &reply.proposals {
            let tried = proposal.clone();
            let author = Author::at_hub(&proposal.author);
            let applied = self.db.write(author.clone(), move |tx| {
                if !answers::tell_again(tx, tried.uuid)? {
                    let answer = proposals::apply(tx, &tried, hub_now)?;
                    answers::record(tx, &answer)?;
                }
                Ok(())
            });
            let refused = match applied.await {
                Ok(()) => continue,
                Err(error) if feed::is_unreadable(&error) => "What is stored here cannot be read".into(),
                // It is offered again: what is here goes on being mirrored.
                Err(Error::StorageFull | Error::Busy) => return Ok(()),
                // Those behind it do not wait for what is wrong here.
                Err(Error::Internal(error)) => {
                    tracing::error!(%error, uuid = %proposal.uuid, "a proposal of the hub failed here");
                    "The edge failed at it: see its log".into()
                }
                Err(refusal) => refusal.to_string(),
            };
            let answer = Answer { uuid: proposal.uuid, result: ProposalResult::Rejected, rev: None, detail: refused };
            self.db.write(author, move |tx| answers::record(tx, &answer)).await?;
        }
        Ok(())
    }

    /// Whether there is something that the hub has not heard: writes up to `goal`, or answers to its proposals.
    pub fn is_behind(&self, goal: i64) -> Result<bool> {
        let position = self.position()?;
        Ok(position.resetting.is_some() || position.acked < goal || self.db.read(answers::has_untold)?)
    }

    /// What the hub is told of this edge, for its fleet page.
    fn status(&self, tx: &ReadTx) -> Result<EdgeStatus> {
        let record = sync_state::record(tx)?;
        Ok(EdgeStatus {
            version: env!("CARGO_PKG_VERSION").into(),
            clock_ms: tx.now.millis(),
            forks: record.forks,
            rewinds: record.rewinds,
            proved_ms: record.proved_at.map(Time::millis),
            differs: record.difference.is_some(),
            is_full: self.db.is_full(),
        })
    }

    /// Where this edge stands on disk.
    pub fn position(&self) -> Result<Position> {
        self.db.read(sync_state::position)?.ok_or_else(|| Error::not_found("not_enrolled", "This server has no hub"))
    }
}

fn mode(position: &Position) -> Mode {
    if position.resetting.is_some() { Mode::Replace } else { Mode::Append }
}
