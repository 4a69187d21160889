//! An edge's end of the mirror: reads what is due, records the attempt, and takes in the answer. It knows no network,
//! no clock and no chance: whoever drives it carries its messages and gives it its uuids.

use std::sync::Arc;

use uuid::Uuid;

use super::engine::{Fork, Rule, Verdict, judge, rule};
use super::wire::{EdgeStatus, Mode, PROTO, Part, Push, Reply, Row, Staged};
use crate::db::{Author, Db, ReadTx, SCHEMA_VERSION};
use crate::domain::mirror::Position;
use crate::domain::proposal::{Fate, Outcome as Answer};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::proposals;
use crate::secrets::Sealer;
use crate::store::feed::{self, Place};
use crate::store::{audit, proposals as answers, quarantine, sync_state};

const AUDIT_DIFFERS: &str = "the audit trail is not the one that the hub was told of: entries were changed or cut off";

/// A message for the hub.
#[derive(Debug)]
pub enum Outgoing {
    /// To be followed by the next one once the hub has it.
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
pub enum Outcome {
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
    after: Place,
    /// Where the batch ends.
    to: i64,
}

/// An edge and its one exchange under way.
pub struct Edge {
    db: Arc<Db>,
    sealer: Arc<Sealer>,
    sending: Option<Sending>,
    request: Option<Uuid>,
    /// Answers to proposals that the push under way tells.
    telling: Vec<Uuid>,
}

/// Rows that were read together.
struct Batch {
    rows: Vec<Row>,
    after: Place,
    to: i64,
    snap: i64,
    /// Nothing is left of what goes up to `to`.
    is_complete: bool,
}

impl Edge {
    /// `sealer`: for what a proposal may need to be sealed.
    pub fn new(db: Arc<Db>, sealer: Arc<Sealer>) -> Edge {
        Edge { db, sealer, sending: None, request: None, telling: vec![] }
    }

    /// The next message. A push with nothing new asks for the hub's state.
    pub async fn next(&mut self, max_bytes: usize, fresh: &mut impl FnMut() -> Uuid) -> Result<Outgoing> {
        let position = self.position()?;
        let (after, to) = match &self.sending {
            Some(sending) => (sending.after.clone(), Some(sending.to)),
            None => (Place::after_write(position.acked), None),
        };
        let batch = self.db.read(|tx| read(tx, &position, after, to, max_bytes))?;
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
        self.sending = None;
        self.request = None;
        self.telling = vec![];
    }

    /// Takes in an answer. `fresh`: the uuid of a new epoch, if one must begin.
    pub async fn answered(&mut self, reply: &Reply, fresh: Uuid) -> Result<Outcome> {
        self.db.clock().raise(Time::from_millis(reply.clock_ms));
        let position = self.position()?;
        // Judged by what is on disk, by nobody else's hand than this one's.
        let known = self.db.read(|tx| sync_state::attempt(tx, reply.head.attempt))?;
        let made = |_| if rule(Rule::Record) { Some(reply.head.acked) } else { known };
        let verdict = judge(&position, self.request.unwrap_or_default(), reply, made, fresh);
        let (next, outcome) = match verdict {
            Verdict::Ignore => return Ok(Outcome::Ignored),
            Verdict::Adopt(next) => {
                let (acked, is_back) = (next.acked, next.epoch == position.epoch && next.acked < position.acked);
                (next, if is_back { Outcome::Rewound { acked } } else { Outcome::Acked { acked } })
            }
            Verdict::Reset { position, reason } => (position, Outcome::Forked(reason)),
        };
        let told = if reply.accepted { std::mem::take(&mut self.telling) } else { vec![] };
        self.failed();
        // What a hub has put aside of another life says nothing of this one.
        let aside = next.resetting.is_none().then(|| reply.quarantine.clone());
        let audit = reply.audit;
        let alarm = reply.audit_differs.then_some(AUDIT_DIFFERS);
        let forget = if rule(Rule::Stable) { next.acked } else { next.stable };
        let (is_new, acked) = (next != position, next.acked);
        self.db
            .write(Author::system("mirror"), move |tx| {
                if is_new {
                    sync_state::set_position(tx, &next, forget)?;
                }
                let (is_fork, is_back) =
                    (matches!(outcome, Outcome::Forked(_)), matches!(outcome, Outcome::Rewound { .. }));
                answers::mark_told(tx, &told)?;
                if let Some(aside) = aside {
                    quarantine::set(tx, &aside, acked)?;
                }
                sync_state::set_audit_acked(tx, audit)?;
                sync_state::note(tx, is_fork.into(), is_back.into(), alarm)
            })
            .await?;
        if !matches!(outcome, Outcome::Forked(_)) {
            self.answer_proposals(reply).await?;
        }
        Ok(outcome)
    }

    /// Applies what the centre wants, each proposal with its answer in one transaction.
    async fn answer_proposals(&self, reply: &Reply) -> Result<()> {
        let hub_now = Time::from_millis(reply.clock_ms);
        for proposal in &reply.proposals {
            let (tried, sealer) = (proposal.clone(), self.sealer.clone());
            let author = Author::at_hub(&proposal.author);
            let applied = self.db.write(author.clone(), move |tx| {
                if !answers::tell_again(tx, tried.uuid)? {
                    let answer = proposals::apply(tx, &sealer, &tried, hub_now)?;
                    answers::record(tx, &answer)?;
                }
                Ok(())
            });
            let refused = match applied.await {
                Ok(()) => continue,
                Err(error) if feed::is_unreadable(&error) => "What is stored here cannot be read".into(),
                // It is offered again: what is here goes on being mirrored.
                Err(Error::StorageFull) => return Ok(()),
                Err(error @ (Error::Internal(_) | Error::Busy)) => return Err(error),
                Err(refusal) => refusal.to_string(),
            };
            let answer = Answer { uuid: proposal.uuid, result: Fate::Rejected, rev: None, detail: refused };
            self.db.write(author, move |tx| answers::record(tx, &answer)).await?;
        }
        Ok(())
    }

    /// Whether there is something that the hub has not heard: writes, or answers to its proposals.
    pub fn is_behind(&self) -> Result<bool> {
        let position = self.position()?;
        self.db.read(|tx| {
            Ok(position.resetting.is_some() || position.acked != feed::high(tx)? || answers::has_untold(tx)?)
        })
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

/// Reads what is due behind `after`: whole writes up to about `max_bytes`, or a part of one that is larger than that.
/// `to`: where a batch ends that is being sent in parts.
fn read(tx: &ReadTx, position: &Position, after: Place, to: Option<i64>, max_bytes: usize) -> Result<Batch> {
    let snap = feed::high(tx)?;
    // A reset goes as a whole.
    let to = to.or((mode(position) == Mode::Replace).then_some(snap));
    let (mut rows, mut bytes, mut last) = (Vec::new(), 0, after);
    // How many rows, and where, the last whole write ends.
    let mut whole: Option<(usize, i64)> = None;
    let mut is_cut = false;
    feed::rows(tx, &last.clone(), to.unwrap_or(snap), |row, place| {
        if !rows.is_empty() && place.chg != last.chg {
            whole = Some((rows.len(), last.chg));
        }
        is_cut = bytes >= max_bytes;
        if !is_cut {
            bytes += row.v.as_ref().map_or(0, |v| v.get().len()) + 100;
            rows.push(row);
            last = place;
        }
        Ok(!is_cut)
    })?;
    if !is_cut {
        return Ok(Batch { rows, after: last, to: to.unwrap_or(snap), snap, is_complete: true });
    }
    if let Some(to) = to {
        return Ok(Batch { rows, after: last, to, snap, is_complete: false });
    }
    if rule(Rule::Groups) {
        let to = last.chg;
        return Ok(Batch { rows, after: last, to, snap, is_complete: true });
    }
    match whole {
        Some((count, to)) => {
            rows.truncate(count);
            Ok(Batch { rows, after: last, to, snap, is_complete: true })
        }
        None => Ok(Batch { rows, to: last.chg, after: last, snap, is_complete: false }),
    }
}
