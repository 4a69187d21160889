//! Objects of the PBX besides queues: the rules that an import and the calls have in common.

pub mod extensions;
pub mod groups;
pub mod members;
pub mod named_values;
pub mod phonebook;
pub mod queues;
pub mod shortcuts;

use super::known::Known;
use crate::db::{ReadTx, WriteTx};
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::domain::pbx::{Kind, PbxObject};
use crate::error::{Check, Error, Fault, Faults, Result};
use crate::store::pbx;

/// Judges `new`, in the place of `old` if there is one: 404 for what it refers to and is not there, or is another customer's; 409 when
/// there is one of it already; 422 `customer` and `kind` for what an object cannot become.
pub fn check(tx: &ReadTx, known: &mut Known, new: &PbxObject, old: Option<&PbxObject>) -> Result<()> {
    let mut faults = Faults::default();
    let mut fault = |path: &str, check, message: &str| {
        faults.push(Fault { path: path.into(), check, message: message.into() });
    };
    let customer = new.customer();
    if known.live_customer(tx, customer)?.is_none() {
        fault("customer", Check::Exists, "Customer not found");
    }
    if old.is_some_and(|old| old.customer() != customer) {
        fault("customer", Check::Enum, "An object of the PBX cannot move to another customer");
    }
    if old.is_some_and(|old| old.kind() != new.kind()) {
        fault("kind", Check::Enum, "An object cannot become one of another kind");
    }
    let references = new.references();
    if let Some(employee) = references.employee
        && known.live_employee(tx, employee)?.is_none_or(|found| found.customer != customer)
    {
        fault("employee", Check::Exists, "Employee not found");
    }
    if let Some(queue) = references.queue
        && known.queue(tx, queue)?.is_none_or(|found| found.customer != customer)
    {
        fault("queue", Check::Exists, "Queue not found");
    }
    for extension in references.extensions {
        let found = known.pbx_object(tx, extension)?;
        if found.is_none_or(|found| found.kind() != Kind::Extension || found.customer() != customer) {
            fault("extension", Check::Exists, "One or more employees or extensions were not found");
            break;
        }
    }
    if known.is_key_taken(tx, new)? {
        fault(new.key_property(), Check::Unique, "There is one already");
    }
    faults.or(())
}

/// What belonged to an employee who is deleted, or moves to another customer, goes along; extensions stay with the PBX, unless
/// `with_extensions`, without the employee.
pub fn part_from(tx: &mut WriteTx, employee: &Employee, with_extensions: bool) -> Result<()> {
    for object in pbx::of_employee(tx, employee.id, None)? {
        match object {
            PbxObject::Extension(extension) if !with_extensions => {
                let mut unlinked = extension.clone();
                unlinked.employee = None;
                pbx::upsert(tx, &unlinked.into(), Some(&extension.into()))?;
            }
            PbxObject::Extension(extension) => delete_extension(tx, extension.customer, extension.id)?,
            object => pbx::delete(tx, &object)?,
        }
    }
    Ok(())
}

/// Deletes all objects of a customer that is itself being deleted.
pub fn delete_all_of(tx: &mut WriteTx, customer: Id) -> Result<()> {
    pbx::of_customer(tx, customer)?.iter().try_for_each(|object| pbx::delete(tx, object))
}

/// Puts another id into objects that name `from`: of a customer or an employee.
pub fn replace_id(tx: &mut WriteTx, objects: &[PbxObject], from: Id, to: Id) -> Result<()> {
    let failed = |error: serde_json::Error| Error::Internal(Box::new(error));
    for old in objects {
        let text = old.to_value().map_err(failed)?.to_string().replace(&from.to_string(), &to.to_string());
        let new = serde_json::from_str(&text).and_then(PbxObject::from_value).map_err(failed)?;
        pbx::upsert(tx, &new, Some(old))?;
    }
    Ok(())
}

/// Deletes an extension, and takes it out of queues and groups.
fn delete_extension(tx: &mut WriteTx, customer: Id, id: Id) -> Result<()> {
    for member in pbx::list(tx, customer, Kind::QueueMember)? {
        if member.references().extensions.contains(&id) {
            pbx::delete(tx, &member)?;
        }
    }
    for object in pbx::list(tx, customer, Kind::Group)? {
        let PbxObject::Group(old) = object else { continue };
        let mut new = old.clone();
        new.members.retain(|member| *member != id);
        new.controllers.retain(|controller| *controller != id);
        pbx::upsert(tx, &new.into(), Some(&old.into()))?;
    }
    match pbx::find(tx, id)? {
        Some(extension) => pbx::delete(tx, &extension),
        None => Ok(()),
    }
}
