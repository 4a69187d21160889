//! `/pbx/app/employees` and `/pbx/app/queues`: what the app loads at its start.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::db::ReadTx;
use crate::domain::access::Actor;
use crate::domain::fields::{element_id, read_body};
use crate::domain::id::Id;
use crate::error::Result;
use crate::store::{employees, queues};
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// api:pbx:app:employees. Employees of the caller's own customer; `ids` narrows them down.
pub async fn employees_get(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let ids = request.context.query().ids("ids")?;
    request.read_list(move |tx, actor| colleagues(tx, actor, ids)).await
}

/// api:pbx:app:employees, with `{ "ids": [...] }` as the body.
pub async fn employees_post(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let body = request.context.object_or_empty()?;
    let ids = read_body(&body, |fields| fields.each("ids", element_id))?;
    request.post_read(move |tx, actor| colleagues(tx, actor, ids)).await
}

fn colleagues(tx: &ReadTx, actor: &Actor, ids: Option<Vec<Id>>) -> Result<ApiResponse> {
    let ids: Option<HashSet<Id>> = ids.map(HashSet::from_iter);
    let enabled = employees::enabled(tx, actor.customer)?;
    let records: Vec<Value> = enabled
        .into_iter()
        .filter(|employee| ids.as_ref().is_none_or(|ids| ids.contains(&employee.id)))
        .map(|employee| {
            json!({
                "_id": employee.id,
                "type": "EMPLOYEE",
                "name": employee.name,
                "title": employee.title,
                "department": employee.department,
                "emailAddress": employee.email_address,
                "birthdate": employee.birthdate,
                "picture": null,
                "viewOtherPartyOverride": false,
            })
        })
        .collect();
    ApiResponse::json(&records)
}

/// api:pbx:app:queues. Queues of the caller's own customer, plain array; `queue` narrows them down to one.
pub async fn queues(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = request.context.query();
    let only = query.id("queue")?;
    // Extensions are not kept here, so that all queues are what is answered with or without it.
    query.flag("all")?;
    request
        .read_list(move |tx, actor| {
            let mut found = queues::list(tx, actor.customer)?;
            found.retain(|queue| only.is_none_or(|id| id == queue.id));
            let records: Vec<Value> = found
                .into_iter()
                .map(|queue| json!({ "_id": queue.id, "name": queue.name, "number": queue.number }))
                .collect();
            ApiResponse::json(&records)
        })
        .await
}
