//! The phone book (api:pbx:phonebook:list, :get, :create, :update, :delete). A contact is an employee's own, or shared by everybody
//! of the customer.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{check, extensions, groups};
use crate::auth::authorization::{Owner, allow, is_allowed};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{Actor, CONTACT_OWN, CONTACT_READ, CONTACT_WRITE, Permission};
use crate::domain::audit::Action;
use crate::domain::fields::{Fields, read_body};
use crate::domain::id::Id;
use crate::domain::pbx::{Contact, Group, Kind, PbxObject, Rights};
use crate::error::{Check, Error, Result};
use crate::store::pbx::ContactFilter;
use crate::store::{Page, Window, customers, pbx};
use crate::usecases::intents;
use crate::usecases::known::Known;

const NOT_AT_THE_PLATFORM: &str = "changes of the phone book are not sent to it: make them there";

/// The groups that the actor controls, through any extension of its own.
fn controlled(tx: &ReadTx, actor: &Actor) -> Result<Vec<Group>> {
    groups::controlled(tx, actor.customer, &extensions::own(tx, actor)?)
}

/// Whether a group that the actor controls gives a right over an extension of the employee; without an employee: any group.
fn is_given_by_group(tx: &ReadTx, actor: &Actor, employee: Option<Id>, right: impl Fn(Rights) -> bool) -> Result<bool> {
    let groups = controlled(tx, actor)?.into_iter().filter(|group| right(group.rights()));
    let groups: Vec<Group> = groups.collect();
    let Some(employee) = employee.filter(|_| !groups.is_empty()) else { return Ok(!groups.is_empty()) };
    let extensions = pbx::of_employee(tx, employee, Some(Kind::Extension))?;
    let extensions: HashSet<Id> = extensions.iter().map(PbxObject::id).collect();
    Ok(groups.iter().any(|group| group.members.iter().any(|member| extensions.contains(member))))
}

/// Whether the actor may read or write contacts of this owner.
fn may(tx: &ReadTx, actor: &Actor, owner: Owner, shared: Permission, right: impl Fn(Rights) -> bool) -> Result<bool> {
    let permission = if owner.employee.is_some() { CONTACT_OWN } else { shared };
    if is_allowed(tx, actor, permission, owner)? {
        return Ok(true);
    }
    Ok(owner.customer == actor.customer && is_given_by_group(tx, actor, owner.employee, right)?)
}

fn may_write(tx: &ReadTx, actor: &Actor, owner: Owner) -> Result<bool> {
    may(tx, actor, owner, CONTACT_WRITE, |rights| rights.write_phonebook)
}

/// As [`may_write`], for a change: a refusal is recorded.
fn allow_write(tx: &mut WriteTx, actor: &Actor, contact: &Contact, action: Action) -> Result<()> {
    match may_write(tx, actor, owner(contact))? {
        true => Ok(()),
        false => Err(tx.refuse(Error::access_denied(), action, pbx::subject(&contact.clone().into()))),
    }
}

fn owner(contact: &Contact) -> Owner {
    Owner { customer: contact.customer, employee: contact.employee }
}

fn find(tx: &ReadTx, id: Id) -> Result<(Contact, i64)> {
    match pbx::find_versioned(tx, id)? {
        Some((PbxObject::Contact(contact), rev)) => Ok((contact, rev)),
        _ => Err(Error::not_found("id", "Contact not found")),
    }
}

/// A page of the contacts of a customer that the actor may read; without a customer of its own. 403 `access_denied`, 404 `customer`.
pub fn list(
    tx: &ReadTx,
    actor: &Actor,
    customer: Option<Id>,
    text: Option<String>,
    window: Window,
) -> Result<Page<Contact>> {
    let customer = customer.unwrap_or(actor.customer);
    customers::get(tx, customer)?;
    allow(tx, actor, CONTACT_READ, Owner::to_customer(customer))?;
    let mut employees = vec![actor.employee];
    if customer == actor.customer {
        employees.extend(read_by_group(tx, actor)?);
    }
    let page = pbx::contacts(tx, &ContactFilter { customer, employees, text }, window)?;
    Ok(Page { total: page.total, rows: page.rows.into_iter().filter_map(PbxObject::downcast).collect() })
}

/// The employees whose contacts the actor reads as the controller of a group.
fn read_by_group(tx: &ReadTx, actor: &Actor) -> Result<Vec<Id>> {
    let groups = controlled(tx, actor)?.into_iter().filter(|group| group.rights().read_phonebook);
    let members: HashSet<Id> = groups.flat_map(|group| group.members).collect();
    if members.is_empty() {
        return Ok(vec![]);
    }
    let extensions = pbx::list(tx, actor.customer, Kind::Extension)?;
    let members = extensions.iter().filter(|extension| members.contains(&extension.id()));
    Ok(members.filter_map(|extension| extension.references().employee).collect())
}

/// One contact, and its version. 403 `access_denied`, 404 `id`.
pub fn get(tx: &ReadTx, actor: &Actor, id: Id) -> Result<(Contact, i64)> {
    let (contact, rev) = find(tx, id)?;
    match may(tx, actor, owner(&contact), CONTACT_READ, |rights| rights.read_phonebook)? {
        true => Ok((contact, rev)),
        false => Err(Error::access_denied()),
    }
}

/// Takes over what the body gives, and says whose the contact is by it: with `personal` the actor's own, or of `employee`.
fn apply(contact: &mut Contact, fields: &mut Fields, actor: &Actor) {
    let mut personal = contact.employee.is_some();
    fields.flag("personal", &mut personal);
    let is_employee_given = fields.value("employee").is_some_and(|value| !value.is_null());
    if fields.is_given("personal") && !is_employee_given {
        contact.employee = if personal { contact.employee.or(Some(actor.employee)) } else { None };
    }
    contact.apply(fields);
    if fields.value("personal").is_some_and(Value::is_boolean) && personal != contact.employee.is_some() {
        fields.fault("personal", Check::Enum, "personal and employee must say the same");
    }
}

/// Creates a contact: a shared one unless the body says whose it is. 403 `access_denied`, 404 `customer`, 404 `employee`, 409
/// `platform` while a platform is connected.
pub fn create(tx: &mut WriteTx, actor: &Actor, body: &Map<String, Value>) -> Result<(Contact, i64)> {
    let given = |name: &str| body.get(name).and_then(Value::as_str).and_then(|text| text.parse::<Id>().ok());
    let customer = given("customer").unwrap_or(actor.customer);
    customers::get(tx, customer)?;
    let mut contact = Contact::new(Id::new(tx.now), customer);
    let read = read_body(body, |fields| {
        // Read before, for the access; here for its faults.
        fields.id("customer");
        apply(&mut contact, fields, actor);
    });
    // Whoever may not write is not told what is wrong.
    if !may_write(tx, actor, owner(&contact))? {
        return Err(tx.refuse(Error::access_denied(), Action::Create, customers::subject(customer)));
    }
    read?;
    save(tx, contact, None)
}

/// Changes what the body gives of a contact. Whoever gives it to somebody else must be allowed to write both. 403 `access_denied`,
/// 404 `id`, 404 `employee`, 409 `platform` while a platform is connected.
pub fn update(
    tx: &mut WriteTx,
    actor: &Actor,
    id: Id,
    body: &Map<String, Value>,
    accept: impl FnOnce(&Contact, i64) -> Result<()>,
) -> Result<(Contact, i64)> {
    let (old, rev) = find(tx, id)?;
    allow_write(tx, actor, &old, Action::Update)?;
    accept(&old, rev)?;
    let mut new = old.clone();
    read_body(body, |fields| apply(&mut new, fields, actor))?;
    if new.employee != old.employee && !may_write(tx, actor, owner(&new))? {
        return Err(tx.refuse(Error::access_denied(), Action::Update, pbx::subject(&old.into())));
    }
    save(tx, new, Some(old))
}

fn save(tx: &mut WriteTx, new: Contact, old: Option<Contact>) -> Result<(Contact, i64)> {
    let (id, new, old) = (new.id, PbxObject::from(new), old.map(PbxObject::from));
    check(tx, &mut Known::default(), &new, old.as_ref())?;
    intents::refuse_while_connected(tx, NOT_AT_THE_PLATFORM)?;
    pbx::upsert(tx, &new, old.as_ref())?;
    find(tx, id)
}

/// Deletes a contact. 403 `access_denied`, 404 `id`, 409 `platform` while a platform is connected.
pub fn delete(tx: &mut WriteTx, actor: &Actor, id: Id, accept: impl FnOnce(&Contact, i64) -> Result<()>) -> Result<()> {
    let (contact, rev) = find(tx, id)?;
    allow_write(tx, actor, &contact, Action::Delete)?;
    accept(&contact, rev)?;
    intents::refuse_while_connected(tx, NOT_AT_THE_PLATFORM)?;
    pbx::delete(tx, &contact.into())
}
