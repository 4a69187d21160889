//! `clock show`, `clock reset`

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;

use super::common::{Store, print_line};
use crate::clock::Clock;
use crate::db::{Exclusive, ReadOnly, ReadTx};
use crate::error::Result as DomainResult;
use crate::store::{clock_floor, sync_state};

#[derive(Subcommand)]
pub enum Command {
    /// Print the machine's clock, the time that the server uses, and how far the hub's clock differs; also beside a running
    /// server
    Show {
        #[command(flatten)]
        store: Store,
    },
    /// Take the machine's clock as right: lowers the last known time after a wrong clock, and confirms a step ahead, so that
    /// scheduled deletes fall due; no server may run
    Reset {
        #[command(flatten)]
        store: Store,
    },
}

pub fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Show { store } => {
            let database = ReadOnly::open(&store.path()?, Clock::default())?;
            let (clock, hub_ahead_ms) = database.read(read)?;
            print_line(describe(&clock, hub_ahead_ms))?;
            if let Some(wrong) = wrong(&clock, hub_ahead_ms) {
                bail!("{wrong}");
            }
        }
        Command::Reset { store } => {
            let clock = Clock::default();
            if !clock.reset() {
                bail!("the machine's clock shows {}, which cannot be: set it first", clock.machine());
            }
            let database = Exclusive::open(&store.existing_path()?, clock.clone())?;
            database.write("command line", |tx| clock_floor::put(tx, clock.follow()))?;
            database.close()?;
            print_line(format_args!("the time is taken to be {}", clock.now()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The clock as a server with this database would use it, and by how many milliseconds the hub's was ahead.
pub fn read(tx: &ReadTx) -> DomainResult<(Clock, Option<i64>)> {
    let clock = Clock::default();
    clock.resume(clock_floor::find(tx)?);
    Ok((clock, sync_state::record(tx)?.hub_clock_offset_ms))
}

/// One line on the clock.
pub fn describe(clock: &Clock, hub_ahead_ms: Option<i64>) -> String {
    let hub = hub_ahead_ms.map_or_else(String::new, |offset| format!(", hub {:+.1} s", offset as f64 / 1_000.0));
    format!("machine {}, used {}, last known {}{hub}", clock.machine(), clock.now(), clock.known())
}

/// What is wrong with the clock, and what to do; `None` when nothing is.
pub fn wrong(clock: &Clock, hub_ahead_ms: Option<i64>) -> Option<String> {
    let hub = || {
        let offset = hub_ahead_ms.filter(|offset| sync_state::is_clock_off(*offset))?;
        Some(format!("the hub's clock was {:+} s at the last exchange: set the clock that is wrong", offset / 1_000))
    };
    clock.fault().or_else(hub)
}
