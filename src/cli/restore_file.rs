//! `restore FILE`: a database from a backup.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::common::{cannot_be_written, remove_database};
use super::output::Form;
use crate::auth::secrets::key_path;
use crate::clock::Clock;
use crate::db::{Exclusive, check_no_log};
use crate::files::{Part, UNFINISHED, beside, folder_of, is_database, move_file, sync_folder};
use crate::store::{health, sealed, sync_state};

/// What is said of a database that was put back to an older state, and has a hub.
pub const HUB_SEES_A_RESTORE: &str = "it mirrors to a hub: at its next exchange it begins a new epoch there, and what the hub had beyond this state is kept; hub lost \
     lists it";

/// Puts the backup at `path`, where no database may be yet. The backup stays as it is; an older one is brought to this program's schema.
pub fn run(backup: &Path, path: &Path, form: Form) -> Result<ExitCode> {
    if path.exists() {
        bail!(
            "{} is there already: nothing is overwritten; name a new file with --db, or move that one away",
            path.display()
        );
    }
    check_no_log(path)?;
    if !is_database(backup) {
        bail!("{} is no database: name a file that backup has made", backup.display());
    }
    let log = beside(backup, "-wal");
    if log.exists() {
        bail!("{} belongs to a database in use: make a backup of it with backup, and restore that", log.display());
    }
    let unfinished = beside(path, UNFINISHED);
    remove_database(&unfinished);
    let restored = copy(backup, &unfinished).and_then(|()| examine(&unfinished));
    let told = match restored {
        Ok(told) => told,
        Err(error) => {
            remove_database(&unfinished);
            return Err(error.context(format!("{} was not restored", backup.display())));
        }
    };
    move_file(&unfinished, path).map_err(|error| cannot_be_written(path, error))?;
    remove_database(&unfinished);
    let needs_key = told.sealed.as_ref().filter(|_| !key_path(path).exists());
    let mut words = vec![format!("restored {} to {}: {}", backup.display(), path.display(), told.contents)];
    words.extend(needs_key.map(|sealed| {
        format!("put the key file back, to {}: without it {sealed} cannot be read", key_path(path).display())
    }));
    words.extend(told.has_hub.then(|| HUB_SEES_A_RESTORE.to_owned()));
    let value = json!({
        "backup": backup, "database": path, "contents": told.contents, "needsKey": needs_key.is_some(), "hasHub": told.has_hub,
    });
    form.say(value, words.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// What is said of a database that was restored.
struct Told {
    contents: String,
    sealed: Option<String>,
    has_hub: bool,
}

fn copy(backup: &Path, target: &Path) -> Result<()> {
    let part = Part::of(target).map_err(|error| cannot_be_written(target, error))?;
    std::fs::copy(backup, part.path()).map_err(|error| cannot_be_written(target, error))?;
    part.finish().map_err(|error| cannot_be_written(target, error))?;
    Ok(sync_folder(folder_of(target))?)
}

/// Migrates it, and refuses one whose pages are not sound.
fn examine(path: &Path) -> Result<Told> {
    let database = Exclusive::open_copy(path, Clock::default())?;
    let told = database.read(|tx| {
        let damaged = health::integrity(tx)?.0;
        let contents = health::contents(tx)?.1;
        Ok((damaged, Told { contents, sealed: sealed::describe(tx)?, has_hub: sync_state::enrolment(tx)?.is_some() }))
    });
    let (damaged, told) = told.context("it cannot be read")?;
    database.close()?;
    match damaged {
        Some(wrong) => bail!("it is damaged: {wrong}"),
        None => Ok(told),
    }
}
