//! Whose mobile configs an operation on many is about, and what it does to each.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::auth::authorization::{Owner, allow};
use crate::db::ReadTx;
use crate::domain::access::{Actor, Level, MOBILE_CONFIG};
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::domain::mobile_config::{ListDifference, MobileConfig};
use crate::error::{Check, Error, Fault, Faults, Result};
use crate::store::{employees, mobile_configs};

/// The most configs that one operation changes.
pub const TARGETS_MAX: usize = 10_000;

/// A refusal names at most so many employees; of the others it says how many there are.
const NAMES_MAX: usize = 3;

/// Whose configs are changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Those of these employees, each of whom must have one.
    Named(Vec<Id>),
    /// Those of everybody in this department who has one.
    Department(String),
    /// Those of everybody with this access level who has one.
    Level(Level),
    /// Those of everybody who has one.
    All,
}

/// What an operation does to one config.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TargetChange {
    /// The employee.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Its name.
    #[schemars(example = &"Emma Counter")]
    pub name: String,
    /// Whether the operation changes anything.
    pub changes: bool,
    /// What it changes in the lists of colleagues and queues.
    pub lists: Vec<ListDifference>,
}

impl TargetChange {
    /// `lists`: what differs; `changes`: whether anything does, also what no list shows.
    pub fn of(employee: Employee, changes: bool, lists: Vec<ListDifference>) -> TargetChange {
        TargetChange { id: employee.id, name: employee.name, changes, lists }
    }
}

/// An employee, and the config that is changed.
pub type Target = (Employee, MobileConfig);

/// The configs that are meant.
pub struct Found {
    pub targets: Vec<Target>,
    /// Employees whom a selection meets, and who have no config.
    pub without_config: Vec<Id>,
}

/// Finds the configs of a customer's employees that are meant, without that of `except`; `path` is the property that names them.
/// 403 `access_denied` when the caller may not change one; 404 and 422 at `path` for employees that are absent, without a config (one error
/// names them, at the place of the first), or of another customer, for none, or too many.
pub fn find(
    tx: &ReadTx,
    actor: &Actor,
    customer: Id,
    except: Option<Id>,
    targets: &Targets,
    path: &str,
) -> Result<Found> {
    let found = match targets {
        Targets::Named(ids) => Found { targets: named(tx, actor, customer, ids, path)?, without_config: vec![] },
        selection => selected(tx, customer, except, selection)?,
    };
    if found.targets.is_empty() {
        return Err(Error::invalid(path, Check::Min, "nobody with a mobile config is meant: name other employees"));
    }
    if found.targets.len() > TARGETS_MAX {
        let message = format!("at most {TARGETS_MAX} employees at once, and these are {}", found.targets.len());
        return Err(Error::invalid(path, Check::Max, message));
    }
    for (_, config) in &found.targets {
        allow(tx, actor, MOBILE_CONFIG, Owner::to_employee(config.id, config.customer))?;
    }
    Ok(found)
}

/// The targets by their ids, each once, in the order in which they are named.
fn named(tx: &ReadTx, actor: &Actor, customer: Id, ids: &[Id], path: &str) -> Result<Vec<Target>> {
    let (mut found, mut seen, mut faults) = (vec![], HashSet::new(), Faults::default());
    let mut without = WithoutConfig::default();
    for (place, id) in ids.iter().enumerate().filter(|(_, id)| seen.insert(**id)) {
        let mut fault = |check, message: &str| {
            faults.push(Fault { path: format!("{path}[{place}]"), check, message: message.into() });
        };
        let employee = employees::find_live(tx, *id)?;
        if let Some(employee) = &employee {
            // Of somebody else's employees nothing is told.
            allow(tx, actor, MOBILE_CONFIG, Owner::to_employee(employee.id, employee.customer))?;
        }
        match (employee, mobile_configs::find(tx, *id)?) {
            (None, _) => fault(Check::Exists, "Employee not found"),
            (Some(employee), _) if employee.customer != customer => {
                fault(Check::Enum, "A config is not copied to another customer: it would carry names and ids there");
            }
            (Some(employee), None) => without.push(place, &employee),
            (Some(employee), Some(config)) => found.push((employee, config)),
        }
    }
    faults.extend(without.fault(path));
    faults.or(found)
}

/// Employees who are named and have no config: one sentence says who.
#[derive(Default)]
struct WithoutConfig {
    /// Where the first of them is named.
    place: usize,
    names: Vec<String>,
    count: usize,
}

impl WithoutConfig {
    fn push(&mut self, place: usize, employee: &Employee) {
        if self.count == 0 {
            self.place = place;
        }
        if self.names.len() < NAMES_MAX {
            self.names.push(format!("{} ({})", employee.name, employee.id));
        }
        self.count += 1;
    }

    fn fault(self, path: &str) -> Option<Fault> {
        let names = self.names.join(", ");
        let who = match self.count {
            0 => return None,
            1 => format!("{names} has no mobile config"),
            count if count > self.names.len() => {
                format!("{count} employees have no mobile config: {names} and {} more", count - self.names.len())
            }
            count => format!("{count} employees have no mobile config: {names}"),
        };
        let message = format!("{who}; leave them out, or create it first with POST /pbx/app/mobileconfig/ID");
        Some(Fault { path: format!("{path}[{}]", self.place), check: Check::Exists, message })
    }
}

fn selected(tx: &ReadTx, customer: Id, except: Option<Id>, selection: &Targets) -> Result<Found> {
    let mut found = Found { targets: vec![], without_config: vec![] };
    for employee in employees::live_of_customer(tx, customer)? {
        let is_meant = Some(employee.id) != except
            && match selection {
                Targets::Department(department) => employee.department.as_ref() == Some(department),
                Targets::Level(level) => employee.access_level == *level,
                Targets::All => true,
                Targets::Named(_) => false,
            };
        match mobile_configs::find(tx, employee.id)?.filter(|_| is_meant) {
            Some(config) => found.targets.push((employee, config)),
            None if is_meant => found.without_config.push(employee.id),
            None => {}
        }
    }
    Ok(found)
}
