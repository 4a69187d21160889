//! `key`

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use serde_json::json;

use super::common::{Store, cannot_be_written, print_line, refuse_own};
use crate::auth::key_file::{self, NewKey};
use crate::auth::secrets::key_path;
use crate::clock::Clock;
use crate::db::Exclusive;
use crate::db::upgrade::copies;
use crate::files::Part;
use crate::usecases::key_rotation::{self, Rotated};

#[derive(Subcommand)]
pub enum Command {
    /// Make a new key file, and seal with it all that the one before has sealed; no server may run
    Rotate {
        /// Keep the replaced key in this new file: backups from before can be used with it alone [default: it is kept nowhere]
        #[arg(long, value_name = "FILE")]
        keep_old: Option<PathBuf>,
        /// Print it as one JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        store: Store,
    },
}

pub fn run(command: &Command) -> Result<ExitCode> {
    let Command::Rotate { keep_old, json, store } = command;
    let path = store.existing_path()?;
    let database = Exclusive::open(&path, Clock::default())?;
    let old = database.read(|tx| Ok(key_file::open(&path, tx)))??;
    if let Some(file) = keep_old {
        keep(&path, file)?;
    }
    let new = NewKey::make(&path)?;
    let rotated = database.write("command line", |tx| key_rotation::run(tx, &old, &new.sealer));
    let rotated = match rotated {
        Ok(rotated) => rotated,
        Err(error) => {
            new.give_up();
            if let Some(file) = keep_old {
                let _ = std::fs::remove_file(file);
            }
            return Err(error).context("the key file was not replaced");
        }
    };
    new.put_in_place().context("everything is sealed with the new key: the next start puts it in place")?;
    database.close()?;
    if *json {
        print_line(json!({ "key": key_path(&path), "rotated": rotated, "keptOld": keep_old }))?;
    } else {
        describe(&path, &rotated, keep_old.as_deref())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Copies the key file to a new one.
fn keep(database: &Path, file: &Path) -> Result<()> {
    refuse_own(file, database)?;
    if file.exists() {
        bail!("{} exists already: name a new file with --keep-old", file.display());
    }
    let key = key_path(database);
    let held = std::fs::read(&key).with_context(|| format!("{} cannot be read", key.display()))?;
    let kept = Part::of(file).and_then(|part| part.file().write_all(&held).and_then(|()| part.finish()));
    kept.map_err(|error| cannot_be_written(file, error))
}

fn describe(path: &Path, rotated: &Rotated, keep_old: Option<&Path>) -> Result<()> {
    let Rotated { sealed, unreadable, forgotten } = rotated;
    print_line(format_args!("{} is new, and {sealed} values are sealed with it", key_path(path).display()))?;
    if *unreadable > 0 {
        print_line(format_args!("{unreadable} values could not be read with the replaced key either: see doctor"))?;
    }
    if *forgotten > 0 {
        print_line(format_args!(
            "{forgotten} remembered answers are forgotten: a request repeated with an Idempotency-Key from before is done again"
        ))?;
    }
    let copies = match copies(path).len() {
        0 => String::new(),
        count => format!(", and the {count} older copies beside the database"),
    };
    print_line(match keep_old {
        Some(file) => format!(
            "the replaced key is in {}: backups from before{copies} need it; remove it when they are gone",
            file.display()
        ),
        None => {
            format!("the replaced key is gone: what is sealed in backups from before{copies} can no longer be read")
        }
    })?;
    print_line("make a backup, and keep a copy of the new key file apart from it")
}
