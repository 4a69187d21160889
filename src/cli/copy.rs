//! `copy` and `undo`

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;

use super::common::{Store, print_line};
use crate::clock::Clock;
use crate::db::{Exclusive, ReadOnly};
use crate::domain::access::{Actor, Level};
use crate::domain::id::Id;
use crate::usecases::bulk_copy::{self, BulkCopy, Targets};
use crate::usecases::undo;

#[derive(Args)]
pub struct CopyArguments {
    /// Employee whose mobile config is copied
    #[arg(long, value_name = "ID")]
    from: Id,
    #[command(flatten)]
    to: To,
    /// Say what would change, and copy nothing; works while the server runs
    #[arg(long)]
    dry_run: bool,
    /// One JSON object on a line for each employee
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

/// Onto whose configs.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct To {
    /// Onto the configs of these employees
    #[arg(long, value_name = "ID", num_args = 1..)]
    to: Vec<Id>,
    /// Onto those of everybody in this department
    #[arg(long, value_name = "NAME")]
    department: Option<String>,
    /// Onto those of everybody with this access level
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    level: Option<Level>,
    /// Onto those of all employees of the customer
    #[arg(long)]
    all: bool,
}

fn level(name: &str) -> Result<Level, String> {
    Level::parse(name).ok_or_else(|| format!("a level is one of {}", Level::NAMES.join(", ")))
}

impl To {
    fn targets(&self) -> Targets {
        match (&self.department, self.level) {
            (Some(department), _) => Targets::Department(department.clone()),
            (None, Some(level)) => Targets::Level(level),
            (None, None) if self.all => Targets::All,
            (None, None) => Targets::Named(self.to.clone()),
        }
    }
}

pub fn copy(arguments: &CopyArguments) -> Result<ExitCode> {
    let actor = Actor::administrator("command line");
    let targets = arguments.to.targets();
    let failed = || "nothing was copied".to_owned();
    if arguments.dry_run {
        let database = ReadOnly::open(&arguments.store.path()?, Clock::default())?;
        let copy = database.read(|tx| bulk_copy::plan(tx, &actor, arguments.from, &targets)).with_context(failed)?;
        describe(&copy, arguments.json)?;
        if !arguments.json {
            print_line("nothing was copied: this is what would change")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let database = Exclusive::open(&arguments.store.existing_path()?, Clock::default())?;
    let done = database.write("command line", |tx| {
        let copy = bulk_copy::run(tx, &actor, arguments.from, &targets)?;
        Ok((copy, tx.operation().to_owned()))
    });
    let (copy, operation) = done.with_context(failed)?;
    database.close()?;
    describe(&copy, arguments.json)?;
    match arguments.json {
        true => print_line(json!({ "operation": operation }))?,
        false => print_line(format_args!("operation {operation}: telecomx-local undo {operation} takes it back"))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(copy: &BulkCopy, is_json: bool) -> Result<()> {
    for target in &copy.changes {
        if is_json {
            print_line(serde_json::to_string(target)?)?;
            continue;
        }
        let counts: Vec<String> = target
            .lists
            .iter()
            .map(|list| {
                let (added, removed, moved) = (list.added.len(), list.removed.len(), list.moved.len());
                format!("{} {}: {added} added, {removed} removed, {moved} moved", list.kind, list.list)
            })
            .collect();
        let what = match (target.changes, counts.is_empty()) {
            (false, _) => "no change".to_owned(),
            (true, true) => "changes".to_owned(),
            (true, false) => counts.join("; "),
        };
        print_line(format_args!("{}\t{}\t{what}", target.id, target.name))?;
    }
    if !copy.without_config.is_empty() && !is_json {
        print_line(format_args!("{} without a mobile config were left out", copy.without_config.len()))?;
    }
    Ok(())
}

#[derive(Args)]
pub struct UndoArguments {
    /// The operation, as copy prints it and the change log has it
    operation: String,
    /// Also where a config has been changed since
    #[arg(long)]
    force: bool,
    /// Print what changes as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

pub fn undo(arguments: &UndoArguments) -> Result<ExitCode> {
    let actor = Actor::administrator("command line");
    let database = Exclusive::open(&arguments.store.existing_path()?, Clock::default())?;
    let done = database.write("command line", |tx| {
        let place = undo::find(tx, &arguments.operation)?;
        let targets = undo::run(tx, &actor, &arguments.operation, place, arguments.force)?;
        Ok((targets, tx.operation().to_owned()))
    });
    let (targets, operation) = done.with_context(|| "nothing was undone")?;
    database.close()?;
    match arguments.json {
        true => print_line(json!({ "operation": operation, "targets": targets }))?,
        false => print_line(format_args!(
            "{} mobile configs hold again what they held before (operation {operation})",
            targets.len()
        ))?,
    }
    Ok(ExitCode::SUCCESS)
}
