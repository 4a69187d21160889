//! Content that the program itself makes or changes: a default, current names, entries that follow a rename or a delete.

use std::collections::{HashMap, HashSet};

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

/// Adds to `others` those that `configs` names nowhere, each with its name and in this order; a section that is missing is added.
/// `None` when all are named.
pub fn offer(configs: &str, colleagues: &[(Id, String)], queues: &[(Id, String)]) -> Option<String> {
    let mut value: Value = serde_json::from_str(configs).ok()?;
    let mut changed = false;
    for (kind, offered) in [(Kind::Colleagues, colleagues), (Kind::Queues, queues)] {
        let sections = value.as_array_mut()?;
        let named: HashSet<Id> = sections.iter().filter(|section| is_of(section, kind)).flat_map(ids).collect();
        let new = offered.iter().filter(|(id, _)| !named.contains(id));
        let new: Vec<Value> = new.map(|(id, name)| json!({ "_id": id, "name": name })).collect();
        if new.is_empty() {
            continue;
        }
        changed = true;
        match sections.iter_mut().find(|section| is_of(section, kind)) {
            Some(section) => section["others"].as_array_mut()?.extend(new),
            None => sections.push(json!({ "type": kind.name(), "items": [], "others": new })),
        }
    }
    changed.then(|| value.to_string())
}

fn is_of(section: &Value, kind: Kind) -> bool {
    section["type"].as_str().and_then(Kind::parse) == Some(kind)
}

fn ids(section: &Value) -> impl Iterator<Item = Id> {
    let lists = ["items", "others"].into_iter().filter_map(|list| section[list].as_array());
    lists.flatten().filter_map(|entry| entry["_id"].as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_nowhere_is_offered_at_the_end_and_once() {
        let id = |number| Id::from_number(number);
        let entry = |number, name: &str| json!({ "_id": id(number), "name": name });
        let configs = json!([
            { "type": "LATER", "others": 7 },
            { "type": "COLLEAGUES", "items": [entry(1, "Anna")], "others": [entry(2, "Bo")], "x": 1.50 },
        ]);
        let colleagues = [(id(2), "Bo".to_owned()), (id(3), "Cy".to_owned()), (id(1), "Anna".to_owned())];
        let queues = [(id(1), "Support".to_owned())];
        let after = offer(&configs.to_string(), &colleagues, &queues).unwrap();
        let mut expected = configs.clone();
        expected[1]["others"] = json!([entry(2, "Bo"), entry(3, "Cy")]);
        let queue = json!({ "type": "QUEUES", "items": [], "others": [entry(1, "Support")] });
        expected.as_array_mut().unwrap().push(queue);
        assert_eq!(after, expected.to_string());
        assert_eq!(offer(&after, &colleagues, &queues), None);
        assert_eq!(offer("nonsense", &colleagues, &queues), None);
    }
}
