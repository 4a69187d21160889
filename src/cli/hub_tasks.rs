//! `hub ask` files a read-only task for a server, `hub proposals` lists proposals with their answers; both work while hubs run.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::common::print_line;
use super::hub_store::{StoreOptions, StoreWork};
use super::output::Form;
use crate::clock::Clock;
use crate::domain::mirror::Table;
use crate::domain::proposal::{HubLevel, Proposal, Task};
use crate::sync::hub::operators::COMMAND_LINE;
use crate::sync::hub::proposal_view::ProposalView;
use crate::sync::hub::proposals::{ProposalRecord, VALID_MS};
use crate::sync::hub::store::HubStore;

/// Proposals that are read at a time.
const PAGE: i64 = 1_000;

#[derive(Args)]
pub struct AskArguments {
    /// Id of the server, as the fleet page shows it
    origin: String,
    /// sync: exchange until the hub has everything; verify: compare everything with the hub; diagnosis: report what doctor
    /// finds, the state of the mirror and the last lines of the log, without secrets
    #[arg(value_name = "sync|verify|diagnosis", value_parser = task)]
    task: Task,
    #[command(flatten)]
    store: StoreOptions,
    #[command(flatten)]
    form: Form,
}

fn task(name: &str) -> Result<Task, String> {
    Task::parse(name).ok_or_else(|| format!("give one of {}", Task::ALL.map(Task::name).join(", ")))
}

#[derive(Args)]
pub struct ListArguments {
    /// Id of the server, as the fleet page shows it
    origin: String,
    #[command(flatten)]
    store: StoreOptions,
    #[command(flatten)]
    form: Form,
}

/// Files a task for a server.
struct Ask<'a>(&'a str, Task);

impl StoreWork for Ask<'_> {
    type Output = Uuid;

    async fn run(self, store: &impl HubStore) -> Result<Uuid> {
        let now = Clock::default().now();
        let proposal = Proposal {
            uuid: Uuid::new_v4(),
            seq: 0,
            table: Table::Other,
            id: String::new(),
            base_rev: None,
            base: None,
            patch: None,
            copy: None,
            task: Some(self.1),
            expires_ms: now.plus_ms(VALID_MS).millis(),
            author: COMMAND_LINE.into(),
            level: Some(HubLevel::Administer),
        };
        let filed = store.file_proposal(self.0, proposal, now).await;
        Ok(filed.with_context(|| format!("{} was asked for nothing", self.0))?.proposal.uuid)
    }
}

pub fn ask(AskArguments { origin, task, store, form }: &AskArguments) -> Result<ExitCode> {
    let proposal = store.with(Ask(origin, *task))?;
    form.say(json!({ "proposal": proposal }), proposal)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a page of a server's proposals.
struct Page<'a>(&'a str, i64);

impl StoreWork for Page<'_> {
    type Output = Vec<ProposalRecord>;

    async fn run(self, store: &impl HubStore) -> Result<Vec<ProposalRecord>> {
        store.proposals(self.0, self.1, PAGE).await.with_context(|| self.0.to_owned())
    }
}

pub fn list(ListArguments { origin, store, form: _ }: &ListArguments) -> Result<ExitCode> {
    let mut after = 0;
    loop {
        let page = store.with(Page(origin, after))?;
        for record in &page {
            print_line(serde_json::to_string(&ProposalView::of(record))?)?;
        }
        match page.last() {
            Some(last) => after = last.proposal.seq,
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}
