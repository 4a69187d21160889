//! An object that was created here gets the id that the platform has given it: in every table, in JSON, and in the mirror. The old
//! id goes on answering.
//!
//! The row under the old id stays, deleted: a hub, and the audit trail, know it.

use crate::db::WriteTx;
use crate::domain::audit::Action;
use crate::domain::customer::{Customer, CustomerState};
use crate::domain::employee::{Employee, EmployeeState};
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::error::Result;
use crate::store::platform::{ids, operations};
use crate::store::{customers, employees, mobile_configs, pbx as pbx_rows};
use crate::usecases::pbx;

/// Puts an employee under another id. `is_same`: the platform has created it as it was asked to; then it goes on with its sessions
/// and its password. Else somebody created it there, and whoever knew the password of the one here is not let in as the one there.
pub fn replace_employee(tx: &mut WriteTx, from: Id, to: Id, is_same: bool) -> Result<()> {
    ids::insert(tx, Table::Employee, from, to)?;
    operations::replace_id(tx, from, to)?;
    let Some(old) = employees::find_live(tx, from)? else { return Ok(()) };
    // First, because no two live employees have one name to log in with.
    employees::upsert(tx, Employee { state: EmployeeState::Deleted, ..old.clone() }, Some(&old))?;
    let there = employees::find(tx, to)?;
    let rev = there.as_ref().map_or(0, |there| there.rev);
    let customer = old.customer;
    employees::upsert(tx, Employee { id: to, rev, ..old }, there.as_ref())?;
    if is_same {
        ids::carry_secrets(tx, from, to)?
    } else {
        ids::forget_secrets(tx, from)?
    }
    if let Some(config) = mobile_configs::find(tx, from)? {
        mobile_configs::delete(tx, from)?;
        if mobile_configs::find(tx, to)?.is_none() {
            mobile_configs::insert(tx, to, customer, config.configs)?;
        }
    }
    for config in mobile_configs::naming(tx, customer, from)? {
        let configs = config.configs.replace(&from.to_string(), &to.to_string());
        mobile_configs::replace(tx, config, configs, Action::Update, &format!("Follows the new id of {from}: {to}"))?;
    }
    pbx::replace_id(tx, &pbx_rows::of_employee(tx, from, None)?, from, to)?;
    tx.identities_change();
    Ok(())
}

/// Puts a customer, with all that belongs to it, under another id.
pub fn replace_customer(tx: &mut WriteTx, from: Id, to: Id) -> Result<()> {
    ids::insert(tx, Table::Customer, from, to)?;
    operations::replace_id(tx, from, to)?;
    let Some(old) = customers::find(tx, from)?.filter(|old| old.state != CustomerState::Deleted) else { return Ok(()) };
    let there = customers::find(tx, to)?;
    let rev = there.as_ref().map_or(0, |there| there.rev);
    customers::upsert(tx, Customer { id: to, rev, ..old.clone() }, there.as_ref())?;
    for employee in employees::live_of_customer(tx, from)? {
        employees::upsert(tx, Employee { customer: to, ..employee.clone() }, Some(&employee))?;
        mobile_configs::move_to(tx, employee.id, to)?;
    }
    pbx::replace_id(tx, &pbx_rows::of_customer(tx, from)?, from, to)?;
    for id in customers::ids_below(tx, from)? {
        if let Some(below) = customers::find(tx, id)? {
            customers::upsert(tx, Customer { parent_reseller: Some(to), ..below.clone() }, Some(&below))?;
        }
    }
    for id in employees::ids_managing(tx, from)? {
        if let Some(employee) = employees::find(tx, id)? {
            let resellers = employee.organization_resellers.iter().map(|id| if *id == from { to } else { *id });
            let organization_resellers = resellers.collect();
            employees::upsert(tx, Employee { organization_resellers, ..employee.clone() }, Some(&employee))?;
        }
    }
    customers::upsert(tx, Customer { state: CustomerState::Deleted, ..old.clone() }, Some(&old))?;
    Ok(())
}

/// The platform has given addresses of a customer other ids: employees who have one follow.
pub fn follow_addresses(tx: &mut WriteTx, old: &Customer, new: &Customer) -> Result<()> {
    let is_in = |customer: &Customer, id: Id| customer.addresses.iter().any(|address| address.id == id);
    for before in old.addresses.iter().filter(|address| !is_in(new, address.id)) {
        let place = |address: &crate::domain::address::Address| {
            (address.address.clone(), address.zip.clone(), address.city.clone(), address.country.clone())
        };
        let after = new.addresses.iter().find(|after| place(after) == place(before) && !is_in(old, after.id));
        let Some(after) = after else { continue };
        for id in employees::ids_with_address(tx, old.id, &[before.id])? {
            if let Some(employee) = employees::find(tx, id)? {
                employees::upsert(tx, Employee { address: Some(after.id), ..employee.clone() }, Some(&employee))?;
            }
        }
        operations::replace_id(tx, before.id, after.id)?;
    }
    Ok(())
}
