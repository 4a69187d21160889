//! One employee's mobile config copied onto those of many, in one transaction: all of them or none.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::copy_mobile_config;
use crate::auth::authorization::{Owner, allow};
use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::access::{Actor, Level, MOBILE_CONFIG};
use crate::domain::audit::{Action, MOBILE_CONFIGS};
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::domain::mobile_config::{ListDifference, MobileConfig, difference};
use crate::error::{Check, Error, Fault, Faults, Result};
use crate::store::{employees, mobile_configs};

/// The most targets of one copy.
pub const TARGETS_MAX: usize = 10_000;

/// Whom a config is copied onto.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// These employees, each of whom must have a config.
    Named(Vec<Id>),
    /// Those of the source's customer in this department who have a config.
    Department(String),
    /// Those of the source's customer with this access level who have a config.
    Level(Level),
    /// All of the source's customer who have a config.
    All,
}

/// What the copy does to one target.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TargetChange {
    /// The employee.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Its name.
    #[schemars(example = &"Emma Counter")]
    pub name: String,
    /// Whether the copy changes anything.
    pub changes: bool,
    /// What it changes in the lists of colleagues and queues.
    pub lists: Vec<ListDifference>,
}

/// A copy onto many, before it is made.
pub struct BulkCopy {
    source: MobileConfig,
    targets: Vec<MobileConfig>,
    pub changes: Vec<TargetChange>,
    /// Employees whom a selection meets, and who have no config to be copied onto.
    pub without_config: Vec<Id>,
}

/// Finds the targets and what would change. 404 `not_found` when the source is absent; 403 `access_denied` when the caller may not
/// read it, or may not change a target; 404 and 422 `copyTo[i]` for targets that are absent, without a config, or of another customer;
/// 422 `copyTo` for none or too many.
pub fn plan(tx: &ReadTx, actor: &Actor, from: Id, targets: &Targets) -> Result<BulkCopy> {
    let source = mobile_configs::get(tx, from)?;
    allow(tx, actor, MOBILE_CONFIG, Owner::to_employee(source.id, source.customer))?;
    let (found, without_config) = match targets {
        Targets::Named(ids) => (named(tx, actor, &source, ids)?, vec![]),
        selection => selected(tx, &source, selection)?,
    };
    if found.is_empty() {
        return Err(Error::invalid("copyTo", Check::Min, "nobody with a mobile config is meant: name other employees"));
    }
    if found.len() > TARGETS_MAX {
        let message = format!("at most {TARGETS_MAX} employees at once, and these are {}", found.len());
        return Err(Error::invalid("copyTo", Check::Max, message));
    }
    let mut copy = BulkCopy {
        changes: Vec::with_capacity(found.len()),
        targets: Vec::with_capacity(found.len()),
        without_config,
        source,
    };
    for (employee, target) in found {
        allow(tx, actor, MOBILE_CONFIG, Owner::to_employee(target.id, target.customer))?;
        copy.changes.push(TargetChange {
            id: employee.id,
            name: employee.name,
            changes: target.configs != copy.source.configs,
            lists: difference(&target.configs, &copy.source.configs),
        });
        copy.targets.push(target);
    }
    Ok(copy)
}

/// Plans the copy and makes it. Targets that have the content already are left alone; a refusal is recorded. Errors as of [`plan`].
pub fn run(tx: &mut WriteTx, actor: &Actor, from: Id, targets: &Targets) -> Result<BulkCopy> {
    let copy = plan(tx, actor, from, targets).or_else(|error| refuse(tx, error, from))?;
    for target in copy.targets.iter().filter(|target| target.configs != copy.source.configs) {
        copy_mobile_config::overwrite(tx, &copy.source, target.clone())?;
    }
    Ok(copy)
}

/// Records that somebody was not allowed to copy the config of `from`.
fn refuse(tx: &mut WriteTx, error: Error, from: Id) -> Result<BulkCopy> {
    if !matches!(error, Error::Forbidden { .. }) {
        return Err(error);
    }
    let customer = mobile_configs::get(tx, from)?.customer;
    let subject = Subject { section: MOBILE_CONFIGS, object: from, customer: Some(customer) };
    Err(tx.refuse(error, Action::Copy, subject))
}

/// An employee, and the config that is overwritten.
type Target = (Employee, MobileConfig);

/// The targets by their ids, each once, in the order in which they are named.
fn named(tx: &ReadTx, actor: &Actor, source: &MobileConfig, ids: &[Id]) -> Result<Vec<Target>> {
    let (mut found, mut seen, mut faults) = (vec![], HashSet::new(), Faults::default());
    for (place, id) in ids.iter().enumerate().filter(|(_, id)| seen.insert(**id)) {
        let mut fault = |check, message: &str| {
            faults.push(Fault { path: format!("copyTo[{place}]"), check, message: message.into() });
        };
        let employee = employees::find_live(tx, *id)?;
        if let Some(employee) = &employee {
            // Of somebody else's employees nothing is told.
            allow(tx, actor, MOBILE_CONFIG, Owner::to_employee(employee.id, employee.customer))?;
        }
        match (employee, mobile_configs::find(tx, *id)?) {
            (None, _) => fault(Check::Exists, "Employee not found"),
            (Some(employee), _) if employee.customer != source.customer => {
                fault(Check::Enum, "A config is not copied to another customer: it would carry names and ids there");
            }
            (Some(_), None) => fault(
                Check::Exists,
                "The employee has no mobile config: create it first, with POST /pbx/app/mobileconfig/ID",
            ),
            (Some(employee), Some(config)) => found.push((employee, config)),
        }
    }
    faults.or(found)
}

/// The employees that are meant, with their configs, without the source; and those of them without a config.
fn selected(tx: &ReadTx, source: &MobileConfig, selection: &Targets) -> Result<(Vec<Target>, Vec<Id>)> {
    let (mut found, mut without) = (vec![], vec![]);
    for employee in employees::live_of_customer(tx, source.customer)? {
        let is_meant = employee.id != source.id
            && match selection {
                Targets::Department(department) => employee.department.as_ref() == Some(department),
                Targets::Level(level) => employee.access_level == *level,
                Targets::All => true,
                Targets::Named(_) => false,
            };
        match mobile_configs::find(tx, employee.id)?.filter(|_| is_meant) {
            Some(config) => found.push((employee, config)),
            None if is_meant => without.push(employee.id),
            None => {}
        }
    }
    Ok((found, without))
}
