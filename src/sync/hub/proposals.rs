//! Proposals as a hub files, completes and offers them. Pure: both stores decide by it.

use serde::{Deserialize, Serialize};
use serde_json::Map;
use serde_json::value::RawValue;

use super::audit::{AuditNote, Caller, HubAction};
use crate::domain::proposal::{Proposal, ProposalAnswer};
use crate::domain::time::Time;
use crate::error::{Error, Result};

/// How long a proposal is valid when it does not say.
pub const VALID_MS: i64 = 30 * 24 * 3_600_000;
/// How many proposals one reply offers: an edge answers each with a commit of its own.
pub const OFFERED_MAX: i64 = 50;
/// Bytes of proposals in one reply; a single proposal may be longer.
const PROPOSALS_MAX_BYTES: usize = 1 << 20;
/// What a proposal takes in a reply besides its patch and its base.
const PROPOSAL_BYTES: usize = 500;

/// A proposal, and the edge's answer to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProposalRecord {
    pub proposal: Proposal,
    pub filed_at: Time,
    /// None: not answered yet.
    pub answer: Option<(ProposalAnswer, Time)>,
}

/// The first of the `open` proposals, in their order, as many as one reply may carry.
pub fn offered(open: impl Iterator<Item = Proposal>) -> Vec<Proposal> {
    let mut bytes = 0;
    open.take_while(|proposal| {
        let is_first = bytes == 0;
        let texts = [&proposal.patch, &proposal.base].into_iter().flatten();
        bytes += texts.map(|text| text.get().len()).sum::<usize>() + PROPOSAL_BYTES;
        is_first || bytes <= PROPOSALS_MAX_BYTES
    })
    .collect()
}

/// Completes a proposal with what it builds on, from the mirrored row (rev and text). 409 `base_rev` when the mirror has
/// another rev than the proposal expects.
pub fn complete(proposal: &mut Proposal, mirrored: Option<(i64, &str)>) -> Result<()> {
    if proposal.task.is_some() {
        return Ok(());
    }
    let rev = mirrored.map_or(0, |(rev, _)| rev);
    if proposal.base_rev.is_some_and(|base| base != rev) {
        return Err(Error::conflict("base_rev", format!("The mirror has rev {rev} of this row")));
    }
    if let Some(patch) = &proposal.patch {
        proposal.base = Some(base_of(patch, mirrored.map(|(_, v)| v))?);
    }
    // A copy too is made for what the target holds now: a newer local change is not overwritten.
    proposal.base_rev = Some(rev);
    Ok(())
}

/// What the hub's audit trail records of a proposal that was filed: what it is about, not the values in it.
pub fn audit_note(origin: &str, record: &ProposalRecord) -> AuditNote {
    let Proposal { uuid, table, id, author, task, .. } = &record.proposal;
    let detail = match task {
        Some(task) => format!("{uuid} {}", task.name()),
        None => format!("{uuid} {} {id}", table.name()),
    };
    AuditNote::new(Caller::new(author, record.filed_at), HubAction::Propose, origin, &detail)
}

/// 409 `uuid` when a proposal that is filed again asks for something else.
pub fn check_same_proposal(filed: &Proposal, again: &Proposal) -> Result<()> {
    let patch = |proposal: &Proposal| proposal.patch.as_ref().map(|patch| patch.get().to_owned());
    let is_same = (filed.table, &filed.id, filed.copy, filed.task) == (again.table, &again.id, again.copy, again.task);
    if is_same && patch(filed) == patch(again) {
        return Ok(());
    }
    Err(Error::conflict("uuid", "A proposal with this uuid asks for something else"))
}

/// The values that the properties in `patch` have in a mirrored row.
fn base_of(patch: &RawValue, v: Option<&str>) -> Result<Box<RawValue>> {
    let object = |text: &str| serde_json::from_str::<Map<String, serde_json::Value>>(text);
    let describe = |error: serde_json::Error| Error::Internal(Box::new(error));
    let (patch, mut v) = (object(patch.get()).map_err(describe)?, object(v.unwrap_or("{}")).map_err(describe)?);
    v.retain(|name, _| patch.contains_key(name));
    serde_json::value::to_raw_value(&v).map_err(describe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_proposal_builds_on_counts_for_the_length_of_an_answer() {
        let text = |length: usize| RawValue::from_string(format!("\"{}\"", "x".repeat(length))).ok();
        let proposal = Proposal {
            uuid: uuid::Uuid::nil(),
            seq: 1,
            table: crate::domain::mirror::Table::Queue,
            id: "q".into(),
            base_rev: None,
            base: text(600_000),
            patch: text(1),
            copy: None,
            task: None,
            expires_ms: 0,
            author: String::new(),
            level: None,
        };
        assert_eq!(offered(std::iter::repeat_n(proposal, 10)).len(), 1);
    }
}
