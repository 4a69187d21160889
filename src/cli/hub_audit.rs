//! `hub audit`: the hub's audit trail, beside the hubs that run.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use serde_json::json;

use super::hub_store::{StoreOptions, StoreWork};
use super::output::Form;
use crate::sync::hub::admin_store::AUDIT_PAGE;
use crate::sync::hub::audit::ChainCheck;
use crate::sync::hub::store::HubStore;

#[derive(Subcommand)]
pub enum Command {
    /// Print the entries, the newest first
    Log {
        /// One JSON object on a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        store: StoreOptions,
    },
    /// Recompute the chain of hashes; the first entry that does not fit is named
    Verify {
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        store: StoreOptions,
    },
}

pub fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Log { json, store } => store.with(Log { json: *json })?,
        Command::Verify { form, store } => match store.with(Verify)? {
            Ok(sound) => form.say(json!({ "intact": sound.to_string() }), &sound)?,
            Err(why) => bail!("the hub's audit trail was changed: {why}"),
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the trail.
struct Log {
    json: bool,
}

impl StoreWork for Log {
    type Output = ();

    async fn run(self, store: &impl HubStore) -> Result<()> {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let mut before = i64::MAX;
        loop {
            let page = store.audit_before(before, AUDIT_PAGE).await?;
            let Some(last) = page.last() else { break };
            before = last.seq;
            for record in &page {
                let line = if self.json { serde_json::to_string(record)? } else { record.to_string() };
                match writeln!(out, "{line}") {
                    // The reader has closed the pipe: it wants no more.
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                    written => written.context("standard output cannot be written")?,
                }
            }
        }
        match out.flush() {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(error).context("standard output cannot be written")
            }
            _ => Ok(()),
        }
    }
}

/// Verifies the trail: a sentence when it is intact, else what does not fit.
struct Verify;

impl StoreWork for Verify {
    type Output = Result<String, String>;

    async fn run(self, store: &impl HubStore) -> Result<Self::Output> {
        // Read first: entries that are appended meanwhile are checked too, and are no difference.
        let noted = store.audit_head().await?;
        let mut check = ChainCheck::default();
        loop {
            let page = store.audit_after(check.seq(), AUDIT_PAGE).await?;
            for record in &page {
                if let Err(why) = check.check(record) {
                    return Ok(Err(why));
                }
                if record.seq == noted.0 && record.hash != noted.1 {
                    return Ok(Err(format!("entry {} is not the one that the store has noted", record.seq)));
                }
            }
            if page.is_empty() {
                break;
            }
        }
        if check.seq() < noted.0 {
            return Ok(check.finish(noted).map(|()| String::new()));
        }
        let (entries, head) = (check.seq(), hex::encode(check.hash()));
        Ok(Ok(format!("the hub's audit trail is intact: {entries} entries, head {head}")))
    }
}
