//! Who may change how an employee logs in: password, second factor, and the addresses it may log in from.

use crate::auth::authorization::{deny_impersonation, deny_machine};
use crate::db::WriteTx;
use crate::domain::access::{Actor, Level};
use crate::domain::audit::Action;
use crate::domain::employee::{Employee, ip_list};
use crate::error::{Error, Result};
use crate::store::employees;

/// Whether the actor may give the employee a new password, or take off its second factor. Of an equal only an ADMIN may, or
/// it would act under the equal's name.
pub fn may_reset(actor: &Actor, employee: &Employee) -> bool {
    is_self(actor, employee) || employee.access_level < actor.level || actor.level == Level::Admin
}

/// Whether the actor may give the employee a new password.
pub fn may_set_password(actor: &Actor, employee: &Employee) -> bool {
    let is_borrowed = actor.impersonator.is_some() && is_self(actor, employee);
    may_reset(actor, employee) && !actor.is_machine && !is_borrowed
}

fn is_self(actor: &Actor, employee: &Employee) -> bool {
    actor.employee == employee.id
}

/// Whether the actor resets what another of its own level logs in with: only an ADMIN gets as far as doing it.
pub fn is_of_equal(actor: &Actor, employee: &Employee) -> bool {
    !is_self(actor, employee) && employee.access_level == actor.level
}

/// 403 `access_denied`, recorded, for a change from `old` to `new` that the actor may not make to how the employee logs in: a
/// machine-to-machine token and an impersonator none to their own, and of an equal none that makes it easier to log in.
pub fn allow(tx: &mut WriteTx, actor: &Actor, old: &Employee, new: &Employee, sets_password: bool) -> Result<()> {
    let (action, subject) = (Action::Update, employees::subject(old));
    if sets_password || !logs_in_alike(old, new) {
        deny_machine(tx, actor, action, subject)?;
        if is_self(actor, old) {
            deny_impersonation(tx, actor, action, subject)?;
        }
    }
    // Whoever is demoted first could be reset afterwards; without the name, or the customer, nobody gets to what they had.
    let loses = new.access_level < old.access_level || new.customer != old.customer;
    let is_reset = sets_password || is_weaker(old, new) || loses || new.email_address != old.email_address;
    if is_reset && !may_reset(actor, old) {
        return Err(tx.refuse(Error::access_denied(), action, subject));
    }
    if is_of_equal(actor, old) && is_weaker(old, new) {
        employees::record_event(tx, old, action, "Second factor or restriction of an equal taken off by an ADMIN")?;
    }
    Ok(())
}

/// Whether both log in by the same name and the same checks.
fn logs_in_alike(one: &Employee, other: &Employee) -> bool {
    let way = |it: &Employee| {
        let factors = (it.sms_validation, it.sms_number.clone(), it.authenticator_validation);
        (it.no_email, it.email_address.clone(), factors, it.ip_restriction.clone())
    };
    way(one) == way(other)
}

/// Whether logging in as `new` takes less than as `old`, or a code that goes to another phone.
fn is_weaker(old: &Employee, new: &Employee) -> bool {
    let takes_off = |was: bool, is: bool| was && !is;
    takes_off(old.authenticator_validation, new.authenticator_validation)
        || takes_off(old.sms_validation, new.sms_validation)
        || old.sms_validation && old.sms_number != new.sms_number
        || lets_in_more(old.ip_restriction.as_deref(), new.ip_restriction.as_deref())
}

/// Whether a restriction lets in from an address that the one before it did not; none lets in from all.
fn lets_in_more(old: Option<&str>, new: Option<&str>) -> bool {
    let list = |restriction: Option<&str>| restriction.and_then(ip_list).unwrap_or_default();
    let (old, new) = (list(old), list(new));
    !old.is_empty() && (new.is_empty() || new.iter().any(|address| !old.contains(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restriction_lets_in_more_when_it_has_an_address_that_was_not_there_or_none_at_all() {
        for (old, new, more) in [
            (None, None, false),
            (None, Some("192.0.2.1"), false),
            (Some("192.0.2.1, 192.0.2.2"), Some("192.0.2.2"), false),
            (Some("192.0.2.1"), Some("192.0.2.1, 192.0.2.2"), true),
            (Some("192.0.2.1"), Some("2001:db8::1"), true),
            (Some("192.0.2.1"), None, true),
            (Some("192.0.2.1"), Some(""), true),
        ] {
            assert_eq!(lets_in_more(old, new), more, "{old:?} {new:?}");
        }
    }
}
