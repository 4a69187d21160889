//! Queues as those see them who answer their calls (api:pbx:app:queues, api:pbx:queue:get, api:pbx:queue:members).

use std::collections::HashMap;

use super::extensions;
use crate::auth::authorization::{Owner, allow};
use crate::db::ReadTx;
use crate::domain::access::{Actor, Level, QUEUE_GET};
use crate::domain::id::Id;
use crate::domain::pbx::{Kind, PbxObject, QueueMember};
use crate::domain::queue::Queue;
use crate::error::{Check, Error, Result};
use crate::store::{customers, pbx, queues};

/// A queue, and who answers its calls.
pub struct AttendedQueue {
    pub queue: Queue,
    pub members: Vec<QueueMember>,
    /// Whether the caller is one of them.
    pub is_member: bool,
}

/// The queue, unless it is absent or its customer is deleted: 404 `id`.
pub(super) fn live_queue(tx: &ReadTx, id: Id) -> Result<Queue> {
    let no_queue = || Error::not_found("id", "Queue not found");
    let queue = queues::find(tx, id)?.ok_or_else(no_queue)?;
    match customers::get(tx, queue.customer) {
        Err(Error::NotFound { .. }) => Err(no_queue()),
        found => found.map(|_| queue),
    }
}

fn is_any_of(member: &QueueMember, extensions: &[Id]) -> bool {
    member.extension.is_some_and(|extension| extensions.contains(&extension))
}

/// A member under the name that its extension has now.
pub fn with_name(tx: &ReadTx, member: QueueMember) -> Result<QueueMember> {
    let extension = member.extension.map(|id| extensions::find(tx, id)).transpose()?.flatten();
    Ok(match extension {
        Some(extension) => QueueMember { name: extension.name, ..member },
        None => member,
    })
}

/// In the order in which they are called; of one priority by name.
fn in_order(mut members: Vec<QueueMember>) -> Vec<QueueMember> {
    members.sort_by_key(|member| member.priority);
    members
}

/// The member of this id in the queue, if there is one.
pub(super) fn find_member(tx: &ReadTx, queue: Id, id: Id) -> Result<Option<QueueMember>> {
    Ok(pbx::find(tx, id)?.and_then(PbxObject::downcast::<QueueMember>).filter(|member| member.queue == queue))
}

/// How many members the queue has.
pub(super) fn member_count(tx: &ReadTx, queue: Id) -> Result<usize> {
    Ok(pbx::in_queue(tx, queue)?.len())
}

/// The queues of the caller's customer that it has access to, by name, or the one that `only` names. PERSONAL has access to those that
/// it is a member of, to dynamic ones, and to all while nobody of the customer is a member of any. `extension`: for which of its
/// extensions the caller asks; 422 for another's.
pub fn list(tx: &ReadTx, actor: &Actor, only: Option<Id>, extension: Option<Id>) -> Result<Vec<AttendedQueue>> {
    let own = extensions::own(tx, actor)?;
    if extension.is_some_and(|extension| !own.contains(&extension)) {
        return Err(Error::invalid("extension", Check::Enum, "extension must be one of your own"));
    }
    let asked = extension.map_or_else(|| own.clone(), |extension| vec![extension]);
    let mut members: HashMap<Id, Vec<QueueMember>> = HashMap::new();
    for found in
        pbx::list(tx, actor.customer, Kind::QueueMember)?.into_iter().filter_map(PbxObject::downcast::<QueueMember>)
    {
        members.entry(found.queue).or_default().push(found);
    }
    let sees_all = actor.level >= Level::Viewer || members.is_empty();
    let mut attended = vec![];
    for queue in queues::list(tx, actor.customer)?.into_iter().filter(|queue| only.is_none_or(|id| id == queue.id)) {
        let members = in_order(members.remove(&queue.id).unwrap_or_default());
        if sees_all || queue.dynamic || members.iter().any(|member| is_any_of(member, &own)) {
            let is_member = members.iter().any(|member| is_any_of(member, &asked));
            attended.push(AttendedQueue { queue, members, is_member });
        }
    }
    Ok(attended)
}

/// One queue and its members. 403 `access_denied`, 404 `id`.
pub fn get(tx: &ReadTx, actor: &Actor, id: Id) -> Result<(Queue, Vec<QueueMember>)> {
    let queue = live_queue(tx, id)?;
    let members: Vec<_> = pbx::in_queue(tx, id)?.into_iter().filter_map(PbxObject::downcast::<QueueMember>).collect();
    let may_answer = queue.customer == actor.customer
        && (queue.dynamic
            || !pbx::has_any(tx, queue.customer, Kind::QueueMember)?
            || extensions::own(tx, actor).map(|own| members.iter().any(|member| is_any_of(member, &own)))?);
    let employee = may_answer.then_some(actor.employee);
    allow(tx, actor, QUEUE_GET, Owner { customer: queue.customer, employee })?;
    Ok((queue, in_order(members)))
}
