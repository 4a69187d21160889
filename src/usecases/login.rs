//! Logging in: name, password, second factor, session (api:auth:login).

use super::session_answer::SessionAnswer;
use crate::auth::authorization;
use crate::auth::contexts::authenticator_key;
use crate::auth::passwords::Verified;
use crate::auth::secrets::Sealer;
use crate::auth::session_cache::is_among;
use crate::auth::totp;
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{Actor, Level};
use crate::domain::audit::Hash;
use crate::domain::customer::{AuthenticationSecurity, Customer, CustomerState};
use crate::domain::employee::{Employee, EmployeeState, ip_list};
use crate::domain::id::Id;
use crate::error::{Error, PlatformError, Result};
use crate::store::failed_logins::{self, FailedLogin};
use crate::store::platform::operations;
use crate::store::{credentials, customers, employees, sessions};

/// What is known of the user name in a login.
pub struct Candidate {
    pub employee: Employee,
    pub customer: Customer,
    pub password_hash: Option<String>,
}

/// Looks up a login name. `None`: nobody, or nobody who may log in with a password.
pub fn find_candidate(tx: &ReadTx, name: &str) -> Result<Option<Candidate>> {
    let Some(employee) = employees::find_by_login(tx, name)? else { return Ok(None) };
    let Some(customer) = customers::find(tx, employee.customer)? else { return Ok(None) };
    // NO_LOGIN gets the answer of an unknown user, after the same work.
    let may_log_in = employee.access_level != Level::NoLogin;
    let password_hash = credentials::get(tx, employee.id)?.password_hash.filter(|_| may_log_in);
    Ok(Some(Candidate { employee, customer, password_hash }))
}

pub fn refused() -> Error {
    Error::Unauthenticated { code: "credentials_invalid", message: "Authorization required, please login" }
}

pub fn account_disabled() -> Error {
    Error::Forbidden { code: "account", message: "Account disabled".into() }
}

/// Whether a login with this error is one more of those that are limited: a wrong password, or a wrong code.
pub fn is_failure(error: &Error) -> bool {
    match error {
        Error::Unauthenticated { .. } => true,
        Error::OfPlatform(error) => error.status == 401,
        _ => false,
    }
}

/// Why a login with this error counts as failed; `None` for one that only lacks its code, or that the server could not judge.
/// `is_known`: somebody has the name that was given.
pub fn failure_reason(error: &Error, is_known: bool) -> Option<String> {
    match error {
        Error::Unauthenticated { code: "credentials_invalid", .. } if is_known => Some("Wrong password or code".into()),
        Error::Unauthenticated { code: "credentials_invalid", .. } => Some("Unknown user name".into()),
        Error::Unauthenticated { message, .. } => Some((*message).into()),
        Error::Forbidden { message, .. } => Some(message.to_string()),
        Error::OfPlatform(error) => platform_reason(error, is_known),
        _ => None,
    }
}

fn platform_reason(error: &PlatformError, is_known: bool) -> Option<String> {
    match (error.status, error.code()) {
        (_, "smsKey" | "authenticatorToken") => None,
        (401, _) if is_known => Some("Refused by the platform: wrong password or code".into()),
        (401, _) => Some("Refused by the platform: unknown here".into()),
        (403, _) => Some("Refused by the platform: account disabled".into()),
        _ => None,
    }
}

/// Notes a login that failed. `candidate`: whose name was given, and that employee's customer.
pub fn record_failure(tx: &mut WriteTx, candidate: Option<(Id, Id)>, reason: &str) -> Result<()> {
    failed_logins::insert(tx, &FailedLogin { employee: candidate, reason })
}

/// What a login with the right password asks for.
pub struct Request {
    pub employee: Id,
    pub authenticator_token: Option<String>,
    pub persist: bool,
    /// Address of the caller.
    pub address: String,
    /// The hash that the password was checked against.
    pub checked_hash: Option<String>,
    pub verified: Verified,
    /// The platform would judge the login, and cannot be reached.
    pub offline: Option<Offline>,
    /// SHA-256 of the token to be issued.
    pub token_hash: Hash,
}

/// How an employee of the platform logs in while that cannot be reached.
#[derive(Clone, Copy, Debug)]
pub struct Offline {
    /// How long a password is good after the platform has accepted it.
    pub good_for_ms: i64,
    /// An account that needs an SMS code logs in without one.
    pub without_sms: bool,
}

/// How a login with the right password went on.
pub enum LoginOutcome {
    Issued(Box<SessionAnswer>),
    /// A code is wanted; `key` when a new key is to be presented. What was written is to be kept.
    AuthenticatorRequired {
        key: Option<crate::error::AuthenticatorKey>,
    },
}

/// Checks everything that comes after the password, and opens the session.
pub fn open_session(tx: &mut WriteTx, sealer: &Sealer, request: &Request) -> Result<LoginOutcome> {
    let employee = employees::find_live(tx, request.employee)?.ok_or_else(refused)?;
    let customer = customers::get(tx, employee.customer)?;
    let secrets = credentials::get(tx, employee.id)?;
    // The password may have been changed while it was being checked.
    if secrets.password_hash != request.checked_hash {
        return Err(refused());
    }
    if let Some(offline) = request.offline
        && !is_good_offline(tx, employee.id, &secrets, offline)?
    {
        return Err(refused());
    }
    check_account(&employee, &customer, &request.address)?;
    let security = customer.authentication_security;
    if employee.sms_validation || security == AuthenticationSecurity::Sms {
        let message = match request.offline {
            // There is no way to send a code from here, and to let everybody in is no answer.
            None => Some("SMS login is required, and this server cannot send SMS"),
            Some(offline) if offline.without_sms => None,
            Some(_) => Some("SMS login is required, and the platform, which sends the code, cannot be reached"),
        };
        if let Some(message) = message {
            return Err(Error::Forbidden { code: "smsKey", message: message.into() });
        }
    }
    if employee.authenticator_validation || security == AuthenticationSecurity::Authenticator {
        let code = request.authenticator_token.as_deref();
        let wanted = check_authenticator(tx, sealer, &employee, &secrets, code, request.offline.is_some())?;
        if let Some(outcome) = wanted {
            return Ok(outcome);
        }
    }
    // While the platform cannot be reached the hash stays as it is: a new one would not have been confirmed.
    if let Some(rehashed) = request.verified.rehashed.as_ref().filter(|_| request.offline.is_none()) {
        credentials::set_password(tx, employee.id, rehashed)?;
    }
    begin_session(tx, &employee, &customer, request.persist, &request.address, &request.token_hash)
}

/// Opens the session of a login that has passed every check.
pub(super) fn begin_session(
    tx: &mut WriteTx,
    employee: &Employee,
    customer: &Customer,
    persist: bool,
    address: &str,
    token_hash: &Hash,
) -> Result<LoginOutcome> {
    let session = sessions::Session {
        employee: employee.id,
        impersonator: None,
        parent: None,
        ip: None,
        login_ip: address.to_owned(),
        persist,
        last_used_at: tx.now,
    };
    sessions::insert(tx, token_hash, &session)?;
    Ok(LoginOutcome::Issued(Box::new(SessionAnswer::of(tx, employee, customer, persist)?)))
}

/// 403 `account` for one that may not log in; 401 `invalid_token` from another address than it may.
pub(super) fn check_account(employee: &Employee, customer: &Customer, address: &str) -> Result<()> {
    if employee.state != EmployeeState::Enabled || customer.state != CustomerState::Active {
        return Err(account_disabled());
    }
    check_address(employee, address)
}

/// Whether a password counts without the platform: it has accepted it not too long ago, or is yet to hear of it.
fn is_good_offline(tx: &WriteTx, employee: Id, secrets: &credentials::Credentials, offline: Offline) -> Result<bool> {
    let is_confirmed = secrets.confirmed_at.is_some_and(|at| tx.now <= at.plus_ms(offline.good_for_ms));
    Ok(is_confirmed || operations::has_password(tx, employee)?)
}

/// Ends all sessions of the caller; an impersonated one only itself, and those opened with it. Machine-to-machine tokens stay
/// until they are deleted.
pub fn log_out(tx: &mut WriteTx, actor: &Actor) -> Result<()> {
    match tx.author.token {
        Some(token) if actor.impersonator.is_some() => sessions::delete(tx, &token),
        _ => sessions::delete_of(tx, actor.employee),
    }
}

/// Ends the session that asks for it, and those opened with it.
pub fn end_session(tx: &mut WriteTx) -> Result<()> {
    match tx.author.token {
        Some(token) => sessions::delete(tx, &token),
        None => Ok(()),
    }
}

/// Whether the session of a token can be used still, by whom it was issued to: a login that is repeated answers it again.
pub fn lives(tx: &ReadTx, token: &Hash, address: &str) -> Result<bool> {
    let Some(session) = sessions::find(tx, token)? else { return Ok(false) };
    let is_here = session.login_ip == address && !session.is_expired(session.last_used_at, tx.now);
    Ok(is_here && authorization::caller(tx, token)?.is_some())
}

fn check_address(employee: &Employee, address: &str) -> Result<()> {
    let Some(allowed) = employee.ip_restriction.as_deref().and_then(ip_list) else { return Ok(()) };
    if is_among(address, &allowed) {
        Ok(())
    } else {
        Err(Error::Unauthenticated { code: "invalid_token", message: "IP address not authenticated" })
    }
}

/// `Some`: the login cannot go on yet. An employee whose key no code has been seen of is presented the key.
fn check_authenticator(
    tx: &mut WriteTx,
    sealer: &Sealer,
    employee: &Employee,
    secrets: &credentials::Credentials,
    code: Option<&str>,
    is_offline: bool,
) -> Result<Option<LoginOutcome>> {
    let stored = secrets.totp_key.as_deref().map(|sealed| sealer.unseal(&authenticator_key(employee.id), sealed));
    let name = employee.email_address.as_deref().unwrap_or_default();
    let key = match stored {
        Some(Some(key)) => key,
        Some(None) => {
            tracing::error!(employee = %employee.id, "the authenticator key cannot be unsealed: the key file beside the database is another one; reset the employee's key");
            return Err(refused());
        }
        None if is_offline => {
            let message =
                "An authenticator code is required, and the platform, which alone knows the key, cannot be reached";
            return Err(Error::Forbidden { code: "authenticatorToken", message: message.into() });
        }
        None => {
            let key = totp::new_key()?;
            credentials::set_totp_key(
                tx,
                employee.id,
                Some(&sealer.seal(&authenticator_key(employee.id), &key)?),
                false,
            )?;
            let key = Some(totp::present(&key, name));
            return Ok(Some(LoginOutcome::AuthenticatorRequired { key }));
        }
    };
    let Some(code) = code else {
        let key = (!secrets.totp_confirmed && !is_offline).then(|| totp::present(&key, name));
        return Ok(Some(LoginOutcome::AuthenticatorRequired { key }));
    };
    let step = totp::accepted_step(&key, code, secrets.totp_last_step, tx.now)?.ok_or_else(refused)?;
    credentials::spend_totp_step(tx, employee.id, step)?;
    Ok(None)
}

/// How many authenticator keys there are, and how many of them the key file does not open.
pub fn count_authenticator_keys(tx: &ReadTx, sealer: Option<&Sealer>) -> Result<(usize, usize)> {
    let keys = credentials::totp_keys(tx)?;
    let opens = |(employee, key): &&(Id, Vec<u8>)| {
        sealer.is_some_and(|sealer| sealer.unseal(&authenticator_key(*employee), key).is_some())
    };
    let opened = keys.iter().filter(opens).count();
    Ok((keys.len(), keys.len() - opened))
}
