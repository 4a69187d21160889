//! Logging in: name, password, second factor, session (api:auth:login, api:auth:impersonate).

use super::employees::owner;
use super::session_answer::SessionAnswer;
use crate::auth::authorization;
use crate::auth::passwords::Verified;
use crate::auth::secrets::Sealer;
use crate::auth::session_cache::is_among;
use crate::auth::totp;
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{Actor, Level};
use crate::domain::audit::{Action, Hash};
use crate::domain::customer::{AuthenticationSecurity, Customer, CustomerState};
use crate::domain::employee::{Employee, EmployeeState, ip_list};
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::failed_logins::{self, FailedLogin};
use crate::store::sessions::Parent;
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

/// Why a login with this error counts as failed; `None` for one that only lacks its code, or that the server could not judge.
/// `is_known`: somebody has the name that was given.
pub fn failure_reason(error: &Error, is_known: bool) -> Option<String> {
    match error {
        Error::Unauthenticated { code: "credentials_invalid", .. } if is_known => Some("Wrong password or code".into()),
        Error::Unauthenticated { code: "credentials_invalid", .. } => Some("Unknown user name".into()),
        Error::Unauthenticated { message, .. } => Some((*message).into()),
        Error::Forbidden { message, .. } => Some(message.to_string()),
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
    /// SHA-256 of the token to be issued.
    pub token_hash: Hash,
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
    if employee.state != EmployeeState::Enabled || customer.state != CustomerState::Active {
        return Err(account_disabled());
    }
    check_address(&employee, &request.address)?;
    let security = customer.authentication_security;
    if employee.sms_validation || security == AuthenticationSecurity::Sms {
        // There is no way to send a code from here, and to let everybody in is no answer.
        let message = "SMS login is required, and this server cannot send SMS".into();
        return Err(Error::Forbidden { code: "smsKey", message });
    }
    if employee.authenticator_validation || security == AuthenticationSecurity::Authenticator {
        let wanted = check_authenticator(tx, sealer, &employee, &secrets, request.authenticator_token.as_deref())?;
        if let Some(outcome) = wanted {
            return Ok(outcome);
        }
    }
    if let Some(rehashed) = &request.verified.rehashed {
        credentials::set_password(tx, employee.id, rehashed)?;
    }
    let session = sessions::Session {
        employee: employee.id,
        impersonator: None,
        parent: None,
        ip: None,
        login_ip: request.address.clone(),
        persist: request.persist,
        last_used_at: tx.now,
    };
    sessions::insert(tx, &request.token_hash, &session)?;
    Ok(LoginOutcome::Issued(Box::new(SessionAnswer::of(tx, &employee, &customer, request.persist)?)))
}

/// Opens a session as another employee, which `ip` binds to that address. 403 `access_denied`, 403 `account` when the
/// employee could not log in, 404 `employee`.
pub fn impersonate(
    tx: &mut WriteTx,
    actor: &Actor,
    id: Id,
    token_hash: &Hash,
    ip: Option<String>,
    address: String,
    persist: bool,
) -> Result<SessionAnswer> {
    let employee = employees::get(tx, id)?;
    let (action, subject) = (Action::Impersonate, employees::subject(&employee));
    if !authorization::may_impersonate(tx, actor, owner(&employee), employee.access_level)? {
        return Err(tx.refuse(Error::access_denied(), action, subject));
    }
    let customer = customers::get(tx, employee.customer)?;
    let may_log_in = employee.state == EmployeeState::Enabled
        && customer.state == CustomerState::Active
        && employee.access_level != Level::NoLogin;
    if !may_log_in {
        return Err(tx.refuse(account_disabled(), action, subject));
    }
    let parent = parent_of(tx, tx.author.token)?;
    let session = sessions::Session {
        employee: id,
        impersonator: Some(actor.impersonator.unwrap_or(actor.employee)),
        parent: Some(parent),
        ip,
        login_ip: address,
        persist,
        last_used_at: tx.now,
    };
    sessions::insert(tx, token_hash, &session)?;
    employees::record_event(tx, &employee, action, "Session opened as this employee")?;
    SessionAnswer::of(tx, &employee, &customer, persist)
}

/// How many sessions may be opened one with the other.
const LENT_ON_MAX: usize = 8;

/// The token that asks for an impersonated session. 409 `employee` when it is itself at the end of many.
fn parent_of(tx: &ReadTx, token: Option<Hash>) -> Result<Parent> {
    let no_token = || Error::internal("a session was asked for without a token");
    let token = token.ok_or_else(no_token)?;
    let Some(mut session) = sessions::find(tx, &token)? else { return Ok(Parent::Token(token)) };
    for _ in 1..LENT_ON_MAX {
        session = match session.parent {
            Some(Parent::Session(above)) => sessions::find(tx, &above)?.ok_or_else(no_token)?,
            Some(Parent::Token(_)) | None => return Ok(Parent::Session(token)),
        };
    }
    Err(Error::conflict(
        "employee",
        "Too many sessions were opened one with the other: impersonate from an earlier one",
    ))
}

/// Ends all sessions of the caller; an impersonated one only itself, and those opened with it. Machine-to-machine tokens stay
/// until they are deleted.
pub fn log_out(tx: &mut WriteTx, actor: &Actor) -> Result<()> {
    match tx.author.token {
        Some(token) if actor.impersonator.is_some() => sessions::delete(tx, &token),
        _ => sessions::delete_of(tx, actor.employee),
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
) -> Result<Option<LoginOutcome>> {
    let stored = secrets.totp_key.as_deref().map(|sealed| sealer.unseal(&seal_context(employee.id), sealed));
    let name = employee.email_address.as_deref().unwrap_or_default();
    let key = match stored {
        Some(Some(key)) => key,
        Some(None) => {
            tracing::error!(employee = %employee.id, "the authenticator key cannot be unsealed: the key file beside the database is another one; reset the employee's key");
            return Err(refused());
        }
        None => {
            let key = totp::new_key()?;
            credentials::set_totp_key(tx, employee.id, Some(&sealer.seal(&seal_context(employee.id), &key)?), false)?;
            let key = Some(totp::present(&key, name));
            return Ok(Some(LoginOutcome::AuthenticatorRequired { key }));
        }
    };
    let Some(code) = code else {
        let key = (!secrets.totp_confirmed).then(|| totp::present(&key, name));
        return Ok(Some(LoginOutcome::AuthenticatorRequired { key }));
    };
    let step = totp::accepted_step(&key, code, secrets.totp_last_step, tx.now)?.ok_or_else(refused)?;
    credentials::spend_totp_step(tx, employee.id, step)?;
    Ok(None)
}

/// Where an employee's authenticator key is sealed for.
pub fn seal_context(employee: Id) -> String {
    format!("authenticator {employee}")
}

/// How many authenticator keys there are, and how many of them the key file does not open.
pub fn count_authenticator_keys(tx: &ReadTx, sealer: Option<&Sealer>) -> Result<(usize, usize)> {
    let keys = credentials::totp_keys(tx)?;
    let opens = |(employee, key): &&(Id, Vec<u8>)| {
        sealer.is_some_and(|sealer| sealer.unseal(&seal_context(*employee), key).is_some())
    };
    let opened = keys.iter().filter(opens).count();
    Ok((keys.len(), keys.len() - opened))
}
