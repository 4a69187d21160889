//! `admin`

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde_json::{Value, json};

use super::common::{Store, print_line};
use super::output::Form;
use super::password::{NewPassword, PasswordOptions};
use crate::clock::Clock;
use crate::db::{Exclusive, ReadOnly};
use crate::domain::id::Id;
use crate::store::administrators::{self as rows, Administrator};
use crate::usecases::administrators::{self, Who};

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
        /// Customer the employee belongs to [default: the only top-level customer, made where there is none]
        #[arg(long, value_name = "ID")]
        customer: Option<Id>,
        #[command(flatten)]
        password: PasswordOptions,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        store: Store,
    },
    /// List the employees of level ADMIN, one per line; works while the server runs
    List {
        /// One JSON object on a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        store: Store,
    },
    /// Give an employee of any level a new password, which is asked for unless it is given
    Password {
        /// Name to log in with: e-mail address or user name
        #[arg(long, value_name = "NAME", required_unless_present = "employee")]
        login: Option<String>,
        /// The employee by its id instead
        #[arg(long, value_name = "ID", conflicts_with = "login")]
        employee: Option<Id>,
        #[command(flatten)]
        password: PasswordOptions,
        /// Also revoke the employee's machine-to-machine tokens
        #[arg(long)]
        revoke_tokens: bool,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        store: Store,
    },
}

pub fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Create { email, name, customer, password, form, store } => {
            let created = create(email, name, *customer, password, store)?;
            form.say(created.0, created.1)?;
        }
        Command::List { json, store } => list(*json, store)?,
        Command::Password { login, employee, password, revoke_tokens, form, store } => {
            let who = match (login, employee) {
                (_, Some(id)) => Who::Employee(*id),
                (login, None) => Who::Login(login.clone().unwrap_or_default()),
            };
            set_password(&who, password, *revoke_tokens, *form, store)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What was created, as JSON and in words.
fn create(
    email: &str,
    name: &str,
    customer: Option<Id>,
    password: &PasswordOptions,
    store: &Store,
) -> Result<(Value, String)> {
    let database = Exclusive::open(&store.path()?, Clock::default())?;
    let not_created = "no administrator was created";
    let NewPassword { secret, is_made } = password.given_or_made().context(not_created)?;
    let created = database.write("command line", |tx| administrators::create(tx, email, name, customer, &secret));
    let created = created.context(not_created)?;
    database.close()?;
    let mut value = json!({ "id": created.id, "customer": created.customer });
    let mut words = format!("created administrator {} of customer {}", created.id, created.customer);
    if is_made {
        value["password"] = json!(secret);
        words.push_str(&format!("\npassword: {secret}"));
    }
    Ok((value, words))
}

fn list(is_json: bool, store: &Store) -> Result<()> {
    let database = ReadOnly::open(&store.path()?, Clock::default())?;
    for administrator in database.read(rows::list)? {
        print_line(if is_json { serde_json::to_string(&administrator)? } else { describe(&administrator) })?;
    }
    Ok(())
}

fn describe(administrator: &Administrator) -> String {
    let Administrator { id, name, login, customer, customer_name, state, has_password } = administrator;
    let login = login.as_deref().unwrap_or("-");
    let password = if *has_password { "password" } else { "no password" };
    format!("{id}\t{login}\t{name}\t{customer}\t{customer_name}\t{state}\t{password}")
}

fn set_password(who: &Who, password: &PasswordOptions, revokes_tokens: bool, form: Form, store: &Store) -> Result<()> {
    let path = store.existing_path()?;
    let not_changed = "no password was changed";
    // First the password: the database is not held while somebody types.
    let secret = password.given_or_asked().context(not_changed)?;
    let database = Exclusive::open(&path, Clock::default())?;
    let changed = database
        .write("command line", |tx| administrators::replace_password(tx, who, &secret, revokes_tokens))
        .context(not_changed)?;
    database.close()?;
    form.say(
        json!({ "id": changed.id, "name": changed.name }),
        format_args!("the password of {} ({}) is changed; sessions are revoked", changed.id, changed.name),
    )
}
