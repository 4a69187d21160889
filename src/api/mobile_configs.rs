//! `/pbx/app/mobileconfig`

use serde_json::{Map, Value};

use crate::auth::authorization::{Owner, allow, allow_change};
use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::access::{Actor, MOBILE_CONFIG, MOBILE_CONFIG_LIST, MOBILE_CONFIG_LIST_ALL};
use crate::domain::audit::{Action, MOBILE_CONFIGS};
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::domain::mobile_config::{self, MobileConfig, Reference};
use crate::error::{Error, Result};
use crate::store::{customers, employees, mobile_configs, queues};
use crate::usecases::{copy_mobile_config, mobile_configs as content};
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

fn answer(config: &MobileConfig) -> ApiResponse {
    ApiResponse { rev: Some(config.rev), ..ApiResponse::raw(config.to_json()) }
}

fn id_in_path(call: &AuthenticatedRequest) -> Result<Id> {
    call.context.segment("employee").parse().map_err(|_| Error::bad_request("Request not valid"))
}

/// api:pbx:app:mobileconfig:list. `employee` is left out of the list (default: the caller); `customer` alone, for
/// MANAGER and up, gives the complete list.
pub async fn list(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = call.context.query();
    let (customer, except) = (query.id("customer")?, query.id("employee")?);
    call.read_list(move |tx, actor| {
        let owner = Owner::to_customer(customer.unwrap_or(actor.customer));
        if let Some(id) = customer {
            customers::get(tx, id)?;
        }
        allow(tx, actor, MOBILE_CONFIG_LIST, owner)?;
        let is_complete = customer.is_some() && except.is_none();
        let is_complete = is_complete && allow(tx, actor, MOBILE_CONFIG_LIST_ALL, owner).is_ok();
        let except = if is_complete { None } else { Some(except.unwrap_or(actor.employee)) };
        Ok(ApiResponse::raw(mobile_configs::list_json(tx, owner.customer, except)?))
    })
    .await
}

/// api:pbx:app:mobileconfig:get. 400 `bad_request`, 403 `access_denied`, 404 `not_found`.
pub async fn get(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.read(|tx, actor| {
        let config = mobile_configs::get(tx, id)?;
        allow(tx, actor, MOBILE_CONFIG, Owner::to_employee(id, config.customer))?;
        Ok(answer(&config))
    })
}

/// api:pbx:app:mobileconfig:create. Without a body: the config as it is, or a new one of all there is to choose from.
/// With `{"configs":[…]}`: the config is made with that content, or its content replaced.
/// 400 `bad_request`, 403 `access_denied`, 404 `not_found` (no such employee), 404 `configs[i].items[j]._id`.
pub async fn create(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    // Read before the writer's turn, which all others wait for; a fault counts only for those who may write.
    let given = read_configs(&call.context.object_or_empty()?);
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        let employee = employees::find_live(tx, id)?.ok_or_else(mobile_configs::not_found)?;
        let old = mobile_configs::find(tx, id)?;
        let subject = Subject { section: MOBILE_CONFIGS, object: id, customer: Some(employee.customer) };
        let action = if old.is_some() { Action::Update } else { Action::Create };
        allow_change(tx, actor, MOBILE_CONFIG, Owner::to_employee(id, employee.customer), action, subject)?;
        match &old {
            Some(config) => preconditions.check(config.rev)?,
            None => preconditions.check_absent()?,
        }
        let given = match given? {
            Some((configs, references)) => {
                content::check(tx, &references, &employee)?;
                Some(configs)
            }
            None => None,
        };
        let config = match (old, given) {
            (Some(config), None) => config,
            (Some(config), Some(configs)) => {
                mobile_configs::replace(tx, config, configs, Action::Update, "Mobile config updated")?
            }
            (None, Some(configs)) => mobile_configs::insert(tx, id, employee.customer, configs)?,
            (None, None) => {
                let configs = default_configs(tx, &employee)?;
                mobile_configs::insert(tx, id, employee.customer, configs)?
            }
        };
        Ok(answer(&config))
    })
    .await
}

fn default_configs(tx: &ReadTx, employee: &Employee) -> Result<String> {
    let mut colleagues = employees::names(tx, employee.customer)?;
    colleagues.retain(|(id, _)| *id != employee.id);
    let queues: Vec<_> = queues::list(tx, employee.customer)?.into_iter().map(|queue| (queue.id, queue.name)).collect();
    Ok(mobile_config::default_configs(&colleagues, &queues))
}

/// The content given in a body, and what it refers to; `None` when there is none.
fn read_configs(body: &Map<String, Value>) -> Result<Option<(String, Vec<Reference>)>> {
    let Some(value) = body.get("configs") else { return Ok(None) };
    content::read(value).map(Some)
}

/// api:pbx:app:mobileconfig:copy. 400 `bad_request` for any malformed body and across customers, 403 `access_denied`,
/// 404 `not_found`.
pub async fn copy(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let (from, to) = read_copy(&call)?;
    let preconditions = call.preconditions();
    call.write(move |tx: &mut WriteTx, actor: &Actor| {
        let outcome = copy_mobile_config::run(tx, actor, from, to, |target| preconditions.check(target.rev))?;
        Ok(answer(&outcome.target()))
    })
    .await
}

fn read_copy(call: &AuthenticatedRequest) -> Result<(Id, Id)> {
    let malformed = || Error::bad_request("Request not valid");
    let body = call.context.object().map_err(|_| malformed())?;
    let id = |name: &str| body.get(name).and_then(Value::as_str).and_then(|text| text.parse().ok());
    Ok((id("_id").ok_or_else(malformed)?, id("copyTo").ok_or_else(malformed)?))
}
