//! Does what operators of the hub ask this server to do, and reports it.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::checkup::{self, Finding};
use super::driver::SyncDriver;
use super::status::status;
use super::verify::Proof;
use crate::db::{Author, Db, SCHEMA_VERSION};
use crate::domain::proposal::{DETAIL_MAX_BYTES, Task};
use crate::domain::redaction::redacted;
use crate::error::in_one_line;
use crate::log_tail;
use crate::store::sync_state;
use crate::usecases::hub_tasks;

/// The longest text of a finding in a diagnosis, in characters.
const TEXT_MAX: usize = 1_000;
/// Differences that a report names.
const NAMED_MAX: usize = 100;

/// Does the tasks that the hub has given since the last time, and sends their reports. One that the server is killed in the
/// middle of is offered again.
pub fn run(driver: &mut SyncDriver) {
    let tasks = driver.take_tasks();
    if tasks.is_empty() {
        return;
    }
    for (proposal, task) in tasks {
        tracing::info!(author = proposal.author, task = task.name(), "the hub asks for a task");
        let done = perform(driver, task).map_err(|error| in_one_line(error.as_ref()));
        let author = Author::at_hub(&proposal.author);
        driver.write_as(author, move |tx| hub_tasks::answer(tx, &proposal, task, done));
    }
    // Those that were offered again meanwhile are answered now.
    drop(driver.take_tasks());
    let _ = driver.sync();
}

/// Does a task; gives its report.
fn perform(driver: &mut SyncDriver, task: Task) -> Result<String> {
    match task {
        Task::Sync => {
            driver.sync().1?;
            let position = driver.db.read(sync_state::position)?.context("this server has no hub")?;
            Ok(json!({ "acked": position.acked, "at": driver.db.clock().now() }).to_string())
        }
        Task::Verify => {
            let mut proof: Proof = driver.verify()?;
            proof.named.truncate(NAMED_MAX);
            Ok(serde_json::to_string(&proof)?)
        }
        Task::Diagnosis => diagnosis(&driver.db, driver.silent_alarm_ms()),
    }
}

/// How this server is: the findings of `doctor`, the state of the mirror, and the last lines of the log, as many as there is
/// room for. Without secrets.
fn diagnosis(db: &Db, silent_alarm_ms: i64) -> Result<String> {
    let (mut findings, mut mirror) =
        db.read(|tx| Ok((checkup::examine(tx, db.path()), status(tx, silent_alarm_ms)?)))?;
    for name in ["lastError", "alarm"] {
        if let Some(text) = mirror[name].as_str() {
            mirror[name] = shortened(text).into();
        }
    }
    for Finding { wrong, detail, .. } in &mut findings {
        *detail = shortened(detail);
        *wrong = wrong.as_deref().map(shortened);
    }
    let mut report = json!({
        "at": db.clock().now(),
        "version": env!("CARGO_PKG_VERSION"),
        "schema": SCHEMA_VERSION,
        "findings": findings,
        "mirror": mirror,
        "log": [],
    });
    let mut room = DETAIL_MAX_BYTES.saturating_sub(report.to_string().len());
    let mut lines: Vec<String> = vec![];
    for line in log_tail::last_lines().into_iter().rev() {
        // As JSON has it, with a comma.
        let bytes = json!(line).to_string().len() + 1;
        let Some(left) = room.checked_sub(bytes) else { break };
        room = left;
        lines.push(line);
    }
    lines.reverse();
    report["log"] = json!(lines);
    Ok(report.to_string())
}

fn shortened(text: &str) -> String {
    redacted(text).chars().take(TEXT_MAX).collect()
}
