//! The rows that a change refers to: each is looked up once, by its key.
//!
//! Of an import, the objects of its document count before those of the database, so that its changes are judged by what the
//! database will hold afterwards.

use std::collections::HashMap;
use std::rc::Rc;

use crate::db::ReadTx;
use crate::domain::access::Level;
use crate::domain::customer::{Customer, CustomerState};
use crate::domain::employee::{Employee, EmployeeState};
use crate::domain::id::Id;
use crate::domain::pbx::PbxObject;
use crate::domain::queue::Queue;
use crate::domain::text::folded;
use crate::error::Result;
use crate::store::staged::Staged;
use crate::store::{administrators, customers, employees, pbx, queues};

/// What rules ask of an employee that something refers to.
#[derive(Debug)]
pub struct KnownEmployee {
    pub customer: Id,
    pub is_live: bool,
    pub name: Box<str>,
    pub address: Option<Id>,
    pub has_organization_resellers: bool,
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
            login: login_name(employee).map(Into::into),
        }
    }
}

/// So many rows of a table are remembered at most: a long document refers to more than memory should hold.
const REMEMBERED_MAX: usize = 4_096;

/// What was looked up; `None` for what does not exist.
type Rows<T> = HashMap<Id, Option<Rc<T>>>;

/// Rows by their ids.
#[derive(Default)]
pub struct Known {
    customers: Rows<Customer>,
    employees: Rows<KnownEmployee>,
    queues: Rows<Queue>,
    pbx_objects: Rows<PbxObject>,
    /// Of an import: its document.
    document: Option<Rc<Staged>>,
    /// The database holds nothing: only the document counts.
    is_database_empty: bool,
    /// Nobody needs to be left who administers this server: `import --force`.
    pub may_leave_no_administrator: bool,
}

impl Known {
    /// For an import: nothing is looked up where the database holds nothing yet.
    pub fn for_document(document: Rc<Staged>, is_database_empty: bool) -> Known {
        Known { document: Some(document), is_database_empty, ..Known::default() }
    }

    /// What `find` finds in the document, else what `stored` has in the database.
    fn look_up<T>(
        &self,
        find: impl Fn(&Staged) -> Result<Option<T>>,
        stored: impl FnOnce() -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        match self.document.as_deref().map(find).transpose()?.flatten() {
            Some(found) => Ok(Some(found)),
            None if self.is_database_empty => Ok(None),
            None => stored(),
        }
    }

    /// The customer, deleted or not.
    pub fn customer(&mut self, tx: &ReadTx, id: Id) -> Result<Option<Rc<Customer>>> {
        if let Some(found) = self.customers.get(&id) {
            return Ok(found.clone());
        }
        let found = self.look_up(|document| document.customer(id), || customers::find(tx, id))?;
        Ok(remember(&mut self.customers, id, found))
    }

    /// The customer, unless it is absent or deleted.
    pub fn live_customer(&mut self, tx: &ReadTx, id: Id) -> Result<Option<Rc<Customer>>> {
        Ok(self.customer(tx, id)?.filter(|customer| customer.state != CustomerState::Deleted))
    }

    fn employee(&mut self, tx: &ReadTx, id: Id) -> Result<Option<Rc<KnownEmployee>>> {
        if let Some(found) = self.employees.get(&id) {
            return Ok(found.clone());
        }
        let found = self.look_up(|document| document.employee(id), || employees::find(tx, id))?;
        Ok(remember(&mut self.employees, id, found.as_ref().map(KnownEmployee::from)))
    }

    /// The employee, unless it is absent or deleted, by itself or with its customer.
    pub fn live_employee(&mut self, tx: &ReadTx, id: Id) -> Result<Option<Rc<KnownEmployee>>> {
        let Some(employee) = self.employee(tx, id)?.filter(|employee| employee.is_live) else { return Ok(None) };
        Ok(self.live_customer(tx, employee.customer)?.map(|_| employee))
    }

    pub fn queue(&mut self, tx: &ReadTx, id: Id) -> Result<Option<Rc<Queue>>> {
        if let Some(found) = self.queues.get(&id) {
            return Ok(found.clone());
        }
        let found = self.look_up(|document| document.queue(id), || queues::find(tx, id))?;
        Ok(remember(&mut self.queues, id, found))
    }

    pub fn pbx_object(&mut self, tx: &ReadTx, id: Id) -> Result<Option<Rc<PbxObject>>> {
        if let Some(found) = self.pbx_objects.get(&id) {
            return Ok(found.clone());
        }
        let found = self.look_up(|document| document.pbx_object(id), || pbx::find(tx, id))?;
        Ok(remember(&mut self.pbx_objects, id, found))
    }

    /// Whether another object of the PBX has this key.
    pub fn is_key_taken(&mut self, tx: &ReadTx, object: &PbxObject) -> Result<bool> {
        let Some(key) = object.key() else { return Ok(false) };
        if let Some(document) = &self.document
            && document.pbx_object_of_key(&key)?.is_some_and(|first| first != object.id())
        {
            return Ok(true);
        }
        let stored = if self.is_database_empty { None } else { pbx::find_by_key(tx, &key)? };
        let Some(stored) = stored.filter(|stored| stored.id() != object.id()) else { return Ok(false) };
        // The document may have given it another.
        Ok(self.pbx_object(tx, stored.id())?.is_some_and(|found| found.key().as_deref() == Some(&key)))
    }

    /// Whether another live employee logs in with `employee`'s name, whatever the case.
    pub fn is_login_taken(&mut self, tx: &ReadTx, employee: &Employee) -> Result<bool> {
        let Some(login) = login_name(employee) else { return Ok(false) };
        if let Some(document) = &self.document
            && document.login_owner(&login)?.is_some_and(|owner| owner != employee.id)
        {
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
        if let Some(document) = &self.document
            && document
                .any_administrator(|id, customer| Ok(!is_leaving(id, customer) && !self.is_shut_out(customer)?))?
        {
            return Ok(true);
        }
        let stored = if self.is_database_empty { vec![] } else { administrators::all(tx)? };
        for (id, customer) in stored {
            // What the document has of somebody counts.
            let is_in_document = match &self.document {
                Some(document) => document.employee(id)?.is_some(),
                None => false,
            };
            if !is_in_document && !is_leaving(id, customer) && !self.is_shut_out(customer)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether nobody of the customer may log in, as far as is known without the database.
    fn is_shut_out(&self, customer: Id) -> Result<bool> {
        let is_out = |found: &Customer| !found.lets_log_in();
        match (self.customers.get(&customer), &self.document) {
            (Some(found), _) => Ok(found.as_deref().is_some_and(is_out)),
            (None, Some(document)) => Ok(document.customer(customer)?.as_ref().is_some_and(is_out)),
            (None, None) => Ok(false),
        }
    }

    /// Whether a live customer has this reseller.
    pub fn has_live_customers(&mut self, tx: &ReadTx, reseller: Id) -> Result<bool> {
        let mut ids = if self.is_database_empty { vec![] } else { customers::ids_below(tx, reseller)? };
        if let Some(document) = &self.document {
            ids.extend(document.customers_below(reseller)?);
        }
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

fn remember<T>(rows: &mut Rows<T>, id: Id, found: Option<T>) -> Option<Rc<T>> {
    if rows.len() >= REMEMBERED_MAX {
        rows.clear();
    }
    rows.entry(id).or_insert(found.map(Rc::new)).clone()
}

/// Whether the employee administers this server: an ADMIN that may log in.
pub fn is_administrator(employee: &Employee) -> bool {
    employee.access_level == Level::Admin
        && employee.state == EmployeeState::Enabled
        && !employee.sms_validation
        && employee.delete_date.is_none()
}

/// The name that the employee logs in with, without regard to case.
pub fn login_name(employee: &Employee) -> Option<String> {
    let name = employee.email_address.as_ref().filter(|_| employee.state != EmployeeState::Deleted);
    name.map(|name| folded(name))
}
