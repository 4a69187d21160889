//! A hub of a simulation, whatever it keeps its mirrors in: what may happen to it, and a look past it at what it holds.

use std::collections::BTreeSet;
use std::path::Path;

use telecomx_local::domain::mirror::Table;
use telecomx_local::sync::hub::origin::Origin;
use telecomx_local::sync::hub::store::HubStore;

use crate::drive::block_on;
use crate::world::Rows;

pub trait SimulatedHub: Sized {
    type Store: HubStore;

    /// One with nothing in it. What it keeps in files is in `folder`.
    fn new(folder: &Path) -> Self;

    fn store(&self) -> &Self::Store;

    /// Killed, and started again.
    fn crash(&mut self);

    /// Another program in its place, that knows what the edges know.
    fn upgrade(&mut self);

    /// A backup that is verified.
    fn back_up(&mut self);

    /// Restored from the newest backup, if there is one: an older one would have less than was called stable.
    fn restore(&mut self);

    /// What it holds of an origin.
    fn rows(&self, origin: &str) -> Rows;

    /// Every quarantined row, with or without a fault of its own.
    fn quarantined(&self, origin: &str) -> BTreeSet<(Table, String)>;

    /// Whether the mirror has a row of the same write as a quarantined row with a fault.
    fn has_parted(&self, origin: &str) -> bool;

    fn origin(&self, name: &str) -> Origin {
        block_on(self.store().origins()).unwrap().into_iter().find(|origin| origin.origin == name).unwrap()
    }
}

pub const HAS_PARTED: &str = "
    select exists (select 1 from mirror m join quarantine q on q.origin = m.origin and q.chg = m.chg
        where m.origin = $1 and q.code in ('schema', 'unreadable'))";

/// Whose row it is. One of a table that the hub does not know is under a longer id.
pub fn key(table: i64, id: String) -> (Table, String) {
    let table = Table::from_number(table);
    (table.unwrap_or(Table::MobileConfig), id.replace("x_mobile_config/", ""))
}
