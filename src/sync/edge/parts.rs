//! A batch that is being sent in parts: what the edge has sent of it, and how it goes on after a broken connection or a restart.

use std::sync::Arc;

use uuid::Uuid;

use super::batch::{Batch, Place, mode};
use super::engine::{Rule, rule};
use crate::db::{Author, Db, WriteTx};
use crate::domain::mirror::Position;
use crate::error::{Error, Result};
use crate::store::feed::{self, FeedCursor};
use crate::store::sent_parts::{self, SentPart};
use crate::sync::protocol::rows::Rows;
use crate::sync::protocol::wire::{Part, PartContext, StageReply, Staged};

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
    /// About how many rows all parts will have: counted when the batch was begun, or taken up again.
    expected: i64,
}

/// What an edge has heard of the batch that was broken off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    NotAsked,
    Asked,
    Answered,
}

/// The batch of the current exchange, as far as it is in parts.
pub struct PartsInProgress {
    db: Arc<Db>,
    partial: Option<PartialBatch>,
    question: Question,
    /// The hub's state is another one than this edge expects: the next message asks for it.
    pub asks_state: bool,
}

impl PartsInProgress {
    pub fn new(db: Arc<Db>) -> PartsInProgress {
        PartsInProgress { db, partial: None, question: Question::NotAsked, asks_state: false }
    }

    /// Whether the hub must be asked first what it has of a batch that was broken off.
    pub fn must_ask(&mut self, position: &Position) -> Result<bool> {
        let must = self.partial.is_none() && self.question != Question::Answered && self.stage_of(position)?.is_some();
        if must {
            self.question = Question::Asked;
        }
        Ok(must)
    }

    /// Where the next rows are read.
    pub fn place(&self, position: &Position, has_contents_apart: bool) -> Place {
        let (after, end) = match &self.partial {
            Some(partial) => (partial.after.clone(), Some(partial.end)),
            None => (FeedCursor::after_write(position.acked), None),
        };
        Place { mode: mode(position), first: position.acked, after, end, has_contents_apart }
    }

    /// The parts that the push names, which ends them.
    pub fn take(&mut self) -> Option<Staged> {
        self.partial.take().map(|partial| Staged { stage: partial.stage, parts: partial.parts })
    }

    /// Forgets what is not on disk.
    pub fn abort(&mut self) {
        (self.partial, self.question, self.asks_state) = (None, Question::NotAsked, false);
    }

    /// The next part of a batch. The position behind it is on disk before it is sent.
    pub async fn part(
        &mut self,
        position: &Position,
        batch: Batch,
        has_contents_apart: bool,
        fresh: &mut impl FnMut() -> Uuid,
    ) -> Result<Part> {
        let before = self.partial.as_ref().map(|partial| (partial.stage, partial.parts, partial.last));
        let (stage, part) = before.map_or_else(|| (fresh(), 0), |(stage, parts, _)| (stage, parts));
        let expected = self.partial.as_ref().map_or_else(|| self.count(position), |partial| Ok(partial.expected))?;
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
        self.partial = Some(PartialBatch { stage, parts: part + 1, last: id, after: batch.after, end, expected });
        let context = PartContext {
            id,
            after: before.map(|(.., last)| last),
            mode: mode(position),
            epoch: position.epoch,
            base: position.base(),
            expected,
        };
        Ok(Part { stage, part, context: Some(context), rows: Rows::new(batch.rows, has_contents_apart) })
    }

    /// How many rows the hub does not have.
    fn count(&self, position: &Position) -> Result<i64> {
        let count = self.db.read(|tx| feed::count(tx, position.acked))?;
        Ok(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// The batch that was broken off, if it builds on this position.
    fn stage_of(&self, position: &Position) -> Result<Option<Uuid>> {
        let begun = self.db.read(sent_parts::current)?;
        let builds_on = builds_on(position)?;
        Ok(begun.filter(|(_, before)| *before == builds_on).map(|(stage, _)| stage))
    }

    /// As [`super::session::SyncSession::resume`].
    pub fn resume(&mut self, position: &Position, known: Option<StageReply>) -> Result<()> {
        if std::mem::replace(&mut self.question, Question::Answered) != Question::Asked {
            // The answer to an earlier question.
            self.abort();
            return Ok(());
        }
        let Some(StageReply { head, staged, .. }) = known else { return Ok(()) };
        if head != position.base() {
            self.asks_state = true;
            return Ok(());
        }
        let (Some(staged), Some(stage)) = (staged, self.stage_of(position)?) else { return Ok(()) };
        let Some(last) = staged.last.filter(|_| staged.stage == stage) else { return Ok(()) };
        let sent = self.db.read(|tx| match rule(Rule::Resume) {
            true => Ok(sent_parts::numbered(tx, staged.parts)?.or(sent_parts::find(tx, last)?)),
            false => sent_parts::find(tx, last),
        })?;
        let expected = self.count(position)?;
        self.partial = sent.map(|SentPart { after, end, .. }| PartialBatch {
            stage,
            parts: staged.parts,
            last,
            after,
            end,
            expected,
        });
        Ok(())
    }
}

/// What a batch from this position builds on, as a text that is the same for the same.
fn builds_on(position: &Position) -> Result<String> {
    serde_json::to_string(&(position.epoch, position.resetting.is_some(), position.base()))
        .map_err(|error| Error::Internal(Box::new(error)))
}
