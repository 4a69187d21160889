//! The command line: one file per subcommand.

mod admin;
mod audit;
mod backup;
mod doctor;
mod export;
mod hub;
mod hub_move;
mod hub_origin;
mod hub_store;
mod import;
mod progress;
mod restore;
mod serve;
mod sync;
mod token;

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Parser, Subcommand};

use crate::config::Config;
use crate::files::{DATABASE_FILES, beside, check_finished, is_of_database};

/// The TelecomX mobile-config API, served locally from one SQLite file.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "Every setting can be given as a flag, as TELECOMX_LOCAL_<NAME> in the environment, or in a TOML file (--config), in that order."
)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API
    Serve(Box<Config>),
    /// The central side of the mirror
    Hub(Box<hub::Arguments>),
    /// Load a JSON document: all of it or nothing
    Import(import::Arguments),
    /// Write everything as a JSON document, to a file or to standard output; also beside a running server
    Export(export::Arguments),
    /// Copy the database to a new file; also beside a running server
    Backup(backup::Arguments),
    /// Rebuild the database of a machine from its hub, and go on in its place
    Restore(restore::Arguments),
    /// Examine the database, and say what is wrong; also beside a running server
    Doctor(doctor::Arguments),
    /// The audit trail
    #[command(subcommand)]
    Audit(audit::Command),
    /// The mirror: enrol with a hub, exchange with it, see its state
    #[command(subcommand)]
    Sync(sync::Command),
    /// Machine-to-machine tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Administrators
    #[command(subcommand)]
    Admin(admin::Command),
}

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
    fn path(&self) -> Result<PathBuf> {
        Config { db: self.db.clone(), config: self.config.clone(), ..Config::default() }.resolve()?.db()
    }

    /// Certificates that hubs are to be trusted by: as given, else as set.
    fn hub_ca(&self, given: Option<PathBuf>) -> Result<Option<PathBuf>> {
        Ok(Config { hub_ca: given, config: self.config.clone(), ..Config::default() }.resolve()?.hub_ca)
    }

    /// The database file, which must be there already.
    fn existing_path(&self) -> Result<PathBuf> {
        let path = self.path()?;
        check_finished(&path)?;
        if path.exists() {
            return Ok(path);
        }
        bail!("there is no database at {}: choose another --db", path.display())
    }
}

/// Refuses to write `file` over one of the files that make up `database`.
fn refuse_own(file: &Path, database: &Path) -> Result<()> {
    if is_of_database(file, database) {
        bail!("{} is part of the database {}: name another file", file.display(), database.display());
    }
    Ok(())
}

/// Removes a database that a failed command has created.
fn remove_database(database: &Path) {
    for suffix in DATABASE_FILES {
        let _ = std::fs::remove_file(beside(database, suffix));
    }
}

/// Prints a line. A reader that has closed the pipe, as `| head` does, is no error.
fn print_line(line: impl Display) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("standard output cannot be written"),
        _ => Ok(()),
    }
}

/// Prints the line that says where the server listens, which starters of the program wait for; then `rest`.
fn print_ready(url: &str, rest: &str) {
    let mut out = std::io::stdout().lock();
    // The process that started the server may have closed the pipe: it serves all the same.
    let _ = write!(out, "telecomx-local listening on {url}\n{rest}").and_then(|()| out.flush());
}

/// The error of a file that cannot be written.
fn cannot_be_written(file: &Path, error: std::io::Error) -> anyhow::Error {
    crate::files::cannot_be_written(file, error, "check the folder and its rights, or name another file")
}

/// Runs the command that was given. The error says what is wrong and what to do.
pub fn run() -> Result<ExitCode> {
    match Program::parse().command {
        Command::Serve(config) => serve::run(*config),
        Command::Hub(arguments) => hub::run(*arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Restore(arguments) => restore::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Audit(command) => audit::run(&command),
        Command::Sync(command) => sync::run(&command),
        Command::Token(command) => token::run(&command),
        Command::Admin(command) => admin::run(&command),
    }
}
