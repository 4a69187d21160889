//! Objects of the PBX besides queues: reference data that the app's calls read. They come by import, and some of them by calls.
//!
//! All are kept in one table, as JSON under `kind`. Properties whose names the documentation has and whose types it does not show
//! are stored and answered as given.

mod contact;
mod extension;
mod group;
mod personal;
mod queue_member;
mod values;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr, VariantNames};

pub use contact::{Contact, ContactType};
pub use extension::Extension;
pub use group::{Group, Rights};
pub use personal::{CallNotify, CallNotifyMethod, CallNotifySelection, Picture, Shortcut, Shortcuts};
pub use queue_member::QueueMember;
pub use values::{Scope, Switch, Variable, stored_name};

use super::fields::Fields;
use super::id::Id;

/// Makes [`Kind`] and [`PbxObject`] from the kinds: name, type, and section of the change log.
macro_rules! kinds {
    ($($kind:ident $section:literal),+ $(,)?) => {
        /// What an object of the PBX is.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantNames,
        )]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        #[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
        pub enum Kind {
            $($kind),+
        }

        impl Kind {
            /// The names of its properties in an import.
            pub fn properties(self) -> Vec<&'static str> {
                let own = match self {
                    $(Kind::$kind => [$kind::PROPERTIES, $kind::AS_GIVEN]),+
                };
                [&["_id", "kind", "customer"], own[0], own[1]].concat()
            }

            /// Its section of the change log. The names follow those that the documentation shows (`PbxAudios`); it shows none of these.
            pub const fn section(self) -> &'static str {
                match self {
                    $(Kind::$kind => $section),+
                }
            }
        }

        /// The sections of the change log that objects of the PBX have.
        pub const SECTIONS: &[&str] = &[$($section),+];

        /// An object of the PBX.
        #[derive(Clone, Debug, PartialEq)]
        pub enum PbxObject {
            $($kind($kind)),+
        }

        $(impl From<$kind> for PbxObject {
            fn from(object: $kind) -> PbxObject {
                PbxObject::$kind(object)
            }
        })+

        $(impl TryFrom<PbxObject> for $kind {
            type Error = PbxObject;

            fn try_from(object: PbxObject) -> Result<$kind, PbxObject> {
                match object {
                    PbxObject::$kind(object) => Ok(object),
                    other => Err(other),
                }
            }
        })+

        impl PbxObject {
            pub fn kind(&self) -> Kind {
                match self {
                    $(PbxObject::$kind(_) => Kind::$kind),+
                }
            }

            pub fn id(&self) -> Id {
                match self {
                    $(PbxObject::$kind(object) => object.id),+
                }
            }

            pub fn customer(&self) -> Id {
                match self {
                    $(PbxObject::$kind(object) => object.customer),+
                }
            }

            /// Reads what [`PbxObject::to_value`] made. Properties that this version does not know are left out.
            pub fn from_value(mut value: Value) -> Result<PbxObject, serde_json::Error> {
                let kind = value.as_object_mut().and_then(|object| object.shift_remove("kind")).unwrap_or_default();
                match Kind::deserialize(kind)? {
                    $(Kind::$kind => serde_json::from_value(value).map(PbxObject::$kind)),+
                }
            }

            /// The object in the shape of import and export: as the API has it, with its `kind`.
            pub fn to_value(&self) -> Result<Value, serde_json::Error> {
                let object = match self {
                    $(PbxObject::$kind(object) => serde_json::to_value(object)),+
                }?;
                let mut value = Map::new();
                value.insert("_id".into(), object.get("_id").cloned().unwrap_or_default());
                value.insert("kind".into(), Value::from(<&str>::from(self.kind())));
                if let Value::Object(object) = object {
                    value.extend(object);
                }
                Ok(Value::Object(value))
            }

            /// Reads an object of an import; `None` when it does not say what it is, or has no id or customer.
            pub fn read(fields: &mut Fields) -> Option<PbxObject> {
                fields.require(&["_id", "kind", "customer"]);
                let mut kind = None;
                fields.choice("kind", |name| name.parse().ok().map(Some), Kind::VARIANTS, &mut kind);
                let (id, customer) = (fields.id("_id"), fields.id("customer"));
                let (kind, id, customer) = (kind?, id?, customer?);
                Some(match kind {
                    $(Kind::$kind => {
                        let mut object = $kind::new(id, customer);
                        object.apply(fields);
                        fields.require($kind::REQUIRED);
                        PbxObject::$kind(object)
                    }),+
                })
            }
        }
    };
}

kinds! {
    Extension "PbxExtensions",
    Group "PbxGroups",
    QueueMember "PbxQueueMembers",
    Contact "PbxPhonebook",
    Switch "PbxSwitches",
    Variable "PbxVariables",
    CallNotify "PbxCallNotify",
    Shortcuts "EmployeeShortcuts",
    Picture "EmployeePictures",
}

/// What an object refers to, and is found by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct References {
    /// The employee that it belongs to.
    pub employee: Option<Id>,
    /// The queue that it is in.
    pub queue: Option<Id>,
    pub extensions: Vec<Id>,
}

impl PbxObject {
    /// The object as what it is; `None` when it is of another kind.
    pub fn downcast<T: TryFrom<PbxObject>>(self) -> Option<T> {
        self.try_into().ok()
    }

    /// What it is called; empty for what has no name.
    pub fn name(&self) -> &str {
        match self {
            PbxObject::Extension(extension) => &extension.name,
            PbxObject::Group(group) => &group.name,
            PbxObject::QueueMember(member) => &member.name,
            PbxObject::Contact(contact) => contact.sort_name(),
            PbxObject::Switch(switch) => &switch.name,
            PbxObject::Variable(variable) => &variable.name,
            PbxObject::CallNotify(_) | PbxObject::Shortcuts(_) | PbxObject::Picture(_) => "",
        }
    }

    /// Of what there is one of: another object with the same key may not be made. `None`: there may be many alike.
    pub fn key(&self) -> Option<String> {
        let kind = <&str>::from(self.kind());
        match self {
            PbxObject::Extension(extension) => {
                Some(PbxObject::key_of(Kind::Extension, extension.customer, &extension.number))
            }
            PbxObject::Switch(switch) => Some(PbxObject::key_of(Kind::Switch, switch.customer, &switch.name)),
            PbxObject::Variable(variable) => Some(PbxObject::key_of(Kind::Variable, variable.customer, &variable.name)),
            PbxObject::QueueMember(member) => {
                let who = member.extension.map(|id| id.to_string()).or_else(|| member.number.clone())?;
                Some(PbxObject::key_of(Kind::QueueMember, member.queue, &who))
            }
            PbxObject::Shortcuts(shortcuts) => Some(format!("{kind} {}", shortcuts.employee)),
            PbxObject::Picture(picture) => Some(format!("{kind} {}", picture.employee)),
            PbxObject::Contact(contact) => {
                let number = contact.short_number.as_ref()?;
                Some(PbxObject::key_of(Kind::Contact, contact.customer, number))
            }
            PbxObject::Group(_) | PbxObject::CallNotify(_) => None,
        }
    }

    /// The key of an object by what it belongs to (a customer; of a member, a queue) and its name or number; of shortcuts and a
    /// picture by their employee, without a name.
    pub fn key_of(kind: Kind, of: Id, name: &str) -> String {
        format!("{} {of} {name}", <&str>::from(kind)).trim_end().to_owned()
    }

    /// The property that the key is made of, for an error.
    pub fn key_property(&self) -> &'static str {
        match self {
            PbxObject::Extension(_) => "number",
            PbxObject::QueueMember(_) => "extension",
            PbxObject::Contact(_) => "shortNumber",
            PbxObject::Shortcuts(_) | PbxObject::Picture(_) => "employee",
            _ => "name",
        }
    }

    pub fn references(&self) -> References {
        let of_employee = |employee| References { employee, ..References::default() };
        match self {
            PbxObject::Extension(extension) => of_employee(extension.employee),
            PbxObject::Group(group) => {
                let extensions = [&group.members[..], &group.controllers].concat();
                References { extensions, ..References::default() }
            }
            PbxObject::QueueMember(member) => References {
                queue: Some(member.queue),
                extensions: member.extension.into_iter().collect(),
                ..References::default()
            },
            PbxObject::Contact(contact) => of_employee(contact.employee),
            PbxObject::Switch(switch) => of_employee(Scope::of(&switch.name).employee()),
            PbxObject::Variable(variable) => of_employee(Scope::of(&variable.name).employee()),
            PbxObject::CallNotify(_) => References::default(),
            PbxObject::Shortcuts(shortcuts) => of_employee(Some(shortcuts.employee)),
            PbxObject::Picture(picture) => of_employee(Some(picture.employee)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::Faults;

    /// A PNG of one pixel.
    const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";

    /// Read as an import reads it, and written as an export writes it.
    fn through(object: Value) -> Result<Value, Faults> {
        let mut faults = Faults::default();
        let read = Fields::of(&object, "", &mut faults).and_then(|mut fields| PbxObject::read(&mut fields));
        match (read, faults.len()) {
            (Some(read), 0) => {
                let value = read.to_value().unwrap();
                assert_eq!(PbxObject::from_value(value.clone()).unwrap(), read);
                Ok(value)
            }
            _ => Err(faults),
        }
    }

    #[test]
    fn what_is_imported_is_exported_again() {
        let head = |kind: &str| json!({ "_id": "5".repeat(24), "kind": kind, "customer": "c".repeat(24) });
        let with = |kind: &str, more: Value| {
            let mut object = head(kind);
            object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            object
        };
        let (employee, extension) = ("e".repeat(24), "a".repeat(24));
        for object in [
            with(
                "EXTENSION",
                json!({ "name": "Anna", "number": "101", "employee": employee, "primary": true, "redirect": "+4570305050", "noAnswer": { "goto": 1.50 } }),
            ),
            with(
                "GROUP",
                json!({ "name": "Shop", "members": [extension], "controllers": [extension], "pickup": true }),
            ),
            with(
                "QUEUE_MEMBER",
                json!({ "queue": "1".repeat(24), "extension": extension, "name": "Anna", "priority": 3, "permanent": true }),
            ),
            with(
                "CONTACT",
                json!({ "type": "COMPANY", "company": "Mill", "phoneNumbers": [{ "type": "WORK", "number": "+4570305050" }] }),
            ),
            with("SWITCH", json!({ "name": "SHARED:night", "value": true })),
            with("VARIABLE", json!({ "name": "greeting", "value": "hello" })),
            with("CALL_NOTIFY", json!({ "url": "http://127.0.0.1:9/x", "method": "POSTJSON", "selection": "ALL" })),
            with(
                "SHORTCUTS",
                json!({ "employee": employee, "shortcuts": [{ "index": 0, "label": "Help", "url": "https://example.com/" }] }),
            ),
            with("PICTURE", json!({ "employee": employee, "png": PIXEL })),
        ] {
            let expected = object.clone();
            assert_eq!(through(object).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_object_of_the_pbx_is_a_fault() {
        let picture = |png: &str| json!({ "_id": "5".repeat(24), "customer": "c".repeat(24), "kind": "PICTURE", "employee": "e".repeat(24), "png": png });
        for wrong in [
            json!({ "_id": "5".repeat(24), "customer": "c".repeat(24), "name": "x" }),
            json!({ "_id": "5".repeat(24), "customer": "c".repeat(24), "kind": "PHONE" }),
            json!({ "_id": "5".repeat(24), "customer": "c".repeat(24), "kind": "EXTENSION" }),
            json!({ "_id": "5", "customer": "c".repeat(24), "kind": "EXTENSION", "name": "x", "number": "1" }),
            json!({ "_id": "5".repeat(24), "customer": "c".repeat(24), "kind": "CONTACT", "type": "ROBOT" }),
            json!({ "_id": "5".repeat(24), "customer": "c".repeat(24), "kind": "QUEUE_MEMBER", "queue": "1".repeat(24), "name": "x", "priority": 21 }),
            picture("AAAA"),
            picture("no base64"),
            picture("iVBORw0KGgo="),
        ] {
            assert!(through(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
