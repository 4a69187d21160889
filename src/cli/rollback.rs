//! `rollback` and `hub rollback`: back to the copy from before an upgrade.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Args;
use serde_json::json;

use super::common::{Store, print_line};
use super::restore_file::HUB_SEES_A_RESTORE;
use crate::clock::Clock;
use crate::db::upgrade::Rollback;
use crate::db::{APPLICATION_ID, ReadTx};
use crate::store::sync_state;
use crate::store::written_since::{self, Written};

#[derive(Args)]
pub struct Arguments {
    /// The schema to go back to [default: that of the newest copy]
    #[arg(long, value_name = "SCHEMA")]
    to_schema: Option<i32>,
    /// Print it as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let path = arguments.store.path()?;
    let rollback = Rollback::prepare(&path, "--db", arguments.to_schema)?;
    let end = rollback.read_copy(written_since::end)?;
    let last = end.map_or(0, |(seq, _)| seq);
    let read = rollback.read_current(|tx| {
        let is_same = end.map_or(Ok(true), |end| written_since::continues(tx, end))?;
        Ok((written_since::since(tx, last)?, sync_state::enrolment(tx)?.is_some(), is_same))
    })?;
    let (written, has_hub, is_same) = read.unwrap_or((Written::default(), false, true));
    ensure!(
        is_same,
        "{} is the copy of another database: its audit trail does not lead to {}; nothing was changed",
        rollback.copy.path.display(),
        path.display()
    );
    let kept = rollback.run(Clock::default().now())?;
    if arguments.json {
        print_line(json!({
            "database": path, "schema": rollback.copy.schema, "from": rollback.schema, "kept": kept, "written": written,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    print_rolled_back(&path, &rollback, kept.as_deref())?;
    if let Some(kept) = &kept {
        print_line(describe(&written, kept))?;
    }
    if has_hub {
        print_line(HUB_SEES_A_RESTORE)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Rolls the store of a hub back, in a file.
pub fn run_hub(path: &Path, to_schema: Option<i32>, is_json: bool) -> Result<ExitCode> {
    let rollback = Rollback::prepare(path, "--store", to_schema)?;
    let is_of_server = |tx: &ReadTx| {
        let id: i32 = tx.conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
        Ok(id == APPLICATION_ID)
    };
    ensure!(
        !rollback.read_copy(is_of_server)?,
        "{} is the database of a server, and no store of a hub: nothing was changed; rollback --db has that back",
        path.display()
    );
    let kept = rollback.run(Clock::default().now())?;
    if is_json {
        print_line(json!({ "store": path, "schema": rollback.copy.schema, "from": rollback.schema, "kept": kept }))?;
        return Ok(ExitCode::SUCCESS);
    }
    print_rolled_back(path, &rollback, kept.as_deref())?;
    print_line(
        "what servers have sent since the upgrade they send again; codes, operators, proposals and tags made since are in that file only",
    )?;
    Ok(ExitCode::SUCCESS)
}

fn print_rolled_back(path: &Path, rollback: &Rollback, kept: Option<&Path>) -> Result<()> {
    let kept = kept.map_or_else(String::new, |kept| format!("; what it held until now is in {}", kept.display()));
    print_line(format_args!("{} is back at schema {}{kept}", path.display(), rollback.copy.schema))?;
    print_line("start the program of before the upgrade now: this one would upgrade it again")
}

/// What is only in the file `kept`.
fn describe(written: &Written, kept: &Path) -> String {
    let Some(last) = written.last else { return "nothing was written since the upgrade".to_owned() };
    let sections: Vec<String> =
        written.sections.iter().map(|(section, count)| format!("{count} of {section}")).collect();
    format!(
        "written since the upgrade and only in that file: {} entries of the audit trail ({}), the last at {last}; audit log --db {} \
         --limit {} prints them",
        written.entries,
        sections.join(", "),
        kept.display(),
        written.entries
    )
}
