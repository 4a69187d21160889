//! `hub`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use serde_json::json;

use super::hub_store::{StoreLocation, StoreOptions, StoreWork, no_store};
use super::output::Form;
use super::{hub_audit, hub_move, hub_operators, hub_origin, hub_serve, hub_tasks, rollback};
use crate::clock::Clock;
use crate::files::{Part, cannot_be_written, database_path};
use crate::sync::hub::audit::Caller;
use crate::sync::hub::operators::COMMAND_LINE;
use crate::sync::hub::origin::EnrolmentKind;
#[cfg(feature = "postgres")]
use crate::sync::hub::postgres::{PostgresHub, roles::init};
use crate::sync::hub::sqlite::SqliteHub;
use crate::sync::hub::store::{HubStore, add_code};
#[cfg(feature = "postgres")]
use crate::web::server;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: hub_serve::Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Print a one-time code that enrols one server, alone on its line; works while the hub runs
    Enroll {
        #[command(flatten)]
        store: StoreOptions,
        /// Name of the server
        #[arg(long, required_unless_present = "origin")]
        name: Option<String>,
        /// Id of the server that another machine replaces (restore --from-hub): the previous machine's token is revoked
        #[arg(long, value_name = "ID", conflicts_with = "name")]
        origin: Option<String>,
        #[command(flatten)]
        form: Form,
    },
    /// Make the roles and the tables of a store in PostgreSQL, or bring them up to date, as an administrator of PostgreSQL
    Init {
        #[command(flatten)]
        store: StoreOptions,
        /// The role that hubs log in as; it is made where it is missing, and then needs a password
        #[arg(long, default_value = "hub")]
        role: String,
        #[command(flatten)]
        form: Form,
    },
    /// Back up the store to a new file, also while the hub runs; servers then delete what only a lost hub would need
    Backup {
        #[command(flatten)]
        store: StoreOptions,
        /// The new file
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        form: Form,
    },
    /// Go back to the copy that was made before a store in a file was upgraded, and keep the newer one aside; no hub may run
    Rollback {
        #[command(flatten)]
        store: StoreOptions,
        /// The schema to go back to [default: that of the newest copy]
        #[arg(long, value_name = "SCHEMA")]
        to_schema: Option<i32>,
        /// Print it as one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Tell a hub on PostgreSQL that a backup was verified: servers then delete what only a lost hub would need
    BackupVerified {
        #[command(flatten)]
        store: StoreOptions,
        /// The place in the log up to which the backup holds everything, such as 0/16B3748
        lsn: String,
        #[command(flatten)]
        form: Form,
    },
    /// Take a server to another hub, beside the hubs that run here; ended at any point, it is run again
    Move(hub_move::Arguments),
    /// Print what was lost when a server was put back to an older image, one JSON object on a line, the newest first
    Lost(hub_origin::Arguments),
    /// Remove a server with all its data and revoke its token; works while the hub runs
    Remove(hub_origin::Arguments),
    /// Give a server tags in place of those that it has, to filter the fleet page by
    Tag(hub_origin::TagArguments),
    /// File a read-only task for a server and print the id of the proposal; works while the hub runs
    Ask(hub_tasks::AskArguments),
    /// Print the proposals for a server with their answers, one JSON object on a line, the oldest first
    Proposals(hub_tasks::ListArguments),
    /// The operators of the hub: who may call it, and how much they may do
    #[command(subcommand)]
    Operator(hub_operators::OperatorCommand),
    /// The administrator's token
    #[command(subcommand)]
    Token(hub_operators::TokenCommand),
    /// The hub's audit trail
    #[command(subcommand)]
    Audit(hub_audit::Command),
}

pub fn run(arguments: Arguments) -> Result<ExitCode> {
    match arguments.command {
        Some(Command::Enroll { store, name, origin, form }) => {
            let kind = origin.map_or_else(|| EnrolmentKind::New(name.unwrap_or_default()), EnrolmentKind::Replacement);
            let code = store.with(MakeCode(kind))?;
            form.say(json!({ "code": code }), &code)?;
            Ok(ExitCode::SUCCESS)
        }
        #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "only PostgreSQL has roles"))]
        Some(Command::Init { store, role, form }) => match store.location()? {
            StoreLocation::Sqlite(_) => bail!("a store in a file needs no roles: start hub on it"),
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(address) => {
                server::block_on(init(&address, &role))?;
                let words = format!("the store is ready: hubs log in as {role}, {role}_owner owns the tables");
                form.say(json!({ "role": role }), words)?;
                Ok(ExitCode::SUCCESS)
            }
        },
        Some(Command::Backup { store, to, form }) => match store.location()? {
            StoreLocation::Sqlite(path) => back_up(&path, &to, form),
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(_) => {
                bail!("a PostgreSQL is backed up by its own tools (pg_basebackup): see hub backup-verified")
            }
        },
        Some(Command::Rollback { store, to_schema, json }) => match store.location()? {
            StoreLocation::Sqlite(path) => rollback::run_hub(&database_path(&path, "--store")?, to_schema, json),
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(_) => {
                bail!("a PostgreSQL is put back by its own tools: restore the backup from before the upgrade")
            }
        },
        #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "only PostgreSQL has a log position"))]
        Some(Command::BackupVerified { store, lsn, form }) => match store.location()? {
            StoreLocation::Sqlite(_) => {
                bail!("a store in a file is backed up, and the copy verified, by hub backup")
            }
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(address) => server::block_on(async {
                let is_news = PostgresHub::open(&address).await?.note_verified(&lsn).await?;
                let words = match is_news {
                    true => {
                        format!("{lsn} is verified: what had been mirrored by then becomes stable as the servers come")
                    }
                    false => format!("nothing changes: a backup that holds more than {lsn} was verified before"),
                };
                form.say(json!({ "lsn": lsn, "changed": is_news }), words)?;
                Ok(ExitCode::SUCCESS)
            }),
        },
        Some(Command::Move(arguments)) => hub_move::run(&arguments),
        Some(Command::Lost(arguments)) => hub_origin::lost(&arguments),
        Some(Command::Remove(arguments)) => hub_origin::remove(&arguments),
        Some(Command::Tag(arguments)) => hub_origin::tag(arguments),
        Some(Command::Ask(arguments)) => hub_tasks::ask(&arguments),
        Some(Command::Proposals(arguments)) => hub_tasks::list(&arguments),
        Some(Command::Operator(command)) => hub_operators::run(command),
        Some(Command::Token(command)) => hub_operators::rotate_administrator(&command),
        Some(Command::Audit(command)) => hub_audit::run(&command),
        None => hub_serve::run(&arguments.serve),
    }
}

/// Makes an enrolment code.
struct MakeCode(EnrolmentKind);

impl StoreWork for MakeCode {
    type Output = String;

    async fn run(self, store: &impl HubStore) -> Result<String> {
        let caller = Caller::new(COMMAND_LINE, Clock::default().now());
        add_code(store, &self.0, caller).await.context("no code was made")
    }
}

fn back_up(path: &Path, to: &Path, form: Form) -> Result<ExitCode> {
    if !path.exists() {
        return Err(no_store(path));
    }
    if to.exists() {
        bail!("{} is there already: name a new file", to.display());
    }
    let describe = |error| cannot_be_written(to, error, "choose another --to");
    let part = Part::of(to).map_err(describe)?;
    let copied = SqliteHub::open(path)?.back_up(part.path());
    copied.with_context(|| format!("{} was not backed up", path.display()))?;
    part.finish().map_err(describe)?;
    form.say(json!({ "store": path, "backup": to }), format_args!("{} holds a checked copy", to.display()))?;
    Ok(ExitCode::SUCCESS)
}
