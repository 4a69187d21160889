//! Authenticator keys (api:employee:createauthenticatorkey, :resetauthenticatorkey).

use super::employees::{is_of_equal, may_reset, owner};
use super::intents;
use super::tokens::{managed, no_employee};
use crate::auth::authorization::{allow_change, deny_impersonation, deny_machine};
use crate::auth::contexts::authenticator_key;
use crate::auth::secrets::Sealer;
use crate::auth::totp;
use crate::db::{Subject, WriteTx};
use crate::domain::access::{AUTHENTICATOR_KEY_CREATE, Actor};
use crate::domain::audit::Action;
use crate::domain::customer::AuthenticationSecurity;
use crate::domain::id::Id;
use crate::error::{AuthenticatorKey, Error, Result};
use crate::store::{credentials, customers, employees};

/// Makes a new key in the place of the old one, for the actor itself only. 404 `id`, 403 `access_denied`, 409 `id` when
/// authenticator validation is not enabled, 409 `platform` for an employee of the platform.
pub fn create(tx: &mut WriteTx, actor: &Actor, sealer: &Sealer, id: Id) -> Result<AuthenticatorKey> {
    let employee = employees::find_live(tx, id)?.ok_or_else(no_employee)?;
    let (action, subject) = (Action::CreateAuthenticatorKey, employees::subject(&employee));
    allow_change(tx, actor, AUTHENTICATOR_KEY_CREATE, owner(&employee), action, subject)?;
    deny_impersonation(tx, actor, action, subject)?;
    deny_machine(tx, actor, action, subject)?;
    refuse_of_platform(tx, id, action, subject)?;
    let customer = customers::get(tx, employee.customer)?;
    let is_wanted_of_all = customer.authentication_security == AuthenticationSecurity::Authenticator;
    if !employee.authenticator_validation && !is_wanted_of_all {
        let message = "Key cannot be created when authenticator validation is not enabled";
        return Err(tx.refuse(Error::conflict("id", message), action, subject));
    }
    let key = totp::new_key()?;
    let sealed = sealer.seal(&authenticator_key(id), &key)?;
    credentials::set_totp_key(tx, id, Some(&sealed), true)?;
    employees::record_event(tx, &employee, action, "Authenticator key created")?;
    Ok(totp::present(&key, employee.email_address.as_deref().unwrap_or_default()))
}

/// Clears the key: the next login presents a new one. 404 `id`, 403 `access_denied`, also for that of an equal, which only
/// an ADMIN clears; 409 `platform` for that of an employee of the platform.
pub fn reset(tx: &mut WriteTx, actor: &Actor, id: Id) -> Result<()> {
    let action = Action::ResetAuthenticatorKey;
    let employee = managed(tx, actor, id, action)?;
    let subject = employees::subject(&employee);
    deny_machine(tx, actor, action, subject)?;
    if actor.employee == id {
        deny_impersonation(tx, actor, action, subject)?;
    }
    if !may_reset(actor, &employee) {
        return Err(tx.refuse(Error::access_denied(), action, subject));
    }
    refuse_of_platform(tx, id, action, subject)?;
    credentials::set_totp_key(tx, id, None, false)?;
    let is_of_equal = is_of_equal(actor, &employee);
    let description =
        if is_of_equal { "Authenticator key of an equal cleared by an ADMIN" } else { "Authenticator key cleared" };
    employees::record_event(tx, &employee, action, description)
}

/// 409 `platform`: the keys of the platform's employees are made there.
fn refuse_of_platform(tx: &mut WriteTx, id: Id, action: Action, subject: Subject) -> Result<()> {
    if !intents::is_of_platform(tx, id)? {
        return Ok(());
    }
    let message = "This employee logs in by what the platform says, and the authenticator key is made there: do it at the platform";
    Err(tx.refuse(Error::conflict(intents::PLATFORM, message), action, subject))
}
