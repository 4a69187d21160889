//! Answers the proposals of the hub.

use std::sync::Arc;

use crate::db::{Author, Db};
use crate::domain::mobile_config::NewColleagues;
use crate::domain::proposal::{HubLevel, Proposal, ProposalAnswer, ProposalResult, Task};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::store::{feed, proposals as answers};
use crate::sync::protocol::wire::Reply;
use crate::usecases::{hub_tasks, proposals};

/// The most proposals that are answered after one exchange: each is a commit, and the mirror waits for them. The hub offers
/// the others again.
pub const ANSWERED_MAX: usize = 50;

/// What the hub may have done here.
#[derive(Clone, Copy, Debug)]
pub struct HubRights {
    pub may: HubLevel,
    /// Whether the hub is given a diagnosis.
    pub gives_diagnosis: bool,
    /// What a new employee or queue means for the mobile configs that are here.
    pub new_colleagues: NewColleagues,
}

/// What became of a proposal here.
enum Handled {
    Answered,
    /// It is a task that is to be done.
    ToDo(Task),
}

/// Applies the proposals in a reply, each together with its answer in one transaction; gives the tasks among them, which are
/// answered once they are done.
pub async fn answer_proposals(db: &Arc<Db>, rights: HubRights, reply: &Reply) -> Result<Vec<(Proposal, Task)>> {
    let (mut tasks, hub_now) = (vec![], Time::from_millis(reply.clock_ms));
    if reply.proposals.len() > ANSWERED_MAX {
        let offered = reply.proposals.len();
        tracing::warn!(offered, answered = ANSWERED_MAX, "the hub offers more proposals than are answered at a time");
    }
    for proposal in reply.proposals.iter().take(ANSWERED_MAX) {
        let handled = proposal.clone();
        let author = Author::at_hub(&proposal.author);
        let handled = db.write(author.clone(), move |tx| {
            if answers::tell_again(tx, handled.uuid)? {
                return Ok(Handled::Answered);
            }
            let answer = match handled.task {
                None => proposals::apply(tx, &handled, hub_now, rights.may, rights.new_colleagues)?,
                Some(task) => match hub_tasks::check(tx, &handled, task, hub_now, rights.gives_diagnosis)? {
                    None => return Ok(Handled::ToDo(task)),
                    Some(answer) => answer,
                },
            };
            answers::record(tx, &answer).map(|()| Handled::Answered)
        });
        let rejection = match handled.await {
            Ok(Handled::Answered) => continue,
            Ok(Handled::ToDo(task)) => {
                tasks.push((proposal.clone(), task));
                continue;
            }
            Err(error) if feed::is_unreadable(&error) => "What is stored here cannot be read".into(),
            // The hub offers it again: meanwhile the mirror goes on.
            Err(Error::StorageFull | Error::Busy | Error::Unavailable(_)) => break,
            // A local error must not hold up the proposals behind this one.
            Err(Error::Internal(error)) => {
                tracing::error!(%error, uuid = %proposal.uuid, "a proposal of the hub failed here");
                "internal error on the server: see its log".into()
            }
            Err(refusal) => refusal.to_string(),
        };
        let answer =
            ProposalAnswer { uuid: proposal.uuid, result: ProposalResult::Rejected, rev: None, detail: rejection };
        db.write(author, move |tx| answers::record(tx, &answer)).await?;
    }
    Ok(tasks)
}
