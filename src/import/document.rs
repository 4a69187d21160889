//! The document as text, and its objects read side by side on all processors. Nothing here looks at what they mean.

use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::domain::mobile_config::{self, Reference};
use crate::error::{Check, Fault, Faults};

const LISTS: [&str; 4] = ["customers", "queues", "employees", "mobileConfigs"];

/// The document with its lists still as text.
pub struct Document<'a>(HashMap<String, Vec<&'a RawValue>>);

/// One object of a list. Most of a document is `configs`, which is only looked through.
pub struct Element {
    pub path: String,
    /// The object, without its `configs`.
    pub value: serde_json::Result<Value>,
    pub configs: Option<Configs>,
}

/// The `configs` of an object, read: its text and what it refers to, or its faults.
pub struct Configs {
    pub read: Option<(String, Vec<Reference>)>,
    pub faults: Faults,
}

impl<'a> Document<'a> {
    pub fn split(text: &'a [u8]) -> Result<Document<'a>, Fault> {
        let fault = |path: &str, message: String| Fault { path: path.into(), check: Check::Format, message };
        let lists: HashMap<String, Vec<&RawValue>> = match serde_json::from_slice(text) {
            Ok(lists) => lists,
            Err(error) => {
                // Once more, for which of them is no array.
                let object: HashMap<String, &RawValue> = serde_json::from_slice(text)
                    .map_err(|error| fault("(document)", format!("not a JSON object: {error}")))?;
                let not_a_list = object.iter().find(|(_, raw)| !raw.get().starts_with('['));
                let name = not_a_list.map_or("(document)", |(name, _)| name);
                return Err(fault(name, format!("not an array: {error}")));
            }
        };
        if lists.is_empty() {
            return Err(fault("(document)", format!("holds none of {}", LISTS.join(", "))));
        }
        Ok(Document(lists))
    }

    /// Lists of other names: what is in them would be lost without a word.
    pub fn misspelled(&self) -> impl Iterator<Item = Fault> {
        let others = self.0.keys().filter(|name| !LISTS.contains(&name.as_str()));
        others.map(|name| Fault {
            path: name.clone(),
            check: Check::Format,
            message: format!("not one of {}", LISTS.join(", ")),
        })
    }

    /// How many objects a list holds.
    pub fn len(&self, list: &str) -> usize {
        self.0.get(list).map_or(0, Vec::len)
    }

    /// How many objects all lists hold.
    pub fn total(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The objects of one list, in order.
    pub fn elements(&self, list: &str) -> Vec<Element> {
        let raw = self.0.get(list).map_or(&[][..], Vec::as_slice);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = raw.len().div_ceil(threads).max(1);
        let read_share = |(k, raws): (usize, &[&RawValue])| -> Vec<Element> {
            let numbered = raws.iter().enumerate();
            let has_configs = list == "mobileConfigs";
            numbered.map(|(i, raw)| read_element(raw, format!("{list}[{}]", k * share + i), has_configs)).collect()
        };
        let read_share = &read_share;
        std::thread::scope(|scope| {
            let shares = raw.chunks(share).enumerate();
            let workers: Vec<_> = shares.map(|part| scope.spawn(move || read_share(part))).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        })
    }
}

fn read_element(raw: &RawValue, path: String, has_configs: bool) -> Element {
    #[derive(serde::Deserialize)]
    struct WithConfigs<'a> {
        #[serde(borrow)]
        configs: &'a RawValue,
        #[serde(rename = "_id", default)]
        id: Value,
        #[serde(default)]
        customer: Value,
    }
    match serde_json::from_str::<WithConfigs>(raw.get()) {
        Ok(found) if has_configs => {
            let mut faults = Faults::all();
            let read = mobile_config::read(found.configs.get(), &format!("{path}.configs"), &mut faults);
            let value = Ok(json!({ "_id": found.id, "customer": found.customer }));
            Element { path, value, configs: Some(Configs { read, faults }) }
        }
        _ => Element { path, value: serde_json::from_str(raw.get()), configs: None },
    }
}
