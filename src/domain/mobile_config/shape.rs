//! The parts of a content that is known, as they are parsed.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest name of an entry, and of a type, in characters.
pub const NAME_MAX: usize = 200;
pub const TYPE_MAX: usize = 100;

#[derive(Deserialize)]
pub struct Section<'t> {
    #[serde(rename = "type", borrow)]
    pub kind: Cow<'t, str>,
    pub items: Option<&'t RawValue>,
    pub others: Option<&'t RawValue>,
}

#[derive(Deserialize)]
pub struct ConfigItem<'t> {
    #[serde(rename = "_id", borrow)]
    pub id: Cow<'t, str>,
    #[serde(borrow)]
    pub name: Cow<'t, str>,
}
