//! `token create`

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Subcommand;

use super::common::{Store, print_line};
use crate::auth::secrets::new_token;
use crate::clock::Clock;
use crate::db::Exclusive;
use crate::domain::access::Actor;
use crate::domain::id::Id;
use crate::usecases::tokens;

#[derive(Subcommand)]
pub enum Command {
    /// Create a machine-to-machine token and print it, alone on its line; it cannot be shown again
    Create {
        /// Id of the employee whose access the token gives
        #[arg(long, value_name = "ID")]
        employee: Id,
        #[command(flatten)]
        store: Store,
    },
}

pub fn run(command: &Command) -> Result<ExitCode> {
    let Command::Create { employee: id, store } = command;
    let database = Exclusive::open(&store.existing_path()?, Clock::default())?;
    let (token, hash) = new_token()?;
    let actor = Actor::administrator("command line");
    let created = database.write("command line", |tx| tokens::create(tx, &actor, *id, &hash));
    created.with_context(|| format!("no token was created for {id}"))?;
    database.close()?;
    print_line(format_args!("{token}"))?;
    Ok(ExitCode::SUCCESS)
}
