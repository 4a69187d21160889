//! What an import would change: it is judged as an import is, and compared with what there is. Nothing is written.

use serde::Serialize;
use serde_json::Value;

use super::document::Document;
use super::elements::path;
use super::judged::{Judged, Options, completed, completed_queue, judged};
use super::progress::Progress;
use super::secrets::{Secrets, changed_secrets};
use super::source::List;
use crate::auth::secrets::Sealer;
use crate::db::ReadTx;
use crate::domain::customer::Customer;
use crate::domain::employee::{Employee, EmployeeState};
use crate::domain::pbx::PbxObject;
use crate::error::{Error, Result};
use crate::store::{customers, employees, mobile_configs, pbx, queues};

/// What becomes of one object.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    New,
    /// The properties that get another value.
    Changed(Vec<String>),
    Unchanged,
}

/// How many objects of a list are new, changed and unchanged.
#[derive(Clone, Copy, Default)]
pub struct Effects {
    pub new: usize,
    pub changed: usize,
    pub unchanged: usize,
}

/// What an import of `document` would do, for each list in the order of [`List::ALL`]; `each` is told the place of every object,
/// and its effect. Errors are those of the import.
pub fn preview<D: Document>(
    tx: &ReadTx,
    sealer: &Sealer,
    mut document: D,
    options: Options,
    progress: impl Progress,
    mut each: impl FnMut(&str, &Effect) -> Result<()>,
) -> Result<[Effects; List::ALL.len()]> {
    let Judged { staged, .. } = judged(tx, sealer, &mut document, options, &progress)?;
    let mut effects = [Effects::default(); List::ALL.len()];
    let mut count = |list: List, place: usize, effect: Effect| {
        let of_list = &mut effects[list as usize];
        let counter = match effect {
            Effect::New => &mut of_list.new,
            Effect::Changed(_) => &mut of_list.changed,
            Effect::Unchanged => &mut of_list.unchanged,
        };
        *counter += 1;
        each(&document.located(&path(list, place)), &effect)
    };
    staged.each_customer(|place, new| {
        let old = customers::find(tx, new.id)?;
        let new = Customer { rev: old.as_ref().map_or(0, |old| old.rev), ..new };
        count(List::Customers, place, effect(old, &new)?)
    })?;
    staged.each_queue(|place, new| {
        let old = queues::find(tx, new.id)?;
        let new = completed_queue::<D>(new, old.as_ref());
        count(List::Queues, place, effect(old, &new)?)
    })?;
    staged.each_employee(|place, new, secrets| {
        let secrets = secrets.map(|sealed| Secrets::unsealed(&sealed, sealer, new.id)).transpose()?;
        let old = employees::find(tx, new.id)?;
        let new = completed::<D>(new, old.as_ref());
        count(List::Employees, place, effect_on_employee(tx, sealer, new, old, secrets.as_ref())?)
    })?;
    staged.each_config(|place, new| {
        let effect = match mobile_configs::find(tx, new.id)? {
            None => Effect::New,
            Some(old) if old.configs == new.content => Effect::Unchanged,
            Some(_) => Effect::Changed(vec!["configs".into()]),
        };
        count(List::MobileConfigs, place, effect)
    })?;
    staged.each_pbx_object(|place, new| {
        let effect = match pbx::find(tx, new.id())? {
            None => Effect::New,
            Some(old) if old == new => Effect::Unchanged,
            Some(old) => Effect::Changed(changed(&value_of(&old)?, &value_of(&new)?)),
        };
        count(List::PbxObjects, place, effect)
    })?;
    Ok(effects)
}

fn effect_on_employee(
    tx: &ReadTx,
    sealer: &Sealer,
    new: Employee,
    old: Option<Employee>,
    secrets: Option<&Secrets>,
) -> Result<Effect> {
    let new = Employee { rev: old.as_ref().map_or(0, |old| old.rev), ..new };
    let is_deleted = new.state == EmployeeState::Deleted;
    let effect = effect(old, &new)?;
    let (Some(secrets), false) = (secrets, is_deleted) else { return Ok(effect) };
    let mut changed = match effect {
        Effect::New => return Ok(Effect::New),
        Effect::Changed(changed) => changed,
        Effect::Unchanged => vec![],
    };
    changed.extend(changed_secrets(tx, sealer, new.id, secrets)?);
    Ok(if changed.is_empty() { Effect::Unchanged } else { Effect::Changed(changed) })
}

fn effect<T: PartialEq + Serialize>(old: Option<T>, new: &T) -> Result<Effect> {
    match old {
        None => Ok(Effect::New),
        Some(old) if old == *new => Ok(Effect::Unchanged),
        Some(old) => Ok(Effect::Changed(changed(&rendered(&old)?, &rendered(new)?))),
    }
}

fn rendered(object: &impl Serialize) -> Result<Value> {
    serde_json::to_value(object).map_err(|error| Error::Internal(Box::new(error)))
}

fn value_of(object: &PbxObject) -> Result<Value> {
    object.to_value().map_err(|error| Error::Internal(Box::new(error)))
}

fn changed(old: &Value, new: &Value) -> Vec<String> {
    let names =
        |value: &Value| value.as_object().into_iter().flat_map(|object| object.keys().cloned()).collect::<Vec<_>>();
    let mut names = [names(new), names(old)].concat();
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()) && old.get(name) != new.get(name));
    names
}
