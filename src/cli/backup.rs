//! `backup`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;

use super::common::{Store, cannot_be_written, refuse_own};
use super::output::Form;
use super::progress;
use crate::auth::secrets::key_path;
use crate::clock::Clock;
use crate::db::ReadOnly;
use crate::files::Part;
use crate::usecases::backups::Backups;

#[derive(Args)]
pub struct Arguments {
    /// File to make; it must not exist yet
    #[arg(required_unless_present = "to")]
    file: Option<PathBuf>,
    /// Make a backup in this folder, named after its time, and remove the oldest there beyond --keep
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    to: Option<PathBuf>,
    /// How many backups to keep in the folder
    #[arg(long, value_name = "COUNT", default_value_t = 7, requires = "to", value_parser = clap::value_parser!(u16).range(1..))]
    keep: u16,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    store: Store,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let path = arguments.store.path()?;
    match (&arguments.to, &arguments.file) {
        (Some(folder), _) => to_folder(&path, folder, arguments.keep.into(), arguments.form),
        (None, Some(file)) => to_file(&path, file, arguments.form),
        (None, None) => bail!("name the file to make, or a folder with --to"),
    }
}

fn to_folder(path: &Path, folder: &Path, keep: usize, form: Form) -> Result<ExitCode> {
    let made = Backups::new(folder.to_owned(), keep).make(path, &Clock::default())?;
    say_where(path, &made, form)
}

fn to_file(path: &Path, file: &Path, form: Form) -> Result<ExitCode> {
    let database = ReadOnly::open(path, Clock::default())?;
    if file.exists() {
        bail!("{} exists already: name a new file", file.display());
    }
    refuse_own(file, path)?;
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
    say_where(path, file, form)
}

fn say_where(path: &Path, made: &Path, form: Form) -> Result<ExitCode> {
    let key = key_path(path);
    let words = format!(
        "backed up {} to {}\nkeep {} apart from it: authenticator keys are sealed with it",
        path.display(),
        made.display(),
        key.display()
    );
    form.say(json!({ "database": path, "backup": made, "key": key }), words)?;
    Ok(ExitCode::SUCCESS)
}
