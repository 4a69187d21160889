//! `audit verify`

use std::process::ExitCode;

use clap::Subcommand;

use super::{Store, progress};
use crate::clock::Clock;
use crate::db::ReadOnly;
use crate::store::audit::{self, Verdict};

#[derive(Subcommand)]
pub enum Command {
    /// Recompute the chain of the audit trail; the first entry that does not fit is named
    Verify(Store),
}

pub fn run(command: &Command) -> Result<ExitCode, String> {
    let Command::Verify(store) = command;
    let path = store.path()?;
    let database = ReadOnly::open(&path, Clock::default())?;
    let bar = progress::bar("entries", 0);
    let verdict = database.read(|tx| {
        audit::verify(tx, |seq| {
            if seq % 1_000 == 0 {
                bar.set_position(seq as u64)
            }
        })
    });
    bar.finish_and_clear();
    match verdict.map_err(|error| format!("{} cannot be read: {error}", path.display()))? {
        Verdict::Intact { entries, head } => {
            let head: String = head.iter().map(|byte| format!("{byte:02x}")).collect();
            println!("the audit trail is intact: {entries} entries, head {head}");
            Ok(ExitCode::SUCCESS)
        }
        Verdict::Broken { seq, reason } => Err(format!(
            "the audit trail is broken at entry {seq}: {reason}; entries before it are as they were written"
        )),
    }
}
