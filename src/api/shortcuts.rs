//! `/employee/ID/shortcuts`

use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::usecases::pbx::shortcuts;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// The id in the path; 400 `employee` as the pages have it.
fn id_in_path(call: &AuthenticatedRequest) -> Result<Id> {
    let malformed = Error::BadRequest { code: "employee", message: "Employee id not found in request URI".into() };
    call.context.segment("employee").parse().map_err(|_| malformed)
}

/// api:employee:get-shortcuts. 400 `employee`, 403 `employee`, 404 `employee`.
pub async fn get(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.read(|tx, actor| ApiResponse::json(&shortcuts::get(tx, actor, id)?))
}

/// api:employee:set-shortcuts. The body is the array. 400 `employee`, 400 `shortcuts`, 403 `employee`, 404 `employee`.
pub async fn set(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    let body = call.context.object_or_list("shortcuts")?;
    call.write(move |tx, actor| {
        shortcuts::set(tx, actor, id, &body)?;
        Ok(ApiResponse::success())
    })
    .await
}
