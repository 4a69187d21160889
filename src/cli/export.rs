//! `export`

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;

use super::common::{Store, cannot_be_written, refuse_own};
use crate::auth::secrets::Sealer;
use crate::clock::Clock;
use crate::db::ReadOnly;
use crate::files::{Part, is_special};
use crate::usecases::export;

#[derive(Args)]
pub struct Arguments {
    /// File to write, in the place of one that is there; standard output when left out, or -
    file: Option<PathBuf>,
    /// Also password hashes and authenticator keys: keep such a file as you keep a password
    #[arg(long)]
    with_secrets: bool,
    #[command(flatten)]
    store: Store,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let path = arguments.store.path()?;
    let database = ReadOnly::open(&path, Clock::default())?;
    let sealer = if arguments.with_secrets { Sealer::read(&path)? } else { None };
    let write = |out: &mut dyn Write| {
        database.read(|tx| export::write(tx, sealer.as_ref(), out)).context("the export is not complete")
    };
    match &arguments.file {
        None => to_standard_output(write)?,
        Some(file) if file.as_os_str() == "-" => to_standard_output(write)?,
        Some(file) => {
            refuse_own(file, &path)?;
            match is_special(file) {
                true => write_through(file, write)?,
                false => replace_file(file, write)?,
            }
            eprintln!("exported {} to {}", path.display(), file.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn to_standard_output(write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    write(&mut out)?;
    out.flush().context("the export is not complete")
}

/// Writes to what is no regular file, such as a pipe or a device: it cannot be replaced.
fn write_through(file: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let describe = |error| cannot_be_written(file, error);
    let mut out = BufWriter::new(OpenOptions::new().write(true).open(file).map_err(describe)?);
    write(&mut out)?;
    out.flush().map_err(describe)
}

/// Writes a new file, readable by its owner only, and puts it in the place of the old one when it is whole.
fn replace_file(file: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let describe = |error| cannot_be_written(file, error);
    let part = Part::of(file).map_err(describe)?;
    let mut out = BufWriter::new(part.file());
    write(&mut out)?;
    out.flush().map_err(describe)?;
    drop(out);
    part.finish().map_err(describe)
}
