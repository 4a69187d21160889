//! `status`: how the server is, on one screen.

use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use serde_json::Value;

use super::common::{Store, print_line};
use crate::clock::Clock;
use crate::db::ReadOnly;
use crate::db::lock::holder;
use crate::web::condition::Condition;

#[derive(Args)]
pub struct Arguments {
    /// Print it as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

/// Exit code 0: nothing needs attention. 1: something does, and the lines that begin with ALARM say what.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let path = arguments.store.path()?;
    let config = arguments.store.settings()?;
    let database = ReadOnly::open(&path, Clock::default())?;
    let (around, backups) = (config.surroundings(), config.backup.backups());
    let read = database.read(|tx| Condition::of(tx, &path, &around, backups.as_ref(), holder(&path)));
    let screen = read.with_context(|| format!("{} cannot be read: run doctor", path.display()))?;
    let alarms = screen.alarms.len();
    print(screen, arguments.json)?;
    match alarms {
        0 => Ok(ExitCode::SUCCESS),
        1 => Err(anyhow!("1 alarm: see above")),
        count => Err(anyhow!("{count} alarms: see above")),
    }
}

fn print(screen: Condition, is_json: bool) -> Result<()> {
    if is_json {
        return print_line(Value::Object(screen.into_json()));
    }
    for (what, text) in &screen.lines {
        print_line(format_args!("{what:<12} {text}"))?;
    }
    screen.alarms.iter().try_for_each(|alarm| print_line(format_args!("{:<12} {alarm}", "ALARM")))
}
