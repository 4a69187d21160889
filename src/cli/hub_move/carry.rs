//! What an origin has, carried to another hub: whatever is not there as it is here, by pages.

use std::collections::HashMap;

use anyhow::{Context as _, Result};

use super::{Move, path};
use crate::domain::mirror::{Row, Table};
use crate::sync::hub::migration::{Checksum, Delivery, RowVersion};
use crate::sync::hub::orphaned_rows::NEWEST;
use crate::sync::hub::store::HubStore;

/// Rows that are compared at a time: as many as the other hub sends at once.
const PAGE_ROWS: i64 = 1_000;
/// From this size on a delivery is sent.
const DELIVERY_BYTES: usize = 2 << 20;

const UNREADABLE: &str = "this hub's rows cannot be read";

/// The result of one round.
#[derive(Default)]
pub struct Carried {
    /// Rows that were put or removed.
    pub sent: usize,
    /// Of all rows that are here.
    pub checksum: Checksum,
}

/// A delivery that grows until it is sent.
#[derive(Default)]
struct Load {
    delivery: Delivery,
    bytes: usize,
}

impl<S: HubStore> Move<'_, S> {
    /// Brings the rows that are there to what is here.
    pub async fn carry(&self) -> Result<Carried> {
        let (mut carried, mut load) = (Carried::default(), Load::default());
        for table in Table::ALL {
            let mut after = String::new();
            loop {
                let found = self.store.rows(&self.found.origin, table, &after, PAGE_ROWS).await;
                let (mut here, mut there) = (found.context(UNREADABLE)?.1, self.row_versions(table, &after)?);
                // Sent without its text, the row would be deleted at the other hub.
                if let Some(row) = here.iter().find(|row| row.bad.is_some()) {
                    anyhow::bail!("{UNREADABLE}: {} {}", table.name(), row.id);
                }
                // Up to where both pages reach; further when there are none on one side.
                let last_here = here.last().map(|row| row.id.clone());
                let last_there = there.last().map(|version| version.id.clone());
                let end = last_here.into_iter().chain(last_there).min();
                if let Some(end) = &end {
                    here.retain(|row| row.id <= *end);
                    there.retain(|version| version.id <= *end);
                }
                for row in differences(table, here, there, &mut carried.checksum) {
                    carried.sent += 1;
                    load.bytes += row.v.as_ref().map_or(0, |v| v.length()) + 200;
                    load.delivery.rows.push(row);
                    self.send(&mut load, DELIVERY_BYTES)?;
                }
                match end {
                    Some(end) => after = end,
                    None => break,
                }
            }
        }
        self.send(&mut load, 1)?;
        Ok(carried)
    }

    /// Copies the quarantine, the proposals and the lost tail; returns how many there are of each.
    pub async fn carry_rest(&self) -> Result<[i64; 3]> {
        let origin = &self.found.origin;
        let delivery = Delivery { clears: true, ..Delivery::default() };
        let (mut load, mut counts, mut after) = (Load { delivery, bytes: 1 }, [0; 3], 0);
        for row in self.store.quarantined_rows(origin).await.context(UNREADABLE)? {
            counts[0] += 1;
            load.bytes += row.v.as_ref().map_or(0, |v| v.get().len()) + row.detail.len() + 300;
            load.delivery.quarantined.push(row);
            self.send(&mut load, DELIVERY_BYTES)?;
        }
        loop {
            let records = self.store.proposals(origin, after, PAGE_ROWS).await.context(UNREADABLE)?;
            let Some(last) = records.last() else { break };
            after = last.proposal.seq;
            for record in records {
                counts[1] += 1;
                load.bytes += serde_json::to_string(&record).map_or(0, |text| text.len());
                load.delivery.proposals.push(record);
                self.send(&mut load, DELIVERY_BYTES)?;
            }
        }
        let mut behind = NEWEST;
        loop {
            let rows = self.store.orphaned_rows(origin, behind, PAGE_ROWS).await.context(UNREADABLE)?;
            let Some(last) = rows.last() else { break };
            behind = last.cursor();
            for row in rows {
                counts[2] += 1;
                load.bytes += row.v.get().len() + 300;
                load.delivery.orphaned_rows.push(row);
                self.send(&mut load, DELIVERY_BYTES)?;
            }
        }
        self.send(&mut load, 1).map(|()| counts)
    }

    /// Sends a delivery that has come to so many bytes.
    fn send(&self, load: &mut Load, bytes: usize) -> Result<()> {
        if load.bytes < bytes {
            return Ok(());
        }
        let sent = std::mem::take(load).delivery;
        self.ask::<serde_json::Value>("deliver", &sent)?;
        Ok(())
    }

    fn row_versions(&self, table: Table, after: &str) -> Result<Vec<RowVersion>> {
        let (path, query) = (path(&self.found.origin, "arrived"), [("table", table.name()), ("after", after)]);
        Ok(self.target.client.get(&path, &query, &self.target.token)?)
    }
}

/// The rows to be put or removed, for what is there to be what is here. All that is here is counted.
fn differences(table: Table, here: Vec<Row>, there: Vec<RowVersion>, checksum: &mut Checksum) -> Vec<Row> {
    let mut there: HashMap<String, RowVersion> =
        there.into_iter().map(|version| (version.id.clone(), version)).collect();
    let mut differing = vec![];
    for row in here {
        checksum.add(table, &row.id, [row.rev, row.chg], &row.v.as_ref().map_or("".into(), |v| v.get()));
        if there.remove(&row.id) != Some(RowVersion::of(&row)) {
            differing.push(row);
        }
    }
    let gone = there.into_values();
    differing.extend(gone.map(|RowVersion { id, rev, chg, .. }| Row { t: table, id, rev, chg, v: None, bad: None }));
    differing
}
