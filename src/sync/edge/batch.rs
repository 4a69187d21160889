//! The rows that an edge reads to send them.

use super::engine::{Rule, rule};
use crate::db::ReadTx;
use crate::error::Result;
use crate::store::feed::{self, FeedCursor};
use crate::sync::protocol::wire::{Mode, Row};

/// Rows that were read in one snapshot.
pub struct Batch {
    pub rows: Vec<Row>,
    pub after: FeedCursor,
    pub to: i64,
    pub snap: i64,
    /// The batch has everything up to `to`.
    pub is_complete: bool,
}

impl Batch {
    /// Reads the rows behind `after`: whole writes of about `max_bytes` in all, or a part of a write that is larger than that.
    /// `to`: the last write of a batch that is being sent in parts.
    pub fn read(tx: &ReadTx, mode: Mode, after: FeedCursor, to: Option<i64>, max_bytes: usize) -> Result<Batch> {
        let snap = feed::high(tx)?;
        // A reset is one batch.
        let to = to.or((mode == Mode::Replace).then_some(snap));
        let (mut rows, mut bytes, mut last) = (Vec::new(), 0, after);
        // The number of rows up to the last whole write, and that write.
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
}
