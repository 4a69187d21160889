//! Small things around employees and customers: shortcuts, pictures, and where calls are reported to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::domain::fields::Fields;
use crate::domain::id::Id;
use crate::domain::json::is_default;
use crate::domain::picture::is_png_to_import;
use crate::error::{Check, Faults};

/// An employee has at most so many shortcuts.
const SHORTCUTS_MAX: usize = 200;

/// A link of the app (api:employee:get-shortcuts). A label without a URL is a header; the label `—` without one is a line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Shortcut {
    /// Its place.
    #[schemars(range(min = 0), example = 0)]
    pub index: i64,
    /// Where it leads.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(example = "https://www.example.com/")]
    pub url: Option<String>,
    /// Text that is shown.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(example = &"Orders")]
    pub label: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shortcuts {
    #[serde(rename = "_id")]
    pub id: Id,
    pub customer: Id,
    pub employee: Id,
    pub shortcuts: Vec<Shortcut>,
}

impl Shortcuts {
    /// The names of its properties besides id, kind and customer, and of those that are stored as given.
    pub const PROPERTIES: &'static [&'static str] = &["employee", "shortcuts"];
    pub const AS_GIVEN: &'static [&'static str] = &[];
    pub const REQUIRED: &'static [&'static str] = &["employee", "shortcuts"];

    pub fn new(id: Id, customer: Id) -> Shortcuts {
        Shortcuts { id, customer, employee: id, shortcuts: vec![] }
    }

    pub fn apply(&mut self, fields: &mut Fields) {
        self.employee = fields.id("employee").unwrap_or(self.employee);
        if let Some(shortcuts) = fields.each("shortcuts", read_shortcut) {
            self.shortcuts = shortcuts;
        }
        if self.shortcuts.len() > SHORTCUTS_MAX {
            fields.fault("shortcuts", Check::Max, format!("shortcuts must have at most {SHORTCUTS_MAX} entries"));
        }
    }
}

fn read_shortcut(value: &serde_json::Value, path: &str, faults: &mut Faults) -> Option<Shortcut> {
    let mut fields = Fields::of(value, path, faults)?;
    let mut shortcut = Shortcut::default();
    fields.require(&["index"]);
    fields.number_within("index", 0..=i64::from(i32::MAX), &mut shortcut.index);
    fields.text("url", &mut shortcut.url);
    // What the app opens when somebody touches it: never a script.
    let is_link =
        |url: &String| ["http://", "https://", "tel:", "mailto:"].iter().any(|scheme| url.starts_with(scheme));
    if shortcut.url.as_ref().is_some_and(|url| !url.is_empty() && !is_link(url)) {
        fields.fault("url", Check::Format, "url must begin with http://, https://, tel: or mailto:");
    }
    fields.text("label", &mut shortcut.label);
    Some(shortcut)
}

/// The picture of an employee, as PNG.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    #[serde(rename = "_id")]
    pub id: Id,
    pub customer: Id,
    pub employee: Id,
    /// The file, in base64.
    pub png: String,
}

/// A picture has at most so many characters of base64: 225 by 300 pixels of three bytes, and what stands around them.
const PICTURE_MAX: usize = 400_000;

impl Picture {
    /// The names of its properties besides id, kind and customer, and of those that are stored as given.
    pub const PROPERTIES: &'static [&'static str] = &["employee", "png"];
    pub const AS_GIVEN: &'static [&'static str] = &[];
    pub const REQUIRED: &'static [&'static str] = &["employee", "png"];

    pub fn new(id: Id, customer: Id) -> Picture {
        Picture { id, customer, employee: id, png: String::new() }
    }

    pub fn apply(&mut self, fields: &mut Fields) {
        self.employee = fields.id("employee").unwrap_or(self.employee);
        fields.required_lines("png", 1, PICTURE_MAX, &mut self.png);
        let is_png = || BASE64.decode(&self.png).is_ok_and(|file| is_png_to_import(&file));
        // Empty: what was given is a fault already.
        if fields.is_given("png") && !self.png.is_empty() && !is_png() {
            fields.fault("png", Check::Format, "png must be a PNG in base64, at most 4,000 pixels wide and high");
        }
    }
}

/// How a call is reported (api:customer:callnotify-list).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantNames,
    schemars::JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
#[schemars(inline)]
pub enum CallNotifyMethod {
    #[default]
    PostArgs,
    PostXml1,
    PostXml2,
    PostJson,
    Get1,
    Get2,
}

/// Which calls are reported.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantNames,
    schemars::JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum CallNotifySelection {
    #[default]
    All,
    Sip,
    Mvno,
}

/// Where the calls of a customer are reported to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallNotify {
    #[serde(rename = "_id")]
    pub id: Id,
    pub customer: Id,
    pub url: String,
    pub method: CallNotifyMethod,
    pub selection: CallNotifySelection,
}

impl CallNotify {
    /// The names of its properties besides id, kind and customer, and of those that are stored as given.
    pub const PROPERTIES: &'static [&'static str] = &["url", "method", "selection"];
    pub const AS_GIVEN: &'static [&'static str] = &[];
    pub const REQUIRED: &'static [&'static str] = &["url", "method", "selection"];

    pub fn new(id: Id, customer: Id) -> CallNotify {
        CallNotify {
            id,
            customer,
            url: String::new(),
            method: CallNotifyMethod::default(),
            selection: CallNotifySelection::default(),
        }
    }

    pub fn apply(&mut self, fields: &mut Fields) {
        fields.required_text("url", 1, 1_000, &mut self.url);
        fields.choice("method", |name| name.parse().ok(), CallNotifyMethod::VARIANTS, &mut self.method);
        fields.choice("selection", |name| name.parse().ok(), CallNotifySelection::VARIANTS, &mut self.selection);
        let known = ["http://", "https://", "tcp://", "udp://"].iter().any(|scheme| self.url.starts_with(scheme));
        if fields.is_given("url") && !self.url.is_empty() && !known {
            fields.fault("url", Check::Format, "url must begin with http://, https://, tcp:// or udp://");
        }
    }
}
