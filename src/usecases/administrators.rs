//! The first administrator of a database, created on the command line.

use serde_json::{Map, Value, json};

use super::employees::{GivenPassword, set_password};
use super::{customers, employees};
use crate::auth::passwords;
use crate::db::WriteTx;
use crate::domain::access::Actor;
use crate::domain::customer::Customer;
use crate::domain::employee::{Employee, password};
use crate::domain::fields::read_body;
use crate::domain::id::Id;
use crate::error::Result;
use crate::store::Window;
use crate::store::customers::{self as customer_rows, CustomerFilter};

/// Creates an employee of level ADMIN with a password, in `customer` or in the first top-level reseller, which is created where
/// there is none. 404 `customer`, 409 `emailAddress`, 422 `emailAddress`, `name` and `password`.
pub fn create(tx: &mut WriteTx, email: &str, name: &str, customer: Option<Id>, secret: &str) -> Result<Employee> {
    let actor = Actor::administrator("command line");
    read_body(&object(json!({ "password": secret })), password)?;
    let customer = match customer {
        Some(id) => id,
        None => first_reseller(tx, &actor)?.id,
    };
    let body = json!({ "customer": customer, "emailAddress": email, "name": name, "accessLevel": "ADMIN" });
    let created = employees::create(tx, &actor, None, &object(body), GivenPassword::None)?;
    set_password(tx, created.id, &passwords::hash(secret)?, true)?;
    Ok(created)
}

fn first_reseller(tx: &mut WriteTx, actor: &Actor) -> Result<Customer> {
    let filter = CustomerFilter { only_resellers: true, ..CustomerFilter::default() };
    let found = customer_rows::list(tx, &filter, Window { offset: 0, limit: 10_000 })?.rows;
    if let Some(customer) = found.into_iter().find(|customer| customer.parent_reseller.is_none()) {
        return Ok(customer);
    }
    let address = json!({ "address": "Not given", "zip": "0000", "city": "Not given" });
    customers::create(tx, actor, None, &object(json!({ "name": "Administration", "addresses": [address] })))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
