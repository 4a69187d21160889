//! The content of a mobile config: which colleagues and queues the Communicator app shows
//! (api:pbx:app:mobileconfig:get).
//!
//! `configs` is kept as JSON text, verbatim and in order. Sections of the two known types refer to employees
//! (COLLEAGUES) and queues (QUEUES); sections of other types are stored as given.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::audit::Hash as Digest;
use super::fields::Fields;
use super::id::Id;
use super::text::is_text_within;
use crate::error::{Check, Fault, Faults};

mod difference;
mod edit;
mod kind;
mod new_colleagues;
mod shape;
mod stored;
mod structure;

pub use difference::{ListDifference, difference, difference_to};
pub use edit::{Event, default_configs, follow, offer, with_names};
pub use kind::Kind;
pub use new_colleagues::NewColleagues;
use shape::{ConfigItem, NAME_MAX, Section, TYPE_MAX};
pub use stored::{NamedEntry, entries};
pub use structure::structure_digest;

/// The most references (items and others together) one config may hold.
pub const REFERENCES_MAX: usize = 20_000;
/// The longest content, in bytes: a hub takes rows of twice that.
pub const CONTENT_MAX_BYTES: usize = 4 << 20;

/// An entry of a section, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    pub kind: Kind,
    pub id: Id,
    /// Of the name given in the entry: enough to see whether it is the current one.
    name: NameHash,
    section: usize,
    list: &'static str,
    place: usize,
}

/// A hash of a name, in the place of the name itself: a document may hold millions of entries.
#[derive(Clone, Copy, Debug, PartialEq)]
struct NameHash(u64);

impl NameHash {
    fn of(name: &str) -> NameHash {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        NameHash(hasher.finish())
    }
}

impl Reference {
    /// Whether the entry gives this name.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == NameHash::of(name)
    }

    /// Such as `configs[0].items[2]._id`.
    pub fn path(&self) -> String {
        format!("configs[{}].{}[{}]._id", self.section, self.list, self.place)
    }
}

/// A content as the database keeps it: once, however many configs have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentKey {
    pub id: i64,
    /// SHA-256 of its text.
    pub digest: Digest,
}

/// A stored mobile config, but for its content: what a copy needs of its target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfigHead {
    /// The employee it belongs to.
    pub id: Id,
    pub customer: Id,
    pub content: ContentKey,
    pub rev: i64,
}

/// A stored mobile config.
#[derive(Clone, Debug, PartialEq)]
pub struct MobileConfig {
    /// The employee it belongs to.
    pub id: Id,
    pub customer: Id,
    /// JSON text of the array.
    pub configs: String,
    /// Where the database has that text; `None`: it is not from there.
    pub content: Option<ContentKey>,
    pub rev: i64,
}

impl MobileConfig {
    /// Reads what [`MobileConfig::to_json`] has written, without any rule: `configs` verbatim.
    pub fn from_json(text: &str) -> serde_json::Result<MobileConfig> {
        #[derive(Deserialize)]
        struct Rendering<'t> {
            #[serde(rename = "_id")]
            id: Id,
            customer: Id,
            #[serde(borrow)]
            configs: &'t RawValue,
        }
        let Rendering { id, customer, configs } = serde_json::from_str(text)?;
        Ok(MobileConfig { id, customer, configs: configs.get().to_owned(), content: None, rev: 0 })
    }

    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.configs.len() + 90);
        let configs = self.configs.as_bytes();
        self.id.with_str(|id| {
            self.customer.with_str(|customer| write_json(&mut out, id.as_bytes(), customer.as_bytes(), configs));
        });
        out
    }
}

/// `{"_id":…,"customer":…,"configs":…}`: the stored text is put in place, never parsed.
pub fn write_json(out: &mut Vec<u8>, id: &[u8], customer: &[u8], configs: &[u8]) {
    write_head(out, id, customer);
    out.extend_from_slice(configs);
    out.extend_from_slice(JSON_TAIL.as_bytes());
}

/// What stands before `configs` in it.
pub fn write_head(out: &mut Vec<u8>, id: &[u8], customer: &[u8]) {
    for part in [b"{\"_id\":\"", id, b"\",\"customer\":\"", customer, b"\",\"configs\":"] {
        out.extend_from_slice(part);
    }
}

/// What stands behind them.
pub const JSON_TAIL: &str = "}";

/// Reads the text of `configs` in the documented shape. Returns it without blanks between its parts, ids in lower case,
/// and all that it refers to; whether those exist is for the caller to check. `None` when a fault was found; faults
/// stand at paths below `path`.
pub fn read(text: &str, path: &str, faults: &mut Faults) -> Option<(String, Vec<Reference>)> {
    let Some((references, has_upper_case)) = references(text) else {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        faults::collect(&value, path, faults);
        return None;
    };
    if has_upper_case {
        let value = serde_json::from_str(text).unwrap_or_default();
        return Some((in_lower_case(value).to_string(), references));
    }
    Some((without_blanks(text), references))
}

/// What a faultless text refers to, and whether an id in it has upper case; `None` when anything about it is wrong.
fn references(text: &str) -> Option<(Vec<Reference>, bool)> {
    let sections: Vec<Section> = serde_json::from_str(text).ok()?;
    let mut references = Vec::new();
    let mut has_upper_case = false;
    for (i, section) in sections.iter().enumerate() {
        if !is_text_within(&section.kind, 1, TYPE_MAX) {
            return None;
        }
        let Some(kind) = Kind::parse(&section.kind) else { continue };
        for (list, entries) in [("items", section.items?), ("others", section.others?)] {
            let entries: Vec<ConfigItem> = serde_json::from_str(entries.get()).ok()?;
            for (j, entry) in entries.iter().enumerate() {
                if !is_text_within(&entry.name, 0, NAME_MAX) {
                    return None;
                }
                has_upper_case |= entry.id.bytes().any(|c| c.is_ascii_uppercase());
                let (id, name) = (entry.id.parse().ok()?, NameHash::of(&entry.name));
                references.push(Reference { kind, id, name, section: i, list, place: j });
            }
        }
    }
    (references.len() <= REFERENCES_MAX).then_some((references, has_upper_case))
}

/// JSON text without the blanks between its parts: what is inside strings stays.
fn without_blanks(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    // Every other part between quotes is a string, but for the quotes that are escaped.
    let (mut is_inside, mut rest) = (false, text);
    while let Some(end) = rest.find('"') {
        let (part, after) = rest.split_at(end + 1);
        let is_escaped = is_inside && part[..end].bytes().rev().take_while(|c| *c == b'\\').count() % 2 == 1;
        if is_inside {
            kept.push_str(part)
        } else {
            kept.extend(part.split_ascii_whitespace())
        }
        is_inside ^= !is_escaped;
        rest = after;
    }
    kept.extend(rest.split_ascii_whitespace());
    kept
}

/// The same with the ids of entries in lower case.
fn in_lower_case(mut configs: Value) -> Value {
    for section in configs.as_array_mut().into_iter().flatten() {
        if section["type"].as_str().and_then(Kind::parse).is_none() {
            continue;
        }
        for list in ["items", "others"] {
            for entry in section[list].as_array_mut().into_iter().flatten() {
                if let Some(id) = entry["_id"].as_str().map(str::to_ascii_lowercase) {
                    entry["_id"] = json!(id);
                }
            }
        }
    }
    configs
}

/// Finds out, slowly, all that is wrong with a text that [`references`] did not take.
mod faults {
    use super::{Check, Fault, Faults, Fields, Kind, NAME_MAX, REFERENCES_MAX, TYPE_MAX, Value};

    pub fn collect(configs: &Value, path: &str, faults: &mut Faults) {
        let found_before = faults.len();
        let Some(sections) = configs.as_array() else {
            faults.push(Fault { path: path.into(), check: Check::Type, message: "configs must be an array".into() });
            return;
        };
        for (i, section) in sections.iter().enumerate() {
            if faults.is_full() {
                break;
            }
            collect_section(section, &format!("{path}[{i}]"), faults);
        }
        if faults.len() == found_before {
            let message = format!("configs may hold at most {REFERENCES_MAX} items, and a property only once");
            faults.push(Fault { path: path.into(), check: Check::Max, message });
        }
    }

    fn collect_section(section: &Value, path: &str, faults: &mut Faults) {
        let Some(mut fields) = Fields::of(section, path, faults) else { return };
        fields.require(&["type"]);
        let mut kind = String::new();
        fields.required_text("type", 1, TYPE_MAX, &mut kind);
        if Kind::parse(&kind).is_none() {
            return;
        }
        fields.require(&["items", "others"]);
        for list in ["items", "others"] {
            fields.each(list, |entry, path, faults| {
                let mut fields = Fields::of(entry, path, faults)?;
                fields.require(&["_id", "name"]);
                fields.required_text("name", 0, NAME_MAX, &mut String::new());
                fields.id("_id")
            });
        }
    }
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

    fn paths(references: &[Reference]) -> Vec<String> {
        references.iter().map(Reference::path).collect()
    }

    #[test]
    fn what_is_read_comes_back_as_given() {
        let given = configs().to_string().replace("[]}]", "[1.50,12345678901234567890123]}]");
        let (text, references) = read(&given, "configs", &mut Faults::default()).unwrap();
        assert_eq!(text, given);
        let expected = ["configs[0].items[0]._id", "configs[0].others[0]._id", "configs[1].others[0]._id"];
        assert_eq!(paths(&references), expected);
    }

    #[test]
    fn ids_are_kept_in_lower_case_and_blanks_are_dropped() {
        let given = configs().to_string().replace(BO, &BO.to_uppercase());
        assert_eq!(read(&given, "configs", &mut Faults::default()).unwrap().0, configs().to_string());
        let spaced = r#"[ {"type" : "LATER",
            "x":"a \" b\\"  } ]"#;
        assert_eq!(read(spaced, "configs", &mut Faults::default()).unwrap().0, r#"[{"type":"LATER","x":"a \" b\\"}]"#);
    }

    #[test]
    fn every_fault_has_its_path() {
        let mut faults = Faults::default();
        let value = json!([{ "type": "QUEUES", "items": [{ "_id": "12" }], "others": 1 }, 7, {}]);
        assert_eq!(read(&value.to_string(), "configs", &mut faults), None);
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
