//! What the app asks the PBX for (api:pbx:app:action:*): checked, and kept in the outbox, because there is no PBX here.

use serde_json::{Map, Value};

use crate::auth::authorization::{Owner, is_allowed};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{Actor, DEVICE, QUEUE_PICKUP};
use crate::domain::id::Id;
use crate::domain::outbox::OutboxKind;
use crate::domain::pbx::{Extension, Kind, PbxObject, Rights};
use crate::error::{Check, Error, Result};
use crate::store::outbox::{self, NewEntry};
use crate::store::{pbx, queues};
use crate::usecases::pbx::groups;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppAction {
    Call,
    Hangup,
    Transfer,
    Steal,
    Pickup,
    QueuePickup,
}

impl AppAction {
    pub fn name(self) -> &'static str {
        match self {
            AppAction::Call => "call",
            AppAction::Hangup => "hangup",
            AppAction::Transfer => "transfer",
            AppAction::Steal => "steal",
            AppAction::Pickup => "pickup",
            AppAction::QueuePickup => "queuepickup",
        }
    }
}

fn wrong(name: &str, message: &str) -> Error {
    Error::invalid(name, Check::Format, message)
}

/// Does `action` with the arguments `given`, by name; the number of its entry in the outbox. 422 with the argument's name for what is
/// missing or not there, 403 `access_denied` for what is out of reach, 403 `queue`.
pub fn perform(
    tx: &mut WriteTx,
    actor: &Actor,
    action: AppAction,
    given: &dyn Fn(&str) -> Option<String>,
) -> Result<i64> {
    let own = if action == AppAction::Transfer { "source" } else { "device" };
    let device = extension(tx, actor, own, given(own))?;
    let owner = Owner { customer: device.customer, employee: device.employee };
    if !is_allowed(tx, actor, DEVICE, owner)? {
        return Err(Error::access_denied());
    }
    let mut content = Map::from_iter([("action".to_owned(), Value::from(action.name()))]);
    content.insert(own.to_owned(), device.id.to_string().into());
    let (name, what) = match action {
        AppAction::Hangup => (None, Value::Null),
        AppAction::Call => (Some("target"), number(tx, &device, "target", given("target"))?),
        AppAction::Transfer => (Some("destination"), number(tx, &device, "destination", given("destination"))?),
        AppAction::Steal | AppAction::Pickup => {
            let target = of_customer(tx, device.customer, "target", given("target"))?;
            let rights = rights_over(tx, &device, target.id)?;
            let has_right = if action == AppAction::Steal { rights.steal } else { rights.pickup };
            let owner = Owner { customer: target.customer, employee: target.employee };
            if !has_right && !is_allowed(tx, actor, DEVICE, owner)? {
                return Err(Error::access_denied());
            }
            (Some("target"), target.id.to_string().into())
        }
        AppAction::QueuePickup => {
            let queue = queue(tx, actor, &device, given("queue").or_else(|| given("target")))?;
            (Some("queue"), queue.to_string().into())
        }
    };
    if let Some(name) = name {
        content.insert(name.to_owned(), what);
    }
    let entry = NewEntry {
        kind: OutboxKind::Action,
        customer: device.customer,
        employee: Some(actor.employee),
        content: &content,
        error: None,
    };
    outbox::insert(tx, &entry)
}

/// An extension by its id, or by its number at the caller's customer.
fn extension(tx: &ReadTx, actor: &Actor, name: &str, given: Option<String>) -> Result<Extension> {
    let by_id = given.as_deref().and_then(|given| given.parse::<Id>().ok());
    match by_id.map(|id| pbx::find(tx, id)).transpose()?.flatten() {
        Some(PbxObject::Extension(extension)) => Ok(extension),
        _ => of_customer(tx, actor.customer, name, given),
    }
}

/// An extension of this customer, by its id or its number.
fn of_customer(tx: &ReadTx, customer: Id, name: &str, given: Option<String>) -> Result<Extension> {
    let given = given.filter(|given| !given.is_empty()).ok_or_else(|| wrong(name, &format!("{name} is required")))?;
    let by_number = || pbx::find_by_key(tx, &PbxObject::key_of(Kind::Extension, customer, &given));
    let found = match given.parse::<Id>() {
        Ok(id) => pbx::find(tx, id)?,
        Err(_) => by_number()?,
    };
    match found {
        Some(PbxObject::Extension(extension)) if extension.customer == customer => Ok(extension),
        _ => Err(wrong(name, &format!("{name} must be an extension: its id or its number"))),
    }
}

/// Any number that can be dialled; an extension's id stands for its number.
fn number(tx: &ReadTx, device: &Extension, name: &str, given: Option<String>) -> Result<Value> {
    let given = given.unwrap_or_default();
    if given.parse::<Id>().is_ok() {
        return Ok(of_customer(tx, device.customer, name, Some(given))?.number.into());
    }
    let digits = given.strip_prefix('+').unwrap_or(&given);
    let is_number =
        (1..=30).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit() || b"*#".contains(&c));
    if is_number {
        Ok(given.into())
    } else {
        Err(wrong(name, &format!("{name} must be a number, or the id of an extension")))
    }
}

/// What the groups that `controller` controls allow with `member`.
fn rights_over(tx: &ReadTx, controller: &Extension, member: Id) -> Result<Rights> {
    let groups = groups::controlled(tx, controller.customer, &[controller.id])?;
    let with_member = groups.iter().filter(|group| group.members.contains(&member));
    Ok(with_member.fold(Rights::default(), |rights, group| rights.or(group.rights())))
}

/// A queue that the device is a member of, or that the caller may change: 403 `queue` for any other.
fn queue(tx: &ReadTx, actor: &Actor, device: &Extension, given: Option<String>) -> Result<Id> {
    let given = given.filter(|given| !given.is_empty()).ok_or_else(|| wrong("target", "target is required"))?;
    let no_access = || Error::Forbidden { code: "queue", message: "No access to the queue".into() };
    let all = queues::list(tx, device.customer)?;
    let id: Option<Id> = given.parse().ok();
    let found = all.iter().find(|queue| Some(queue.id) == id || queue.number.as_deref() == Some(&*given));
    let queue = found.ok_or_else(no_access)?;
    let members = pbx::in_queue(tx, queue.id)?;
    let is_member = members.iter().any(|member| member.references().extensions.contains(&device.id));
    match is_member || is_allowed(tx, actor, QUEUE_PICKUP, Owner::to_customer(queue.customer))? {
        true => Ok(queue.id),
        false => Err(no_access()),
    }
}
