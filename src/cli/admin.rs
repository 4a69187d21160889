//! `admin create`

use std::io::BufRead;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Subcommand;

use super::common::{Store, print_line};
use crate::clock::Clock;
use crate::db::Exclusive;
use crate::domain::id::Id;
use crate::error::Result as DomainResult;
use crate::usecases::administrators;

#[derive(Subcommand)]
pub enum Command {
    /// Create an employee of level ADMIN; a password is made and printed once, unless one is given
    Create {
        /// E-mail address to log in with
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        /// Name [default: Administrator]
        #[arg(long, default_value = "Administrator", hide_default_value = true)]
        name: String,
        /// Customer the employee belongs to [default: the first top-level reseller, made where there is none]
        #[arg(long, value_name = "ID")]
        customer: Option<Id>,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        store: Store,
    },
}

pub fn run(command: &Command) -> Result<ExitCode> {
    let Command::Create { email, name, customer, password_stdin, store } = command;
    let database = Exclusive::open(&store.path()?, Clock::default())?;
    let not_created = "no administrator was created";
    let secret = if *password_stdin { read_password()? } else { make_password().context(not_created)? };
    let created = database.write("command line", |tx| administrators::create(tx, email, name, *customer, &secret));
    let created = created.context(not_created)?;
    database.close()?;
    print_line(format_args!("created administrator {} of customer {}", created.id, created.customer))?;
    if !password_stdin {
        print_line(format_args!("password: {secret}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read_password() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("no password could be read")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// 80 random bits, in a form that the rule for passwords accepts.
fn make_password() -> DomainResult<String> {
    let (token, _) = crate::auth::secrets::new_token()?;
    Ok(format!("Tx-{}", &token[..20]) + "9a")
}
