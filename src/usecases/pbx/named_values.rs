//! Switches and variables of the PBX (api:pbx:switch:list, :get, :set; api:pbx:variable:list, :set): values by their names, which
//! say whose they are.

use serde_json::{Map, Value};

use super::check;
use crate::auth::authorization::{Owner, allow, is_allowed};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{
    Actor, NAMED_VALUE, NAMED_VALUE_READ_PERSONAL, NAMED_VALUE_SET_PERSONAL, NAMED_VALUE_SET_SYSTEM,
};
use crate::domain::audit::Action;
use crate::domain::fields::read_body;
use crate::domain::id::Id;
use crate::domain::pbx::{Kind, PbxObject, Scope, Switch, Variable, stored_name};
use crate::error::{Check, Error, Result};
use crate::store::{customers, employees, pbx};
use crate::usecases::intents;
use crate::usecases::known::Known;

/// A switch or a variable, and its employee's name if it is one's own.
pub struct NamedValue {
    pub name: String,
    pub value: Value,
    pub scope: Scope,
    pub employee_name: Option<String>,
}

fn named_value(tx: &ReadTx, object: PbxObject) -> Result<Option<NamedValue>> {
    let (name, value) = match object {
        PbxObject::Switch(switch) => (switch.name, Value::Bool(switch.value)),
        PbxObject::Variable(variable) => (variable.name, Value::String(variable.value)),
        _ => return Ok(None),
    };
    let scope = Scope::of(&name);
    let employee = scope.employee().map(|id| employees::find(tx, id)).transpose()?.flatten();
    Ok(Some(NamedValue { name, value, scope, employee_name: employee.map(|employee| employee.name) }))
}

/// Whose it is.
fn owner(scope: Scope, customer: Id) -> Owner {
    Owner { customer, employee: scope.employee() }
}

fn may_read(tx: &ReadTx, actor: &Actor, scope: Scope, customer: Id) -> Result<bool> {
    let permission = if scope.employee().is_some() { NAMED_VALUE_READ_PERSONAL } else { NAMED_VALUE };
    is_allowed(tx, actor, permission, owner(scope, customer))
}

/// The customer, the actor's own unless another is named. 403 `access_denied`, 404 `customer`.
fn customer_of(tx: &ReadTx, actor: &Actor, customer: Option<Id>) -> Result<Id> {
    let customer = customer.unwrap_or(actor.customer);
    customers::get(tx, customer)?;
    allow(tx, actor, NAMED_VALUE, Owner::to_customer(customer))?;
    Ok(customer)
}

/// All of a kind that the actor may read, by name. 403 `access_denied`, 404 `customer`.
pub fn list(tx: &ReadTx, actor: &Actor, kind: Kind, customer: Option<Id>) -> Result<Vec<NamedValue>> {
    let customer = customer_of(tx, actor, customer)?;
    let mut found = vec![];
    for object in pbx::list(tx, customer, kind)? {
        if may_read(tx, actor, Scope::of(object.name()), customer)? {
            found.extend(named_value(tx, object)?);
        }
    }
    Ok(found)
}

/// One by its name. 403 `access_denied`, 404 `customer`, 404 `name`.
pub fn get(tx: &ReadTx, actor: &Actor, kind: Kind, name: &str, customer: Option<Id>) -> Result<NamedValue> {
    let customer = customer_of(tx, actor, customer)?;
    let name = stored_name(name);
    if !may_read(tx, actor, Scope::of(&name), customer)? {
        return Err(Error::access_denied());
    }
    let object = pbx::find_by_key(tx, &PbxObject::key_of(kind, customer, &name))?;
    let found = object.map(|object| named_value(tx, object)).transpose()?.flatten();
    found.ok_or_else(|| not_found(kind))
}

fn not_found(kind: Kind) -> Error {
    Error::not_found("name", if kind == Kind::Switch { "Switch not found" } else { "Variable not found" })
}

/// What is to be set.
pub struct NewValue {
    pub kind: Kind,
    pub name: String,
    pub customer: Option<Id>,
    /// `None`: none was given.
    pub value: Option<Value>,
}

/// Sets a value, of one that is not there yet too. 403 `access_denied`, 403 `name` for one that others set, 404 `customer`, 404 `value`,
/// 422 `name`, 422 `value`, 409 `platform` while a platform is connected.
pub fn set(tx: &mut WriteTx, actor: &Actor, given: NewValue) -> Result<()> {
    let NewValue { kind, name, customer, value } = given;
    let name = stored_name(&name).into_owned();
    let customer = customer.unwrap_or(actor.customer);
    customers::get(tx, customer)?;
    let old = pbx::find_by_key(tx, &PbxObject::key_of(kind, customer, &name))?;
    allow_set(tx, actor, Scope::of(&name), customer, old.as_ref())?;
    let id = old.as_ref().map_or_else(|| Id::new(tx.now), PbxObject::id);
    let mut body = Map::from_iter([("name".to_owned(), Value::String(name))]);
    body.extend(value.map(|value| ("value".to_owned(), value)));
    let new = read_body(&body, |fields| {
        fields.require(&["value"]);
        if kind == Kind::Switch {
            let mut switch = Switch::new(id, customer);
            switch.apply(fields);
            return PbxObject::from(switch);
        }
        let mut variable = Variable::new(id, customer);
        variable.apply(fields);
        variable.into()
    })?;
    check_employee(tx, customer, Scope::of(new.name()))?;
    check(tx, &mut Known::default(), &new, old.as_ref())?;
    intents::refuse_while_connected(tx, "switches and variables are not sent to it: set them there")?;
    pbx::upsert(tx, &new, old.as_ref())
}

/// The name must not begin with an id that no employee of the customer has.
fn check_employee(tx: &ReadTx, customer: Id, scope: Scope) -> Result<()> {
    let Some(employee) = scope.employee() else { return Ok(()) };
    match employees::find_live(tx, employee)? {
        Some(found) if found.customer == customer => Ok(()),
        _ => Err(Error::invalid("name", Check::Enum, "name begins with an id that no employee of the customer has")),
    }
}

/// A refusal is recorded.
fn allow_set(tx: &mut WriteTx, actor: &Actor, scope: Scope, customer: Id, old: Option<&PbxObject>) -> Result<()> {
    let permission = match scope {
        Scope::Shared => NAMED_VALUE,
        Scope::Personal(_) => NAMED_VALUE_SET_PERSONAL,
        Scope::System => NAMED_VALUE_SET_SYSTEM,
    };
    let error = if !is_allowed(tx, actor, NAMED_VALUE, Owner::to_customer(customer))? {
        Error::access_denied()
    } else if !is_allowed(tx, actor, permission, owner(scope, customer))? {
        let message = "Insufficient access level: the name must begin with SHARED: or with one's own id".into();
        Error::Forbidden { code: "name", message }
    } else {
        return Ok(());
    };
    let (action, subject) = match old {
        Some(old) => (Action::Update, pbx::subject(old)),
        None => (Action::Create, customers::subject(customer)),
    };
    Err(tx.refuse(error, action, subject))
}
