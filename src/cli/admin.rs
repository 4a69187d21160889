//! `admin create`

use std::io::BufRead;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{Store, print_line};
use crate::auth::passwords;
use crate::clock::Clock;
use crate::db::Exclusive;
use crate::domain::access::Level;
use crate::domain::address::Address;
use crate::domain::customer::Customer;
use crate::domain::employee::{Employee, password};
use crate::domain::fields::read_body;
use crate::domain::id::Id;
use crate::error::{Error, Result as DomainResult};
use crate::store::{Window, credentials, customers, employees};

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
        #[arg(long, value_name = "ID", value_parser = parse_id)]
        customer: Option<Id>,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        store: Store,
    },
}

fn parse_id(text: &str) -> Result<Id, String> {
    text.parse().map_err(|_| "an id is 24 hex characters".to_owned())
}

pub fn run(command: &Command) -> Result<ExitCode, String> {
    let Command::Create { email, name, customer, password_stdin, store } = command;
    let database = Exclusive::open(&store.path()?, Clock::default())?;
    let describe = |error: Error| format!("no administrator was created: {error}");
    let secret = if *password_stdin { read_password()? } else { make_password().map_err(describe)? };
    let body = json!({ "emailAddress": email, "name": name, "accessLevel": "ADMIN", "password": secret });
    let body = body.as_object().ok_or("the settings cannot be read")?;
    let hash = passwords::hash(&secret).map_err(describe)?;
    let created = database.write("command line", |tx| {
        let customer = match customer {
            Some(id) => customers::get(tx, *id)?,
            None => first_reseller(tx)?,
        };
        let employee = read_body(body, |fields| {
            let mut employee = Employee::new(Id::new(tx.now), customer.id);
            employee.apply(fields);
            password(fields);
            employee
        })?;
        let employee = employees::upsert(tx, employee, None)?;
        credentials::set_password(tx, employee.id, &hash)?;
        Ok(employee)
    });
    let created = created.map_err(describe)?;
    debug_assert_eq!(created.access_level, Level::Admin);
    database.close().map_err(|error| error.to_string())?;
    print_line(format_args!("created administrator {} of customer {}", created.id, created.customer))?;
    if !password_stdin {
        print_line(format_args!("password: {secret}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn first_reseller(tx: &mut crate::db::WriteTx) -> DomainResult<Customer> {
    let filter = customers::CustomerFilter { only_resellers: true, ..Default::default() };
    let found = customers::list(tx, &filter, Window { offset: 0, limit: 10_000 })?.rows;
    if let Some(customer) = found.into_iter().find(|customer| customer.parent_reseller.is_none()) {
        return Ok(customer);
    }
    let address = json!({ "address": "Not given", "zip": "0000", "city": "Not given" });
    let address = read_body(address.as_object().unwrap_or(&serde_json::Map::new()), |fields| {
        Address::read(fields, tx.now, false)
    })?;
    let mut customer = Customer::new(Id::new(tx.now));
    customer.name = "Administration".into();
    customer.addresses = vec![Address { primary: true, ..address }];
    customers::upsert(tx, customer, None)
}

fn read_password() -> Result<String, String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| format!("no password could be read: {error}"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// 80 random bits, in a form that the rule for passwords accepts.
fn make_password() -> DomainResult<String> {
    let (token, _) = crate::auth::secrets::new_token()?;
    Ok(format!("Tx-{}", &token[..20]) + "9a")
}
