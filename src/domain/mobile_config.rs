//! The content of a mobile config: which colleagues and queues the Communicator app shows
//! (api:pbx:app:mobileconfig:get).
//!
//! `configs` is kept as JSON text, verbatim and in order. Sections of the two known types refer to employees
//! (COLLEAGUES) and queues (QUEUES); sections of other types are stored as given.

use serde_json::{Value, json};

use super::fields::Fields;
use super::id::Id;
use crate::error::{Check, Fault};

/// The most references (items and others together) one config may hold.
const REFERENCES_MAX: usize = 20_000;

/// What the entries of a section refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Colleagues,
    Queues,
}

impl Kind {
    pub fn parse(name: &str) -> Option<Kind> {
        match name {
            "COLLEAGUES" => Some(Kind::Colleagues),
            "QUEUES" => Some(Kind::Queues),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Colleagues => "COLLEAGUES",
            Kind::Queues => "QUEUES",
        }
    }
}

/// An entry of a section, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Such as `configs[0].items[2]._id`.
    pub path: String,
    pub kind: Kind,
    pub id: Id,
}

/// A stored mobile config.
#[derive(Clone, Debug, PartialEq)]
pub struct MobileConfig {
    /// The employee it belongs to.
    pub id: Id,
    pub customer: Id,
    /// JSON text of the array.
    pub configs: String,
    pub rev: i64,
}

impl MobileConfig {
    /// `{"_id":…,"customer":…,"configs":…}`: the stored text is put in place, never parsed.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.reserve(self.configs.len() + 90);
        out.extend_from_slice(b"{\"_id\":\"");
        self.id.with_str(|id| out.extend_from_slice(id.as_bytes()));
        out.extend_from_slice(b"\",\"customer\":\"");
        self.customer.with_str(|id| out.extend_from_slice(id.as_bytes()));
        out.extend_from_slice(b"\",\"configs\":");
        out.extend_from_slice(self.configs.as_bytes());
        out.push(b'}');
    }

    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_json(&mut out);
        out
    }
}

/// Reads `configs` in the documented shape. Returns its text, ids in lower case, and all that it refers to;
/// whether those exist is for the caller to check. `None` when a fault was found.
pub fn read(value: &Value, path: &str, faults: &mut Vec<Fault>) -> Option<(String, Vec<Reference>)> {
    let found_before = faults.len();
    let mut references = Vec::new();
    let mut configs = value.clone();
    let Some(sections) = configs.as_array_mut() else {
        faults.push(Fault { path: path.into(), check: Check::Type, message: "configs must be an array".into() });
        return None;
    };
    for (i, section) in sections.iter_mut().enumerate() {
        read_section(section, &format!("{path}[{i}]"), &mut references, faults);
    }
    if references.len() > REFERENCES_MAX {
        let message = format!("configs may hold at most {REFERENCES_MAX} items");
        faults.push(Fault { path: path.into(), check: Check::Max, message });
    }
    (faults.len() == found_before).then(|| (configs.to_string(), references))
}

fn read_section(section: &mut Value, path: &str, references: &mut Vec<Reference>, faults: &mut Vec<Fault>) {
    let Some(mut fields) = Fields::of(section, path, faults) else { return };
    fields.require(&["type"]);
    let mut kind_name = String::new();
    fields.required_text("type", 1, 100, &mut kind_name);
    let Some(kind) = Kind::parse(&kind_name) else { return };
    fields.require(&["items", "others"]);
    for list in ["items", "others"] {
        let entries = match section.get_mut(list) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(entries)) => entries,
            Some(_) => {
                let message = format!("{list} must be an array");
                faults.push(Fault { path: format!("{path}.{list}"), check: Check::Type, message });
                continue;
            }
        };
        for (j, entry) in entries.iter_mut().enumerate() {
            let entry_path = format!("{path}.{list}[{j}]");
            let Some(mut fields) = Fields::of(entry, &entry_path, faults) else { continue };
            fields.require(&["_id", "name"]);
            fields.required_text("name", 0, 200, &mut String::new());
            if let Some(id) = fields.id("_id") {
                entry["_id"] = json!(id);
                references.push(Reference { path: format!("{entry_path}._id"), kind, id });
            }
        }
    }
}

/// The content of a config nobody has made yet: nothing chosen, all there is to choose from.
pub fn default_configs(colleagues: &[(Id, String)], queues: &[(Id, String)]) -> String {
    let section = |kind: Kind, others: &[(Id, String)]| {
        let others: Vec<Value> = others.iter().map(|(id, name)| json!({ "_id": id, "name": name })).collect();
        json!({ "type": kind.name(), "items": [], "others": others })
    };
    json!([section(Kind::Colleagues, colleagues), section(Kind::Queues, queues)]).to_string()
}

/// What has happened to an employee or queue that configs may name.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    Renamed(&'a str),
    Deleted,
}

/// `configs` after `event` has happened to the entry `id` of `kind`; `None` when it is not named, or named so already.
pub fn follow(configs: &str, kind: Kind, id: Id, event: Event) -> Option<String> {
    if !id.with_str(|text| configs.contains(text)) {
        return None;
    }
    let mut value: Value = serde_json::from_str(configs).ok()?;
    let id = json!(id);
    let mut changed = false;
    for section in value.as_array_mut()? {
        if section["type"].as_str().and_then(Kind::parse) != Some(kind) {
            continue;
        }
        for list in ["items", "others"] {
            let Some(entries) = section.get_mut(list).and_then(Value::as_array_mut) else { continue };
            match event {
                Event::Renamed(name) => {
                    for entry in entries.iter_mut().filter(|entry| entry["_id"] == id && entry["name"] != name) {
                        entry["name"] = json!(name);
                        changed = true;
                    }
                }
                Event::Deleted => {
                    let before = entries.len();
                    entries.retain(|entry| entry["_id"] != id);
                    changed |= entries.len() != before;
                }
            }
        }
    }
    changed.then(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: &str = "00000000000000000000000a";
    const BO: &str = "00000000000000000000000b";

    fn configs() -> Value {
        json!([
            { "type": "COLLEAGUES", "items": [{ "_id": ANNA, "name": "Anna" }], "others": [{ "_id": BO, "name": "Bo", "x": 1 }] },
            { "type": "QUEUES", "items": [], "others": [{ "_id": ANNA, "name": "Anna" }] },
            { "type": "LATER", "anything": [] }
        ])
    }

    #[test]
    fn what_is_read_comes_back_as_given() {
        let mut faults = vec![];
        let given =
            configs().to_string().replace(BO, &BO.to_uppercase()).replace("[]}]", "[1.50,12345678901234567890123]}]");
        let (text, references) = read(&serde_json::from_str(&given).unwrap(), "configs", &mut faults).unwrap();
        assert_eq!(text, configs().to_string().replace("[]}]", "[1.50,12345678901234567890123]}]"));
        assert!(text.contains("[1.50,12345678901234567890123]"));
        let paths: Vec<_> = references.iter().map(|r| r.path.as_str()).collect();
        assert_eq!(paths, ["configs[0].items[0]._id", "configs[0].others[0]._id", "configs[1].others[0]._id"]);
    }

    #[test]
    fn every_fault_has_its_path() {
        let mut faults = vec![];
        let value = json!([{ "type": "QUEUES", "items": [{ "_id": "12" }], "others": 1 }, 7, {}]);
        assert_eq!(read(&value, "configs", &mut faults), None);
        let found: Vec<_> = faults.iter().map(|f| (f.path.as_str(), f.check)).collect();
        let expected = [
            ("configs[0].items[0].name", Check::Required),
            ("configs[0].items[0]._id", Check::Format),
            ("configs[0].others", Check::Type),
            ("configs[1]", Check::Type),
            ("configs[2].type", Check::Required),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_rename_is_followed_only_in_the_lists_of_its_kind() {
        let text = configs().to_string();
        let id = ANNA.parse().unwrap();
        let after = follow(&text, Kind::Colleagues, id, Event::Renamed("Anne")).unwrap();
        let mut expected = configs();
        expected[0]["items"][0]["name"] = json!("Anne");
        assert_eq!(after, expected.to_string());
        assert_eq!(follow(&after, Kind::Colleagues, id, Event::Renamed("Anne")), None);
    }

    #[test]
    fn a_deleted_employee_leaves_the_lists() {
        let after = follow(&configs().to_string(), Kind::Colleagues, BO.parse().unwrap(), Event::Deleted).unwrap();
        let mut expected = configs();
        expected[0]["others"] = json!([]);
        assert_eq!(after, expected.to_string());
    }
}
