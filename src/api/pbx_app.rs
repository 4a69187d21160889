//! `/pbx/app/employees` and `/pbx/app/queues`: what the app loads at its start.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::db::ReadTx;
use crate::domain::access::Actor;
use crate::domain::employee::Employee;
use crate::domain::fields::{element_id, read_body};
use crate::domain::id::Id;
use crate::domain::queue::Queue;
use crate::error::Result;
use crate::store::{employees, queues};
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// api:pbx:app:employees. Employees of the caller's own customer; `ids` narrows them down.
pub async fn employees_get(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let ids = request.context.query().ids("ids")?;
    request.read_list(move |tx, actor| colleagues(tx, actor, ids)).await
}

/// api:pbx:app:employees, with `{ "ids": [...] }` as the body, or the array alone: the page's own example leaves the name out.
pub async fn employees_post(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let body = request.context.object_or_list("ids")?;
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
        view_other_party_override: "NONE",
        extensions: [],
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
    /// Whether the employee may see whom a colleague is talking to, against what the groups say; `NONE`: as the groups say.
    #[schemars(example = &"NONE")]
    view_other_party_override: &'static str,
    /// Extensions of the employee; this server keeps none.
    #[schemars(with = "Vec<Value>")]
    extensions: [Value; 0],
}

/// Queues that the caller has access to, by name.
#[derive(Serialize, JsonSchema)]
pub struct Queues(Vec<AppQueue>);

/// A queue.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
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
    /// Employees may join and leave the queue; here nobody does.
    dynamic: bool,
    /// The caller is a member of the queue.
    member: bool,
    /// How many members there are; with `all` a list of them.
    #[schemars(with = "Value", example = 0)]
    members: Value,
    /// How many calls wait; with `all` a list of them.
    #[schemars(with = "Value", example = 0)]
    callers: Value,
    /// Seconds within which calls are to be answered; 0: none are set.
    #[schemars(example = 0)]
    service_level: i64,
    /// Seconds after which a call has waited for too long; 0: none are set.
    #[schemars(example = 0)]
    service_level_critical: i64,
    /// Queues of a higher priority are answered first.
    #[schemars(example = 0)]
    priority: i64,
}

impl AppQueue {
    /// A queue without a PBX behind it: nobody is in it. `all`: lists in the place of counts.
    fn of(queue: Queue, all: bool) -> AppQueue {
        let nobody = if all { json!([]) } else { json!(0) };
        AppQueue {
            id: queue.id,
            name: queue.name,
            number: queue.number,
            dynamic: false,
            member: false,
            members: nobody.clone(),
            callers: nobody,
            service_level: 0,
            service_level_critical: 0,
            priority: 0,
        }
    }
}

/// api:pbx:app:queues. Queues of the caller's own customer, plain array; `queue` narrows them down to one.
pub async fn queues(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = request.context.query();
    let only = query.id("queue")?;
    let all = query.flag("all")?;
    request
        .read_list(move |tx, actor| {
            let mut found = queues::list(tx, actor.customer)?;
            found.retain(|queue| only.is_none_or(|id| id == queue.id));
            ApiResponse::json(&Queues(found.into_iter().map(|queue| AppQueue::of(queue, all)).collect()))
        })
        .await
}
