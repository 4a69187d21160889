//! How a simulation comes to rest, and the laws that hold then.

use telecomx_local::store::quarantine;
use telecomx_local::sync::hub::store::HubStore;

use crate::drive::block_on;
use crate::hub::SimulatedHub;
use crate::network::as_sent;
use crate::simulation::{BY, ORIGINS, Simulation};

/// Exchanges in which a quiet edge must have come to rest.
const QUIET: usize = 80;
/// How often somebody may have to unlock an origin that one edge is left of: messages of the others are still about.
const UNLOCKED: usize = 3;

impl<H: SimulatedHub> Simulation<H> {
    /// Every message arrives or is lost, and nothing breaks any more. Rows that cannot be mirrored are quarantined and all others
    /// are equal; once the faulty rows are mended, all are equal.
    pub fn come_to_rest(mut self) -> Result<(), String> {
        self.is_breaking = false;
        for i in 0..ORIGINS {
            self.retire_clone(i);
            self.sides[i].edges[0].limit(false);
            while !self.sides[i].network.is_empty() {
                self.deliver_any(i)?;
            }
            self.exchange_until_rest(i)?;
            self.check_quarantine(i)?;
        }
        if self.skew.is_hub_old {
            self.upgrade();
        }
        for i in 0..ORIGINS {
            // What the hub did not know may have a fault besides.
            for _ in 0..2 {
                self.sides[i].edges[0].mend(&mut self.chance);
                self.exchange_until_rest(i)?;
            }
        }
        // On PostgreSQL a write can become stable only once an exchange after it has noted the log's position.
        for _ in 0..2 {
            self.hub.back_up();
            (0..ORIGINS).try_for_each(|i| self.exchange_until_rest(i))?;
        }
        (0..ORIGINS).try_for_each(|i| self.check_laws(i))
    }

    /// Both sides list the same quarantined rows; all others are equal.
    fn check_quarantine(&self, i: usize) -> Result<(), String> {
        let (side, edge) = (&self.sides[i], &self.sides[i].edges[0]);
        let fail = |what: String| Err(format!("{}: {what}", side.origin));
        let refused = block_on(self.hub.store().quarantine(&side.origin)).unwrap();
        let mut there: Vec<_> =
            refused.into_iter().map(|row| (row.id.replace("x_mobile_config/", ""), row.chg, row.code)).collect();
        let here = edge.db().read(quarantine::list).unwrap();
        let mut here: Vec<_> = here.into_iter().map(|entry| (entry.row, entry.write, entry.code)).collect();
        here.sort();
        there.sort();
        if here != there {
            return fail(format!("quarantined here: {here:?}, there: {there:?}"));
        }
        if self.hub.origin(&side.origin).is_consistent() != here.is_empty() {
            return fail(format!("a false claim with {here:?} quarantined"));
        }
        let quarantined = self.hub.quarantined(&side.origin);
        let (mut here, mut there) = (as_sent(edge.rows(), self.skew), self.hub.rows(&side.origin));
        here.retain(|key, _| !quarantined.contains(key));
        there.retain(|key, _| !quarantined.contains(key));
        if here == there { Ok(()) } else { fail("what is not quarantined differs".into()) }
    }

    fn check_laws(&self, i: usize) -> Result<(), String> {
        let (side, edge) = (&self.sides[i], &self.sides[i].edges[0]);
        if self.hub.rows(&side.origin) != as_sent(edge.rows(), self.skew) {
            return Err(format!("{}: the mirror differs", side.origin));
        }
        let origin = self.hub.origin(&side.origin);
        if !origin.is_consistent() {
            return Err(format!("{}: not consistent: {origin:?}", side.origin));
        }
        let left = (edge.count("select count(*) from tombstones"), edge.count("select count(*) from attempts"));
        if left.0 != 0 || left.1 > 1 {
            let stands = (origin, edge.db().read(telecomx_local::store::sync_state::position).unwrap());
            return Err(format!("{}: {} tombstones and {} attempts are left: {stands:?}", side.origin, left.0, left.1));
        }
        self.check_proposals(side)
    }

    fn exchange_until_rest(&mut self, i: usize) -> Result<(), String> {
        self.give_up(i, 0);
        let mut unlocked = 0;
        for round in 0..QUIET {
            if self.hub.origin(&self.sides[i].origin).is_locked && unlocked < UNLOCKED {
                unlocked += 1;
                block_on(self.hub.store().unlock(&self.sides[i].origin, BY)).unwrap();
            }
            self.exchange(i, 0)?;
            // Once more, so that what has become stable is heard of.
            let edge = &mut self.sides[i].edges[0];
            let high = edge.count("select high from feed");
            if round > 0 && !edge.edge().is_behind(high).unwrap() {
                return Ok(());
            }
        }
        let position = self.sides[i].edges[0].edge().position();
        Err(format!("{}: stuck at {position:?}", self.sides[i].origin))
    }
}
