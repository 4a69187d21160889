//! What is read from the platform, written here. The platform has accepted it, so no rule is asked: only what follows from a change
//! is done, as for everybody's.

use serde_json::Value;

use super::{new_ids, whole_objects};
use crate::db::{ReadTx, WriteTx};
use crate::domain::customer::{Customer, CustomerState};
use crate::domain::employee::{Employee, EmployeeState};
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::domain::mobile_config::{Event, Kind, entries, follow};
use crate::domain::platform::Call;
use crate::domain::queue::Queue;
use crate::error::{Check, Error, Result};
use crate::store::platform::{bases, operations, tokens};
use crate::store::{credentials, customers, employees, mobile_configs, queues};
use crate::usecases::queues as queue_rules;

/// Writes a customer. Its reseller is left out while that is not known here: the account may not reach it.
pub fn write_customer(tx: &mut WriteTx, new: Customer) -> Result<()> {
    let parent = match new.parent_reseller {
        Some(parent) => customers::find(tx, parent)?.filter(|found| found.state != CustomerState::Deleted),
        None => None,
    };
    let new = Customer { parent_reseller: parent.map(|parent| parent.id).filter(|parent| *parent != new.id), ..new };
    let old = customers::find(tx, new.id)?;
    if let Some(old) = &old {
        new_ids::follow_addresses(tx, old, &new)?;
    }
    whole_objects::write_customer(tx, new, old)
}

/// Writes an employee. 404 `customer` when its customer is not here.
pub fn write_employee(tx: &mut WriteTx, new: Employee) -> Result<()> {
    let customer = customers::find(tx, new.customer)?;
    if customer.is_none_or(|found| found.state == CustomerState::Deleted && new.state != EmployeeState::Deleted) {
        return Err(Error::invalid("customer", Check::Exists, "Customer not found"));
    }
    let old = employees::find(tx, new.id)?;
    let (id, is_gone) = (new.id, new.state != EmployeeState::Enabled);
    if old.as_ref().is_some_and(|old| old.customer != new.customer) {
        // It went with the move, here and there.
        bases::remove(tx, Table::MobileConfig, id)?;
    }
    whole_objects::write_employee(tx, new, old)?;
    if is_gone { tokens::delete_of(tx, id) } else { Ok(()) }
}

/// Writes a queue. 404 `customer` when its customer is not here; a queue that is here under another customer stays there.
pub fn write_queue(tx: &mut WriteTx, new: &Queue) -> Result<()> {
    if customers::find(tx, new.customer)?.is_none() {
        return Err(Error::invalid("customer", Check::Exists, "Customer not found"));
    }
    let old = queues::find(tx, new.id)?;
    if old.as_ref().is_some_and(|old| old.customer != new.customer) {
        return Err(Error::invalid("customer", Check::Enum, "A queue cannot move to another customer"));
    }
    // What the platform's page of a queue does not have is this server's own.
    let new = match &old {
        Some(old) => {
            &Queue { name: new.name.clone(), number: new.number.clone(), more: new.more.clone(), ..old.clone() }
        }
        None => new,
    };
    queue_rules::save(tx, new, old.as_ref())
}

/// Writes the content of an employee's mobile config. Queues that it names and that are not here yet are learned from it. 404
/// `_id` when the employee is not here.
pub fn write_config(tx: &mut WriteTx, id: Id, content: String) -> Result<()> {
    let Some(employee) = employees::find_live(tx, id)? else {
        return Err(Error::invalid("_id", Check::Exists, "Employee not found"));
    };
    for entry in entries(&content).unwrap_or_default().iter().filter(|entry| entry.kind == Kind::Queues) {
        if queues::find(tx, entry.id)?.is_none() {
            queue_rules::save(tx, &Queue::new(entry.id, employee.customer, &entry.name), None)?;
        }
    }
    let content = with_own_changes(tx, employee.customer, content)?;
    let old = mobile_configs::find(tx, id)?;
    whole_objects::write_config(tx, id, employee.customer, content, old, "As the platform has it")
}

/// The content as it is here: colleagues who were deleted or renamed here, and not at the platform yet, are so in it too.
fn with_own_changes(tx: &ReadTx, customer: Id, content: String) -> Result<String> {
    let mut content = content;
    for operation in operations::pending_of_employees(tx, customer)? {
        let name = operation.change.to.get("name").and_then(Value::as_str);
        let event = match (operation.call, name) {
            (Call::DeleteEmployee, _) if operation.change.date.is_none() => Event::Deleted,
            (Call::UpdateEmployee, Some(name)) => Event::Renamed(name),
            _ => continue,
        };
        content = follow(&content, Kind::Colleagues, operation.target, event).unwrap_or(content);
    }
    Ok(content)
}

/// Deletes what is gone at the platform.
pub fn remove(tx: &mut WriteTx, kind: Table, id: Id) -> Result<()> {
    match kind {
        Table::Customer => match customers::find(tx, id)? {
            Some(old) if old.state != CustomerState::Deleted => {
                write_customer(tx, Customer { state: CustomerState::Deleted, ..old })
            }
            _ => Ok(()),
        },
        Table::Employee => match employees::find_live(tx, id)? {
            Some(old) => write_employee(tx, Employee { state: EmployeeState::Deleted, ..old }),
            None => Ok(()),
        },
        Table::MobileConfig => mobile_configs::delete(tx, id),
        // Queues are never deleted: mobile configs may name them.
        Table::Queue | Table::PbxObject | Table::Other => Ok(()),
    }
}

/// The platform has taken a password that was given here: it is good without the platform too, unless another one is on its way.
pub fn password_taken(tx: &mut WriteTx, employee: Id) -> Result<()> {
    if operations::has_password(tx, employee)? { Ok(()) } else { credentials::confirm_password(tx, employee) }
}

/// The platform refuses a password that is accepted here: its word counts.
pub fn forget_password(tx: &mut WriteTx, employee: Id) -> Result<()> {
    credentials::forget_password(tx, employee)
}
