//! `token`

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde_json::json;

use super::common::{Store, print_line};
use super::output::Form;
use crate::auth::secrets::new_token;
use crate::clock::Clock;
use crate::db::{Exclusive, ReadOnly};
use crate::domain::access::Actor;
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::store::Window;
use crate::store::tokens::{MachineToken, TokenFilter};
use crate::usecases::tokens;

/// How many tokens are read at once.
const PAGE: i64 = 1_000;

#[derive(Subcommand)]
pub enum Command {
    /// Create a machine-to-machine token and print it, alone on its line; it cannot be shown again
    Create {
        /// Id of the employee whose access the token gives
        #[arg(long, value_name = "ID")]
        employee: Id,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        store: Store,
    },
    /// List all machine-to-machine tokens, one per line; works while the server runs
    List {
        /// Only those of this employee
        #[arg(long, value_name = "ID")]
        employee: Option<Id>,
        /// One JSON object on a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        store: Store,
    },
    /// Revoke a machine-to-machine token, or all of an employee
    Revoke {
        /// Id of the token, as token list prints it
        #[arg(value_name = "TOKEN_ID", required_unless_present = "employee")]
        token: Option<Id>,
        /// All tokens of this employee instead
        #[arg(long, value_name = "ID", conflicts_with = "token")]
        employee: Option<Id>,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        store: Store,
    },
}

pub fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Create { employee, form, store } => create(*employee, *form, store)?,
        Command::List { employee, json, store } => list(*employee, *json, store)?,
        Command::Revoke { token, employee, form, store } => revoke(*token, *employee, *form, store)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn create(id: Id, form: Form, store: &Store) -> Result<()> {
    let database = Exclusive::open(&store.existing_path()?, Clock::default())?;
    let (token, hash) = new_token()?;
    let actor = Actor::administrator("command line");
    let created = database.write("command line", |tx| tokens::create(tx, &actor, id, &hash));
    created.with_context(|| format!("no token was created for {id}"))?;
    database.close()?;
    form.say(json!({ "employee": id, "token": token }), &token)
}

fn list(employee: Option<Id>, is_json: bool, store: &Store) -> Result<()> {
    let database = ReadOnly::open(&store.path()?, Clock::default())?;
    let actor = Actor::administrator("command line");
    let filter = TokenFilter { employee, customer: None };
    for offset in (0..).step_by(PAGE as usize) {
        let page = database.read(|tx| tokens::list(tx, &actor, filter, Window { offset, limit: PAGE }))?;
        for token in &page.rows {
            print_line(if is_json { serde_json::to_string(token)? } else { describe(token) })?;
        }
        if page.rows.len() < PAGE as usize {
            break;
        }
    }
    Ok(())
}

fn describe(token: &MachineToken) -> String {
    let MachineToken { id, employee, name, customer, created_at, last_used_at } = token;
    let last_used = last_used_at.map_or_else(|| "-".to_owned(), |at: Time| at.to_string());
    format!("{id}\t{employee}\t{name}\t{customer}\t{created_at}\t{last_used}")
}

fn revoke(token: Option<Id>, employee: Option<Id>, form: Form, store: &Store) -> Result<()> {
    let database = Exclusive::open(&store.existing_path()?, Clock::default())?;
    let actor = Actor::administrator("command line");
    let revoked = database.write("command line", |tx| match employee {
        Some(employee) => tokens::revoke_all(tx, &actor, employee),
        None => tokens::revoke(tx, &actor, token).map(|()| 1),
    });
    let revoked = revoked.context("nothing was revoked")?;
    database.close()?;
    let words = format!("{revoked} machine-to-machine {} revoked", if revoked == 1 { "token" } else { "tokens" });
    form.say(json!({ "revoked": revoked }), words)
}
