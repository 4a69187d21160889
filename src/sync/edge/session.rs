//! One edge's exchanges with its hub: reads the next rows, records the attempt, and handles the reply. It uses no network, no
//! clock and no randomness: the caller transports its messages and provides its uuids.

use std::sync::Arc;

use uuid::Uuid;

use super::answering::{HubRights, answer_proposals};
use super::batch::{Batch, mode};
use super::engine::{Fork, ReplyVerdict, Rule, judge, rule};
use super::parts::PartsInProgress;
use super::settings::HubSettings;
use crate::db::{Author, Db, ReadTx, SCHEMA_VERSION, WriteTx};
use crate::domain::mirror::Position;
use crate::domain::mobile_config::NewColleagues;
use crate::domain::proposal::{HubLevel, Proposal, Task};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::store::{audit, proposals as answers, quarantine, sent_parts, sync_state};
use crate::sync::protocol::rows::Rows;
use crate::sync::protocol::wire::{EdgeStatus, Mode, NUMBER_MAX, PROTO, Part, Push, Reply, StageReply};

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
        self.all_rows().map_or(0, |rows| rows.len())
    }

    /// About how many bytes its rows take before compression.
    pub fn bytes(&self) -> usize {
        self.all_rows().map_or(0, Rows::bytes)
    }

    fn all_rows(&self) -> Option<&Rows> {
        match self {
            Outgoing::AskStage => None,
            Outgoing::Part(part) => Some(&part.rows),
            Outgoing::Push(push) => Some(&push.rows),
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

/// An edge and its current exchange.
pub struct SyncSession {
    db: Arc<Db>,
    rights: HubRights,
    parts: PartsInProgress,
    request: Option<Uuid>,
    /// Tasks that the hub has given, and that are to be done.
    tasks: Vec<(Proposal, Task)>,
    /// Proposals whose answers are in the current push.
    answers_sent: Vec<Uuid>,
    /// The hub has said that it takes messages with contents apart.
    has_contents_apart: bool,
}

impl SyncSession {
    pub fn new(db: Arc<Db>, may: HubLevel) -> SyncSession {
        SyncSession {
            parts: PartsInProgress::new(db.clone()),
            db,
            rights: HubRights { may, gives_diagnosis: false, new_colleagues: NewColleagues::Ignore },
            request: None,
            tasks: vec![],
            answers_sent: vec![],
            has_contents_apart: false,
        }
    }

    /// As the settings say: whether the hub is given a diagnosis, and what its new employees and queues mean for mobile configs.
    pub fn with_settings(self, settings: &HubSettings) -> SyncSession {
        let HubSettings { gives_diagnosis, new_colleagues, .. } = *settings;
        SyncSession { rights: HubRights { gives_diagnosis, new_colleagues, ..self.rights }, ..self }
    }

    /// The tasks that the hub has given since the last time.
    pub fn take_tasks(&mut self) -> Vec<(Proposal, Task)> {
        std::mem::take(&mut self.tasks)
    }

    /// The next message. A push without rows only asks for the hub's state.
    pub async fn next_message(&mut self, max_bytes: usize, fresh: &mut impl FnMut() -> Uuid) -> Result<Outgoing> {
        let position = self.position()?;
        if self.parts.must_ask(&position)? {
            return Ok(Outgoing::AskStage);
        }
        let batch = match self.parts.asks_state {
            true => self.db.read(|tx| Batch::none(tx, position.base().acked))?,
            false => {
                let place = self.parts.place(&position, self.has_contents_apart);
                self.db.read(|tx| Batch::read(tx, &place, max_bytes))?
            }
        };
        if !batch.is_complete {
            let part = self.parts.part(&position, batch, self.has_contents_apart, fresh).await?;
            return Ok(Outgoing::Part(part));
        }
        self.push(position, batch, fresh).await
    }

    /// Goes on with a batch that was broken off, behind what the hub has of it. `None`: the hub cannot say, because it is of an
    /// older version; the batch is then begun anew.
    pub fn resume(&mut self, known: Option<StageReply>) -> Result<()> {
        let position = self.position()?;
        self.has_contents_apart = known.is_some_and(|known| known.contents);
        self.parts.resume(&position, known)
    }

    async fn push(&mut self, position: Position, batch: Batch, fresh: &mut impl FnMut() -> Uuid) -> Result<Outgoing> {
        let staged = self.parts.take();
        let base = position.base();
        let is_idle = self.parts.asks_state || position.resetting.is_none() && batch.to == position.acked;
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
            let acked = sync_state::audit_acked(tx)?.clamp(0, NUMBER_MAX - 1);
            let known = audit::entry_at(tx, acked)?;
            Ok((answers::untold(tx, to)?, self.status(tx)?, [known, audit::head(tx)?]))
        })?;
        self.answers_sent = outcomes.iter().map(|answer| answer.uuid).collect();
        Ok(Outgoing::Push(Box::new(Push {
            proto: PROTO,
            schema: SCHEMA_VERSION,
            request,
            mode: if self.parts.asks_state { Mode::Append } else { mode(&position) },
            epoch: position.epoch,
            parent: position.resetting.map(|_| position.parent),
            base,
            to: batch.to,
            attempt,
            snap: batch.snap,
            staged,
            rows: Rows::new(batch.rows, self.has_contents_apart),
            outcomes,
            audit,
            status,
        })))
    }

    /// Abandons the current exchange, because no reply with the hub's state came: the next message begins a new one.
    pub fn abort(&mut self) {
        self.parts.abort();
        self.request = None;
        self.answers_sent = vec![];
    }

    /// The hub could not read a message: until it says again that it takes contents apart, each row goes whole. Another program may
    /// answer in its place, an older one.
    pub fn send_whole_rows(&mut self) {
        self.has_contents_apart = false;
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
        self.has_contents_apart = reply.contents;
        let delivered = if reply.accepted { std::mem::take(&mut self.answers_sent) } else { vec![] };
        self.abort();
        let is_new = next != position || !delivered.is_empty();
        if is_new || self.needs_record(reply, hub_ahead_ms)? {
            // During a reset the hub's quarantine is that of another epoch.
            let mut quarantined = next.resetting.is_none().then(|| reply.quarantine.clone());
            let (audit, acked) = (reply.audit, next.acked);
            // A hub cannot have refused what it does not have: such an entry would never be outdated.
            quarantined.iter_mut().for_each(|rows| rows.retain(|row| (1..=acked).contains(&row.chg)));
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
            // Those that wait already were offered again: they are not answered yet.
            self.tasks = answer_proposals(&self.db, self.rights, reply).await?;
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
