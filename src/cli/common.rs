//! What several commands share: the database they work on, and how they print.

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::config::Config;
use crate::domain::time::Time;
use crate::files::{DATABASE_FILES, beside, check_finished, is_of_database};
use crate::platform::settings::PlatformSettings;
use crate::sync::edge::settings::HubSettings;

/// Which database a tool works on.
#[derive(Args, Clone)]
pub struct Store {
    /// Database file [default: telecomx-local/telecomx.db in the user's data folder]
    #[arg(long, value_name = "PATH")]
    db: Option<PathBuf>,
    /// TOML file with settings [default: none]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Store {
    /// The database file.
    pub fn path(&self) -> Result<PathBuf> {
        Config { db: self.db.clone(), config: self.config.clone(), ..Config::default() }.resolve()?.db()
    }

    /// All settings, as the server would use them.
    pub fn settings(&self) -> Result<Config> {
        Config { db: self.db.clone(), config: self.config.clone(), ..Config::default() }.resolve()
    }

    /// The settings about the hub, with what was given on the command line before what is set elsewhere.
    pub fn hub(&self, ca: Option<PathBuf>, is_insecure: bool) -> Result<HubSettings> {
        let insecure = is_insecure.then_some(true);
        Ok(Config { hub_ca: ca, insecure, config: self.config.clone(), ..Config::default() }.resolve()?.hub())
    }

    /// The settings about the platform.
    pub fn platform(&self) -> Result<PlatformSettings> {
        Ok(Config { config: self.config.clone(), ..Config::default() }.resolve()?.platform.settings())
    }

    /// The database file, which must be there already.
    pub fn existing_path(&self) -> Result<PathBuf> {
        let path = self.path()?;
        check_finished(&path)?;
        if path.exists() {
            return Ok(path);
        }
        bail!("there is no database at {}: choose another --db", path.display())
    }
}

/// Refuses to write `file` over one of the files that make up `database`.
pub fn refuse_own(file: &Path, database: &Path) -> Result<()> {
    if is_of_database(file, database) {
        bail!("{} is part of the database {}: name another file", file.display(), database.display());
    }
    Ok(())
}

/// Reads the time of an argument.
pub fn time(text: &str) -> Result<Time, String> {
    Time::parse(text).ok_or_else(|| "give a date, or a time such as 2027-01-31T12:00:00Z".to_owned())
}

/// Removes a database that a failed command has created.
pub fn remove_database(database: &Path) {
    for suffix in DATABASE_FILES {
        let _ = std::fs::remove_file(beside(database, suffix));
    }
}

/// Prints a line. A reader that has closed the pipe, as `| head` does, is no error.
pub fn print_line(line: impl Display) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("standard output cannot be written"),
        _ => Ok(()),
    }
}

/// Prints the line that says where the server listens, which starters of the program wait for; then `rest`.
pub fn print_ready(url: &str, rest: &str) {
    let mut out = std::io::stdout().lock();
    // The process that started the server may have closed the pipe: it serves all the same.
    let _ = write!(out, "telecomx-local listening on {url}\n{rest}").and_then(|()| out.flush());
}

/// The error of a file that cannot be written.
pub fn cannot_be_written(file: &Path, error: std::io::Error) -> anyhow::Error {
    crate::files::cannot_be_written(file, error, "check the folder and its rights, or name another file")
}
