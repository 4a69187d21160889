//! `/employee/ID/token`

use serde_json::json;

use crate::auth::secrets::{new_token, token_hash};
use crate::domain::id::Id;
use crate::error::Result;
use crate::store::tokens::TokenFilter;
use crate::usecases::tokens;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// The id in the path; 404 `id`, as the pages on an employee's secrets have it.
pub fn employee_in_path(call: &AuthenticatedRequest) -> Result<Id> {
    call.context.segment("employee").parse().map_err(|_| tokens::no_employee())
}

/// api:employee:createtoken. The token is shown to the employee self only. 403 `id` for administrators.
pub async fn create(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = employee_in_path(&call)?;
    let (token, hash) = new_token()?;
    call.write(move |tx, actor| {
        tokens::create(tx, actor, id, &hash)?;
        let answer = if actor.employee == id {
            ApiResponse::json(&json!({ "success": true, "token": token }))?
        } else {
            ApiResponse::success()
        };
        Ok(answer.secret())
    })
    .await
}

/// api:employee:deletetoken. 404 `id`, 404 `token`, 403.
pub async fn delete(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = employee_in_path(&call)?;
    call.context.delete_query(&[])?;
    let hash = token_hash(&call.context.segment("token"));
    call.take_access_away(move |tx, actor| {
        tokens::delete(tx, actor, id, hash.as_ref())?;
        Ok(ApiResponse::success())
    })
    .await
}

/// This server's own: the tokens there are, for ADMIN. 403 `access_denied`.
pub async fn list(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = call.context.query();
    let window = query.window(100, 500)?;
    let filter = TokenFilter { employee: query.id("employee")?, customer: query.id("customer")? };
    call.read_list(move |tx, actor| {
        let page = tokens::list(tx, actor, filter, window)?;
        ApiResponse::json(&json!({
            "offset": window.offset, "limit": window.limit, "total": page.total, "tokens": page.rows
        }))
    })
    .await
}

/// This server's own: revokes a token by its id, for ADMIN. 403 `access_denied`, 404 `token`.
pub async fn revoke(call: AuthenticatedRequest) -> Result<ApiResponse> {
    call.context.delete_query(&[])?;
    let id = call.context.segment("entry").parse::<Id>().ok();
    call.take_access_away(move |tx, actor| {
        tokens::revoke(tx, actor, id)?;
        Ok(ApiResponse::success())
    })
    .await
}
