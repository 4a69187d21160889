//! `/pbx/queue`: queues and their members.

use serde_json::{Map, Value};

use super::pbx_expand::expand_goto;
use super::schemas::pbx::{MemberView, QueueMembers, QueueView};
use crate::db::ReadTx;
use crate::domain::id::Id;
use crate::domain::pbx::QueueMember;
use crate::error::{Error, Result};
use crate::store;
use crate::usecases::pbx::{members, queues};
use crate::web::query::Query;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// An id in the path; 400 `bad_request`.
pub fn id_in_path(call: &AuthenticatedRequest, name: &str) -> Result<Id> {
    call.context.segment(name).parse().map_err(|_| Error::bad_request("Id not found in request URI"))
}

/// The ids of a member and its queue.
fn member_in_path(call: &AuthenticatedRequest) -> Result<(Id, Id)> {
    Ok((id_in_path(call, "queue")?, id_in_path(call, "member")?))
}

/// api:pbx:queue:get. 403 `access_denied`, 404 `id`.
pub async fn get(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call, "queue")?;
    let query = call.context.query();
    let (expand, members, callers) = (query.flag("expandGoto")?, query.flag("members")?, query.flag("callers")?);
    call.read(|tx, actor| {
        let (mut queue, found) = queues::get(tx, actor, id)?;
        if expand {
            expand_goto(tx, queue.customer, &mut queue.more)?;
        }
        let found = if members { Some(named(tx, found)?) } else { None };
        ApiResponse::object(&QueueView::of(queue, found, callers), store::queues::rev(tx, id)?)
    })
}

/// Members under the names that their extensions have now.
pub fn named(tx: &ReadTx, members: Vec<QueueMember>) -> Result<Vec<QueueMember>> {
    members.into_iter().map(|member| queues::with_name(tx, member)).collect()
}

/// api:pbx:queue:members. 403 `access_denied`, 404 `id`.
pub async fn members(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call, "queue")?;
    call.read_list(move |tx, actor| {
        let (_, members) = queues::get(tx, actor, id)?;
        ApiResponse::json(&QueueMembers(named(tx, members)?.into_iter().map(MemberView::from).collect()))
    })
    .await
}

fn shown(tx: &ReadTx, member: QueueMember) -> Result<ApiResponse> {
    let rev = store::pbx::rev(tx, member.id)?;
    ApiResponse::object(&MemberView::from(member), rev)
}

/// The arguments of a GET that changes something, as the body of the POST would have them.
fn as_body(query: &Query) -> Result<Map<String, Value>> {
    let mut body = Map::new();
    for name in ["extension", "number"] {
        body.extend(query.get(name).map(|text| (name.to_owned(), Value::from(text))));
    }
    if let Some(text) = query.get("priority") {
        // What is no number is refused as the body's would be.
        body.insert("priority".into(), text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from));
    }
    if query.get("permanent").is_some() {
        body.insert("permanent".into(), query.flag("permanent")?.into());
    }
    Ok(body)
}

/// api:pbx:queue:member-join with a body.
pub async fn join(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let body = call.context.object()?;
    join_with(call, body).await
}

/// api:pbx:queue:member-join with arguments.
pub async fn join_get(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let body = as_body(&call.context.query())?;
    join_with(call, body).await
}

async fn join_with(call: AuthenticatedRequest, body: Map<String, Value>) -> Result<ApiResponse> {
    let queue = id_in_path(&call, "queue")?;
    call.write(move |tx, actor| {
        let member = members::join(tx, actor, queue, &body)?;
        shown(tx, member)
    })
    .await
}

/// api:pbx:queue:member-update with a body.
pub async fn update(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let body = call.context.object()?;
    update_with(call, body).await
}

/// api:pbx:queue:member-update with arguments; without any it answers the member as it is.
pub async fn update_get(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let body = as_body(&call.context.query())?;
    update_with(call, body).await
}

async fn update_with(call: AuthenticatedRequest, body: Map<String, Value>) -> Result<ApiResponse> {
    let place = member_in_path(&call)?;
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        let accept = |tx: &ReadTx, old: &QueueMember| preconditions.check(|| shown_as_is(tx, old));
        let member = members::update(tx, actor, place, &body, accept)?;
        shown(tx, member)
    })
    .await
}

fn shown_as_is(tx: &ReadTx, member: &QueueMember) -> Result<ApiResponse> {
    shown(tx, queues::with_name(tx, member.clone())?)
}

/// api:pbx:queue:member-leave
pub async fn leave(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let place = member_in_path(&call)?;
    call.context.delete_query(&[])?;
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        members::leave(tx, actor, place, |tx, old| preconditions.check(|| shown_as_is(tx, old)))?;
        Ok(ApiResponse::success())
    })
    .await
}
