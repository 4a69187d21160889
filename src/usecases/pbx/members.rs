//! Who joins and leaves queues (api:pbx:queue:member-join, :member-update, :member-leave).

use serde_json::{Map, Value};

use super::queues::{find_member, live_queue, member_count, with_name};
use super::{extensions, groups};
use crate::auth::authorization::{Owner, is_allowed};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{Actor, QUEUE_MEMBER};
use crate::domain::audit::Action;
use crate::domain::fields::{Fields, read_body};
use crate::domain::id::Id;
use crate::domain::pbx::{PbxObject, QueueMember};
use crate::domain::queue::Queue;
use crate::domain::text::dialled;
use crate::error::{Check, Error, Result};
use crate::store::{pbx, queues};
use crate::usecases::intents;

const NO_CALL: &str = "the members of its queues are not changed from here: change them there";

/// What the caller may do with the members of a queue.
#[derive(Clone, Copy, PartialEq)]
enum Right {
    /// Everything: MANAGER and up.
    All,
    /// Extensions of its own, and those of groups that let it.
    Own,
}

/// The queue, and what the caller may do there. 403 `access_denied`, 404 `id`.
fn queue_to_change(tx: &mut WriteTx, actor: &Actor, id: Id, action: Action) -> Result<(Queue, Right)> {
    let queue = live_queue(tx, id)?;
    if is_allowed(tx, actor, QUEUE_MEMBER, Owner::to_customer(queue.customer))? {
        return Ok((queue, Right::All));
    }
    if queue.customer == actor.customer {
        return Ok((queue, Right::Own));
    }
    Err(denied(tx, &queue, action))
}

fn denied(tx: &mut WriteTx, queue: &Queue, action: Action) -> Error {
    tx.refuse(Error::access_denied(), action, queues::subject(queue))
}

/// 403 `dynamic`, recorded, unless employees join and leave this queue by themselves.
fn check_dynamic(tx: &mut WriteTx, queue: &Queue, action: Action) -> Result<()> {
    if queue.dynamic {
        return Ok(());
    }
    let message = "The queue is not dynamic: MANAGER and up decide who is a member".into();
    Err(tx.refuse(Error::Forbidden { code: "dynamic", message }, action, queues::subject(queue)))
}

/// Whether the caller may have this extension join and leave: its own, or one of a group that gives it `queueMember`.
fn is_in_hand(tx: &ReadTx, actor: &Actor, extension: Option<Id>) -> Result<bool> {
    let Some(extension) = extension else { return Ok(false) };
    if extensions::own(tx, actor)?.contains(&extension) {
        return Ok(true);
    }
    Ok(groups::permissions(tx, actor)?.get(&extension).is_some_and(|rights| rights.queue_member))
}

fn apply(member: &mut QueueMember, fields: &mut Fields, right: Right) {
    let permanent = member.permanent;
    member.apply_update(fields);
    // Below MANAGER it is ignored, as it is where somebody below RESELLER gives a customer's `parentReseller`.
    if right == Right::Own {
        member.permanent = permanent;
    }
}

/// The new member that a body describes: by `extension`, or by `number`, which may be that of an extension.
fn read_new(tx: &ReadTx, queue: &Queue, id: Id, body: &Map<String, Value>, right: Right) -> Result<QueueMember> {
    let mut new = QueueMember { queue: queue.id, ..QueueMember::new(id, queue.customer) };
    read_body(body, |fields| {
        fields.optional_id("extension", &mut new.extension);
        fields.text_within("number", 1, 50, &mut new.number);
        // As it is dialled: one number is one member, however it is written.
        new.number = new.number.as_deref().map(dialled);
        let is_given = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
        match (is_given("extension"), is_given("number")) {
            (false, false) => fields.require(&["extension"]),
            (true, true) => fields.fault("number", Check::Format, "Give extension or number, not both"),
            _ => {}
        }
        apply(&mut new, fields, right);
    })?;
    let extension = match (&new.extension, &new.number) {
        (Some(id), _) => {
            let found = extensions::find(tx, *id)?.filter(|extension| extension.customer == queue.customer);
            Some(found.ok_or_else(|| Error::invalid("extension", Check::Exists, "Extension not found"))?)
        }
        (None, Some(number)) => extensions::find_by_number(tx, queue.customer, number)?,
        (None, None) => None,
    };
    if let Some(extension) = extension {
        (new.extension, new.number, new.name) = (Some(extension.id), None, extension.name);
    }
    Ok(new)
}

/// Makes an extension or a number a member of a queue; one that is a member already is answered as it is. 403 `access_denied`, 403
/// `dynamic`, 404 `id`, 404 `extension`, 409 `platform`, 422.
pub fn join(tx: &mut WriteTx, actor: &Actor, queue: Id, body: &Map<String, Value>) -> Result<QueueMember> {
    let (queue, right) = queue_to_change(tx, actor, queue, Action::Create)?;
    let id = Id::new(tx.now);
    let new = read_new(tx, &queue, id, body, right)?;
    if right == Right::Own && !is_in_hand(tx, actor, new.extension)? {
        return Err(denied(tx, &queue, Action::Create));
    }
    let new = PbxObject::from(new);
    if let Some(key) = new.key()
        && let Some(PbxObject::QueueMember(known)) = pbx::find_by_key(tx, &key)?
    {
        return with_name(tx, known);
    }
    if right == Right::Own {
        check_dynamic(tx, &queue, Action::Create)?;
    }
    intents::refuse_while_connected(tx, NO_CALL)?;
    pbx::upsert(tx, &new, None)?;
    find_member(tx, queue.id, id)?.ok_or_else(|| Error::internal("a member that was just written"))
}

/// The member that the caller is to change. 403 `access_denied`, 404 `id`, 404 `member`.
fn member_to_change(
    tx: &mut WriteTx,
    actor: &Actor,
    queue: Id,
    member: Id,
    action: Action,
) -> Result<(Queue, QueueMember, Right)> {
    let (queue, right) = queue_to_change(tx, actor, queue, action)?;
    let no_member = || Error::not_found("member", "Member not found");
    let member = find_member(tx, queue.id, member)?.ok_or_else(no_member)?;
    if right == Right::Own && !is_in_hand(tx, actor, member.extension)? {
        return Err(denied(tx, &queue, action));
    }
    Ok((queue, member, right))
}

/// Changes `priority` and, by MANAGER and up, `permanent`. 403 `access_denied`, 404 `id`, 404 `member`, 409 `platform`, 422.
pub fn update(
    tx: &mut WriteTx,
    actor: &Actor,
    (queue, member): (Id, Id),
    body: &Map<String, Value>,
    accept: impl FnOnce(&ReadTx, &QueueMember) -> Result<()>,
) -> Result<QueueMember> {
    let (_, old, right) = member_to_change(tx, actor, queue, member, Action::Update)?;
    accept(tx, &old)?;
    let mut new = old.clone();
    read_body(body, |fields| apply(&mut new, fields, right))?;
    if new != old {
        intents::refuse_while_connected(tx, NO_CALL)?;
        pbx::upsert(tx, &new.clone().into(), Some(&old.into()))?;
    }
    with_name(tx, new)
}

/// Takes a member out of its queue. 403 `access_denied`, 403 `dynamic`, 403 `lockLastMember`, 404 `id`, 404 `member`, 409 `platform`.
pub fn leave(
    tx: &mut WriteTx,
    actor: &Actor,
    (queue, member): (Id, Id),
    accept: impl FnOnce(&ReadTx, &QueueMember) -> Result<()>,
) -> Result<()> {
    let (queue, old, right) = member_to_change(tx, actor, queue, member, Action::Delete)?;
    accept(tx, &old)?;
    if right == Right::Own {
        check_dynamic(tx, &queue, Action::Delete)?;
        if old.permanent {
            return Err(denied(tx, &queue, Action::Delete));
        }
    }
    if queue.lock_last_member && member_count(tx, queue.id)? == 1 {
        let message = "The last member cannot leave this queue".into();
        let error = Error::Forbidden { code: "lockLastMember", message };
        return Err(tx.refuse(error, Action::Delete, queues::subject(&queue)));
    }
    intents::refuse_while_connected(tx, NO_CALL)?;
    pbx::delete(tx, &old.into())
}
