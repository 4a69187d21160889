//! The rows that a change refers to: each is looked up once, by its key.
//!
//! An import notes the rows of its document here first: they count before those of the database, so that its changes are
//! judged by what the database will hold afterwards. Every other change starts with nothing noted.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;

use crate::db::ReadTx;
use crate::domain::access::Level;
use crate::domain::customer::{Customer, CustomerState};
use crate::domain::employee::{Employee, EmployeeState};
use crate::domain::id::Id;
use crate::domain::queue::Queue;
use crate::domain::text::folded;
use crate::error::Result;
use crate::store::{administrators, customers, employees, queues};

/// What rules ask of an employee that something refers to.
#[derive(Debug)]
pub struct KnownEmployee {
    pub customer: Id,
    pub is_live: bool,
    pub name: Box<str>,
    pub address: Option<Id>,
    pub has_organization_resellers: bool,
    pub is_administrator: bool,
    /// The name to log in with, without regard to case; `None` for who is deleted or has none.
    login: Option<Box<str>>,
}

impl From<&Employee> for KnownEmployee {
    fn from(employee: &Employee) -> KnownEmployee {
        KnownEmployee {
            customer: employee.customer,
            is_live: employee.state != EmployeeState::Deleted,
            name: employee.name.as_str().into(),
            address: employee.address,
            has_organization_resellers: !employee.organization_resellers.is_empty(),
            is_administrator: is_administrator(employee),
            login: login_name(employee).map(Into::into),
        }
    }
}

/// Rows by their ids; `None` for one that does not exist.
#[derive(Default)]
pub struct Known {
    customers: HashMap<Id, Option<Rc<Customer>>>,
    employees: HashMap<Id, Option<Rc<KnownEmployee>>>,
    queues: HashMap<Id, Option<Rc<Queue>>>,
    /// Who of the noted employees has a login name.
    logins: HashMap<Box<str>, Id>,
    /// The noted customers of each reseller.
    children: HashMap<Id, Vec<Id>>,
    /// The database holds nothing: only what is noted counts.
    is_database_empty: bool,
    /// Nobody needs to be left who administers this server: `import --force`.
    pub may_leave_no_administrator: bool,
}

impl Known {
    /// For an import: nothing is looked up where the database holds nothing yet.
    pub fn for_document(is_database_empty: bool) -> Known {
        Known { is_database_empty, ..Known::default() }
    }

    pub fn note_customer(&mut self, customer: &Customer) {
        if let Some(parent) = customer.parent_reseller {
            self.children.entry(parent).or_default().push(customer.id);
        }
        self.customers.insert(customer.id, Some(Rc::new(customer.clone())));
    }

    pub fn note_employee(&mut self, employee: &Employee) {
        if let Some(login) = login_name(employee) {
            self.logins.entry(login.into()).or_insert(employee.id);
        }
        self.employees.insert(employee.id, Some(Rc::new(employee.into())));
    }

    pub fn note_queue(&mut self, queue: &Queue) {
        self.queues.insert(queue.id, Some(Rc::new(queue.clone())));
    }

    /// The customer, deleted or not.
    pub fn customer(&mut self, tx: &ReadTx, id: Id) -> Result<Option<Rc<Customer>>> {
        match self.customers.entry(id) {
            Entry::Occupied(found) => Ok(found.get().clone()),
            Entry::Vacant(_) if self.is_database_empty => Ok(None),
            Entry::Vacant(place) => Ok(place.insert(customers::find(tx, id)?.map(Rc::new)).clone()),
        }
    }

    /// The customer, unless it is absent or deleted.
    pub fn live_customer(&mut self, tx: &ReadTx, id: Id) -> Result<Option<Rc<Customer>>> {
        Ok(self.customer(tx, id)?.filter(|customer| customer.state != CustomerState::Deleted))
    }

    fn employee(&mut self, tx: &ReadTx, id: Id) -> Result<Option<Rc<KnownEmployee>>> {
        match self.employees.entry(id) {
            Entry::Occupied(found) => Ok(found.get().clone()),
            Entry::Vacant(_) if self.is_database_empty => Ok(None),
            Entry::Vacant(place) => {
                let found = employees::find(tx, id)?.map(|employee| Rc::new((&employee).into()));
                Ok(place.insert(found).clone())
            }
        }
    }

    /// The employee, unless it is absent or deleted, by itself or with its customer.
    pub fn live_employee(&mut self, tx: &ReadTx, id: Id) -> Result<Option<Rc<KnownEmployee>>> {
        let Some(employee) = self.employee(tx, id)?.filter(|employee| employee.is_live) else { return Ok(None) };
        Ok(self.live_customer(tx, employee.customer)?.map(|_| employee))
    }

    pub fn queue(&mut self, tx: &ReadTx, id: Id) -> Result<Option<Rc<Queue>>> {
        match self.queues.entry(id) {
            Entry::Occupied(found) => Ok(found.get().clone()),
            Entry::Vacant(_) if self.is_database_empty => Ok(None),
            Entry::Vacant(place) => Ok(place.insert(queues::find(tx, id)?.map(Rc::new)).clone()),
        }
    }

    /// Whether another live employee logs in with `employee`'s name, whatever the case.
    pub fn is_login_taken(&mut self, tx: &ReadTx, employee: &Employee) -> Result<bool> {
        let Some(login) = login_name(employee) else { return Ok(false) };
        if self.logins.get(login.as_str()).is_some_and(|owner| *owner != employee.id) {
            return Ok(true);
        }
        if self.is_database_empty {
            return Ok(false);
        }
        let owner = employees::find_by_login(tx, &login)?.map(|found| found.id);
        let Some(owner) = owner.filter(|owner| *owner != employee.id) else { return Ok(false) };
        // The document may have taken the name from it.
        Ok(self.live_employee(tx, owner)?.is_some_and(|found| found.login.as_deref() == Some(&login)))
    }

    /// Whether somebody administers this server besides those that `is_leaving` says by id and customer.
    pub fn is_administrator_left(&self, tx: &ReadTx, is_leaving: impl Fn(Id, Id) -> bool) -> Result<bool> {
        let noted = self.employees.iter().filter_map(|(id, found)| Some((*id, found.as_ref()?)));
        let is_shut_out = |customer: &Id| {
            let noted = self.customers.get(customer).and_then(Option::as_ref);
            noted.is_some_and(|customer| customer.state != CustomerState::Active)
        };
        let mut noted = noted.filter(|(_, found)| found.is_administrator && !is_shut_out(&found.customer));
        if noted.any(|(id, found)| !is_leaving(id, found.customer)) {
            return Ok(true);
        }
        let stored = if self.is_database_empty { vec![] } else { administrators::all(tx)? };
        // Of a noted one the noted state counts.
        let is_as_stored = |(id, customer): &(Id, Id)| !self.employees.contains_key(id) && !is_shut_out(customer);
        let mut stored = stored.into_iter().filter(is_as_stored);
        Ok(stored.any(|(id, customer)| !is_leaving(id, customer)))
    }

    /// Whether a live customer has this reseller.
    pub fn has_live_customers(&mut self, tx: &ReadTx, reseller: Id) -> Result<bool> {
        let mut ids = if self.is_database_empty { vec![] } else { customers::ids_below(tx, reseller)? };
        ids.extend(self.children.get(&reseller).into_iter().flatten().copied());
        for id in ids {
            if self.live_customer(tx, id)?.is_some_and(|customer| customer.parent_reseller == Some(reseller)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a live employee of the customer, among those that the database has, is one for whom `is_wanted` holds.
    pub fn any_employee(
        &mut self,
        tx: &ReadTx,
        customer: Id,
        candidates: Vec<Id>,
        is_wanted: impl Fn(&KnownEmployee) -> bool,
    ) -> Result<bool> {
        for id in candidates {
            let found = self.employee(tx, id)?;
            if found.is_some_and(|found| found.is_live && found.customer == customer && is_wanted(&found)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether the employee administers this server: an ADMIN that may log in.
pub fn is_administrator(employee: &Employee) -> bool {
    employee.access_level == Level::Admin && employee.state == EmployeeState::Enabled
}

/// The name that the employee logs in with, without regard to case.
fn login_name(employee: &Employee) -> Option<String> {
    let name = employee.email_address.as_ref().filter(|_| employee.state != EmployeeState::Deleted);
    name.map(|name| folded(name))
}
