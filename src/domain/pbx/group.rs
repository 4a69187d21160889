//! Groups of the PBX (api:pbx:group:get): who is called together, and what its controllers may do with its members' calls.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::fields::{Fields, element_id};
use crate::domain::id::Id;
use crate::domain::json::is_default;

/// What the controllers of a group may do with its members (api:pbx:app:permissions).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Rights {
    /// Answer a call that rings at a member.
    pub pickup: bool,
    /// Take over a call that a member is in.
    pub steal: bool,
    /// Listen to a member's call.
    pub spy: bool,
    /// Set a member's presence.
    pub set_presence: bool,
    /// Have a member join and leave queues.
    pub queue_member: bool,
    /// See whom a member is talking to.
    pub view_other_party: bool,
    /// Read a member's calendar.
    pub read_calendar: bool,
    /// Change a member's calendar.
    pub write_calendar: bool,
    /// Read a member's own contacts.
    pub read_phonebook: bool,
    /// Change contacts.
    pub write_phonebook: bool,
    /// Control a member's SIP devices.
    pub control_sip_devices: bool,
}

impl Rights {
    pub const ALL: Rights = Rights {
        pickup: true,
        steal: true,
        spy: true,
        set_presence: true,
        queue_member: true,
        view_other_party: true,
        read_calendar: true,
        write_calendar: true,
        read_phonebook: true,
        write_phonebook: true,
        control_sip_devices: true,
    };

    /// The rights that either gives.
    pub fn or(self, other: Rights) -> Rights {
        Rights {
            pickup: self.pickup || other.pickup,
            steal: self.steal || other.steal,
            spy: self.spy || other.spy,
            set_presence: self.set_presence || other.set_presence,
            queue_member: self.queue_member || other.queue_member,
            view_other_party: self.view_other_party || other.view_other_party,
            read_calendar: self.read_calendar || other.read_calendar,
            write_calendar: self.write_calendar || other.write_calendar,
            read_phonebook: self.read_phonebook || other.read_phonebook,
            write_phonebook: self.write_phonebook || other.write_phonebook,
            control_sip_devices: self.control_sip_devices || other.control_sip_devices,
        }
    }

    fn apply(&mut self, fields: &mut Fields) {
        for (name, right) in [
            ("pickup", &mut self.pickup),
            ("steal", &mut self.steal),
            ("spy", &mut self.spy),
            ("setPresence", &mut self.set_presence),
            ("queueMember", &mut self.queue_member),
            ("viewOtherParty", &mut self.view_other_party),
            ("readCalendar", &mut self.read_calendar),
            ("writeCalendar", &mut self.write_calendar),
            ("readPhonebook", &mut self.read_phonebook),
            ("writePhonebook", &mut self.write_phonebook),
            ("controlSipDevices", &mut self.control_sip_devices),
        ] {
            fields.flag(name, right);
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    #[serde(rename = "_id")]
    pub id: Id,
    pub customer: Id,
    pub name: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub number: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub notes: Option<String>,
    /// Extensions that are called together.
    #[serde(default, skip_serializing_if = "is_default")]
    pub members: Vec<Id>,
    /// Extensions whose employees have the rights.
    #[serde(default, skip_serializing_if = "is_default")]
    pub controllers: Vec<Id>,
    /// The rights, and the properties that are stored as given, by their names. A right that is not there is not given.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Group {
    /// The names of its properties besides id, kind and customer, and of those that are stored as given.
    pub const PROPERTIES: &'static [&'static str] = &[
        "name",
        "number",
        "notes",
        "members",
        "controllers",
        "pickup",
        "steal",
        "spy",
        "setPresence",
        "queueMember",
        "viewOtherParty",
        "readCalendar",
        "writeCalendar",
        "readPhonebook",
        "writePhonebook",
        "controlSipDevices",
    ];
    pub const AS_GIVEN: &'static [&'static str] = &["startAudio", "redirect", "sms"];
    pub const REQUIRED: &'static [&'static str] = &["name"];

    pub fn new(id: Id, customer: Id) -> Group {
        Group {
            id,
            customer,
            name: String::new(),
            number: None,
            notes: None,
            members: vec![],
            controllers: vec![],
            more: Map::new(),
        }
    }

    pub fn rights(&self) -> Rights {
        serde_json::from_value(Value::Object(self.more.clone())).unwrap_or_default()
    }

    /// Takes over the properties that are given; the rest stays.
    pub fn apply(&mut self, fields: &mut Fields) {
        fields.required_text("name", 1, 200, &mut self.name);
        fields.text_within("number", 1, 50, &mut self.number);
        fields.lines("notes", 10_000, &mut self.notes);
        for (name, list) in [("members", &mut self.members), ("controllers", &mut self.controllers)] {
            if let Some(ids) = fields.each(name, element_id) {
                *list = ids;
            }
        }
        let mut rights = self.rights();
        rights.apply(fields);
        for (name, right) in json!(rights).as_object().into_iter().flatten() {
            match right {
                Value::Bool(true) => drop(self.more.insert(name.clone(), right.clone())),
                _ => drop(self.more.shift_remove(name)),
            }
        }
        fields.as_given(Group::AS_GIVEN, &mut self.more);
    }
}
