//! `/pbx/app/employees` and `/pbx/app/queues`: what the app loads at its start.

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::pbx_queues::named;
use super::schemas::pbx::MemberView;

use crate::db::ReadTx;
use crate::domain::access::Actor;
use crate::domain::employee::Employee;
use crate::domain::fields::{element_id, read_body};
use crate::domain::id::Id;
use crate::domain::pbx::{Extension, Kind};
use crate::error::Result;
use crate::store::{employees, pbx};
use crate::usecases::pbx::extensions;
use crate::usecases::pbx::queues::{self, AttendedQueue};
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// api:pbx:app:employees. Employees of the caller's own customer; `ids` narrows them down. `standalone`: also the extensions that
/// belong to no employee.
pub async fn employees_get(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = request.context.query();
    let (ids, standalone) = (query.ids("ids")?, query.flag("standalone")?);
    request.read_list(move |tx, actor| colleagues(tx, actor, ids, standalone)).await
}

/// api:pbx:app:employees, with `{ "ids": [...], "standalone": true }` as the body, or the array of ids alone: the page's own example
/// leaves the name out.
pub async fn employees_post(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let body = request.context.object_or_list("ids")?;
    let mut standalone = false;
    let ids = read_body(&body, |fields| {
        fields.flag("standalone", &mut standalone);
        fields.each("ids", element_id)
    })?;
    request.post_read(move |tx, actor| colleagues(tx, actor, ids, standalone)).await
}

fn colleagues(tx: &ReadTx, actor: &Actor, ids: Option<Vec<Id>>, standalone: bool) -> Result<ApiResponse> {
    let ids: Option<HashSet<Id>> = ids.map(HashSet::from_iter);
    let is_wanted = |id: Id| ids.as_ref().is_none_or(|ids| ids.contains(&id));
    let pictures = pbx::ids_by_employee(tx, actor.customer, Kind::Picture)?;
    let mut of_employees: HashMap<Id, Vec<AppExtension>> = HashMap::new();
    let mut of_nobody = vec![];
    for extension in extensions::of_customer(tx, actor.customer)? {
        match extension.employee {
            Some(employee) => of_employees.entry(employee).or_default().push(extension.into()),
            None if standalone && is_wanted(extension.id) => of_nobody.push(extension),
            None => {}
        }
    }
    let enabled = employees::enabled(tx, actor.customer)?;
    let colleagues = enabled.into_iter().filter(|employee| is_wanted(employee.id)).map(|employee| {
        let picture = pictures.get(&employee.id).copied();
        let extensions = of_employees.remove(&employee.id).unwrap_or_default();
        Colleague::of_employee(employee, picture, extensions)
    });
    let mut records: Vec<Colleague> = colleagues.collect();
    records.extend(of_nobody.into_iter().map(Colleague::of_extension));
    ApiResponse::json(&AppEmployees(records))
}

/// Enabled employees of the caller's customer by name, and with `standalone` behind them the extensions that belong to no employee.
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
    #[schemars(extend("enum" = ["EMPLOYEE", "EXTENSION"]), example = &"EMPLOYEE")]
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
    /// The employee's picture.
    picture: Option<Id>,
    /// Whether the employee may see whom a colleague is talking to, against what the groups say; `NONE`: as the groups say.
    #[schemars(example = &"NONE")]
    view_other_party_override: &'static str,
    /// Extensions of the employee by name; of an extension without an employee, itself.
    extensions: Vec<AppExtension>,
}

impl Colleague {
    fn of_employee(employee: Employee, picture: Option<Id>, extensions: Vec<AppExtension>) -> Colleague {
        Colleague {
            id: employee.id,
            kind: "EMPLOYEE",
            name: employee.name,
            title: employee.title,
            department: employee.department,
            email_address: employee.email_address,
            birthdate: employee.birthdate,
            picture,
            view_other_party_override: "NONE",
            extensions,
        }
    }

    fn of_extension(extension: Extension) -> Colleague {
        Colleague {
            id: extension.id,
            kind: "EXTENSION",
            name: extension.name.clone(),
            title: None,
            department: None,
            email_address: None,
            birthdate: None,
            picture: None,
            view_other_party_override: "NONE",
            extensions: vec![extension.into()],
        }
    }
}

/// An extension as the apps show it.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct AppExtension {
    #[serde(rename = "_id")]
    id: Id,
    /// Name.
    #[schemars(example = "Anna Manager")]
    name: String,
    /// Number that it is called on.
    #[schemars(example = "402")]
    number: String,
    /// The employee is called on this one first.
    primary: bool,
}

impl From<Extension> for AppExtension {
    fn from(extension: Extension) -> AppExtension {
        AppExtension { id: extension.id, name: extension.name, number: extension.number, primary: extension.primary }
    }
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
    /// Employees join and leave the queue by themselves.
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
    /// `all`: lists in the place of counts. No call comes here, so nobody waits.
    fn of(tx: &ReadTx, attended: AttendedQueue, all: bool) -> Result<AppQueue> {
        let AttendedQueue { queue, members, is_member } = attended;
        let members = match all {
            true => json!(named(tx, members)?.into_iter().map(MemberView::from).collect::<Vec<_>>()),
            false => json!(members.len()),
        };
        Ok(AppQueue {
            id: queue.id,
            name: queue.name,
            number: queue.number,
            dynamic: queue.dynamic,
            member: is_member,
            members,
            callers: if all { json!([]) } else { json!(0) },
            service_level: queue.service_level,
            service_level_critical: queue.service_level_critical,
            priority: queue.priority,
        })
    }
}

/// api:pbx:app:queues. Queues of the caller's own customer that it has access to, plain array; `queue` narrows them down to one,
/// `extension` says for which of its extensions the caller asks.
pub async fn queues(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = request.context.query();
    let (only, extension) = (query.id("queue")?, query.id("extension")?);
    let all = query.flag("all")?;
    request
        .read_list(move |tx, actor| {
            let found = queues::list(tx, actor, only, extension)?;
            let shown: Result<_> = found.into_iter().map(|attended| AppQueue::of(tx, attended, all)).collect();
            ApiResponse::json(&Queues(shown?))
        })
        .await
}
