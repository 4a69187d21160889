//! The document as text, and its objects read side by side on all processors. Nothing here looks at what they mean.

use std::collections::{HashMap, HashSet};
use std::fmt::Formatter;

use serde::de::Error as _;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::domain::json::is_readable;
use crate::domain::json_text::{doubled, in_utf8};
use crate::domain::mobile_config;
use crate::error::{Check, Fault, Faults};
use crate::usecases::mobile_configs::Content;

const LISTS: [&str; 4] = ["customers", "queues", "employees", "mobileConfigs"];

/// The document with its lists still as text.
#[derive(Default)]
pub struct Document<'a> {
    lists: HashMap<String, Vec<&'a RawValue>>,
    /// Names that stand more than once.
    repeated: HashSet<String>,
}

/// One object of a list. Most of a document is `configs`, which is only looked through.
pub struct Element {
    pub path: String,
    /// The object, without its `configs`.
    pub value: serde_json::Result<Value>,
    pub configs: Option<Configs>,
}

/// The `configs` of an object: their content, or their faults.
pub struct Configs {
    pub read: Option<Content>,
    pub faults: Faults,
}

impl<'a> Document<'a> {
    pub fn split(text: &'a [u8]) -> Result<Document<'a>, Fault> {
        let fault = |path: &str, message: String| Fault { path: path.into(), check: Check::Format, message };
        let text = in_utf8(text).map_err(|wrong| fault("(document)", wrong.into()))?;
        let document: Document = match serde_json::from_slice(text) {
            Ok(document) => document,
            Err(error) => {
                // Once more, for which of them is no array.
                let object: HashMap<String, &RawValue> = serde_json::from_slice(text)
                    .map_err(|error| fault("(document)", format!("not a JSON object: {error}")))?;
                let not_a_list = object.iter().find(|(_, raw)| !raw.get().starts_with('['));
                let name = not_a_list.map_or("(document)", |(name, _)| name);
                return Err(fault(name, format!("not an array: {error}")));
            }
        };
        if document.lists.is_empty() {
            return Err(fault("(document)", format!("holds none of {}", LISTS.join(", "))));
        }
        Ok(document)
    }

    /// Lists whose name is not known, or stands twice: what is in them would be lost without a word.
    pub fn misnamed(&self) -> impl Iterator<Item = Fault> {
        let fault = |name: &String, check, message| Fault { path: name.clone(), check, message };
        let others = self.lists.keys().filter(|name| !LISTS.contains(&name.as_str()));
        let others = others.map(move |name| fault(name, Check::Format, format!("not one of {}", LISTS.join(", "))));
        let repeated = self.repeated.iter();
        others
            .chain(repeated.map(move |name| fault(name, Check::Unique, "The list stands twice in the document".into())))
    }

    /// How many objects a list holds.
    pub fn len(&self, list: &str) -> usize {
        self.lists.get(list).map_or(0, Vec::len)
    }

    /// How many objects all lists hold.
    pub fn total(&self) -> usize {
        self.lists.values().map(Vec::len).sum()
    }

    /// The objects of one list, in order.
    pub fn elements(&self, list: &str) -> Vec<Element> {
        let raw = self.lists.get(list).map_or(&[][..], Vec::as_slice);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = raw.len().div_ceil(threads).max(1);
        let read_share = |(k, raws): (usize, &[&RawValue])| -> Vec<Element> {
            let numbered = raws.iter().enumerate();
            let has_configs = list == "mobileConfigs";
            let read = |(i, raw): (usize, &&RawValue)| {
                without_doubled(raw, read_element(raw, format!("{list}[{}]", k * share + i), has_configs))
            };
            numbered.map(read).collect()
        };
        let read_share = &read_share;
        std::thread::scope(|scope| {
            let shares = raw.chunks(share).enumerate();
            let workers: Vec<_> = shares.map(|part| scope.spawn(move || read_share(part))).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Document<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Document<'a>, D::Error> {
        deserializer.deserialize_map(Lists)
    }
}

/// Reads the lists one by one: a map would keep only the last of those of one name.
struct Lists;

impl<'de> Visitor<'de> for Lists {
    type Value = Document<'de>;

    fn expecting(&self, out: &mut Formatter) -> std::fmt::Result {
        out.write_str("an object of lists")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document<'de>, A::Error> {
        let mut document = Document::default();
        while let Some((name, list)) = map.next_entry::<String, _>()? {
            if document.lists.insert(name.clone(), list).is_some() {
                document.repeated.insert(name);
            }
        }
        Ok(document)
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
        Ok(found) if has_configs && is_readable(raw.get()) => {
            let mut faults = Faults::all();
            let read = mobile_config::read(found.configs.get(), &format!("{path}.configs"), &mut faults);
            let read = read.map(|(text, references)| Content { text, references });
            let value = Ok(json!({ "_id": found.id, "customer": found.customer }));
            Element { path, value, configs: Some(Configs { read, faults }) }
        }
        _ => Element { path, value: serde_json::from_str(raw.get()), configs: None },
    }
}

/// A property that stands twice is a fault of its element: which of them counts nobody can tell.
fn without_doubled(raw: &RawValue, element: Element) -> Element {
    match doubled(raw.get().as_bytes()) {
        Some(name) => Element { value: Err(serde_json::Error::custom(format!("{name} stands twice"))), ..element },
        None => element,
    }
}
