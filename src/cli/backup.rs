//! `backup`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::common::{Store, cannot_be_written, print_line, refuse_own};
use super::progress;
use crate::auth::secrets::key_path;
use crate::clock::Clock;
use crate::db::ReadOnly;
use crate::files::Part;

#[derive(Args)]
pub struct Arguments {
    /// File to make; it must not exist yet
    file: PathBuf,
    #[command(flatten)]
    store: Store,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let path = arguments.store.path()?;
    let database = ReadOnly::open(&path, Clock::default())?;
    let file = &arguments.file;
    if file.exists() {
        bail!("{} exists already: name a new file", file.display());
    }
    refuse_own(file, &path)?;
    let describe = |error| cannot_be_written(file, error);
    let part = Part::of(file).map_err(describe)?;
    let bar = progress::bar("pages", 0);
    let copied = database
        .backup_to(part.path(), |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        })
        .context("the backup is not complete")
        .and_then(|()| part.finish().map_err(describe));
    bar.finish_and_clear();
    copied?;
    print_line(format_args!("backed up {} to {}", path.display(), file.display()))?;
    print_line(format_args!(
        "keep {} apart from it: authenticator keys are sealed with it",
        key_path(&path).display()
    ))?;
    Ok(ExitCode::SUCCESS)
}
