//! Objects in the place of ids: `expandGoto` and `expandExtension`.

use serde_json::{Map, Value, json};

use crate::db::ReadTx;
use crate::domain::id::Id;
use crate::domain::pbx::PbxObject;
use crate::error::Result;
use crate::store::{pbx, queues};
use crate::usecases::pbx::extensions;

/// An extension as `_id`, `type`, `name` and `number`; its id alone when it is not there.
pub fn extension(tx: &ReadTx, id: Id) -> Result<Value> {
    Ok(extensions::find(tx, id)?.map_or_else(
        || json!(id),
        |found| json!({ "_id": id, "type": "EXTENSION", "name": found.name, "number": found.number }),
    ))
}

/// Puts `_id`, `type`, `name` and `number` in the place of each id of an extension, a group or a queue of the customer, where a
/// property says where calls go.
pub fn expand_goto(tx: &ReadTx, customer: Id, properties: &mut Map<String, Value>) -> Result<()> {
    let is_goto = |name: &str| name.ends_with("Goto") || name == "redirect";
    for (_, value) in properties.iter_mut().filter(|(name, _)| is_goto(name)) {
        let Some(id) = value.as_str().and_then(|text| text.parse().ok()) else { continue };
        if let Some(target) = target(tx, customer, id)? {
            *value = target;
        }
    }
    Ok(())
}

fn target(tx: &ReadTx, customer: Id, id: Id) -> Result<Option<Value>> {
    if let Some(queue) = queues::find(tx, id)?.filter(|queue| queue.customer == customer) {
        return Ok(Some(json!({ "_id": id, "type": "QUEUE", "name": queue.name, "number": queue.number })));
    }
    match pbx::find(tx, id)?.filter(|object| object.customer() == customer) {
        Some(PbxObject::Extension(_)) => extension(tx, id).map(Some),
        Some(PbxObject::Group(group)) => {
            Ok(Some(json!({ "_id": id, "type": "GROUP", "name": group.name, "number": group.number })))
        }
        _ => Ok(None),
    }
}
