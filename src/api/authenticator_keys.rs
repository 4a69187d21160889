//! `/employee/ID/authenticatorkey`

use serde_json::json;

use super::tokens::employee_in_path;
use crate::error::Result;
use crate::usecases::authenticator_keys;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// api:employee:createauthenticatorkey. Only for oneself; replaces the old key. 404 `id`, 403, 409 `id`.
pub async fn create(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = employee_in_path(&call)?;
    let sealer = call.visit.state.sealer.clone();
    call.write(move |tx, actor| {
        let key = authenticator_keys::create(tx, actor, &sealer, id)?;
        Ok(ApiResponse::json(&json!({ "success": true, "key": key.key, "totp": key.totp }))?.secret())
    })
    .await
}

/// api:employee:resetauthenticatorkey. The next login presents a new key. 404 `id`, 403.
pub async fn reset(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = employee_in_path(&call)?;
    call.write(move |tx, actor| {
        authenticator_keys::reset(tx, actor, id)?;
        Ok(ApiResponse::success())
    })
    .await
}
