//! Content that the program itself makes or changes: a default, current names, entries that follow a rename or a delete.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::kind::Kind;
use crate::domain::id::Id;

/// The content of a config nobody has made yet: nothing chosen, all there is to choose from.
pub fn default_configs(colleagues: &[(Id, String)], queues: &[(Id, String)]) -> String {
    let section = |kind: Kind, others: &[(Id, String)]| {
        let others: Vec<Value> = others.iter().map(|(id, name)| json!({ "_id": id, "name": name })).collect();
        json!({ "type": kind.name(), "items": [], "others": others })
    };
    json!([section(Kind::Colleagues, colleagues), section(Kind::Queues, queues)]).to_string()
}

/// The content of a mobile config with the names in `names` for the entries that have others.
pub fn with_names(configs: &str, names: &HashMap<(Kind, Id), String>) -> String {
    let mut value: Value = serde_json::from_str(configs).unwrap_or_default();
    for section in value.as_array_mut().into_iter().flatten() {
        let Some(kind) = section["type"].as_str().and_then(Kind::parse) else { continue };
        for list in ["items", "others"] {
            for entry in section[list].as_array_mut().into_iter().flatten() {
                let id = entry["_id"].as_str().and_then(|id| id.parse().ok());
                if let Some(name) = id.and_then(|id| names.get(&(kind, id))) {
                    entry["name"] = json!(name);
                }
            }
        }
    }
    value.to_string()
}

/// What has happened to an employee or queue that configs may name.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    Renamed(&'a str),
    Deleted,
    /// An employee belongs to another customer now: its entries go as if it were deleted.
    Moved,
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
                Event::Deleted | Event::Moved => {
                    let before = entries.len();
                    entries.retain(|entry| entry["_id"] != id);
                    changed |= entries.len() != before;
                }
            }
        }
    }
    changed.then(|| value.to_string())
}
