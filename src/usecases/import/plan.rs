//! Reads and checks a document to be imported; every fault is found, with its JSON path.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::Secrets;
use super::document::{Configs, Document, Element};
use super::known::{Known, is_live, login_name};
use crate::auth::passwords;
use crate::auth::totp;
use crate::domain::access::Level;
use crate::domain::customer::Customer;
use crate::domain::employee::{Employee, password};
use crate::domain::fields::Fields;
use crate::domain::id::Id;
use crate::domain::mobile_config::Kind;
use crate::domain::queue::Queue;
use crate::domain::time::Time;
use crate::error::{Check, Fault, Faults, Result};

/// The longest configs: a hub takes no longer rows. The API's own callers are bounded by the length of a body.
const CONFIGS_MAX_BYTES: usize = 4 << 20;

/// A mobile config to be written.
pub struct NewConfig {
    pub id: Id,
    pub customer: Id,
    pub configs: String,
}

/// What is to be written before the mobile configs.
#[derive(Default)]
pub struct Plan {
    pub customers: Vec<Customer>,
    pub queues: Vec<Queue>,
    pub employees: Vec<(Employee, Secrets)>,
}

/// Reads and checks everything but the mobile configs, over what is `known` already; `known` grows by what is read.
pub fn plan(document: &Document, known: &mut Known, now: Time, faults: &mut Faults) -> Plan {
    let mut plan = Plan::default();
    let mut paths = Vec::new();
    each(document, "customers", faults, |fields, _| {
        let path = fields.path().to_owned();
        if let Some(customer) = read_customer(fields, known, now) {
            plan.customers.push(customer);
            paths.push(path);
        }
    });
    let mut seen = HashSet::new();
    each(document, "queues", faults, |fields, _| plan.queues.extend(read_queue(fields, known, &mut seen)));
    let customers: HashMap<Id, &Customer> = plan.customers.iter().map(|customer| (customer.id, customer)).collect();
    // The employees of a customer that is deleted go with it.
    let deleted = &known.deleted;
    known.employees.values_mut().for_each(|(customer, is_live)| *is_live &= !deleted.contains(customer));
    let mut seen = HashSet::new();
    each(document, "employees", faults, |fields, _| {
        plan.employees.extend(read_employee(fields, known, &mut seen, &customers));
    });
    check_resellers(&plan.customers, &paths, known, faults);
    plan
}

/// Reads and checks the mobile configs, when `known` holds all they may name.
pub fn plan_configs(document: &Document, known: &Known) -> Result<Vec<NewConfig>> {
    let (mut configs, mut faults, mut seen) = (Vec::new(), Faults::all(), HashSet::new());
    each(document, "mobileConfigs", &mut faults, |fields, read| {
        configs.extend(read_config(fields, read, known, &mut seen));
    });
    faults.or(configs)
}

/// Has `read` look at every object of one list.
fn each(document: &Document, list: &str, faults: &mut Faults, mut read: impl FnMut(Fields<'_>, Option<Configs>)) {
    for Element { path, value, configs } in document.elements(list) {
        match value {
            Ok(value) => {
                if let Some(fields) = Fields::of(&value, &path, faults) {
                    read(fields, configs);
                }
            }
            Err(error) => faults.push(Fault { path, check: Check::Format, message: error.to_string() }),
        }
    }
}

fn read_customer(mut fields: Fields, known: &mut Known, now: Time) -> Option<Customer> {
    fields.require(&["_id", "name", "addresses"]);
    let id = fields.id("_id")?;
    let mut customer = Customer::new(id);
    customer.apply(&mut fields, Level::Admin, now);
    known.add_customer(&customer);
    Some(customer)
}

fn read_queue(mut fields: Fields, known: &mut Known, seen: &mut HashSet<Id>) -> Option<Queue> {
    let queue = Queue::read(&mut fields)?;
    if !seen.insert(queue.id) {
        fields.fault("_id", Check::Unique, "The id stands twice in the document");
    }
    if !known.customers.contains_key(&queue.customer) {
        fields.fault("customer", Check::Exists, "Customer not found");
    }
    if known.queues.insert(queue.id, queue.customer).is_some_and(|customer| customer != queue.customer) {
        fields.fault("customer", Check::Enum, "A queue cannot move to another customer");
    }
    Some(queue)
}

fn read_employee(
    mut fields: Fields,
    known: &mut Known,
    seen: &mut HashSet<Id>,
    customers: &HashMap<Id, &Customer>,
) -> Option<(Employee, Secrets)> {
    fields.require(&["_id", "customer", "accessLevel", "name"]);
    let (id, customer) = (fields.id("_id"), fields.id("customer"));
    let (id, customer) = (id?, customer?);
    let mut employee = Employee::new(id, customer);
    employee.apply(&mut fields);
    if let Some(Value::String(date)) = fields.value("deleteDate") {
        employee.delete_date = Time::parse(date);
        if employee.delete_date.is_none() {
            fields.fault("deleteDate", Check::Format, "deleteDate must be a date");
        }
    }
    if !seen.insert(id) {
        fields.fault("_id", Check::Unique, "The id stands twice in the document");
    }
    if !known.customers.contains_key(&customer) || (is_live(&employee) && known.deleted.contains(&customer)) {
        fields.fault("customer", Check::Exists, "Customer not found");
    }
    if let (Some(address), Some(customer)) = (employee.address, customers.get(&customer))
        && !customer.addresses.iter().any(|known| known.id == address)
    {
        fields.fault("address", Check::Exists, "Address not found");
    }
    let old = known.employees.insert(id, (customer, is_live(&employee)));
    if old.is_some_and(|(old, _)| old != customer) {
        fields.fault("customer", Check::Enum, "An employee cannot move to another customer");
    }
    // An employee that is overwritten lets go of its old name.
    if let Some(old_name) = known.names.remove(&id) {
        known.logins.remove(&old_name);
    }
    if let Some(name) = login_name(&employee)
        && known.logins.insert(name, id).is_some_and(|other| other != id)
    {
        fields.fault("emailAddress", Check::Unique, "The e-mail address is used by another employee");
    }
    let secrets = read_secrets(&mut fields);
    Some((employee, secrets))
}

fn read_secrets(fields: &mut Fields) -> Secrets {
    let mut secrets = Secrets { password: password(fields), ..Secrets::default() };
    fields.text("passwordHash", &mut secrets.password_hash);
    if secrets.password_hash.as_deref().is_some_and(|hash| !passwords::is_usable_hash(hash)) {
        fields.fault(
            "passwordHash",
            Check::Format,
            "passwordHash must be a PHC string of argon2, of at most 152 MiB and 16 passes",
        );
    }
    if secrets.password.is_some() && secrets.password_hash.is_some() {
        fields.fault("passwordHash", Check::Unique, "Give either password or passwordHash");
    }
    let mut key = None;
    fields.text("authenticatorKey", &mut key);
    if let Some(key) = key {
        secrets.authenticator_key = totp::parse_key(&key);
        if secrets.authenticator_key.is_none() {
            fields.fault("authenticatorKey", Check::Format, "authenticatorKey must be Base32 of at least 128 bits");
        }
    }
    secrets
}

fn read_config(
    mut fields: Fields,
    configs: Option<Configs>,
    known: &Known,
    seen: &mut HashSet<Id>,
) -> Option<NewConfig> {
    fields.require(&["_id"]);
    let (id, given) = (fields.id("_id"), fields.id("customer"));
    let Some(Configs { read, faults }) = configs else {
        fields.fault("configs", Check::Required, "configs is required");
        return None;
    };
    fields.take_over(faults);
    let id = id?;
    if !seen.insert(id) {
        fields.fault("_id", Check::Unique, "The id stands twice in the document");
    }
    let Some((customer, true)) = known.employees.get(&id).copied() else {
        fields.fault("_id", Check::Exists, "Employee not found");
        return None;
    };
    if given.is_some_and(|given| given != customer) {
        fields.fault("customer", Check::Enum, "The employee owner to another customer");
    }
    let (configs, references) = read?;
    if configs.len() > CONFIGS_MAX_BYTES {
        fields.fault("configs", Check::Max, format!("configs must be at most {CONFIGS_MAX_BYTES} bytes"));
    }
    for reference in references {
        let (owner, message) = match reference.kind {
            Kind::Colleagues => (
                known.employees.get(&reference.id).filter(|(_, is_live)| *is_live).map(|(owner, _)| *owner),
                "One or more employees or extensions were not found",
            ),
            Kind::Queues => (known.queues.get(&reference.id).copied(), "Queue not found"),
        };
        if owner != Some(customer) {
            fields.fault(&reference.path(), Check::Exists, message);
        }
    }
    Some(NewConfig { id, customer, configs })
}

/// Every reseller named must exist, none may be below itself, and none is deleted while it has customers.
fn check_resellers(customers: &[Customer], paths: &[String], known: &Known, faults: &mut Faults) {
    let mut seen = HashSet::new();
    let named: HashSet<Id> = customers.iter().map(|customer| customer.id).collect();
    let is_deleted = |id: &Id| known.deleted.contains(id);
    let live = known.customers.iter().filter(|(id, _)| !is_deleted(id));
    let in_use: HashSet<Id> = live.filter_map(|(_, reseller)| *reseller).collect();
    for (customer, path) in customers.iter().zip(paths) {
        let mut fault = |name: &str, check, message: &str| {
            faults.push(Fault { path: format!("{path}.{name}"), check, message: message.into() });
        };
        if !seen.insert(customer.id) {
            fault("_id", Check::Unique, "The id stands twice in the document");
        }
        if is_deleted(&customer.id) && in_use.contains(&customer.id) {
            fault("state", Check::Enum, "Reseller has customers that must be deleted first");
        }
        let Some(parent) = customer.parent_reseller else { continue };
        // A reseller that the document itself deletes has that fault.
        let is_below_deleted = is_deleted(&parent) && !named.contains(&parent) && !is_deleted(&customer.id);
        if is_below_deleted || !known.customers.contains_key(&parent) {
            fault("parentReseller", Check::Exists, "Reseller not found");
            continue;
        }
        let above = std::iter::successors(Some(parent), |id| known.customers.get(id).copied().flatten());
        if above.take(known.customers.len() + 1).any(|id| id == customer.id) {
            fault("parentReseller", Check::Enum, "A customer cannot be below itself");
        }
    }
}
