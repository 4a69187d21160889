//! The rows that an edge reads to send them.

use super::engine::{Rule, rule};
use crate::db::ReadTx;
use crate::domain::mirror::Position;
use crate::error::Result;
use crate::store::ahead::{self, Prefix};
use crate::store::feed::{self, FeedCursor, MessageSize};
use crate::sync::protocol::wire::{Mode, Row};

/// How often the end of a batch may be put off: from then on it ends where it was to end, however much is written meanwhile.
const EXTENSIONS_MAX: i64 = 3;

/// Where a batch begins, and where it ends if that is known.
#[derive(Clone, Debug)]
pub struct Place {
    pub mode: Mode,
    /// The hub has everything up to this write; 0 when it has nothing.
    pub first: i64,
    /// The position behind what was read of the batch.
    pub after: FeedCursor,
    /// Of a batch that is being sent in parts: its last write, and how often that was put off.
    pub end: Option<(i64, i64)>,
    /// The hub takes messages with contents apart.
    pub has_contents_apart: bool,
}

/// Rows that were read in one snapshot.
pub struct Batch {
    pub rows: Vec<Row>,
    pub after: FeedCursor,
    pub to: i64,
    pub snap: i64,
    /// The batch has everything up to `to`, and what that refers to.
    pub is_complete: bool,
    /// How often the end of the batch was put off.
    pub extensions: i64,
}

/// What fits into one message, in the order of the feed.
struct Read {
    rows: Vec<Row>,
    last: FeedCursor,
    /// The number of rows up to the last whole write, and that write.
    whole: Option<(usize, i64)>,
    /// The number of rows up to the write at which the batch was to end.
    within: Option<usize>,
    /// More rows follow.
    is_cut: bool,
}

impl Read {
    fn new(tx: &ReadTx, place: &Place, to: Option<i64>, snap: i64, max_bytes: usize) -> Result<Read> {
        let last = place.after.clone();
        let (mut read, mut bytes) = (Read { rows: vec![], last, whole: None, within: None, is_cut: false }, 0);
        let mut size = MessageSize::new(place.has_contents_apart);
        feed::rows(tx, &place.after, snap, |row, place| {
            if !read.rows.is_empty() && place.chg != read.last.chg {
                read.whole = Some((read.rows.len(), read.last.chg));
            }
            if read.within.is_none() && to.is_some_and(|to| place.chg > to) {
                read.within = Some(read.rows.len());
            }
            read.is_cut = bytes >= max_bytes;
            if !read.is_cut {
                bytes += size.add(&row);
                read.rows.push(row);
                read.last = place;
            }
            Ok(!read.is_cut)
        })?;
        Ok(read)
    }
}

impl Batch {
    /// No rows: the hub, which is expected to have everything up to `acked`, is only asked for its state.
    pub fn none(tx: &ReadTx, acked: i64) -> Result<Batch> {
        // Of another epoch `acked` may be the larger number.
        let (rows, after, snap) = (vec![], FeedCursor::after_write(acked), feed::high(tx)?.max(acked));
        Ok(Batch { rows, after, to: acked, snap, is_complete: true, extensions: 0 })
    }

    /// Reads on from `place`: whole writes of about `max_bytes` in all, or a part of a batch that is larger than that. What the
    /// hub holds once it has the batch is always a state that can be restored.
    pub fn read(tx: &ReadTx, place: &Place, max_bytes: usize) -> Result<Batch> {
        let snap = feed::high(tx)?;
        // A reset is one batch.
        let end = place.end.or((place.mode == Mode::Replace).then_some((snap, 0)));
        let extensions = end.map_or(0, |(_, extensions)| extensions);
        let to = end.map(|(to, _)| to);
        let read = Read::new(tx, place, to, snap, max_bytes)?;
        let (last, after) = (read.last.chg, read.last);
        let batch = |rows, to, is_complete, extensions| Batch { rows, after, to, snap, is_complete, extensions };
        if !read.is_cut {
            // Wherever the batch was to end: everything that was written since is in it too.
            return Ok(batch(read.rows, snap, true, extensions));
        }
        if rule(Rule::Groups) && to.is_none() {
            return Ok(batch(read.rows, last, true, extensions));
        }
        let (count, to) = match (to, read.within, read.whole) {
            (Some(to), Some(count), _) | (None, _, Some((count, to))) => (count, to),
            (Some(to), None, _) => return Ok(batch(read.rows, to, false, extensions)),
            // One write that is too large for a message.
            (None, _, None) => return Ok(batch(read.rows, last, false, extensions)),
        };
        match rows_ahead(tx, place, to, max_bytes, extensions)? {
            Some(ahead) => {
                let mut rows = read.rows;
                rows.truncate(count);
                // They come again in their turn.
                rows.extend(ahead.into_iter().map(|row| Row { chg: to, ..row }));
                Ok(batch(rows, to, true, extensions))
            }
            // Too many: the batch ends later, where it needs none.
            None => Ok(batch(read.rows, snap, false, extensions + 1)),
        }
    }
}

/// What a batch up to `to` must bring ahead of its turn; `None` when that does not fit into a message.
fn rows_ahead(tx: &ReadTx, place: &Place, to: i64, max_bytes: usize, extensions: i64) -> Result<Option<Vec<Row>>> {
    if rule(Rule::References) {
        return Ok(Some(vec![]));
    }
    let has_contents_apart = place.has_contents_apart;
    let prefix =
        Prefix { first: place.first, to, has_older: place.first > 0 || place.end.is_some(), has_contents_apart };
    if extensions < EXTENSIONS_MAX {
        return ahead::rows(tx, prefix, max_bytes);
    }
    // Writes come faster than the line carries them: at least what the rows refer to is there.
    ahead::rows(tx, Prefix { has_older: false, ..prefix }, usize::MAX)
}

/// What a push from this position does.
pub fn mode(position: &Position) -> Mode {
    if position.resetting.is_some() { Mode::Replace } else { Mode::Append }
}
