//! Pictures of employees (api:employee:picture-upload, :picture-download).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::employees::owner;
use crate::auth::authorization::is_allowed;
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{Actor, PICTURE};
use crate::domain::audit::Action;
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::domain::pbx::{Kind, PbxObject, Picture};
use crate::error::{Error, Result};
use crate::store::{employees, pbx};

fn find_employee(tx: &ReadTx, id: Id) -> Result<Employee> {
    employees::find_live(tx, id)?.ok_or_else(|| Error::not_found("not_found", "Object not found"))
}

fn find_picture(tx: &ReadTx, employee: Id) -> Result<Option<PbxObject>> {
    pbx::find_by_key(tx, &PbxObject::key_of(Kind::Picture, employee, ""))
}

/// Whether the actor may replace the picture of the employee. 404 `not_found`.
pub fn may_upload(tx: &ReadTx, actor: &Actor, id: Id) -> Result<bool> {
    let employee = find_employee(tx, id)?;
    Ok(employee.access_level <= actor.level && is_allowed(tx, actor, PICTURE, owner(&employee))?)
}

/// Stores a picture, a PNG as it is stored, and gives its id: a new one with each picture, so that no cache shows the one before.
/// 403 `access_denied`, recorded; 404 `not_found`.
pub fn upload(tx: &mut WriteTx, actor: &Actor, id: Id, png: &[u8]) -> Result<Id> {
    let employee = find_employee(tx, id)?;
    if !may_upload(tx, actor, id)? {
        return Err(tx.refuse(Error::access_denied(), Action::Update, employees::subject(&employee)));
    }
    let new = Picture { employee: id, png: BASE64.encode(png), ..Picture::new(Id::new(tx.now), employee.customer) };
    if let Some(old) = find_picture(tx, id)? {
        if let PbxObject::Picture(old) = &old
            && old.png == new.png
        {
            return Ok(old.id);
        }
        pbx::delete(tx, &old)?;
    }
    let new_id = new.id;
    pbx::upsert(tx, &new.into(), None)?;
    Ok(new_id)
}

/// The picture as it is stored. 403 `access_denied`, 404 `not_found`, 404 `picture`.
pub fn download(tx: &ReadTx, actor: &Actor, id: Id) -> Result<Vec<u8>> {
    let employee = find_employee(tx, id)?;
    if !is_allowed(tx, actor, PICTURE, owner(&employee))? {
        return Err(Error::access_denied());
    }
    match find_picture(tx, id)? {
        Some(PbxObject::Picture(picture)) => BASE64.decode(&picture.png).map_err(|_| no_picture()),
        _ => Err(no_picture()),
    }
}

/// 404 `picture`: there is none, or what was imported is none.
pub fn no_picture() -> Error {
    Error::not_found("picture", "Picture not found")
}
