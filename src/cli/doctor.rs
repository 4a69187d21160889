//! `doctor`

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::Args;
use serde_json::json;

use super::common::{Store, print_line};
use crate::clock::Clock;
use crate::db::{Exclusive, ReadOnly, SCHEMA_VERSION};
use crate::platform::checkup;
use crate::store::adopt::{self, Adoption};
use crate::sync::edge::checkup::{Finding, examine};

#[derive(Args)]
pub struct Arguments {
    /// First accept rows edited behind the server's back: make dropped triggers again, audit the rows and mirror them; no
    /// server may run
    #[arg(long)]
    adopt: bool,
    /// Print the findings as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

fn adopt_all(path: &Path) -> anyhow::Result<()> {
    let database = Exclusive::open(path, Clock::default())?;
    let put_back = database.put_back_triggers();
    for name in put_back.context("nothing was adopted")? {
        print_line(format_args!("put back: the trigger {name}"))?;
    }
    let adopted = database.write("command line", adopt::run);
    for Adoption { wrong, refused } in adopted.context("nothing was adopted")? {
        match refused {
            None => print_line(format_args!("adopted: {wrong}"))?,
            Some(why) => print_line(format_args!("left as it is: {wrong}: {why}"))?,
        }
    }
    Ok(database.close()?)
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = if arguments.adopt { arguments.store.existing_path()? } else { arguments.store.path()? };
    if arguments.adopt {
        adopt_all(&path)?;
    }
    let database = ReadOnly::open(&path, Clock::default())?;
    let findings = database.read(|tx| Ok(examine(tx, &path).into_iter().chain(checkup::check(tx, &path)).collect()));
    let findings: Vec<Finding> = findings.with_context(|| format!("{} cannot be read", path.display()))?;
    if arguments.json {
        print_line(json!({ "database": path, "schema": SCHEMA_VERSION, "findings": findings }))?;
    } else {
        print_findings(&path, &findings)?;
    }
    let wrong = findings.iter().filter(|finding| finding.wrong.is_some()).count();
    if wrong == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    Err(anyhow!(
        "{wrong} of {} checks failed: keep a copy of this file, then mend each finding as it says, or go back to a backup",
        findings.len()
    ))
}

fn print_findings(path: &Path, findings: &[Finding]) -> anyhow::Result<()> {
    print_line(format_args!("{} (schema {SCHEMA_VERSION})", path.display()))?;
    for finding in findings {
        match &finding.wrong {
            None => print_line(format_args!("ok     {}: {}", finding.what, finding.detail))?,
            Some(wrong) => print_line(format_args!("WRONG  {}: {wrong}", finding.what))?,
        }
    }
    Ok(())
}
