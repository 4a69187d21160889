//! `copy`, `offer` and `undo`

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{ArgGroup, Args};
use serde_json::json;

use super::common::{Store, print_line};
use crate::clock::Clock;
use crate::db::{Exclusive, ReadOnly};
use crate::domain::access::{Actor, Level};
use crate::domain::id::Id;
use crate::usecases::config_targets::{TargetChange, Targets};
use crate::usecases::offers::{Offer, Wanted};
use crate::usecases::{bulk_copy, offers, undo};

#[derive(Args)]
#[command(group(ArgGroup::new("whom").required(true).args(["to", "department", "level", "all"])))]
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

/// Whose configs are changed.
#[derive(Args)]
#[group(multiple = false)]
struct To {
    /// The configs of these employees
    #[arg(long, value_name = "ID", num_args = 1..)]
    to: Vec<Id>,
    /// Those of everybody in this department
    #[arg(long, value_name = "NAME")]
    department: Option<String>,
    /// Those of everybody with this access level
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    level: Option<Level>,
    /// Those of all employees of the customer
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
            (None, None) if self.to.is_empty() => Targets::All,
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
        describe(&copy.changes, &copy.without_config, arguments.json)?;
        return say_dry(arguments.json, "nothing was copied: this is what would change");
    }
    let database = Exclusive::open(&arguments.store.existing_path()?, Clock::default())?;
    let done = database.write("command line", |tx| {
        let copy = bulk_copy::run(tx, &actor, arguments.from, &targets)?;
        Ok((copy, tx.operation().to_owned()))
    });
    let (copy, operation) = done.with_context(failed)?;
    database.close()?;
    describe(&copy.changes, &copy.without_config, arguments.json)?;
    name_operation(&arguments.store, &copy.changes, &operation, arguments.json)
}

#[derive(Args)]
pub struct OfferArguments {
    /// Customer whose employees, queues and configs are meant
    #[arg(long, value_name = "ID")]
    customer: Id,
    /// Employees to offer
    #[arg(long, value_name = "ID", num_args = 1.., conflicts_with = "all_employees")]
    employee: Vec<Id>,
    /// Queues to offer
    #[arg(long, value_name = "ID", num_args = 1.., conflicts_with = "all_queues")]
    queue: Vec<Id>,
    /// Offer every employee of the customer
    #[arg(long)]
    all_employees: bool,
    /// Offer every queue of the customer
    #[arg(long)]
    all_queues: bool,
    /// Without --to, --department and --level: all configs of the customer
    #[command(flatten)]
    to: To,
    /// Say what would change, and change nothing; works while the server runs
    #[arg(long)]
    dry_run: bool,
    /// One JSON object on a line for each employee
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

pub fn offer(arguments: &OfferArguments) -> Result<ExitCode> {
    let actor = Actor::administrator("command line");
    let wanted = |all, ids: &Vec<Id>| match (all, ids.is_empty()) {
        (true, _) => Wanted::All,
        (false, true) => Wanted::None,
        (false, false) => Wanted::Named(ids.clone()),
    };
    let offer = Offer {
        customer: Some(arguments.customer),
        employees: wanted(arguments.all_employees, &arguments.employee),
        queues: wanted(arguments.all_queues, &arguments.queue),
        to: arguments.to.targets(),
    };
    let failed = || "nothing was offered".to_owned();
    if arguments.dry_run {
        let database = ReadOnly::open(&arguments.store.path()?, Clock::default())?;
        let planned = database.read(|tx| offers::plan(tx, &actor, &offer)).with_context(failed)?;
        describe(&planned.changes, &planned.without_config, arguments.json)?;
        return say_dry(arguments.json, "nothing was offered: this is what would change");
    }
    let database = Exclusive::open(&arguments.store.existing_path()?, Clock::default())?;
    let done = database.write("command line", |tx| {
        let made = offers::run(tx, &actor, &offer)?;
        Ok((made, tx.operation().to_owned()))
    });
    let (made, operation) = done.with_context(failed)?;
    database.close()?;
    describe(&made.changes, &made.without_config, arguments.json)?;
    name_operation(&arguments.store, &made.changes, &operation, arguments.json)
}

fn say_dry(is_json: bool, sentence: &str) -> Result<ExitCode> {
    if !is_json {
        print_line(sentence)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The operation, and the command that takes it back; null where nothing was changed.
fn name_operation(store: &Store, changes: &[TargetChange], operation: &str, is_json: bool) -> Result<ExitCode> {
    let operation = changes.iter().any(|target| target.changes).then_some(operation);
    match (operation, is_json) {
        (_, true) => print_line(json!({ "operation": operation }))?,
        (None, false) => print_line("nothing was changed: everything was so already")?,
        (Some(operation), false) => {
            let database = store.existing_path()?;
            let undo = format!("telecomx-local undo {operation} --db '{}'", database.display());
            print_line(format_args!("operation {operation}: {undo} takes it back"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(changes: &[TargetChange], without_config: &[Id], is_json: bool) -> Result<()> {
    for target in changes {
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
    if !without_config.is_empty() && !is_json {
        print_line(format_args!("{} without a mobile config were left out", without_config.len()))?;
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
