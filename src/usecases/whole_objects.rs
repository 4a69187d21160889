//! Writing whole objects as somebody else has them: an import, and what is read from the platform. They have been checked.

use super::{customers as customer_rules, employees as employee_rules};
use crate::db::WriteTx;
use crate::domain::audit::Action;
use crate::domain::customer::{Customer, CustomerState};
use crate::domain::employee::{Employee, EmployeeState};
use crate::domain::id::Id;
use crate::domain::mobile_config::MobileConfig;
use crate::error::Result;
use crate::store::mobile_configs;

/// Writes a customer in the place of `old`; one that is deleted from now on takes its employees along.
pub fn write_customer(tx: &mut WriteTx, new: Customer, old: Option<Customer>) -> Result<()> {
    let new = Customer { rev: old.as_ref().map_or(0, |old| old.rev), ..new };
    match old {
        Some(old) if old == new => Ok(()),
        Some(old) if new.state == CustomerState::Deleted => customer_rules::remove(tx, new, &old),
        old => customer_rules::write(tx, new, old.as_ref()).map(drop),
    }
}

/// Writes an employee in the place of `old`, with all that follows from the change.
pub fn write_employee(tx: &mut WriteTx, new: Employee, old: Option<Employee>) -> Result<()> {
    let new = Employee { rev: old.as_ref().map_or(0, |old| old.rev), ..new };
    match old {
        Some(old) if old == new => Ok(()),
        Some(old) if new.state == EmployeeState::Deleted && old.state != EmployeeState::Deleted => {
            let changed = employee_rules::save(tx, Employee { state: old.state, ..new }, Some(&old))?;
            employee_rules::remove(tx, changed).map(drop)
        }
        old => employee_rules::save(tx, new, old.as_ref()).map(drop),
    }
}

/// Writes the content of employee `id`'s mobile config; `description` is for the audit trail.
pub fn write_config(
    tx: &mut WriteTx,
    id: Id,
    customer: Id,
    content: String,
    old: Option<MobileConfig>,
    description: &str,
) -> Result<()> {
    match old {
        None => mobile_configs::insert(tx, id, customer, content).map(drop),
        Some(old) if old.configs != content => {
            mobile_configs::replace(tx, old, content, Action::Update, description).map(drop)
        }
        Some(_) => Ok(()),
    }
}
