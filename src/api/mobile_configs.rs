//! `/pbx/app/mobileconfig`

use serde_json::{Map, Value};

use crate::domain::id::Id;
use crate::domain::mobile_config::MobileConfig;
use crate::error::{Error, Result};
use crate::usecases::copy_mobile_config;
use crate::usecases::mobile_configs::{self, Content};
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
    call.read_list(move |tx, actor| Ok(ApiResponse::raw(mobile_configs::list(tx, actor, customer, except)?))).await
}

/// api:pbx:app:mobileconfig:get. 400 `bad_request`, 403 `access_denied`, 404 `not_found`.
pub async fn get(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.read(|tx, actor| Ok(answer(&mobile_configs::get(tx, actor, id)?)))
}

/// api:pbx:app:mobileconfig:create. Without a body: the config as it is, or a new one of all there is to choose from.
/// With `{"configs":[…]}`: the config is made with that content, or its content replaced.
/// 400 `bad_request`, 403 `access_denied`, 404 `not_found` (no such employee), 404 `configs[i].items[j]._id`.
pub async fn create(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    // Read before the writer's turn, which all others wait for; a fault counts only for those who may write.
    let given = read_content(&call.context.object_or_empty()?);
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        let accept = |old: Option<&MobileConfig>| match old {
            Some(old) => preconditions.check(|| Ok(answer(old))),
            None => preconditions.check_absent(),
        };
        Ok(answer(&mobile_configs::create(tx, actor, id, given, accept)?))
    })
    .await
}

/// The content given in a body; `None` when there is none.
fn read_content(body: &Map<String, Value>) -> Result<Option<Content>> {
    body.get("configs").map(Content::read).transpose()
}

/// api:pbx:app:mobileconfig:copy. 400 `bad_request` for any malformed body and across customers, 403 `access_denied`,
/// 404 `not_found`.
pub async fn copy(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let (from, to) = read_copy(&call)?;
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        let outcome = copy_mobile_config::run(tx, actor, from, to, |tx| {
            preconditions.check(|| Ok(answer(&mobile_configs::get(tx, actor, to)?)))
        })?;
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
