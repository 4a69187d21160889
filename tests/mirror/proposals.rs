//! Proposals all along: changes that the hub proposes to the edges of a simulation.

use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use telecomx_local::domain::mirror::Table;
use telecomx_local::domain::proposal::{Copy, Proposal, ProposalAnswer, ProposalResult};
use telecomx_local::error::Error;
use telecomx_local::sync::hub::proposals::ProposalRecord;
use telecomx_local::sync::hub::store::HubStore;
use uuid::Uuid;

use crate::chance::Chance;
use crate::drive::block_on;
use crate::hub::SimulatedHub;
use crate::simulation::{Side, Simulation};
use crate::world::{EMPLOYEES, employee};

const HOUR_MS: u64 = 3_600_000;

fn proposal(chance: &mut Chance, now_ms: i64) -> Proposal {
    let (id, mark) = (employee(chance.below(EMPLOYEES)), chance.number());
    let (table, patch, copy): (Table, Option<Value>, Option<Copy>) = match chance.below(5) {
        0 => (Table::Employee, Some(json!({ "name": format!("Wished {mark}") })), None),
        1 => (Table::MobileConfig, None, Some(Copy { from: employee(chance.below(EMPLOYEES)), to: id })),
        // By the rules that hold for everybody, no.
        2 => (Table::Employee, Some(json!({ "password": "secret" })), None),
        _ => (Table::MobileConfig, Some(json!({ "configs": [{ "type": "WISH", "mark": mark }] })), None),
    };
    Proposal {
        uuid: chance.uuid(),
        seq: 0,
        table,
        id: id.to_string(),
        base_rev: (chance.below(4) == 0).then(|| chance.below(4) as i64),
        base: None,
        patch: patch.map(|patch| to_raw_value(&patch).unwrap()),
        copy,
        expires_ms: now_ms + (chance.below(24 * HOUR_MS)) as i64 - HOUR_MS as i64,
        author: format!("Wisher {mark}"),
        level: None,
        task: None,
    }
}

impl<H: SimulatedHub> Simulation<H> {
    /// Files something new, or something that was filed before, as one does who got no answer.
    pub fn propose(&mut self, i: usize) -> Result<(), String> {
        let (side, now) = (&mut self.sides[i], self.now);
        let again = self.chance.below(4) == 0 && !side.proposals.is_empty();
        let proposal = match again {
            true => side.proposals[self.chance.below(side.proposals.len() as u64) as usize].clone(),
            false => proposal(&mut self.chance, now.millis()),
        };
        match block_on(self.hub.store().file_proposal(&side.origin, proposal.clone(), now)) {
            Ok(filed) if filed.proposal.uuid != proposal.uuid => Err("another proposal than was filed".into()),
            Ok(_) => {
                side.proposals.push(proposal);
                Ok(())
            }
            // The mirror has another rev than was hoped for.
            Err(Error::Conflict { code: "base_rev", .. }) => Ok(()),
            Err(error) => Err(format!("{}: {error}", side.origin)),
        }
    }

    /// When an answer arrives for the first time, its row is in the mirror, or quarantined, or had changed again when the push
    /// was made and comes later.
    pub fn check_answers(&mut self, i: usize, request: Uuid, outcomes: &[ProposalAnswer]) -> Result<(), String> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let side = &mut self.sides[i];
        let (rows, quarantined) = (self.hub.rows(&side.origin), self.hub.quarantined(&side.origin));
        let brought = &side.brought[&request];
        for outcome in outcomes.iter().filter(|outcome| outcome.result == ProposalResult::Applied) {
            // Of a stranger's proposals the hub knows nothing.
            let Some(proposal) = side.proposals.iter().find(|proposal| proposal.uuid == outcome.uuid) else { continue };
            let key = (proposal.table, proposal.id.clone());
            let is_old = rows.get(&key).is_some_and(|(rev, _, _)| Some(*rev) < outcome.rev);
            let is_due = brought.contains(&key) && !quarantined.contains(&key);
            if side.answered.insert(outcome.uuid) && is_old && is_due {
                return Err(format!("{}: {outcome:?} was sent before its row", side.origin));
            }
        }
        Ok(())
    }

    /// Every proposal that the hub has is answered, and what was applied was applied once.
    pub fn check_proposals(&self, side: &Side) -> Result<(), String> {
        for ProposalRecord { proposal, answer, .. } in
            block_on(self.hub.store().proposals(&side.origin, 0, i64::MAX)).unwrap()
        {
            let author = &proposal.author;
            let (answer, _) = answer.ok_or_else(|| format!("{}: {author} got no answer", side.origin))?;
            let times = side.edges[0].count(&format!(
                "select count(distinct operation) from audit where actor_name = '{author}' and outcome = 'accepted'"
            ));
            // A copy onto itself changes nothing: with an edge that is put back to an image only its audit entry is gone.
            let is_nothing = proposal.copy.is_some_and(|copy| copy.from == copy.to) && times == 0;
            if times != i64::from(answer.result == ProposalResult::Applied) && !is_nothing {
                return Err(format!("{}: {author} got {answer:?}, applied {times} times", side.origin));
            }
        }
        Ok(())
    }
}

#[test]
fn the_number_of_a_proposal_that_is_forgotten_is_given_to_no_other() {
    let mut simulation: Simulation = Simulation::quiet(0);
    simulation.propose(0).unwrap();
    (0..4).for_each(|_| simulation.exchange(0, 0).unwrap());
    let store = simulation.hub.store();
    // Round by round: no clock makes it a quarter later at once.
    (0..400).for_each(|_| block_on(store.prune(simulation.now.plus_ms(100 * 24 * HOUR_MS as i64))).unwrap());
    let next = proposal(&mut simulation.chance, 0);
    let next = Proposal { base_rev: None, ..next };
    assert_eq!(block_on(store.file_proposal("origin0", next, simulation.now)).unwrap().proposal.seq, 2);
}
