//! `/pbx/app/employees` and `/pbx/app/queues`: what the app loads at its start.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::db::ReadTx;
use crate::domain::access::Actor;
use crate::domain::employee::Employee;
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
    let is_wanted = |employee: &Employee| ids.as_ref().is_none_or(|ids| ids.contains(&employee.id));
    let colleagues = enabled.into_iter().filter(is_wanted).map(|employee| Colleague {
        id: employee.id,
        kind: "EMPLOYEE",
        name: employee.name,
        title: employee.title,
        department: employee.department,
        email_address: employee.email_address,
        birthdate: employee.birthdate,
        picture: None,
        view_other_party_override: false,
    });
    ApiResponse::json(&AppEmployees(colleagues.collect()))
}

/// Enabled employees of the caller's customer, by name.
#[derive(Serialize, JsonSchema)]
pub struct AppEmployees(Vec<Colleague>);

/// A colleague as the apps show it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
struct Colleague {
    #[serde(rename = "_id")]
    id: Id,
    /// What the record is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["EMPLOYEE"]), example = &"EMPLOYEE")]
    kind: &'static str,
    /// Name.
    #[schemars(example = "Anna Manager")]
    name: String,
    /// Job title.
    #[schemars(example = "Shop manager")]
    title: Option<String>,
    /// Department.
    #[schemars(example = &"Shop")]
    department: Option<String>,
    /// E-mail address.
    #[schemars(example = "manager@bakery.example.com")]
    email_address: Option<String>,
    /// Date of birth.
    #[schemars(example = "1984-02-29")]
    birthdate: Option<String>,
    /// The employee's picture; this server keeps none.
    picture: Option<Id>,
    /// May see whom a colleague is talking to, whatever the groups say.
    view_other_party_override: bool,
}

/// Queues that the caller has access to, by name.
#[derive(Serialize, JsonSchema)]
pub struct Queues(Vec<AppQueue>);

/// A queue.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct AppQueue {
    #[serde(rename = "_id")]
    id: Id,
    /// Name.
    #[schemars(example = &"Orders")]
    name: String,
    /// Number that the queue is called on.
    #[schemars(example = "801")]
    number: Option<String>,
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
            let queues =
                found.into_iter().map(|queue| AppQueue { id: queue.id, name: queue.name, number: queue.number });
            ApiResponse::json(&Queues(queues.collect()))
        })
        .await
}
