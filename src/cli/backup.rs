//! `backup`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Store, cannot_be_written, progress, refuse_own, say};
use crate::clock::Clock;
use crate::db::ReadOnly;
use crate::files::Part;
use crate::secrets::key_path;

#[derive(Args)]
pub struct Arguments {
    /// File to make; it must not exist yet
    file: PathBuf,
    #[command(flatten)]
    store: Store,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let path = arguments.store.path()?;
    let database = ReadOnly::open(&path, Clock::default())?;
    let file = &arguments.file;
    if file.exists() {
        return Err(format!("{} exists already: name a new file", file.display()));
    }
    refuse_own(file, &path)?;
    let told = |error| cannot_be_written(file, &error);
    let part = Part::of(file).map_err(told)?;
    let bar = progress::bar("pages", 0);
    let copied = database
        .backup_to(part.path(), |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        })
        .map_err(|error| format!("the backup is not complete: {error}"))
        .and_then(|()| part.finish().map_err(told));
    bar.finish_and_clear();
    copied?;
    say(format_args!("backed up {} to {}", path.display(), file.display()))?;
    say(format_args!("keep {} apart from it: authenticator keys are sealed with it", key_path(&path).display()))?;
    Ok(ExitCode::SUCCESS)
}
