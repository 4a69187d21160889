//! `/employee/ID/token` and `/employee/ID/authenticatorkey`

use serde_json::json;

use super::employees::{may_manage, owner};
use crate::auth::authorization::{allow_change, deny_impersonation};
use crate::auth::secrets::{new_token, token_hash};
use crate::auth::totp;
use crate::db::WriteTx;
use crate::domain::access::{AUTHENTICATOR_KEY_CREATE, Actor, Level};
use crate::domain::audit::Action;
use crate::domain::customer::AuthenticationSecurity;
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::{credentials, customers, employees, tokens};
use crate::usecases::login::seal_context;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

fn not_found() -> Error {
    Error::not_found("id", "Employee not found")
}

fn id_in_path(call: &AuthenticatedRequest) -> Result<Id> {
    call.context.segment("employee").parse().map_err(|_| not_found())
}

/// The employee in the path, if the caller may manage it: 404 `id`, 403 `access_denied`.
fn managed(tx: &mut WriteTx, actor: &Actor, id: Id, action: Action) -> Result<Employee> {
    let employee = employees::find_live(tx, id)?.ok_or_else(not_found)?;
    if may_manage(tx, actor, &employee)? {
        return Ok(employee);
    }
    Err(tx.refuse(Error::access_denied(), action, employees::subject(&employee)))
}

/// api:employee:createtoken. The token is shown to the employee self only. 403 `id` for administrators.
pub async fn create_token(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    let (token, hash) = new_token()?;
    call.write(move |tx, actor| {
        let employee = managed(tx, actor, id, Action::CreateToken)?;
        deny_impersonation(tx, actor, Action::CreateToken, employees::subject(&employee))?;
        if employee.access_level == Level::Admin {
            let error = Error::Forbidden { code: "id", message: "Tokens are not allowed for admins".into() };
            return Err(tx.refuse(error, Action::CreateToken, employees::subject(&employee)));
        }
        tokens::insert(tx, &hash, id)?;
        employees::record_event(tx, &employee, Action::CreateToken, "Machine-to-machine token created")?;
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
pub async fn delete_token(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    let hash = token_hash(call.context.segment("token"));
    call.write(move |tx, actor| {
        let employee = managed(tx, actor, id, Action::DeleteToken)?;
        let is_deleted = match hash {
            Some(hash) => tokens::delete(tx, &hash, id)?,
            None => false,
        };
        if !is_deleted {
            return Err(Error::not_found("token", "Token not found"));
        }
        employees::record_event(tx, &employee, Action::DeleteToken, "Machine-to-machine token deleted")?;
        Ok(ApiResponse::success())
    })
    .await
}

/// api:employee:createauthenticatorkey. Only for oneself; replaces the old key. 404 `id`, 403, 409 `id`.
pub async fn create_authenticator_key(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    let sealer = call.context.state.sealer.clone();
    call.write(move |tx, actor| {
        let employee = employees::find_live(tx, id)?.ok_or_else(not_found)?;
        let (action, subject) = (Action::CreateAuthenticatorKey, employees::subject(&employee));
        allow_change(tx, actor, AUTHENTICATOR_KEY_CREATE, owner(&employee), action, subject)?;
        deny_impersonation(tx, actor, action, subject)?;
        let customer = customers::get(tx, employee.customer)?;
        let is_wanted_of_all = customer.authentication_security == AuthenticationSecurity::Authenticator;
        if !employee.authenticator_validation && !is_wanted_of_all {
            let message = "Key cannot be created when authenticator validation is not enabled";
            return Err(tx.refuse(Error::conflict("id", message), action, subject));
        }
        let key = totp::new_key()?;
        let sealed = sealer.seal(&seal_context(id), &key)?;
        credentials::set_totp_key(tx, id, Some(&sealed), true)?;
        employees::record_event(tx, &employee, action, "Authenticator key created")?;
        let shown = totp::present(&key, employee.email_address.as_deref().unwrap_or_default());
        Ok(ApiResponse::json(&json!({ "success": true, "key": shown.key, "totp": shown.totp }))?.secret())
    })
    .await
}

/// api:employee:resetauthenticatorkey. The next login presents a new key. 404 `id`, 403.
pub async fn reset_authenticator_key(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.write(move |tx, actor| {
        let employee = managed(tx, actor, id, Action::ResetAuthenticatorKey)?;
        if actor.employee == id {
            deny_impersonation(tx, actor, Action::ResetAuthenticatorKey, employees::subject(&employee))?;
        }
        credentials::set_totp_key(tx, id, None, false)?;
        employees::record_event(tx, &employee, Action::ResetAuthenticatorKey, "Authenticator key cleared")?;
        Ok(ApiResponse::success())
    })
    .await
}
