//! What differs between two contents, as a person sees it: what a list gains, loses, and shows at another place.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::kind::Kind;
use super::shape::{ConfigItem, Section};
use crate::domain::id::Id;

/// What differs in one list of the sections of one type. Lists in which nothing differs are left out.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ListDifference {
    /// COLLEAGUES or QUEUES.
    #[serde(rename = "type")]
    #[schemars(example = &"COLLEAGUES")]
    pub kind: &'static str,
    /// `items`, which the app shows, or `others`, which it offers.
    #[schemars(extend("enum" = ["items", "others"]))]
    pub list: &'static str,
    /// Entries that only the content afterwards has, in its order.
    pub added: Vec<DifferingEntry>,
    /// Entries that only the content before has, in its order.
    pub removed: Vec<DifferingEntry>,
    /// Entries that both have, and that follow another entry of both afterwards.
    pub moved: Vec<DifferingEntry>,
}

/// A colleague or a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct DifferingEntry {
    #[serde(rename = "_id")]
    pub id: Id,
    /// Its name in the config.
    #[schemars(example = &"Emma Counter")]
    pub name: String,
}

type Lists = HashMap<(&'static str, &'static str), Vec<DifferingEntry>>;

const KINDS: [Kind; 2] = [Kind::Colleagues, Kind::Queues];
const LISTS: [&str; 2] = ["items", "others"];

/// What differs, COLLEAGUES first. Sections of other types are not looked into; nor is a text that cannot be read.
pub fn difference(before: &str, after: &str) -> Vec<ListDifference> {
    difference_to(after)(before)
}

/// As [`difference`], of many contents before to one afterwards, which is read once.
pub fn difference_to(after: &str) -> impl Fn(&str) -> Vec<ListDifference> + use<> {
    let after = lists(after);
    move |before| between(&lists(before), &after)
}

fn between(before: &Lists, after: &Lists) -> Vec<ListDifference> {
    let both = KINDS.into_iter().flat_map(|kind| LISTS.map(|list| (kind.name(), list)));
    both.filter_map(|key| {
        let none = vec![];
        let (old, new) = (before.get(&key).unwrap_or(&none), after.get(&key).unwrap_or(&none));
        let found = ListDifference {
            kind: key.0,
            list: key.1,
            added: missing_in(old, new),
            removed: missing_in(new, old),
            moved: moved(old, new),
        };
        let is_equal = found.added.is_empty() && found.removed.is_empty() && found.moved.is_empty();
        (!is_equal).then_some(found)
    })
    .collect()
}

fn lists(text: &str) -> Lists {
    let mut found = Lists::new();
    let sections: Vec<Section> = serde_json::from_str(text).unwrap_or_default();
    for section in &sections {
        let Some(kind) = Kind::parse(&section.kind) else { continue };
        for (name, list) in LISTS.into_iter().zip([section.items, section.others]) {
            let items: Vec<ConfigItem> =
                list.and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default();
            let entries = items
                .into_iter()
                .filter_map(|item| Some(DifferingEntry { id: item.id.parse().ok()?, name: item.name.into_owned() }));
            found.entry((kind.name(), name)).or_default().extend(entries);
        }
    }
    found
}

fn missing_in(there: &[DifferingEntry], entries: &[DifferingEntry]) -> Vec<DifferingEntry> {
    let known: std::collections::HashSet<Id> = there.iter().map(|entry| entry.id).collect();
    entries.iter().filter(|entry| !known.contains(&entry.id)).cloned().collect()
}

/// Of the entries that both have, those that have another one of them before them than they had.
fn moved(old: &[DifferingEntry], new: &[DifferingEntry]) -> Vec<DifferingEntry> {
    let kept = |there: &[DifferingEntry], entries: &[DifferingEntry]| -> Vec<DifferingEntry> {
        let known: std::collections::HashSet<Id> = there.iter().map(|entry| entry.id).collect();
        entries.iter().filter(|entry| known.contains(&entry.id)).cloned().collect()
    };
    let (old, new) = (kept(new, old), kept(old, new));
    let before = |entries: &[DifferingEntry]| -> HashMap<Id, Option<Id>> {
        let previous = std::iter::once(None).chain(entries.iter().map(|entry| Some(entry.id)));
        entries.iter().map(|entry| entry.id).zip(previous).collect()
    };
    let was = before(&old);
    let is = before(&new);
    new.into_iter().filter(|entry| was.get(&entry.id) != is.get(&entry.id)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn content(items: &[u8], others: &[u8]) -> String {
        let entries = |ids: &[u8]| -> Vec<Value> {
            ids.iter().map(|id| json!({ "_id": format!("{id:024x}"), "name": format!("N{id}") })).collect()
        };
        json!([{ "type": "QUEUES", "items": entries(items), "others": entries(others) }, { "type": "LATER", "items": 7 }]).to_string()
    }

    fn names(entries: &[DifferingEntry]) -> String {
        entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_added_removed_and_moved_is_told_by_list() {
        let found = difference(&content(&[1, 2, 3], &[4]), &content(&[3, 1, 4], &[2]));
        let told: Vec<_> = found
            .iter()
            .map(|list| (list.list, names(&list.added), names(&list.removed), names(&list.moved)))
            .collect();
        let text = |text: &str| text.to_owned();
        assert_eq!(
            told,
            [("items", text("N4"), text("N2"), text("N3 N1")), ("others", text("N2"), text("N4"), text(""))]
        );
    }

    #[test]
    fn equal_lists_do_not_differ_and_what_cannot_be_read_is_empty() {
        assert_eq!(difference(&content(&[1, 2], &[3]), &content(&[1, 2], &[3])), []);
        assert_eq!(names(&difference("nonsense", &content(&[1], &[]))[0].added), "N1");
    }
}
