//! New passwords by a link (api:auth:reset, :setpassword, api:employee:reset-password).

use serde_json::{Map, Value, json};

use super::employees::{may_manage, may_reset, set_password};
use super::intents;
use super::login::account_disabled;
use super::mail_texts::{self, Text};
use crate::auth::authorization::{deny_impersonation, deny_machine};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{Actor, Level};
use crate::domain::audit::{Action, Hash};
use crate::domain::customer::{AuthenticationSecurity, CustomerState};
use crate::domain::employee::{Employee, EmployeeState, Language};
use crate::domain::id::Id;
use crate::domain::outbox::{Letter, OutboxKind, STRUCK};
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};

use crate::store::failed_logins::{self, FailedLogin};
use crate::store::outbox::{self, NewEntry};
use crate::store::{customers, employees, password_resets};

/// How long a link is good, and how long it takes until another may be asked for.
pub const GOOD_FOR_MS: i64 = 30 * 60_000;

/// A link that has been made, and how it can be sent.
pub struct NewLink {
    /// SHA-256 of its token.
    pub token: Hash,
    pub link: String,
    /// What stands in the outbox of a mail that is to be handed over; `None`: mails do not leave this server.
    pub waiting: Option<&'static str>,
}

/// How a link is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Email,
    Sms,
}

impl Method {
    pub const NAMES: &'static [&'static str] = &["EMAIL", "SMS"];

    pub fn parse(name: &str) -> Option<Method> {
        [Method::Email, Method::Sms].into_iter().find(|method| method.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Method::Email => "EMAIL",
            Method::Sms => "SMS",
        }
    }
}

/// 403 `time`: a link is under way already.
pub fn too_soon() -> Error {
    let message = "A password reset requests already exists, try again in 30 minutes.";
    Error::Forbidden { code: "time", message: message.into() }
}

fn platform_judges() -> Error {
    Error::conflict(intents::PLATFORM, "The platform keeps the password of this login: have it reset there")
}

/// Somebody has forgotten the password of a login: a letter with a link, or `None` when nobody has the name, or nobody who could use
/// a link. 403 `account`, 403 `username`, 403 `time`, 409 `platform` for whoever this server does not judge.
pub fn request(tx: &mut WriteTx, name: &str, method: Method, new: NewLink) -> Result<Option<Letter>> {
    let found = employees::find_by_login(tx, name)?.filter(|found| found.access_level != Level::NoLogin);
    let Some(employee) = found else {
        if intents::is_connected(tx)? {
            return Err(platform_judges());
        }
        return no_letter(tx);
    };
    if intents::is_of_platform(tx, employee.id)? {
        return Err(platform_judges());
    }
    check_may_use(tx, &employee)?;
    if password_resets::has(tx, employee.id, oldest_good(tx.now))? {
        return Err(too_soon());
    }
    let Some(way) = way_to(&employee, method, new.waiting.is_some()) else { return no_letter(tx) };
    write_letter(tx, &employee, way, new).map(Some)
}

/// As much is written for a name that nobody has as for one that somebody has, so that the time tells nothing.
fn no_letter(tx: &mut WriteTx) -> Result<Option<Letter>> {
    failed_logins::insert(tx, &FailedLogin { employee: None, reason: "New password asked for an unknown name" })?;
    Ok(None)
}

fn oldest_good(now: Time) -> Time {
    now.plus_ms(-GOOD_FOR_MS)
}

/// Links that are no longer good are forgotten.
pub fn forget_old(tx: &mut WriteTx, now: Time) -> Result<()> {
    password_resets::delete_old(tx, oldest_good(now))
}

/// 403 `account` for who may not log in; 403 `username` for who logs in with a second factor.
fn check_may_use(tx: &ReadTx, employee: &Employee) -> Result<()> {
    let customer = customers::get(tx, employee.customer)?;
    if employee.state != EmployeeState::Enabled || customer.state != CustomerState::Active {
        return Err(account_disabled());
    }
    if has_second_factor(employee, customer.authentication_security) {
        return Err(Error::Forbidden { code: "username", message: SECOND_FACTOR.into() });
    }
    Ok(())
}

const SECOND_FACTOR: &str = "Employee is using 2-factor authentication";

fn has_second_factor(employee: &Employee, security: AuthenticationSecurity) -> bool {
    employee.sms_validation || employee.authenticator_validation || security != AuthenticationSecurity::None
}

/// How a link gets to the employee, and where to. Where mails leave this server text messages do not, so a mail is sent.
fn way_to(employee: &Employee, method: Method, leaves: bool) -> Option<(Method, String)> {
    let mail = employee.email_address.clone().filter(|_| !employee.no_email).map(|to| (Method::Email, to));
    let sms = employee.sms_number.clone().filter(|_| method == Method::Sms).map(|to| (Method::Sms, to));
    if leaves { mail } else { sms.or(mail) }
}

fn write_letter(tx: &mut WriteTx, employee: &Employee, way: (Method, String), new: NewLink) -> Result<Letter> {
    password_resets::replace(tx, &new.token, employee.id)?;
    let (method, to) = way;
    let is_mail = method == Method::Email;
    let is_danish = employee.language == Language::Da;
    let Text { subject, text } = mail_texts::new_password(is_danish, &employee.name, is_mail, &new.link);
    let shown = text.replace(&new.link, STRUCK);
    let content = match method {
        Method::Email => json!({ "to": to, "subject": subject, "text": shown }),
        Method::Sms => json!({ "type": "SMS", "to": [to], "message": shown }),
    };
    let content: Map<String, Value> = content.as_object().cloned().unwrap_or_default();
    let kind = if is_mail { OutboxKind::Mail } else { OutboxKind::Sms };
    let entry = NewEntry {
        kind,
        customer: employee.customer,
        employee: Some(tx.author.actor.as_ref().map_or(employee.id, |actor| actor.employee)),
        content: &content,
        error: new.waiting.filter(|_| is_mail),
    };
    let entry = outbox::insert(tx, &entry)?;
    Ok(Letter { entry, at: tx.now, is_mail, to, subject, text, link: new.link })
}

/// Mails an employee a link to a new password. 403 `employee`, recorded; 404 `employee`; 409 `employee` for who may not log in, or
/// could not use the link; 409 `platform` for whoever this server does not judge.
pub fn send(tx: &mut WriteTx, actor: &Actor, id: Id, new: NewLink) -> Result<Letter> {
    let employee = employees::get(tx, id)?;
    let (action, subject) = (Action::Update, employees::subject(&employee));
    if !may_manage(tx, actor, &employee)? || !may_reset(actor, &employee) {
        let error = Error::Forbidden { code: "employee", message: "Insufficient access level".into() };
        return Err(tx.refuse(error, action, subject));
    }
    deny_machine(tx, actor, action, subject)?;
    if actor.employee == id {
        deny_impersonation(tx, actor, action, subject)?;
    }
    if intents::is_of_platform(tx, id)? {
        return Err(platform_judges());
    }
    let conflict = |message: &'static str| Error::conflict("employee", message);
    if employee.access_level == Level::NoLogin {
        return Err(conflict("Employee does not have access to login"));
    }
    if let Err(error) = check_may_use(tx, &employee) {
        return Err(match error {
            Error::Forbidden { code: "username", .. } => conflict(SECOND_FACTOR),
            Error::Forbidden { .. } => conflict("Employee does not have access to login"),
            other => other,
        });
    }
    let Some(way) = way_to(&employee, Method::Email, new.waiting.is_some()) else {
        return Err(conflict("Employee has no e-mail address"));
    };
    employees::record_event(tx, &employee, action, "Link to a new password mailed")?;
    write_letter(tx, &employee, way, new)
}

/// Whose new password a link sets; `None`: what was given is no token. 422 `token`, 403 `account`, 403 `username`, 409 `platform`.
pub fn owner_of_link(tx: &ReadTx, token: Option<&Hash>) -> Result<Employee> {
    let id = token.map(|token| password_resets::find(tx, token, oldest_good(tx.now))).transpose()?.flatten();
    let employee = id.map(|id| employees::find_live(tx, id)).transpose()?.flatten();
    let invalid = || Error::invalid("token", Check::Format, "Invalid token");
    let employee = employee.filter(|found| found.access_level != Level::NoLogin).ok_or_else(invalid)?;
    if intents::is_of_platform(tx, employee.id)? {
        return Err(platform_judges());
    }
    check_may_use(tx, &employee)?;
    Ok(employee)
}

/// Sets the password, once for each link; sessions and all links of the employee end. Errors as of [`owner_of_link`].
pub fn set(tx: &mut WriteTx, token: &Hash, hash: &str, sealed: &[u8]) -> Result<()> {
    let employee = owner_of_link(tx, Some(token))?;
    set_password(tx, employee.id, hash, false)?;
    intents::employee_saved(tx, Some(&employee), &employee, Some(sealed))
}
