//! One edge's exchanges with its hub: reads the next rows, records the attempt, and handles the reply. It uses no network, no
//! clock and no randomness: the caller transports its messages and provides its uuids.

use std::sync::Arc;

use uuid::Uuid;

use super::batch::{Batch, Place};
use super::engine::{Fork, ReplyVerdict, Rule, judge, rule};
use crate::db::{Author, Db, ReadTx, SCHEMA_VERSION, WriteTx};
use crate::domain::mirror::Position;
use crate::domain::proposal::{HubLevel, ProposalAnswer, ProposalResult};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::store::feed::{self, FeedCursor};
use crate::store::sent_parts::{self, SentPart};
use crate::store::{audit, proposals as answers, quarantine, sync_state};
use crate::sync::protocol::wire::{
    EdgeStatus, Mode, NUMBER_MAX, PROTO, Part, PartContext, Push, Reply, Row, StageReply, Staged,
};
use crate::usecases::proposals;

const AUDIT_DIFFERS: &str =
    "the audit trail differs from what this server reported to the hub: entries were changed or cut off";

/// How old `last_success` may be before an exchange that brings nothing updates it.
const RECORD_MS: i64 = 10_000;

/// A message for the hub.
#[derive(Debug)]
pub enum Outgoing {
    /// A batch was broken off: what does the hub have of it? The answer is for [`SyncSession::resume`].
    AskStage,
    /// The next message follows at once, except the push: it follows once the hub has all parts.
    Part(Part),
    Push(Box<Push>),
}

impl Outgoing {
    /// How many rows it brings.
    pub fn rows(&self) -> usize {
        self.all_rows().len()
    }

    /// About how many bytes its rows take before compression.
    pub fn bytes(&self) -> usize {
        self.all_rows().iter().map(feed::bytes).sum()
    }

    fn all_rows(&self) -> &[Row] {
        match self {
            Outgoing::AskStage => &[],
            Outgoing::Part(part) => &part.rows,
            Outgoing::Push(push) => &push.rows,
        }
    }
}

/// The outcome of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeOutcome {
    /// The reply was not to the current request.
    Ignored,
    /// The hub has everything up to `acked`.
    Acked { acked: i64 },
    /// The hub was restored and has less than before: the edge sends the rest again.
    Rewound { acked: i64 },
    /// A new epoch has begun.
    Forked(Fork),
}

/// A batch that is being sent in parts.
struct PartialBatch {
    stage: Uuid,
    parts: i64,
    /// Id of the last part.
    last: Uuid,
    /// The position behind the parts that were sent.
    after: FeedCursor,
    /// The last write of the batch, and how often it was put off.
    end: (i64, i64),
}

/// What an edge has heard of the batch that was broken off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    NotAsked,
    Asked,
    Answered,
}

/// An edge and its current exchange.
pub struct SyncSession {
    db: Arc<Db>,
    /// The most that the hub may do here.
    may: HubLevel,
    partial: Option<PartialBatch>,
    /// Whether the hub is asked, or was, what it has of a batch that was broken off.
    question: Question,
    /// The hub's state is another one than this edge expects: the next message asks for it.
    asks_state: bool,
    request: Option<Uuid>,
    /// Proposals whose answers are in the current push.
    answers_sent: Vec<Uuid>,
}

impl SyncSession {
    pub fn new(db: Arc<Db>, may: HubLevel) -> SyncSession {
        SyncSession {
            db,
            may,
            partial: None,
            question: Question::NotAsked,
            asks_state: false,
            request: None,
            answers_sent: vec![],
        }
    }

    /// The next message. A push without rows only asks for the hub's state.
    pub async fn next_message(&mut self, max_bytes: usize, fresh: &mut impl FnMut() -> Uuid) -> Result<Outgoing> {
        let position = self.position()?;
        if self.partial.is_none() && self.question != Question::Answered && self.stage_of(&position)?.is_some() {
            self.question = Question::Asked;
            return Ok(Outgoing::AskStage);
        }
        let batch = match self.asks_state {
            true => self.db.read(|tx| Batch::none(tx, position.base().acked))?,
            false => {
                let (after, end) = match &self.partial {
                    Some(partial) => (partial.after.clone(), Some(partial.end)),
                    None => (FeedCursor::after_write(position.acked), None),
                };
                let place = Place { mode: mode(&position), first: position.acked, after, end };
                self.db.read(|tx| Batch::read(tx, &place, max_bytes))?
            }
        };
        if !batch.is_complete {
            return self.part(&position, batch, fresh).await;
        }
        self.push(position, batch, fresh).await
    }

    /// The next part of a batch. The position behind it is on disk before it is sent.
    async fn part(&mut self, position: &Position, batch: Batch, fresh: &mut impl FnMut() -> Uuid) -> Result<Outgoing> {
        let before = self.partial.as_ref().map(|partial| (partial.stage, partial.parts, partial.last));
        let (stage, part) = before.map_or_else(|| (fresh(), 0), |(stage, parts, _)| (stage, parts));
        let (id, end, builds_on) = (fresh(), (batch.to, batch.extensions), builds_on(position)?);
        let sent = SentPart { id, part, after: batch.after.clone(), end };
        let is_first = before.is_none();
        let record = move |tx: &mut WriteTx| {
            if is_first {
                sent_parts::begin(tx, stage, &builds_on)?;
            }
            sent_parts::add(tx, &sent)
        };
        self.db.write(Author::system("mirror"), record).await?;
        self.partial = Some(PartialBatch { stage, parts: part + 1, last: id, after: batch.after, end });
        let expected = self.db.read(|tx| feed::count(tx, position.acked))?;
        let context = PartContext {
            id,
            after: before.map(|(.., last)| last),
            mode: mode(position),
            epoch: position.epoch,
            base: position.base(),
            expected: i64::try_from(expected).unwrap_or(i64::MAX),
        };
        Ok(Outgoing::Part(Part { stage, part, context: Some(context), rows: batch.rows }))
    }

    /// The batch that was broken off, if it builds on this position.
    fn stage_of(&self, position: &Position) -> Result<Option<Uuid>> {
        let begun = self.db.read(sent_parts::current)?;
        let builds_on = builds_on(position)?;
        Ok(begun.filter(|(_, before)| *before == builds_on).map(|(stage, _)| stage))
    }

    /// Goes on with a batch that was broken off, behind what the hub has of it. `None`: the hub cannot say, because it is of an
    /// older version; the batch is then begun anew.
    pub fn resume(&mut self, known: Option<StageReply>) -> Result<()> {
        if std::mem::replace(&mut self.question, Question::Answered) != Question::Asked {
            // The answer to an earlier question.
            self.abort();
            return Ok(());
        }
        let position = self.position()?;
        let Some(StageReply { head, staged }) = known else { return Ok(()) };
        if head != position.base() {
            self.asks_state = true;
            return Ok(());
        }
        let (Some(staged), Some(stage)) = (staged, self.stage_of(&position)?) else { return Ok(()) };
        let Some(last) = staged.last.filter(|_| staged.stage == stage) else { return Ok(()) };
        let sent = self.db.read(|tx| match rule(Rule::Resume) {
            true => Ok(sent_parts::numbered(tx, staged.parts)?.or(sent_parts::find(tx, last)?)),
            false => sent_parts::find(tx, last),
        })?;
        self.partial =
            sent.map(|SentPart { after, end, .. }| PartialBatch { stage, parts: staged.parts, last, after, end });
        Ok(())
    }

    async fn push(&mut self, position: Position, batch: Batch, fresh: &mut impl FnMut() -> Uuid) -> Result<Outgoing> {
        let staged = self.partial.take().map(|partial| Staged { stage: partial.stage, parts: partial.parts });
        let base = position.base();
        let is_idle = self.asks_state || position.resetting.is_none() && batch.to == position.acked;
        let attempt = if is_idle { position.attempt } else { fresh() };
        if !is_idle && !rule(Rule::Record) {
            // Recorded after the rows were read: a copy of this database that knows the attempt has every write in it.
            let to = batch.to;
            self.db.write(Author::system("mirror"), move |tx| sync_state::record_attempt(tx, attempt, to)).await?;
        }
        let request = fresh();
        self.request = Some(request);
        let to = batch.to;
        let (outcomes, status, audit) = self.db.read(|tx| {
            // A hub of the version before may have named a number out of bounds.
            let acked = sync_state::audit_acked(tx)?.clamp(0, NUMBER_MAX);
            let known = audit::entry_at(tx, acked)?;
            Ok((answers::untold(tx, to)?, self.status(tx)?, [known, audit::head(tx)?]))
        })?;
        self.answers_sent = outcomes.iter().map(|answer| answer.uuid).collect();
        Ok(Outgoing::Push(Box::new(Push {
            proto: PROTO,
            schema: SCHEMA_VERSION,
            request,
            mode: if self.asks_state { Mode::Append } else { mode(&position) },
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

    /// Abandons the current exchange, because no reply with the hub's state came: the next message begins a new one.
    pub fn abort(&mut self) {
        (self.partial, self.request) = (None, None);
        (self.question, self.asks_state) = (Question::NotAsked, false);
        self.answers_sent = vec![];
    }

    /// Handles a reply. `fresh`: the uuid of a new epoch, if one must begin.
    pub async fn handle_reply(&mut self, reply: &Reply, fresh: Uuid) -> Result<ExchangeOutcome> {
        let hub_ahead_ms = self.db.clock().compare(Time::from_millis(reply.clock_ms));
        let position = self.position()?;
        // Judged by the attempts on disk; only this session writes them.
        let known = self.db.read(|tx| sync_state::attempt(tx, reply.head.attempt))?;
        let made = |_| if rule(Rule::Record) { Some(reply.head.acked) } else { known };
        let verdict = judge(&position, self.request.unwrap_or_default(), reply, made, fresh);
        let (next, outcome) = match verdict {
            ReplyVerdict::Ignore => return Ok(ExchangeOutcome::Ignored),
            ReplyVerdict::Adopt(next) => {
                let (acked, is_rewound) = (next.acked, next.epoch == position.epoch && next.acked < position.acked);
                (next, if is_rewound { ExchangeOutcome::Rewound { acked } } else { ExchangeOutcome::Acked { acked } })
            }
            ReplyVerdict::Reset { position, reason } => (position, ExchangeOutcome::Forked(reason)),
        };
        let delivered = if reply.accepted { std::mem::take(&mut self.answers_sent) } else { vec![] };
        self.abort();
        let is_new = next != position || !delivered.is_empty();
        if is_new || self.needs_record(reply, hub_ahead_ms)? {
            // During a reset the hub's quarantine is that of another epoch.
            let quarantined = next.resetting.is_none().then(|| reply.quarantine.clone());
            let (audit, acked) = (reply.audit, next.acked);
            let alarm = reply.audit_differs.then_some(AUDIT_DIFFERS);
            let forget = if rule(Rule::Stable) { next.acked } else { next.stable };
            let (is_fork, is_rewind) =
                (matches!(outcome, ExchangeOutcome::Forked(_)), matches!(outcome, ExchangeOutcome::Rewound { .. }));
            let work = move |tx: &mut WriteTx| {
                if next != position {
                    sync_state::set_position(tx, &next, forget)?;
                    sent_parts::clear(tx)?;
                }
                answers::mark_delivered(tx, &delivered)?;
                if let Some(quarantined) = quarantined {
                    quarantine::set(tx, &quarantined, acked)?;
                }
                sync_state::set_audit_acked(tx, audit)?;
                sync_state::note_hub_clock(tx, hub_ahead_ms)?;
                sync_state::note(tx, is_fork.into(), is_rewind.into(), alarm)
            };
            self.db.write(Author::system("mirror"), work).await?;
        }
        if !matches!(outcome, ExchangeOutcome::Forked(_)) {
            self.answer_proposals(reply).await?;
        }
        Ok(outcome)
    }

    /// Whether a reply that changes nothing else is worth a commit: after an error, while rows are in quarantine, and now and
    /// then.
    fn needs_record(&self, reply: &Reply, hub_ahead_ms: i64) -> Result<bool> {
        self.db.read(|tx| {
            let record = sync_state::record(tx)?;
            let is_old = record.last_success.is_none_or(|last| (tx.now.millis() - last.millis()).abs() >= RECORD_MS);
            let has_quarantined = !reply.quarantine.is_empty() || quarantine::count(tx)? > 0;
            let is_clock_news = record.is_clock_off() != sync_state::is_clock_off(hub_ahead_ms);
            let is_wrong =
                is_clock_news || reply.audit_differs || record.last_error.is_some() || record.alarm.is_some();
            Ok(is_old || has_quarantined || is_wrong || sync_state::audit_acked(tx)? != reply.audit)
        })
    }

    /// Applies the proposals of the hub, each together with its answer in one transaction.
    async fn answer_proposals(&self, reply: &Reply) -> Result<()> {
        let (hub_now, may) = (Time::from_millis(reply.clock_ms), self.may);
        for proposal in &reply.proposals {
            let applied_proposal = proposal.clone();
            let author = Author::at_hub(&proposal.author);
            let applied = self.db.write(author.clone(), move |tx| {
                if !answers::tell_again(tx, applied_proposal.uuid)? {
                    let answer = proposals::apply(tx, &applied_proposal, hub_now, may)?;
                    answers::record(tx, &answer)?;
                }
                Ok(())
            });
            let rejection = match applied.await {
                Ok(()) => continue,
                Err(error) if feed::is_unreadable(&error) => "What is stored here cannot be read".into(),
                // The hub offers it again: meanwhile the mirror goes on.
                Err(Error::StorageFull | Error::Busy | Error::Unavailable(_)) => return Ok(()),
                // A local error must not hold up the proposals behind this one.
                Err(Error::Internal(error)) => {
                    tracing::error!(%error, uuid = %proposal.uuid, "a proposal of the hub failed here");
                    "internal error on the server: see its log".into()
                }
                Err(refusal) => refusal.to_string(),
            };
            let answer =
                ProposalAnswer { uuid: proposal.uuid, result: ProposalResult::Rejected, rev: None, detail: rejection };
            self.db.write(author, move |tx| answers::record(tx, &answer)).await?;
        }
        Ok(())
    }

    /// Whether the hub lacks something: writes up to `goal`, or answers to its proposals.
    pub fn is_behind(&self, goal: i64) -> Result<bool> {
        let position = self.position()?;
        Ok(position.resetting.is_some() || position.acked < goal || self.db.read(answers::has_untold)?)
    }

    /// What this edge reports of itself, for the hub's fleet page.
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
            resetting: None,
        })
    }

    /// This edge's position, as it is stored.
    pub fn position(&self) -> Result<Position> {
        self.db.read(sync_state::position)?.ok_or_else(|| Error::not_found("not_enrolled", "This server has no hub"))
    }
}

fn mode(position: &Position) -> Mode {
    if position.resetting.is_some() { Mode::Replace } else { Mode::Append }
}

/// What a batch from this position builds on, as a text that is the same for the same.
fn builds_on(position: &Position) -> Result<String> {
    serde_json::to_string(&(position.epoch, position.resetting.is_some(), position.base()))
        .map_err(|error| Error::Internal(Box::new(error)))
}
