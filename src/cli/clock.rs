//! `clock show`, `clock reset`

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::json;

use super::common::Store;
use super::output::Form;
use crate::clock::Clock;
use crate::db::{Exclusive, ReadOnly};
use crate::store::clock_floor;
use crate::sync::edge::clock_check;

#[derive(Subcommand)]
pub enum Command {
    /// Print the machine's clock, the time that the server uses, and how far the hub's clock differs; also beside a running
    /// server
    Show {
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        store: Store,
    },
    /// Take the machine's clock as right: lowers the last known time after a wrong clock, and confirms a step ahead, so that
    /// scheduled deletes fall due; no server may run
    Reset {
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        store: Store,
    },
}

pub fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Show { form, store } => {
            let database = ReadOnly::open(&store.path()?, Clock::default())?;
            let (clock, hub_ahead_ms) = database.read(clock_check::read)?;
            let wrong = clock_check::wrong(&clock, hub_ahead_ms);
            let value = json!({
                "machine": clock.machine(), "now": clock.now(), "hubAheadMs": hub_ahead_ms, "wrong": wrong
            });
            form.say(value, clock_check::describe(&clock, hub_ahead_ms))?;
            if let Some(wrong) = wrong {
                bail!("{wrong}");
            }
        }
        Command::Reset { form, store } => {
            let clock = Clock::default();
            if !clock.reset() {
                bail!("the machine's clock shows {}, which cannot be: set it first", clock.machine());
            }
            let database = Exclusive::open(&store.existing_path()?, clock.clone())?;
            database.write("command line", |tx| clock_floor::put(tx, clock.follow()))?;
            database.close()?;
            form.say(json!({ "now": clock.now() }), format_args!("the time is taken to be {}", clock.now()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
