//! Tasks that operators of the hub give this server: they change nothing, and their report goes to the hub. Who asked for
//! it is in the audit trail.

use crate::db::{Subject, WriteTx};
use crate::domain::audit::{Action, HUB};
use crate::domain::id::Id;
use crate::domain::proposal::{DETAIL_MAX_BYTES, Proposal, ProposalAnswer, ProposalResult, Task};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::store::audit::{self, Change};
use crate::store::proposals as answers;

const SUBJECT: Subject = Subject { section: HUB, object: Id::ZERO, customer: None };

/// Checks that a task may be done: `None` when it may, else the answer. `hub_now`: by the hub's clock. 403 `access_denied`,
/// recorded, for a diagnosis that this server does not give.
pub fn check(
    tx: &mut WriteTx,
    proposal: &Proposal,
    task: Task,
    hub_now: Time,
    gives_diagnosis: bool,
) -> Result<Option<ProposalAnswer>> {
    let expires = Time::from_millis(proposal.expires_ms);
    if hub_now > expires {
        let detail = format!("It was good until {expires}");
        return Ok(Some(ProposalAnswer { uuid: proposal.uuid, result: ProposalResult::Expired, rev: None, detail }));
    }
    if task == Task::Diagnosis && !gives_diagnosis {
        let message = "This server gives its hub no diagnosis: see its setting hub_diagnosis";
        let error = Error::Forbidden { code: "access_denied", message: message.into() };
        return Err(tx.refuse(error, action(task), SUBJECT));
    }
    Ok(None)
}

/// Stores what came of a task as its answer, and in the audit trail. An answer that there is already stays.
pub fn answer(tx: &mut WriteTx, proposal: &Proposal, task: Task, done: Result<String, String>) -> Result<()> {
    if answers::tell_again(tx, proposal.uuid)? {
        return Ok(());
    }
    let (result, detail) = match done {
        Ok(report) if report.len() <= DETAIL_MAX_BYTES => (ProposalResult::Applied, report),
        Ok(_) => (ProposalResult::Rejected, "the report is too long".into()),
        Err(why) => (ProposalResult::Rejected, why),
    };
    let description = match result {
        ProposalResult::Applied => format!("Done for the hub: {}", task.name()),
        _ => format!("Not done for the hub: {} ({detail})", task.name()),
    };
    let change =
        Change { subject: SUBJECT, action: action(task), description: &description, before: None, after: None };
    audit::append(tx, &change)?;
    answers::record(tx, &ProposalAnswer { uuid: proposal.uuid, result, rev: None, detail })
}

fn action(task: Task) -> Action {
    match task {
        Task::Sync => Action::Sync,
        Task::Verify => Action::Verify,
        Task::Diagnosis => Action::Diagnose,
    }
}
