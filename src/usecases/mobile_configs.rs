//! New content of a mobile config, whoever gives it: read, and checked against what is there.

use serde_json::Value;

use crate::db::ReadTx;
use crate::domain::employee::Employee;
use crate::domain::mobile_config::{self, Kind, Reference};
use crate::error::{Check, Error, Fault, Faults, Result};
use crate::store::{employees, queues};

/// The text of `configs`, and all that it refers to.
pub fn read(configs: &Value) -> Result<(String, Vec<Reference>)> {
    let mut faults = Faults::default();
    let read = mobile_config::read(&configs.to_string(), "configs", &mut faults);
    faults.or(read)?.ok_or_else(|| Error::bad_request("Request not valid"))
}

/// Everything referred to must be there, and belong to the employee's customer.
pub fn check(tx: &ReadTx, references: &[Reference], employee: &Employee) -> Result<()> {
    let mut faults = Faults::default();
    for reference in references {
        if faults.is_full() {
            break;
        }
        let Reference { kind, id, .. } = *reference;
        let (owner, message) = match kind {
            Kind::Colleagues => (
                employees::find_live(tx, id)?.map(|found| found.customer),
                "One or more employees or extensions were not found",
            ),
            Kind::Queues => (queues::find(tx, id)?.map(|found| found.customer), "Queue not found"),
        };
        if owner != Some(employee.customer) {
            faults.push(Fault { path: reference.path(), check: Check::Exists, message: message.into() });
        }
    }
    faults.or(())
}
