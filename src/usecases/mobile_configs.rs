//! Mobile configs: reading, creating and replacing their content (api:pbx:app:mobileconfig:list, :get, :create).

use std::collections::HashMap;

use serde_json::Value;

use super::intents;
use super::known::Known;
use crate::auth::authorization::{Owner, allow, allow_change};
use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::access::{Actor, MOBILE_CONFIG, MOBILE_CONFIG_LIST, MOBILE_CONFIG_LIST_ALL};
use crate::domain::audit::{Action, MOBILE_CONFIGS};
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::domain::mobile_config::{
    self, CONTENT_MAX_BYTES, Event, Kind, MobileConfig, NewColleagues, REFERENCES_MAX, Reference, entries, follow,
    with_names,
};
use crate::error::{Check, Error, Fault, Faults, Result};
use crate::store::{customers, employees, mobile_configs, queues};

/// The configs of a customer as a JSON array. `except` (default: the actor) is left out; `customer` alone gives MANAGER and up
/// the complete list. 403 `access_denied`, 404 `customer`.
pub fn list(tx: &ReadTx, actor: &Actor, customer: Option<Id>, except: Option<Id>) -> Result<Vec<u8>> {
    let owner = Owner::to_customer(customer.unwrap_or(actor.customer));
    if let Some(id) = customer {
        customers::get(tx, id)?;
    }
    allow(tx, actor, MOBILE_CONFIG_LIST, owner)?;
    let is_complete = customer.is_some() && except.is_none();
    let is_complete = is_complete && allow(tx, actor, MOBILE_CONFIG_LIST_ALL, owner).is_ok();
    let except = if is_complete { None } else { Some(except.unwrap_or(actor.employee)) };
    mobile_configs::list_json(tx, owner.customer, except)
}

/// 403 `access_denied`, 404 `not_found`.
pub fn get(tx: &ReadTx, actor: &Actor, id: Id) -> Result<MobileConfig> {
    let config = mobile_configs::get(tx, id)?;
    allow(tx, actor, MOBILE_CONFIG, Owner::to_employee(id, config.customer))?;
    Ok(config)
}

/// Content that has the documented shape; whether what it refers to exists is for [`check`] to see.
pub struct Content {
    pub text: String,
    pub references: Vec<Reference>,
}

impl Content {
    /// Reads the `configs` of a body. 422 with every fault.
    pub fn read(configs: &Value) -> Result<Content> {
        let mut faults = Faults::default();
        let read = mobile_config::read(&configs.to_string(), "configs", &mut faults);
        let (text, references) = faults.or(read)?.ok_or_else(|| Error::bad_request("Request not valid"))?;
        Ok(Content { text, references })
    }
}

/// Judges content for an employee of `customer`: each entry names a live employee or a queue of that customer, else 404
/// `configs[i].items[j]._id`; 422 `configs` for too much of it. Returns the text, with the current name in each entry.
pub fn check(tx: &ReadTx, known: &mut Known, content: Content, customer: Id) -> Result<String> {
    let Content { text, references } = content;
    let (mut faults, mut renamed) = (Faults::default(), HashMap::new());
    for reference in &references {
        if faults.is_full() {
            break;
        }
        match name_of(tx, known, (reference.kind, reference.id), customer)? {
            None => faults.push(Fault {
                path: reference.path(),
                check: Check::Exists,
                message: absent(reference.kind).into(),
            }),
            Some(name) if !reference.is_named(&name) => drop(renamed.insert((reference.kind, reference.id), name)),
            Some(_) => {}
        }
    }
    let text = if renamed.is_empty() { text } else { with_names(&text, &renamed) };
    if text.len() > CONTENT_MAX_BYTES || references.len() > REFERENCES_MAX {
        faults.push(too_long());
    }
    faults.or(text)
}

pub(super) fn too_long() -> Fault {
    let message = format!("configs may hold at most {REFERENCES_MAX} entries and {CONTENT_MAX_BYTES} bytes");
    Fault { path: "configs".into(), check: Check::Max, message }
}

fn absent(kind: Kind) -> &'static str {
    match kind {
        Kind::Colleagues => "One or more employees or extensions were not found",
        Kind::Queues => "Queue not found",
    }
}

/// The current name of what an entry refers to; `None` unless it is there and belongs to the customer.
pub(super) fn name_of(tx: &ReadTx, known: &mut Known, (kind, id): (Kind, Id), customer: Id) -> Result<Option<String>> {
    Ok(match kind {
        Kind::Colleagues => {
            let found = known.live_employee(tx, id)?.filter(|found| found.customer == customer);
            found.map(|found| found.name.to_string())
        }
        Kind::Queues => {
            let found = known.queue(tx, id)?.filter(|found| found.customer == customer);
            found.map(|found| found.name.clone())
        }
    })
}

/// Creates the config of employee `id`, or replaces its content. Nothing given: the config stays, or a new one offers
/// everybody and every queue of the customer. `accept` may refuse the rev of the config that is there (`None`: there is none).
///
/// `given` is an error where the body had faults: they count only for those who may write.
/// 403 `access_denied`, 404 `not_found` for no such employee, and as [`check`].
pub fn create(
    tx: &mut WriteTx,
    actor: &Actor,
    id: Id,
    given: Result<Option<Content>>,
    accept: impl FnOnce(Option<&MobileConfig>) -> Result<()>,
) -> Result<MobileConfig> {
    let employee = employees::find_live(tx, id)?.ok_or_else(mobile_configs::not_found)?;
    let old = mobile_configs::find(tx, id)?;
    let subject = Subject { section: MOBILE_CONFIGS, object: id, customer: Some(employee.customer) };
    let action = if old.is_some() { Action::Update } else { Action::Create };
    allow_change(tx, actor, MOBILE_CONFIG, Owner::to_employee(id, employee.customer), action, subject)?;
    accept(old.as_ref())?;
    let given = given?.map(|content| check(tx, &mut Known::default(), content, employee.customer)).transpose()?;
    match (old, given) {
        (Some(config), None) => Ok(config),
        (Some(config), Some(configs)) if configs == config.configs => Ok(config),
        (Some(config), Some(configs)) => {
            intents::config_created(tx, &config, true)?;
            mobile_configs::replace(tx, config, configs, Action::Update, "Mobile config updated")
        }
        (None, Some(configs)) => {
            let created = mobile_configs::insert(tx, id, employee.customer, configs)?;
            intents::config_created(tx, &created, true)?;
            Ok(created)
        }
        (None, None) => {
            let configs = default_configs(tx, &employee)?;
            let created = mobile_configs::insert(tx, id, employee.customer, configs)?;
            intents::config_created(tx, &created, false)?;
            Ok(created)
        }
    }
}

fn default_configs(tx: &ReadTx, employee: &Employee) -> Result<String> {
    let mut colleagues = employees::names(tx, employee.customer)?;
    colleagues.retain(|(id, _)| *id != employee.id);
    let queues: Vec<_> = queues::list(tx, employee.customer)?.into_iter().map(|queue| (queue.id, queue.name)).collect();
    let configs = mobile_config::default_configs(&colleagues, &queues);
    if colleagues.len() + queues.len() > REFERENCES_MAX || configs.len() > CONTENT_MAX_BYTES {
        return Err(Error::Invalid(vec![too_long()]));
    }
    Ok(configs)
}

/// Lets the customer's configs follow what has happened to an employee or queue, each change with its audit entry.
pub fn propagate(tx: &mut WriteTx, customer: Id, kind: Kind, id: Id, event: Event) -> Result<()> {
    for config in mobile_configs::naming(tx, customer, id)? {
        let Some(configs) = follow(&config.configs, kind, id, event) else { continue };
        let description = match event {
            Event::Renamed(name) => format!("Follows the new name of {id}: {name}"),
            Event::Deleted => format!("Follows the delete of {id}"),
            Event::Moved => format!("Follows the move of {id} to another customer"),
        };
        mobile_configs::replace(tx, config, configs, Action::Update, &description)?;
    }
    Ok(())
}

/// Offers a new employee or queue to the customer's configs, if that is wanted; not to its own, nor to one that has no room for it.
/// The platform has no call for it: while one is connected nothing is offered.
pub fn offer_new(
    tx: &mut WriteTx,
    wanted: NewColleagues,
    kind: Kind,
    customer: Id,
    (id, name): (Id, &str),
) -> Result<()> {
    if wanted == NewColleagues::Ignore || intents::is_connected(tx)? {
        return Ok(());
    }
    let new = [(id, name.to_owned())];
    let (colleagues, queues): (&[_], &[_]) = match kind {
        Kind::Colleagues => (&new, &[]),
        Kind::Queues => (&[], &new),
    };
    for config in mobile_configs::of_customer(tx, customer)?.into_iter().filter(|config| config.id != id) {
        let Some(configs) = mobile_config::offer(&config.configs, colleagues, queues) else { continue };
        if is_within_bounds(&configs) {
            mobile_configs::replace(
                tx,
                config,
                configs,
                Action::Update,
                &format!("Offers {id}, which is new: {name}"),
            )?;
        }
    }
    Ok(())
}

/// Whether content may be stored: its length, and how many entries it has.
pub(super) fn is_within_bounds(configs: &str) -> bool {
    configs.len() <= CONTENT_MAX_BYTES && entries(configs).is_none_or(|entries| entries.len() <= REFERENCES_MAX)
}
