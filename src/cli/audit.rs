//! `audit verify`

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;

use super::common::{Store, print_line};
use super::progress;
use crate::clock::Clock;
use crate::db::{ReadOnly, schema_difference};
use crate::store::audit_chain::{self, ChainVerdict};

#[derive(Subcommand)]
pub enum Command {
    /// Recompute the chain of the audit trail and compare the objects with it; the first that does not fit is named
    Verify(Store),
}

pub fn run(command: &Command) -> Result<ExitCode> {
    let Command::Verify(store) = command;
    let path = store.path()?;
    let database = ReadOnly::open(&path, Clock::default())?;
    let bar = progress::bar("entries", 0);
    let step = |seq: i64| {
        if seq % 1_000 == 0 {
            bar.set_position(seq as u64)
        }
    };
    let found = database.read(|tx| Ok((audit_chain::verify(tx, step), schema_difference(tx.conn)?)));
    bar.finish_and_clear();
    let unreadable = || format!("{} cannot be read", path.display());
    let (verdict, schema) = found.with_context(unreadable)?;
    if let (Ok(ChainVerdict::Intact { .. }) | Err(_), Some(wrong)) = (&verdict, schema) {
        bail!("the database was changed by hand: {wrong}");
    }
    match verdict.with_context(unreadable)? {
        ChainVerdict::Intact { entries, head } => {
            let head = hex::encode(head);
            print_line(format_args!("the audit trail is intact: {entries} entries, head {head}"))?;
            Ok(ExitCode::SUCCESS)
        }
        ChainVerdict::Differs { object } => bail!(
            "the chain of the audit trail is whole, but {object}: it was changed by hand, or newer entries were taken out"
        ),
        ChainVerdict::Broken { seq, reason } => {
            bail!("the audit trail is broken at entry {seq}: {reason}; entries before it are as they were written")
        }
    }
}
