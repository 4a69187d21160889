//! Reads the objects of a document and judges them; every fault is found, with its JSON path.
//!
//! The form is read first, and what was read is noted in [`Known`]; then each object is judged by the rules that hold for every
//! change. An object whose form is wrong is noted too, so that what refers to it is no second fault, but not judged.

use std::collections::HashSet;

use serde_json::Value;

use super::document::{Configs, Document, Element};
use super::secrets::{Secrets, read_secrets};
use crate::db::ReadTx;
use crate::domain::access::{Actor, Level};
use crate::domain::customer::Customer;
use crate::domain::employee::Employee;
use crate::domain::fields::Fields;
use crate::domain::id::Id;
use crate::domain::queue::Queue;
use crate::domain::time::Time;
use crate::error::{Check, Error, Fault, Faults, Result};
use crate::store::{customers, employees, queues};
use crate::usecases::known::Known;
use crate::usecases::mobile_configs::{self, Content};
use crate::usecases::{customers as customer_rules, employees as employee_rules, queues as queue_rules};

/// An object to be written, and the row that it replaces.
pub struct Change<T> {
    path: String,
    pub new: T,
    pub old: Option<T>,
}

/// What is to be written before the mobile configs.
#[derive(Default)]
pub struct Plan {
    pub customers: Vec<Change<Customer>>,
    pub queues: Vec<Change<Queue>>,
    pub employees: Vec<Change<Employee>>,
    /// The secrets that came with each of the employees.
    pub secrets: Vec<Secrets>,
}

/// A mobile config to be written.
pub struct NewConfig {
    pub id: Id,
    pub customer: Id,
    pub configs: String,
}

/// Reads everything but the mobile configs; `known` takes in what is read.
pub fn read(document: &Document, known: &mut Known, now: Time, faults: &mut Faults) -> Plan {
    let mut plan = Plan::default();
    let mut ids = Once::default();
    each(document, "customers", faults, |fields, _| {
        plan.customers.extend(read_one(fields, &mut ids, |fields| {
            let customer = read_customer(fields, now)?;
            known.note_customer(&customer);
            Some((customer.id, customer))
        }));
    });
    let mut ids = Once::default();
    each(document, "queues", faults, |fields, _| {
        plan.queues.extend(read_one(fields, &mut ids, |fields| {
            let queue = Queue::read(fields)?;
            known.note_queue(&queue);
            Some((queue.id, queue))
        }));
    });
    let mut ids = Once::default();
    each(document, "employees", faults, |fields, _| {
        let mut secrets = None;
        let change = read_one(fields, &mut ids, |fields| {
            let employee = read_employee(fields)?;
            known.note_employee(&employee);
            secrets = Some(read_secrets(fields));
            Some((employee.id, employee))
        });
        if let (Some(change), Some(secrets)) = (change, secrets) {
            plan.employees.push(change);
            plan.secrets.push(secrets);
        }
    });
    plan
}

/// Ids of one list that were met so far.
#[derive(Default)]
struct Once(HashSet<Id>);

impl Once {
    fn check(&mut self, id: Id, fields: &mut Fields) {
        if !self.0.insert(id) {
            fields.fault("_id", Check::Unique, "The id stands twice in the document");
        }
    }
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

/// Reads one object; `None` when it has a fault.
fn read_one<T>(
    mut fields: Fields,
    ids: &mut Once,
    read: impl FnOnce(&mut Fields) -> Option<(Id, T)>,
) -> Option<Change<T>> {
    let faults_before = fields.fault_count();
    let (id, new) = read(&mut fields)?;
    ids.check(id, &mut fields);
    let is_faultless = fields.fault_count() == faults_before;
    is_faultless.then(|| Change { path: fields.path().to_owned(), new, old: None })
}

fn read_customer(fields: &mut Fields, now: Time) -> Option<Customer> {
    fields.require(&["_id", "name", "addresses"]);
    let mut customer = Customer::new(fields.id("_id")?);
    customer.apply(fields, Level::Admin, now);
    Some(customer)
}

fn read_employee(fields: &mut Fields) -> Option<Employee> {
    fields.require(&["_id", "customer", "accessLevel", "name"]);
    let (id, customer) = (fields.id("_id"), fields.id("customer"));
    let mut employee = Employee::new(id?, customer?);
    employee.apply(fields);
    if employee.no_email && !fields.is_given("emailAddress") {
        fields.require(&["emailAddress"]);
    }
    if let Some(Value::String(date)) = fields.value("deleteDate") {
        employee.delete_date = Time::parse(date);
        if employee.delete_date.is_none() {
            fields.fault("deleteDate", Check::Format, "deleteDate must be a date");
        }
    }
    Some(employee)
}

/// Judges what was read by the rules that hold for every change, and finds the rows that are replaced.
pub fn judge(tx: &ReadTx, plan: &mut Plan, known: &mut Known, is_first: bool, faults: &mut Faults) -> Result<()> {
    let actor = Actor::administrator("import");
    for Change { path, new, old } in &mut plan.customers {
        *old = if is_first { None } else { customers::find(tx, new.id)? };
        collect(faults, path, customer_rules::check(tx, known, &actor, new, old.as_ref()))?;
    }
    for Change { path, new, old } in &mut plan.queues {
        *old = if is_first { None } else { queues::find(tx, new.id)? };
        collect(faults, path, queue_rules::check(tx, known, new, old.as_ref()))?;
    }
    for Change { path, new, old } in &mut plan.employees {
        *old = if is_first { None } else { employees::find(tx, new.id)? };
        collect(faults, path, employee_rules::check(tx, known, &actor, new, old.as_ref()))?;
    }
    Ok(())
}

fn collect(faults: &mut Faults, path: &str, checked: Result<()>) -> Result<()> {
    if let Err(error) = checked {
        faults.extend(error.faults_at(path)?);
    }
    Ok(())
}

/// Judges the mobile configs, when `known` has taken in all that stands before them in the document.
pub fn judge_configs(
    tx: &ReadTx,
    elements: Vec<Element>,
    known: &mut Known,
    faults: &mut Faults,
) -> Result<Vec<NewConfig>> {
    let (mut configs, mut ids) = (Vec::with_capacity(elements.len()), Once::default());
    for Element { path, value, configs: read } in elements {
        match value {
            Ok(value) => {
                let Some(fields) = Fields::of(&value, &path, faults) else { continue };
                let Some((id, given, content)) = read_config(fields, read, &mut ids) else { continue };
                let judged = judge_config(tx, known, id, given, content);
                match judged {
                    Ok(config) => configs.push(config),
                    Err(error) => faults.extend(error.faults_at(&path)?),
                }
            }
            Err(error) => faults.push(Fault { path, check: Check::Format, message: error.to_string() }),
        }
    }
    Ok(configs)
}

/// The form of one config: its id, the customer it names, and its content.
fn read_config(mut fields: Fields, configs: Option<Configs>, ids: &mut Once) -> Option<(Id, Option<Id>, Content)> {
    fields.require(&["_id"]);
    let (id, given) = (fields.id("_id"), fields.id("customer"));
    let Some(Configs { read, faults }) = configs else {
        fields.fault("configs", Check::Required, "configs is required");
        return None;
    };
    fields.take_over(faults);
    let id = id?;
    ids.check(id, &mut fields);
    Some((id, given, read?))
}

fn judge_config(tx: &ReadTx, known: &mut Known, id: Id, given: Option<Id>, content: Content) -> Result<NewConfig> {
    let mut faults = Faults::all();
    let fault = |path: &str, check, message: &str| Fault { path: path.into(), check, message: message.into() };
    let Some(employee) = known.live_employee(tx, id)? else {
        faults.push(fault("_id", Check::Exists, "Employee not found"));
        return Err(Error::Invalid(faults.into_iter().collect()));
    };
    if given.is_some_and(|given| given != employee.customer) {
        faults.push(fault("customer", Check::Enum, "The employee belongs to another customer"));
    }
    let configs = match mobile_configs::check(tx, known, content, employee.customer) {
        Ok(configs) => configs,
        Err(error) => {
            faults.collect(Err(error))?;
            String::new()
        }
    };
    faults.or(NewConfig { id, customer: employee.customer, configs })
}
