//! `hub operator` and `hub token`: who may call a hub, beside the hubs that run.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde_json::json;

use super::hub_store::{self, StoreOptions, StoreWork};
use super::output::Form;
use crate::auth::secrets::{self, new_token};
use crate::clock::Clock;
use crate::domain::audit::Hash;
use crate::domain::proposal::HubLevel;
use crate::sync::hub::audit::Caller;
use crate::sync::hub::operators::{COMMAND_LINE, Operator, check_operator_name};
use crate::sync::hub::store::HubStore;

#[derive(Subcommand)]
pub enum OperatorCommand {
    /// Add an operator and print its token, alone on its line; it cannot be shown again
    Add {
        /// Its name, as the audit trails and the servers show it
        name: String,
        /// What it may do: read (fleet, rows, metrics), propose (file proposals too), or administer (everything)
        #[arg(long, value_parser = level)]
        level: HubLevel,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        store: StoreOptions,
    },
    /// List the operators: name, level, when it was added, when its token was rotated
    List {
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        store: StoreOptions,
    },
    /// Print a new token of an operator, alone on its line: the one before is revoked
    Rotate {
        name: String,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        store: StoreOptions,
    },
    /// Remove an operator: its token is revoked
    Remove {
        name: String,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        store: StoreOptions,
    },
}

#[derive(Subcommand)]
pub enum TokenCommand {
    /// Write a new administrator's token to its file: the one before is revoked, also by the hubs that run
    Rotate {
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        store: StoreOptions,
        /// The file of the token [default: the one that hub uses for this store]
        #[arg(long, value_name = "FILE")]
        admin_token: Option<PathBuf>,
    },
}

/// The level that is named.
fn level(name: &str) -> Result<HubLevel, String> {
    HubLevel::parse(name).ok_or_else(|| format!("give one of {}", HubLevel::ALL.map(HubLevel::name).join(", ")))
}

/// A change of the operators.
enum Change<'c> {
    Add(&'c str, HubLevel, Hash),
    Rotate(&'c str, Hash),
    Remove(&'c str),
    RotateAdministrator(Hash),
}

impl StoreWork for Change<'_> {
    type Output = ();

    async fn run(self, store: &impl HubStore) -> Result<()> {
        let caller = Caller::new(COMMAND_LINE, Clock::default().now());
        let changed = match self {
            Change::Add(name, level, token) => store.add_operator(name, level, token, caller).await,
            Change::Rotate(name, token) => store.rotate_operator(name, token, caller).await,
            Change::Remove(name) => store.remove_operator(name, caller).await,
            Change::RotateAdministrator(token) => store.set_administrator(token, Some(caller)).await,
        };
        changed.context("nothing was changed")
    }
}

/// Reads the operators.
struct List;

impl StoreWork for List {
    type Output = Vec<Operator>;

    async fn run(self, store: &impl HubStore) -> Result<Vec<Operator>> {
        Ok(store.operators().await?)
    }
}

pub fn run(command: OperatorCommand) -> Result<ExitCode> {
    match command {
        OperatorCommand::Add { name, level, form, store } => {
            check_operator_name(&name)?;
            let (token, hash) = new_token()?;
            store.with(Change::Add(&name, level, hash))?;
            form.say(json!({ "name": name, "token": token }), &token)?;
        }
        OperatorCommand::List { form, store } => {
            for operator in store.with(List)? {
                let time = |time: Option<_>| {
                    time.map_or_else(|| "-".to_owned(), |time: crate::domain::time::Time| time.to_string())
                };
                let Operator { name, level, added_at, rotated_at } = operator;
                let words = format!("{name}\t{}\t{}\t{}", level.name(), time(added_at), time(rotated_at));
                form.say(
                    json!({ "name": name, "level": level.name(), "addedAt": added_at, "rotatedAt": rotated_at }),
                    words,
                )?;
            }
        }
        OperatorCommand::Rotate { name, form, store } => {
            let (token, hash) = new_token()?;
            store.with(Change::Rotate(&name, hash))?;
            form.say(json!({ "name": name, "token": token }), &token)?;
        }
        OperatorCommand::Remove { name, form, store } => {
            store.with(Change::Remove(&name))?;
            form.say_json(json!({ "removed": name }))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `hub token rotate`. The file first: a token that is valid and that nobody has would lock the administrator out. Run again,
/// it repairs whatever a run before it has left half done.
pub fn rotate_administrator(command: &TokenCommand) -> Result<ExitCode> {
    let TokenCommand::Rotate { store, admin_token, form } = command;
    // Fails before anything is written where the store cannot be used.
    store.with(List)?;
    let path = store.token_file(admin_token.as_deref())?;
    if let Some(_held) = secrets::read_file(&path, "token file")? {
        secrets::keep_from_others(&path);
    }
    let hash = hub_store::write_new(&path)?;
    let changed = store.with(Change::RotateAdministrator(hash));
    changed.with_context(|| format!("{} holds a new token that no hub accepts yet: run this again", path.display()))?;
    let words = format!("the administrator's token is new, in {}", path.display());
    form.say(json!({ "file": path }), words)?;
    Ok(ExitCode::SUCCESS)
}
