//! Stubs: rows that are made up because others refer to them and the snapshot does not hold them, so that what refers to
//! them can be kept as it is.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::report::{SkippedRow, Stub, record_as};
use crate::db::WriteTx;
use crate::domain::access::Level;
use crate::domain::customer::{Customer, CustomerState};
use crate::domain::employee::{Employee, EmployeeState};
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::domain::mobile_config::{Kind, MobileConfig, entries};
use crate::domain::pbx::PbxObject;
use crate::domain::queue::Queue;
use crate::error::Result;
use crate::store::{customers, employees, queues, to_json};

/// What the audit trail says of a stub. An object whose newest entry says so is a stub still.
pub const STUB_DESCRIPTION: &str = "Stub made by a restore: others refer to it, and the hub had no such row";

/// A row of a customer that a mobile config refers to: the customer, and the name that the config knows it by.
type Named = (Id, Option<String>);

/// What was written so far, and what is referred to without having been written.
#[derive(Default)]
pub struct References {
    customers: HashSet<Id>,
    queues: HashSet<Id>,
    employees: HashSet<Id>,
    /// Whether anything that is not deleted refers to the customer.
    named_customers: BTreeMap<Id, bool>,
    missing_queues: BTreeMap<Id, Named>,
    missing_employees: BTreeMap<Id, Named>,
}

impl References {
    pub fn add_customer(&mut self, customer: &Customer) {
        self.customers.insert(customer.id);
        if let Some(reseller) = customer.parent_reseller {
            self.name_customer(reseller, customer.state != CustomerState::Deleted);
        }
    }

    pub fn add_queue(&mut self, queue: &Queue) {
        self.queues.insert(queue.id);
        self.name_customer(queue.customer, true);
    }

    pub fn add_pbx_object(&mut self, object: &PbxObject) {
        self.name_customer(object.customer(), true);
    }

    pub fn add_employee(&mut self, employee: &Employee) {
        self.employees.insert(employee.id);
        let is_live = employee.state != EmployeeState::Deleted;
        self.name_customer(employee.customer, is_live);
        for reseller in employee.organization_resellers.iter().filter(|_| is_live) {
            self.name_customer(*reseller, true);
        }
    }

    /// Mobile configs are written last: what one of them refers to is there by now, or missing.
    pub fn add_config(&mut self, config: &MobileConfig) {
        self.name_customer(config.customer, true);
        if !self.employees.contains(&config.id) {
            self.missing_employees.entry(config.id).or_insert((config.customer, None));
        }
        for entry in entries(&config.configs).unwrap_or_default() {
            let (known, missing) = match entry.kind {
                Kind::Colleagues => (&self.employees, &mut self.missing_employees),
                Kind::Queues => (&self.queues, &mut self.missing_queues),
            };
            if !known.contains(&entry.id) {
                let (_, name) = missing.entry(entry.id).or_insert((config.customer, None));
                name.get_or_insert_with(|| entry.name.into_owned());
            }
        }
    }

    fn name_customer(&mut self, id: Id, by_live: bool) {
        if !self.customers.contains(&id) {
            *self.named_customers.entry(id).or_default() |= by_live;
        }
    }

    /// Writes a stub for each row that is missing. A row that was skipped has its rev raised by it.
    pub fn write_stubs(mut self, tx: &mut WriteTx, skipped: &[SkippedRow]) -> Result<Vec<Stub>> {
        let revs: HashMap<_, _> = skipped.iter().map(|row| ((row.table, row.id.as_str()), row.rev)).collect();
        let rev = |table: Table, id: Id| {
            id.with_str(|id| revs.get(&(table, id)).map_or(1, |rev| rev.max(&0).saturating_add(1)))
        };
        let mut stubs = vec![];
        for (id, is_live) in std::mem::take(&mut self.named_customers) {
            if !self.customers.contains(&id) {
                write_customer(tx, id, is_live, rev(Table::Customer, id))?;
                stubs.push(Stub { table: Table::Customer, id });
            }
        }
        for (id, (customer, name)) in self.missing_queues {
            let queue = Queue::new(id, customer, &name_of(id, name));
            queues::write_row(tx, &queue, Some(rev(Table::Queue, id)))?;
            record_as(tx, queues::subject(&queue), STUB_DESCRIPTION, &to_json(&queue)?)?;
            stubs.push(Stub { table: Table::Queue, id });
        }
        for (id, (customer, name)) in self.missing_employees {
            let employee = Employee {
                // Nobody can log in as a stub, and nobody is offered it as a colleague.
                access_level: Level::NoLogin,
                state: EmployeeState::Disabled,
                name: name_of(id, name),
                rev: rev(Table::Employee, id),
                ..Employee::new(id, customer)
            };
            employees::write_row(tx, &employee)?;
            record_as(tx, employees::subject(&employee), STUB_DESCRIPTION, &to_json(&employee)?)?;
            stubs.push(Stub { table: Table::Employee, id });
        }
        Ok(stubs)
    }
}

/// A customer that only deleted objects refer to is deleted itself.
fn write_customer(tx: &mut WriteTx, id: Id, is_live: bool, rev: i64) -> Result<()> {
    let state = if is_live { CustomerState::Active } else { CustomerState::Deleted };
    let customer = Customer { name: name_of(id, None), state, rev, ..Customer::new(id) };
    customers::write_row(tx, &customer)?;
    record_as(tx, customers::subject(id), STUB_DESCRIPTION, &to_json(&customer)?)
}

/// The name that a mobile config knows it by, so that it is not lost.
fn name_of(id: Id, known: Option<String>) -> String {
    known.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("Not restored {id}"))
}
