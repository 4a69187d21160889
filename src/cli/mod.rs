//! The command line: one file per subcommand.

mod common;
mod output;
mod password;
mod progress;

mod admin;
mod audit;
mod audit_archive;
mod backup;
mod clock;
mod copy;
mod diff;
mod doctor;
mod export;
mod generate;
mod hub;
mod hub_audit;
mod hub_move;
mod hub_operators;
mod hub_origin;
mod hub_pruning;
mod hub_serve;
mod hub_store;
mod hub_tasks;
mod import;
mod key;
mod log;
mod platform;
mod restore;
mod restore_file;
mod rollback;
mod serve;
mod status;
mod sync;
mod token;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::config::Config;

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
    /// Load a JSON document, or a list as CSV: all of it or nothing
    Import(import::Arguments),
    /// Write everything as a JSON document, to a file or to standard output; works while the server runs
    Export(export::Arguments),
    /// Write a world with Danish names, as large as wanted, as a document that import takes
    Generate(generate::Arguments),
    /// Copy one employee's mobile config onto those of many, all or none
    Copy(copy::CopyArguments),
    /// Offer colleagues and queues to many mobile configs: add them to what people can choose from
    Offer(copy::OfferArguments),
    /// Take back what an operation changed in mobile configs
    Undo(copy::UndoArguments),
    /// Say what differs between two databases or exports
    Diff(diff::Arguments),
    /// Copy the database to a new file; works while the server runs
    Backup(backup::Arguments),
    /// Restore the database from a backup, or rebuild it from the machine's hub, and go on in its place
    Restore(restore::Arguments),
    /// Go back to the copy that was made before the database was upgraded, and keep the newer one aside; no server may run
    Rollback(rollback::Arguments),
    /// Show on one screen how the server is; works while the server runs
    Status(status::Arguments),
    /// Examine the database, and say what is wrong; works while the server runs
    Doctor(doctor::Arguments),
    /// The machine's clock, and what the server makes of it
    #[command(subcommand)]
    Clock(clock::Command),
    /// The audit trail
    #[command(subcommand)]
    Audit(audit::Command),
    /// The mirror: enrol with a hub, exchange with it, see its state
    #[command(subcommand)]
    Sync(sync::Command),
    /// The platform itself as the central side: connect, pull, see how it stands
    #[command(subcommand)]
    Platform(platform::Command),
    /// The key file, which secrets in the database are sealed with
    #[command(subcommand)]
    Key(key::Command),
    /// Machine-to-machine tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Administrators
    #[command(subcommand)]
    Admin(admin::Command),
}

/// The command line as it is defined, from which the packages make man pages and completions.
pub fn definition() -> clap::Command {
    Program::command()
}

/// Runs the command that was given. The error says what is wrong and what to do.
pub fn run() -> Result<ExitCode> {
    match Program::parse().command {
        Command::Serve(config) => serve::run(*config),
        Command::Hub(arguments) => hub::run(*arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Copy(arguments) => copy::copy(&arguments),
        Command::Offer(arguments) => copy::offer(&arguments),
        Command::Undo(arguments) => copy::undo(&arguments),
        Command::Diff(arguments) => Ok(diff::run(&arguments)),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Restore(arguments) => restore::run(&arguments),
        Command::Rollback(arguments) => rollback::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Clock(command) => clock::run(&command),
        Command::Audit(command) => audit::run(&command),
        Command::Sync(command) => sync::run(&command),
        Command::Platform(command) => platform::run(&command),
        Command::Key(command) => key::run(&command),
        Command::Token(command) => token::run(&command),
        Command::Admin(command) => admin::run(&command),
    }
}
