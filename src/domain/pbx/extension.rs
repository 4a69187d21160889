//! Extensions of the PBX (api:pbx:extension:get).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::fields::Fields;
use crate::domain::id::Id;
use crate::domain::json::is_default;
use crate::domain::text::dialled;

/// A number of the PBX that somebody can be called on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extension {
    #[serde(rename = "_id")]
    pub id: Id,
    pub customer: Id,
    pub name: String,
    pub number: String,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub employee: Option<Id>,
    /// The employee is called on this one first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub primary: bool,
    /// It is shown in the phone book.
    #[serde(default, skip_serializing_if = "is_default")]
    pub phonebook: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub notes: Option<String>,
    /// The properties that are stored as given, by their names.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Extension {
    /// The names of its properties besides id, kind and customer, and of those that are stored as given.
    pub const PROPERTIES: &'static [&'static str] = &["name", "number", "employee", "primary", "phonebook", "notes"];
    pub const AS_GIVEN: &'static [&'static str] = &[
        "startAudio",
        "redirect",
        "direct",
        "noAnswer",
        "busy",
        "inboundGoto",
        "outbound",
        "callWaiting",
        "blockSecret",
        "autoMaster",
        "musicOnHold",
        "voicemail",
    ];
    pub const REQUIRED: &'static [&'static str] = &["name", "number"];

    pub fn new(id: Id, customer: Id) -> Extension {
        Extension {
            id,
            customer,
            name: String::new(),
            number: String::new(),
            employee: None,
            primary: false,
            phonebook: false,
            notes: None,
            more: Map::new(),
        }
    }

    /// Takes over the properties that are given; the rest stays.
    pub fn apply(&mut self, fields: &mut Fields) {
        fields.required_text("name", 1, 200, &mut self.name);
        fields.required_text("number", 1, 50, &mut self.number);
        self.number = dialled(&self.number);
        fields.optional_id("employee", &mut self.employee);
        fields.flag("primary", &mut self.primary);
        fields.flag("phonebook", &mut self.phonebook);
        fields.lines("notes", 10_000, &mut self.notes);
        fields.as_given(Extension::AS_GIVEN, &mut self.more);
    }
}
