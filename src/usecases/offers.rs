//! Colleagues and queues offered to existing mobile configs: added to their `others`, where the app lets people choose them. One
//! transaction, all or none.

use super::config_targets::{self, TargetChange, Targets};
use super::intents;
use super::known::Known;
use super::mobile_configs::{is_within_bounds, name_of, too_long};
use crate::auth::authorization::{Owner, allow};
use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::access::{Actor, EMPLOYEE_LIST};
use crate::domain::audit::{Action, MOBILE_CONFIGS};
use crate::domain::id::Id;
use crate::domain::mobile_config::{Kind, MobileConfig, difference, offer};
use crate::error::{Check, Error, Fault, Faults, Result};
use crate::store::{customers, employees, mobile_configs, queues};

/// Which employees or queues are offered.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Wanted {
    #[default]
    None,
    /// By their ids.
    Named(Vec<Id>),
    /// All that the customer has.
    All,
}

/// What is offered to whom.
#[derive(Clone, Debug)]
pub struct Offer {
    /// `None`: the caller's.
    pub customer: Option<Id>,
    pub employees: Wanted,
    pub queues: Wanted,
    pub to: Targets,
}

/// An offer before it is made.
pub struct BulkOffer {
    customer: Id,
    pub changes: Vec<TargetChange>,
    /// Employees whom a selection meets, and who have no config.
    pub without_config: Vec<Id>,
    /// The configs that get another content, with it.
    changed: Vec<(MobileConfig, String)>,
}

/// Finds the configs and what would change. 403 `access_denied` when the caller may not list the customer's employees, or may not change
/// one of the configs; 404 `customer`; 404 `employees[i]` and `queues[i]` for what the customer does not have; 422 `employees` when nothing
/// is offered; 422 `configs` when a config has no room for it; for the configs as [`config_targets::find`], at `offerTo`.
pub fn plan(tx: &ReadTx, actor: &Actor, wanted: &Offer) -> Result<BulkOffer> {
    let customer = wanted.customer.unwrap_or(actor.customer);
    customers::get(tx, customer)?;
    allow(tx, actor, EMPLOYEE_LIST, Owner::to_customer(customer))?;
    let colleagues = offered(tx, Kind::Colleagues, customer, &wanted.employees)?;
    let queues = offered(tx, Kind::Queues, customer, &wanted.queues)?;
    if colleagues.is_empty() && queues.is_empty() {
        return Err(Error::invalid("employees", Check::Min, "nothing is offered: name employees or queues"));
    }
    let found = config_targets::find(tx, actor, customer, None, &wanted.to, "offerTo")?;
    let without_config = found.without_config;
    let mut offer_made = BulkOffer { customer, changes: vec![], without_config, changed: vec![] };
    for (employee, config) in found.targets {
        let others: Vec<_> = colleagues.iter().filter(|(id, _)| *id != config.id).cloned().collect();
        let content = offer(&config.configs, &others, &queues);
        let lists = content.as_ref().map_or_else(Vec::new, |content| difference(&config.configs, content));
        offer_made.changes.push(TargetChange::of(employee, content.is_some(), lists));
        if let Some(content) = content {
            if !is_within_bounds(&content) {
                let message = format!("the mobile config of {} has no room for it: {}", config.id, too_long().message);
                return Err(Error::invalid("configs", Check::Max, message));
            }
            offer_made.changed.push((config, content));
        }
    }
    Ok(offer_made)
}

/// Plans the offer and makes it. Configs that name everything already are left alone; a refusal is recorded. Errors as of [`plan`], and 409
/// `platform` while a platform is connected, which has no call for it.
pub fn run(tx: &mut WriteTx, actor: &Actor, wanted: &Offer) -> Result<BulkOffer> {
    let mut planned =
        plan(tx, actor, wanted).map_err(|error| refuse(tx, error, wanted.customer.unwrap_or(actor.customer)))?;
    intents::refuse_while_connected(tx, "the platform has no documented call for the content of a mobile config")?;
    let count = planned.changed.len();
    for (config, content) in std::mem::take(&mut planned.changed) {
        let description = format!("Colleagues or queues offered to {count} mobile configs of {}", planned.customer);
        mobile_configs::replace(tx, config, content, Action::Update, &description)?;
    }
    Ok(planned)
}

/// Records that somebody was not allowed to change configs of this customer.
fn refuse(tx: &mut WriteTx, error: Error, customer: Id) -> Error {
    match error {
        Error::Forbidden { .. } => {
            let subject = Subject { section: MOBILE_CONFIGS, object: customer, customer: Some(customer) };
            tx.refuse(error, Action::Update, subject)
        }
        other => other,
    }
}

/// What of a kind is offered, with its name.
fn offered(tx: &ReadTx, kind: Kind, customer: Id, wanted: &Wanted) -> Result<Vec<(Id, String)>> {
    let (path, absent) = match kind {
        Kind::Colleagues => ("employees", "Employee not found"),
        Kind::Queues => ("queues", "Queue not found"),
    };
    let ids = match (wanted, kind) {
        (Wanted::None, _) => return Ok(vec![]),
        (Wanted::All, Kind::Colleagues) => return employees::names(tx, customer),
        (Wanted::All, Kind::Queues) => {
            let all = queues::list(tx, customer)?;
            return Ok(all.into_iter().map(|queue| (queue.id, queue.name)).collect());
        }
        (Wanted::Named(ids), _) => ids,
    };
    let (mut known, mut faults, mut found) = (Known::default(), Faults::default(), Vec::with_capacity(ids.len()));
    for (place, id) in ids.iter().enumerate() {
        match name_of(tx, &mut known, (kind, *id), customer)? {
            Some(name) => found.push((*id, name)),
            None => {
                faults.push(Fault { path: format!("{path}[{place}]"), check: Check::Exists, message: absent.into() })
            }
        }
    }
    faults.or(found)
}
