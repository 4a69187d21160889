//! `export`

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;

use super::common::{Store, refuse_own};
use super::output::write_to;
use crate::auth::key_file;
use crate::clock::Clock;
use crate::db::ReadOnly;
use crate::usecases::csv_lists::{self, CsvKind};
use crate::usecases::export;

const INCOMPLETE: &str = "the export is not complete";

#[derive(Args)]
pub struct Arguments {
    /// File to write, in the place of one that is there; standard output when left out, or -
    file: Option<PathBuf>,
    /// Also password hashes and authenticator keys: keep such a file as you keep a password
    #[arg(long)]
    with_secrets: bool,
    /// One list as CSV: employees or queues
    #[arg(long, value_name = "KIND", conflicts_with = "with_secrets", value_parser = csv_kind)]
    csv: Option<CsvKind>,
    #[command(flatten)]
    store: Store,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let path = arguments.store.path()?;
    let database = ReadOnly::open(&path, Clock::default())?;
    let sealer = if arguments.with_secrets { database.read(|tx| Ok(key_file::read(&path, tx)))?? } else { None };
    let write = |out: &mut dyn Write| {
        let written = database.read(|tx| match arguments.csv {
            Some(kind) => csv_lists::write(tx, kind, out),
            None => export::write(tx, sealer.as_ref(), out),
        });
        written.context(INCOMPLETE)
    };
    let file = arguments.file.as_deref().filter(|file| file.as_os_str() != "-");
    if let Some(file) = file {
        refuse_own(file, &path)?;
    }
    write_to(file, INCOMPLETE, write)?;
    if let Some(file) = file {
        eprintln!("exported {} to {}", path.display(), file.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the name of what a CSV file lists.
pub fn csv_kind(name: &str) -> Result<CsvKind, String> {
    CsvKind::parse(name).ok_or_else(|| format!("must be one of {}", CsvKind::NAMES.join(", ")))
}
