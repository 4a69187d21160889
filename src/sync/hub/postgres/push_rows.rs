//! What a push brings, as PostgreSQL takes it.

use uuid::Uuid;

use super::rows::{self, Columns};
use super::staged::{self, CLEAR};
use super::tx::Batch;
use super::{orphaned_rows, quarantine};
use crate::domain::mirror::Row;
use crate::error::Result;
use crate::sync::hub::origin::Origin;
use crate::sync::hub::row_validation;
use crate::sync::protocol::wire::{Mode, Push};

/// The rows of a push, as PostgreSQL takes them.
pub struct PushRows<'r> {
    upserted: Columns<'r>,
    deleted: Columns<'r>,
    quarantined: Columns<'r>,
    /// The last part of a stage. A write may begin in an earlier part and end here: it is accepted or quarantined whole.
    last: Option<(Uuid, i64, Columns<'r>)>,
    /// The epoch that a reset ends.
    ended_epoch: Option<i64>,
    /// Rows are in quarantine, or may be.
    pub touches_quarantine: bool,
}

impl<'r> PushRows<'r> {
    /// `staged`: how many of the staged rows poison their write, and how many are staged.
    pub fn of(push: &'r Push, before: &Origin, staged: [i64; 2]) -> Result<PushRows<'r>> {
        let ended_epoch = (push.mode == Mode::Replace).then(|| before.head.epoch.map_or(0, |epoch| epoch.0));
        let none = Columns::default;
        if let Some(named) = push.staged {
            let last = Columns::of(push.rows.iter().map(|row| (row, row_validation::fault(row))));
            let is_poison = |code: &&Option<&'static str>| code.is_some_and(row_validation::poisons_transaction);
            let [faulty, all] = staged.map(|count| count.unsigned_abs() as usize);
            row_validation::check_fault_share(faulty + last.code.iter().filter(is_poison).count(), all + last.t.len())?;
            let last = Some((named.stage, named.parts, last));
            return Ok(PushRows {
                upserted: none(),
                deleted: none(),
                quarantined: none(),
                last,
                ended_epoch,
                touches_quarantine: true,
            });
        }
        let validated = row_validation::validate(&push.rows)?;
        let touches_quarantine = before.quarantined > 0 || !validated.quarantined.is_empty();
        let accepted = rows::last_of_each(&validated.accepted);
        let (upserted, deleted): (Vec<&Row>, Vec<&Row>) = accepted.into_iter().partition(|row| row.v.is_some());
        let columns = |rows: Vec<&'r Row>| Columns::of(rows.into_iter().map(|row| (row, None)));
        let quarantined = Columns::of(validated.quarantined.into_iter());
        let (upserted, deleted) = (columns(upserted), columns(deleted));
        Ok(PushRows { upserted, deleted, quarantined, last: None, ended_epoch, touches_quarantine })
    }

    pub fn add<'p>(&'p self, batch: &mut Batch<'p>, origin: &'p &str, at: &'p i64) {
        if let Some(epoch_n) = &self.ended_epoch {
            orphaned_rows::orphan_all(batch, origin, epoch_n, at);
        }
        if let Some((stage, part, columns)) = &self.last {
            staged::add_rows(batch, origin, (stage, part, &None), columns, (&0, at));
            quarantine::update_from_stage(batch, origin, stage, at);
            rows::apply_staged(batch, origin, stage);
            for sql in CLEAR {
                batch.add(sql, &[origin]);
            }
        }
        rows::apply(batch, origin, &self.upserted, &self.deleted);
        if self.touches_quarantine {
            quarantine::update(batch, origin, &self.quarantined, [&self.upserted, &self.deleted], at);
        }
        if let Some(epoch_n) = &self.ended_epoch {
            orphaned_rows::discard_recovered(batch, origin, epoch_n);
        }
    }
}
