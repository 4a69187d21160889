//! Links that an employee's app shows (api:employee:get-shortcuts, :set-shortcuts).

use serde_json::{Map, Value};

use super::check;
use crate::auth::authorization::{Owner, is_allowed};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{Actor, SHORTCUTS};
use crate::domain::audit::Action;
use crate::domain::employee::Employee;
use crate::domain::fields::read_body;
use crate::domain::id::Id;
use crate::domain::pbx::{Kind, PbxObject, Shortcut, Shortcuts};
use crate::error::{Error, Result};
use crate::store::{employees, pbx};
use crate::usecases::intents;
use crate::usecases::known::Known;

/// The pages are old: the code is `employee`.
fn denied() -> Error {
    Error::Forbidden { code: "employee", message: "Insufficient access level".into() }
}

fn may(tx: &ReadTx, actor: &Actor, employee: &Employee) -> Result<bool> {
    is_allowed(tx, actor, SHORTCUTS, Owner::to_employee(employee.id, employee.customer))
}

fn stored(tx: &ReadTx, employee: Id) -> Result<Option<Shortcuts>> {
    let found = pbx::find_by_key(tx, &PbxObject::key_of(Kind::Shortcuts, employee, ""))?;
    Ok(found.and_then(PbxObject::downcast))
}

/// The employee's shortcuts, in the order in which they were given. 403 `employee`, 404 `employee`.
pub fn get(tx: &ReadTx, actor: &Actor, employee: Id) -> Result<Vec<Shortcut>> {
    let employee = employees::get(tx, employee)?;
    if !may(tx, actor, &employee)? {
        return Err(denied());
    }
    Ok(stored(tx, employee.id)?.map_or_else(Vec::new, |stored| stored.shortcuts))
}

/// Replaces all of the employee's shortcuts by those under `shortcuts`. 400 `shortcuts` when there is no list, 403 `employee`, 404
/// `employee`, 409 `platform` while a platform is connected.
pub fn set(tx: &mut WriteTx, actor: &Actor, employee: Id, body: &Map<String, Value>) -> Result<()> {
    let employee = employees::get(tx, employee)?;
    if !may(tx, actor, &employee)? {
        return Err(tx.refuse(denied(), Action::Update, employees::subject(&employee)));
    }
    let Some(list @ Value::Array(_)) = body.get("shortcuts") else {
        return Err(Error::BadRequest { code: "shortcuts", message: "Shortcuts not found in request body".into() });
    };
    let old = stored(tx, employee.id)?;
    let id = old.as_ref().map_or_else(|| Id::new(tx.now), |old| old.id);
    let mut new = Shortcuts { employee: employee.id, ..Shortcuts::new(id, employee.customer) };
    read_body(&Map::from_iter([("shortcuts".to_owned(), list.clone())]), |fields| new.apply(fields))?;
    let (new, old) = (PbxObject::from(new), old.map(PbxObject::from));
    check(tx, &mut Known::default(), &new, old.as_ref())?;
    intents::refuse_while_connected(tx, "shortcuts are not sent to it: set them there")?;
    pbx::upsert(tx, &new, old.as_ref())
}
