//! `backup`

use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Store, part_of, progress};
use crate::clock::Clock;
use crate::db::ReadOnly;
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
    let part = part_of(file);
    let told = |error: std::io::Error| format!("{} cannot be written: {error}", file.display());
    let made = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&part).map_err(told)?;
    let bar = progress::bar("pages", 0);
    let copied = database
        .backup_to(&part, |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        })
        .map_err(|error| format!("the backup is not complete: {error}"))
        .and_then(|()| made.sync_all().and_then(|()| std::fs::rename(&part, file)).map_err(told));
    bar.finish_and_clear();
    if copied.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    copied?;
    println!("backed up {} to {}", path.display(), file.display());
    println!("keep {} apart from it: authenticator keys are sealed with it", key_path(&path).display());
    Ok(ExitCode::SUCCESS)
}
