//! What the references in a document may name.

use std::collections::{HashMap, HashSet};

use crate::db::ReadTx;
use crate::domain::customer::{Customer, CustomerState};
use crate::domain::employee::{Employee, EmployeeState};
use crate::domain::id::Id;
use crate::error::Result;
use crate::store::{customers, employees, queues};

/// What there is, in the database and then also in the document, as far as references must be checked.
#[derive(Default)]
pub struct Known {
    /// Each customer's reseller.
    pub customers: HashMap<Id, Option<Id>>,
    /// Customers that are deleted.
    pub deleted: HashSet<Id>,
    /// Each employee's customer, and whether it is not deleted.
    pub employees: HashMap<Id, (Id, bool)>,
    /// Each queue's customer.
    pub queues: HashMap<Id, Id>,
    /// Whose a login name is, in lower case, and the names by their owners.
    pub logins: HashMap<String, Id>,
    pub names: HashMap<Id, String>,
}

impl Known {
    pub fn read(tx: &ReadTx) -> Result<Known> {
        let mut known = Known::default();
        customers::all(tx, |customer| {
            known.add_customer(&customer);
            Ok(())
        })?;
        queues::all(tx, |queue| {
            known.queues.insert(queue.id, queue.customer);
            Ok(())
        })?;
        employees::all(tx, |employee| {
            known.employees.insert(employee.id, (employee.customer, is_live(&employee)));
            if let Some(name) = login_name(&employee) {
                known.logins.insert(name.clone(), employee.id);
                known.names.insert(employee.id, name);
            }
            Ok(())
        })?;
        Ok(known)
    }

    pub fn add_customer(&mut self, customer: &Customer) {
        self.customers.insert(customer.id, customer.parent_reseller);
        if customer.state == CustomerState::Deleted {
            self.deleted.insert(customer.id);
        } else {
            self.deleted.remove(&customer.id);
        }
    }
}

pub fn is_live(employee: &Employee) -> bool {
    employee.state != EmployeeState::Deleted
}

pub fn login_name(employee: &Employee) -> Option<String> {
    employee.email_address.as_ref().filter(|_| is_live(employee)).map(|name| name.to_ascii_lowercase())
}
