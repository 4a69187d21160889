//! Compares what the platform holds with what is wanted, and with what was here.

use serde_json::{Map, Value};

use crate::domain::platform::{differing, is_same};
use crate::domain::text::folded;

/// The name to log in with, without regard to case.
pub fn login_of(fields: &Map<String, Value>) -> Option<String> {
    fields.get("emailAddress").and_then(Value::as_str).map(folded)
}

/// Whether an object may be the one that is to be created: by its e-mail address, where it is to have none by its name. Somebody may
/// have changed the rest of it since.
pub fn may_be(to: &Map<String, Value>, theirs: &Map<String, Value>) -> bool {
    let is_employee = to.contains_key("accessLevel");
    match login_of(to).filter(|_| is_employee) {
        Some(login) => login_of(theirs) == Some(login),
        None => is_same(theirs.get("name"), to.get("name")),
    }
}

/// Whether an object has all that is wanted.
pub fn fits(to: &Map<String, Value>, theirs: &Map<String, Value>) -> bool {
    to.iter().all(|(name, value)| has_value(name, theirs.get(name), Some(value)))
}

/// Whether a field has a value. Ids of addresses do not count: the platform may give its own.
pub fn has_value(name: &str, theirs: Option<&Value>, wanted: Option<&Value>) -> bool {
    if name != "addresses" {
        return is_same(theirs, wanted);
    }
    let without_ids = |value: Option<&Value>| -> Option<Value> {
        let list = value?.as_array()?.iter().map(|address| {
            let mut address = address.clone();
            if let Some(address) = address.as_object_mut() {
                address.remove("_id");
            }
            address
        });
        Some(list.collect())
    };
    is_same(without_ids(theirs).as_ref(), without_ids(wanted).as_ref())
}

/// Whether nobody has changed the object since it was as it is here. Its reseller may be one that is not known here.
pub fn has_not_changed(was: &Map<String, Value>, theirs: &Map<String, Value>) -> bool {
    let counts = |name: &&String| !["_id", "parentReseller", "addresses", "deleteDate"].contains(&name.as_str());
    let has_same_addresses = has_value("addresses", theirs.get("addresses"), was.get("addresses"));
    has_same_addresses && !differing(was, theirs).iter().any(|name| counts(&name))
}

/// Whether the delete is asked for on that day already.
pub fn is_scheduled(date: Option<&str>, theirs: &Map<String, Value>) -> bool {
    let there = theirs.get("deleteDate").and_then(Value::as_str);
    date.zip(there).is_some_and(|(date, there)| there.starts_with(date))
}
