//! What the audit trail gets of an employee.

use super::{audit, to_json};
use crate::db::{Subject, WriteTx};
use crate::domain::audit::{Action, EMPLOYEES};
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::error::Result;

pub fn subject(employee: &Employee) -> Subject {
    Subject { section: EMPLOYEES, object: employee.id, customer: Some(employee.customer) }
}

/// Records a change of an employee.
pub fn record(
    tx: &mut WriteTx,
    employee: &Employee,
    old: Option<&Employee>,
    action: Action,
    description: &str,
) -> Result<()> {
    record_at(tx, employee.customer, employee, old, action, description)
}

/// Both customers find the move among their changes.
pub fn record_move(tx: &mut WriteTx, employee: &Employee, old: &Employee) -> Result<()> {
    let (from, to) = (old.customer, employee.customer);
    record_at(tx, from, employee, Some(old), Action::Update, &format!("Employee moved to customer {to}"))?;
    record_at(tx, to, employee, Some(old), Action::Update, &format!("Employee moved from customer {from}"))
}

fn record_at(
    tx: &mut WriteTx,
    customer: Id,
    employee: &Employee,
    old: Option<&Employee>,
    action: Action,
    description: &str,
) -> Result<()> {
    let before = old.map(to_json).transpose()?;
    let after = to_json(employee)?;
    let entry = audit::Change {
        subject: Subject { customer: Some(customer), ..subject(employee) },
        action,
        description,
        before: before.as_deref(),
        after: Some(&after),
    };
    audit::append(tx, &entry)
}

/// Records something done to an employee that leaves its properties as they are.
pub fn record_event(tx: &mut WriteTx, employee: &Employee, action: Action, description: &str) -> Result<()> {
    record(tx, employee, Some(employee), action, description)
}
