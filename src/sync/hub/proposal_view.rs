//! A proposal as operators read it.

use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::proposals::ProposalRecord;
use crate::domain::mirror::Table;
use crate::domain::proposal::{Copy, HubLevel, ProposalResult, Task};
use crate::domain::time::Time;

/// A proposal with its answer, as the API and the command line show it.
#[derive(Serialize)]
pub struct ProposalView<'f> {
    uuid: Uuid,
    seq: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<Task>,
    table: Option<Table>,
    id: Option<&'f str>,
    base_rev: Option<i64>,
    patch: Option<&'f RawValue>,
    copy: Option<Copy>,
    expires: Time,
    author: &'f str,
    level: Option<HubLevel>,
    #[serde(rename = "filedAt")]
    filed_at: Time,
    result: Option<ProposalResult>,
    rev: Option<i64>,
    detail: Option<&'f str>,
    /// What the server reports of a task that it has done.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'f RawValue>,
    #[serde(rename = "answeredAt")]
    answered_at: Option<Time>,
}

impl<'f> ProposalView<'f> {
    pub fn of(ProposalRecord { proposal, filed_at, answer }: &'f ProposalRecord) -> ProposalView<'f> {
        let (answer, answered_at) = answer.as_ref().map(|(answer, at)| (answer, *at)).unzip();
        let is_task = proposal.task.is_some();
        let report = answer.filter(|_| is_task).and_then(|answer| serde_json::from_str(&answer.detail).ok());
        let detail = answer.map(|answer| answer.detail.as_str()).filter(|_| report.is_none());
        ProposalView {
            uuid: proposal.uuid,
            seq: proposal.seq,
            task: proposal.task,
            table: (!is_task).then_some(proposal.table),
            id: (!is_task).then_some(&proposal.id),
            base_rev: proposal.base_rev,
            patch: proposal.patch.as_deref(),
            copy: proposal.copy,
            expires: Time::from_millis(proposal.expires_ms),
            author: &proposal.author,
            level: proposal.level,
            filed_at: *filed_at,
            result: answer.map(|answer| answer.result),
            rev: answer.and_then(|answer| answer.rev),
            detail,
            report,
            answered_at,
        }
    }
}
