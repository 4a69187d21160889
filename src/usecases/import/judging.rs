//! Judges what was read by the rules that hold for every change; every fault is found, with its JSON path.

use std::rc::Rc;

use super::elements::path;
use super::source::List;
use crate::db::ReadTx;
use crate::domain::access::Actor;
use crate::domain::id::Id;
use crate::domain::mobile_config;
use crate::error::{Check, Error, Fault, Faults, Result};
use crate::store::staged::{Staged, StagedConfig};
use crate::store::{customers, employees, pbx, queues};
use crate::usecases::known::Known;
use crate::usecases::mobile_configs::{self, Content};
use crate::usecases::{
    customers as customer_rules, employees as employee_rules, pbx as pbx_rules, queues as queue_rules,
};

/// Judges every sound object, in the place of the row that it replaces; mobile configs take over what they are judged to be.
pub fn judge(tx: &ReadTx, staged: &Rc<Staged>, known: &mut Known, is_first: bool, faults: &mut Faults) -> Result<()> {
    let actor = Actor::administrator("import");
    staged.each_customer(|place, new| {
        let old = if is_first { None } else { customers::find(tx, new.id)? };
        collect(faults, List::Customers, place, customer_rules::check(tx, known, &actor, &new, old.as_ref()))
    })?;
    staged.each_queue(|place, new| {
        let old = if is_first { None } else { queues::find(tx, new.id)? };
        collect(faults, List::Queues, place, queue_rules::check(tx, known, &new, old.as_ref()))
    })?;
    staged.each_employee(|place, new, _| {
        let old = if is_first { None } else { employees::find(tx, new.id)? };
        collect(faults, List::Employees, place, employee_rules::check(tx, known, &actor, &new, old.as_ref()))
    })?;
    staged.each_config(|place, config| {
        let judged = judge_config(tx, staged, known, place, config);
        collect(faults, List::MobileConfigs, place, judged)
    })?;
    staged.each_pbx_object(|place, new| {
        let old = if is_first { None } else { pbx::find(tx, new.id())? };
        collect(faults, List::PbxObjects, place, pbx_rules::check(tx, known, &new, old.as_ref()))
    })
}

/// Notes what is wrong with an object; there are no more objects to look at once as many faults are found as are reported.
fn collect(faults: &mut Faults, list: List, place: usize, checked: Result<()>) -> Result<()> {
    if let Err(error) = checked {
        faults.extend(error.faults_at(&path(list, place))?);
    }
    if faults.is_full() { std::mem::take(faults).or(()) } else { Ok(()) }
}

fn judge_config(tx: &ReadTx, staged: &Staged, known: &mut Known, place: usize, config: StagedConfig) -> Result<()> {
    let StagedConfig { id, customer: given, content } = config;
    let mut faults = Faults::of_document();
    let fault = |path: &str, check, message: &str| Fault { path: path.into(), check, message: message.into() };
    let Some(employee) = known.live_employee(tx, id)? else {
        return Err(Error::invalid("_id", Check::Exists, "Employee not found"));
    };
    if given.is_some_and(|given| given != employee.customer) {
        faults.push(fault("customer", Check::Enum, "The employee belongs to another customer"));
    }
    match checked(tx, known, &content, employee.customer) {
        Ok(judged) if given.is_none() || judged != content => staged.set_config(place, employee.customer, &judged)?,
        Ok(_) => {}
        Err(error) => faults.collect(Err(error))?,
    }
    faults.or(())
}

/// The text with the current name in each entry.
fn checked(tx: &ReadTx, known: &mut Known, content: &str, customer: Id) -> Result<String> {
    let mut faults = Faults::of_document();
    let read = mobile_config::read(content, "configs", &mut faults);
    let (text, references) = faults.or(read)?.ok_or_else(|| Error::internal("a staged config cannot be read"))?;
    mobile_configs::check(tx, known, Content { text, references }, customer)
}
