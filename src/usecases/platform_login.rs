//! Logging in where the platform judges: who is judged there, what its acceptance brings, and what its refusal takes away.

use super::login::{self, Candidate, LoginOutcome};
use super::{from_platform, intents};
use crate::auth::contexts;
use crate::auth::secrets::Sealer;
use crate::auth::totp;
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::Level;
use crate::domain::audit::Hash;
use crate::domain::employee::EmployeeState;
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::platform::{self, operations};
use crate::store::{actors, credentials, customers, employees, sessions};

/// The platform that judges a login.
pub struct Judge {
    pub url: String,
    /// A password that was given here has yet to be set there: until then the one that is kept here counts too.
    pub is_behind: bool,
}

/// Who judges a login under the name of `candidate`; `None`: this server. An employee who is here alone is not known there; a
/// name that nobody has here may be somebody's there.
pub fn judge(tx: &ReadTx, candidate: Option<&Candidate>) -> Result<Option<Judge>> {
    let Some(url) = platform::url(tx)? else { return Ok(None) };
    let Some(candidate) = candidate else { return Ok(Some(Judge { url, is_behind: false })) };
    let employee = candidate.employee.id;
    if !intents::is_of_platform(tx, employee)? {
        return Ok(None);
    }
    Ok(Some(Judge { url, is_behind: operations::has_password(tx, employee)? }))
}

/// A login that the platform has accepted.
pub struct Accepted {
    pub employee: Id,
    /// The code that it was accepted with.
    pub authenticator_token: Option<String>,
    /// The token of the session there.
    pub token: String,
    /// The hash to be kept; `None`: the kept one accepts the password.
    pub password_hash: Option<String>,
    pub persist: bool,
    /// Address of the caller.
    pub address: String,
    /// SHA-256 of the token to be issued.
    pub token_hash: Hash,
}

/// Opens the session here, and keeps what the next login without the platform needs. The platform has checked the second factor.
pub fn open_session(tx: &mut WriteTx, sealer: &Sealer, accepted: &Accepted) -> Result<LoginOutcome> {
    let employee = employees::find(tx, accepted.employee)?.ok_or_else(not_read_yet)?;
    if !intents::is_of_platform(tx, employee.id)? {
        return Err(not_read_yet());
    }
    let customer = customers::get(tx, employee.customer)?;
    if employee.state == EmployeeState::Deleted || employee.access_level == Level::NoLogin {
        return Err(login::account_disabled());
    }
    login::check_account(&employee, &customer, &accepted.address)?;
    // A password that was given here since, and is yet to be set there, stays.
    if !operations::has_password(tx, employee.id)? {
        if let Some(hash) = &accepted.password_hash {
            if credentials::get(tx, employee.id)?.password_hash.is_some() {
                // It was changed there: whoever is in with the one before is out.
                sessions::delete_of(tx, employee.id)?;
            }
            credentials::set_password(tx, employee.id, hash)?;
        }
        credentials::confirm_password(tx, employee.id)?;
    }
    if let Some(code) = &accepted.authenticator_token {
        check_key(tx, sealer, employee.id, code)?;
    }
    let (persist, token_hash) = (accepted.persist, &accepted.token_hash);
    let outcome = login::begin_session(tx, &employee, &customer, persist, &accepted.address, token_hash)?;
    let sealed = sealer.seal(&contexts::platform_token(token_hash), accepted.token.as_bytes())?;
    sessions::set_platform_token(tx, token_hash, &sealed)?;
    Ok(outcome)
}

fn not_read_yet() -> Error {
    let message =
        "The platform accepts this login, but this server has not read this employee yet: try again in a few minutes";
    Error::Forbidden { code: "account", message: message.into() }
}

/// The platform presents a new authenticator key to an employee: it is kept, so that its codes count without the platform too.
pub fn keep_key(tx: &mut WriteTx, sealer: &Sealer, employee: Id, base32: &str) -> Result<()> {
    let Some(key) = totp::parse_key(base32) else { return Ok(()) };
    let sealed = sealer.seal(&contexts::authenticator_key(employee), &key)?;
    credentials::set_totp_key(tx, employee, Some(&sealed), false)
}

/// The platform has accepted a code. A key that is kept here and has not made it is another one than there, and is forgotten.
fn check_key(tx: &mut WriteTx, sealer: &Sealer, employee: Id, code: &str) -> Result<()> {
    let kept = credentials::get(tx, employee)?;
    let Some(sealed) = kept.totp_key else { return Ok(()) };
    let key = sealer.unseal(&contexts::authenticator_key(employee), &sealed);
    // A code that was spent here already shows the key to be right, too.
    let step = key.map(|key| totp::accepted_step(&key, code, 0, tx.now)).transpose()?.flatten();
    match step {
        Some(step) => credentials::spend_totp_step(tx, employee, step.max(kept.totp_last_step)),
        None => credentials::set_totp_key(tx, employee, None, false),
    }
}

/// The platform refuses the password that `checked_hash` accepts: it is forgotten, unless it was changed meanwhile.
pub fn forget_password(tx: &mut WriteTx, employee: Id, checked_hash: Option<&str>) -> Result<()> {
    let is_same = credentials::get(tx, employee)?.password_hash.as_deref() == checked_hash;
    if is_same { from_platform::forget_password(tx, employee) } else { Ok(()) }
}

/// The token that the platform has given to the login of a session; `None` for a session that was opened without it.
pub fn platform_token(tx: &ReadTx, sealer: &Sealer, session: &Hash) -> Result<Option<String>> {
    let Some(sealed) = sessions::platform_token(tx, session)? else { return Ok(None) };
    Ok(sealer.unseal(&contexts::platform_token(session), &sealed).and_then(|token| String::from_utf8(token).ok()))
}

/// Whether a token of the platform's stands for somebody here: an employee that was read from there, and may call.
pub fn is_known(tx: &ReadTx, employee: Id) -> Result<bool> {
    Ok(intents::is_of_platform(tx, employee)? && actors::find(tx, employee)?.is_some())
}
