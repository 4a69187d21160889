//! What the command line does for people who cannot log in: the first administrator of a database, a forgotten password.

use serde_json::{Map, Value, json};

use super::employees::{GivenPassword, revoke_tokens, set_password};
use super::{customers, employees};
use crate::auth::passwords;
use crate::db::WriteTx;
use crate::domain::access::{Actor, Level};
use crate::domain::customer::Customer;
use crate::domain::employee::{Employee, password};
use crate::domain::fields::read_body;
use crate::domain::id::Id;
use crate::domain::mobile_config::NewColleagues;
use crate::error::{Error, Result};
use crate::store::customers as customer_rows;
use crate::store::employees as employee_rows;

/// Creates an employee of level ADMIN with a password, in `customer` or in the only top-level customer, which is created where
/// there is none. 404 `customer`, 409 `emailAddress`, 409 `customer` where there are several, 422 `emailAddress`, `name` and `password`.
pub fn create(tx: &mut WriteTx, email: &str, name: &str, customer: Option<Id>, secret: &str) -> Result<Employee> {
    let actor = Actor::administrator("command line");
    read_body(&object(json!({ "password": secret })), password)?;
    let customer = match customer {
        Some(id) => id,
        None => only_top_level(tx, &actor)?.id,
    };
    let body = json!({ "customer": customer, "emailAddress": email, "name": name, "accessLevel": "ADMIN" });
    let created = employees::create(tx, &actor, None, &object(body), GivenPassword::None, NewColleagues::Ignore)?;
    set_password(tx, created.id, &passwords::hash(secret)?, true)?;
    Ok(created)
}

/// How many customers a refusal names.
const NAMED_MAX: usize = 10;

fn only_top_level(tx: &mut WriteTx, actor: &Actor) -> Result<Customer> {
    let mut found = customer_rows::top_level(tx, NAMED_MAX)?;
    if found.len() > 1 {
        let named: Vec<String> = found.iter().map(|it| format!("{} {}", it.id, it.name)).collect();
        let message = format!("there are several top-level customers, say which with --customer: {}", named.join(", "));
        return Err(Error::conflict("customer", message));
    }
    if let Some(customer) = found.pop() {
        return Ok(customer);
    }
    let address = json!({ "address": "Not given", "zip": "0000", "city": "Not given" });
    customers::create(tx, actor, None, &object(json!({ "name": "Administration", "addresses": [address] })))
}

/// Whose password is forgotten.
#[derive(Clone, Debug)]
pub enum Who {
    /// By the name to log in with.
    Login(String),
    Employee(Id),
}

/// Gives an employee of any level a new password, and revokes its sessions; its machine-to-machine tokens too if asked to. 404
/// `employee`, 422 `password`, 403 `account` for one that may not log in.
pub fn replace_password(tx: &mut WriteTx, who: &Who, secret: &str, revokes_tokens: bool) -> Result<Employee> {
    read_body(&object(json!({ "password": secret })), password)?;
    let found = match who {
        Who::Login(name) => employee_rows::find_by_login(tx, name.trim())?,
        Who::Employee(id) => employee_rows::find_live(tx, *id)?,
    };
    let employee = found.ok_or_else(|| Error::not_found("employee", "Employee not found"))?;
    if employee.access_level == Level::NoLogin {
        return Err(Error::Forbidden {
            code: "account",
            message: "The employee may not log in: its level is NO_LOGIN".into(),
        });
    }
    set_password(tx, employee.id, &passwords::hash(secret)?, false)?;
    if revokes_tokens {
        revoke_tokens(tx, &employee)?;
    }
    Ok(employee)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
