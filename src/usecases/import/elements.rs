//! The objects of a document read side by side on all processors. Nothing here looks at what they mean.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::de::Error as _;
use serde_json::Value;
use serde_json::value::RawValue;

use super::source::{List, Raw};
use crate::domain::json::is_readable;
use crate::domain::json_text::doubled;
use crate::domain::mobile_config;
use crate::error::Faults;
use crate::usecases::mobile_configs::Content;

/// One object of a list. Most of a document is `configs`, which is only looked through.
pub struct Element {
    pub list: List,
    pub place: usize,
    /// The object, without its `configs`.
    pub value: serde_json::Result<Value>,
    pub configs: Option<Configs>,
}

impl Element {
    /// Such as `employees[7]`.
    pub fn path(&self) -> String {
        path(self.list, self.place)
    }
}

/// The `configs` of an object: their content, or their faults.
pub struct Configs {
    pub read: Option<Content>,
    pub faults: Faults,
}

pub fn path(list: List, place: usize) -> String {
    format!("{}[{place}]", list.name())
}

/// Reads the objects, in their order.
pub fn read(raws: &[Raw]) -> Vec<Element> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = raws.len().div_ceil(threads).max(1);
    let read_share = |raws: &[Raw]| -> Vec<Element> { raws.iter().map(read_one).collect() };
    std::thread::scope(|scope| {
        let workers: Vec<_> = raws.chunks(share).map(|raws| scope.spawn(move || read_share(raws))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    })
}

fn read_one(raw: &Raw) -> Element {
    let Raw { list, place, text } = raw;
    let (list, place) = (*list, *place);
    // Which of two properties of one name counts nobody can tell.
    if let Some(name) = doubled(text.get().as_bytes()) {
        let value = Err(serde_json::Error::custom(format!("{name} stands twice")));
        return Element { list, place, value, configs: None };
    }
    let with_configs = if list == List::MobileConfigs { read_config(text.get(), place) } else { None };
    match with_configs {
        Some((value, configs)) => Element { list, place, value: Ok(value), configs: Some(configs) },
        None => Element { list, place, value: serde_json::from_str(text.get()), configs: None },
    }
}

fn read_config(text: &str, place: usize) -> Option<(Value, Configs)> {
    let mut found = serde_json::from_str::<HashMap<Cow<str>, &RawValue>>(text).ok().filter(|_| is_readable(text))?;
    let configs = found.remove("configs")?;
    // What else there is may be something that nobody knows.
    let others = found.into_iter().map(|(name, raw)| Some((name.into_owned(), serde_json::from_str(raw.get()).ok()?)));
    let value = Value::Object(others.collect::<Option<_>>()?);
    let mut faults = Faults::of_document();
    let path = format!("{}.configs", path(List::MobileConfigs, place));
    let read = mobile_config::read(configs.get(), &path, &mut faults);
    let read = read.map(|(text, references)| Content { text, references });
    Some((value, Configs { read, faults }))
}
