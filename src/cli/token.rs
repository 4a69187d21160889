//! `token create`

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Subcommand;

use super::{Store, print_line};
use crate::auth::secrets::new_token;
use crate::clock::Clock;
use crate::db::Exclusive;
use crate::domain::access::Level;
use crate::domain::audit::Action;
use crate::domain::id::Id;
use crate::error::Error;
use crate::store::{employees, tokens};

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
    let created = database.write("command line", |tx| {
        let employee = employees::get(tx, *id)?;
        if employee.access_level == Level::Admin {
            return Err(Error::Forbidden { code: "id", message: "Tokens are not allowed for admins".into() });
        }
        tokens::insert(tx, &hash, *id)?;
        employees::record_event(tx, &employee, Action::CreateToken, "Machine-to-machine token created")
    });
    created.with_context(|| format!("no token was created for {id}"))?;
    database.close()?;
    print_line(format_args!("{token}"))?;
    Ok(ExitCode::SUCCESS)
}
