//! One entry of the change log in the platform's shape. What an object held stays JSON text throughout: parsed, it
//! would take many times the memory.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::auth::authorization::{Owner, is_allowed};
use crate::db::ReadTx;
use crate::domain::access::{Actor, CHANGE_LOG, Level};
use crate::domain::audit::{Action, MOBILE_CONFIGS, WHAT, sections};
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::domain::schema::Nullable;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::store::change_log::{self, LogEntry};
use crate::store::employees;
use crate::usecases::change_log::shows;
use crate::usecases::object_names;

/// How much of recorded objects is read for one answer, but for the last of them.
const OBJECTS_MAX_BYTES: usize = 8 << 20;

/// Which parts an entry is shown with.
#[derive(Clone, Copy)]
pub struct Parts {
    pub data: bool,
    pub employees: bool,
    pub changes: bool,
}

/// A page of a change log.
#[derive(Serialize, JsonSchema)]
pub struct ChangeLogPage {
    /// How many were skipped.
    #[schemars(range(min = 0), extend("default" = 0), example = 0)]
    pub offset: i64,
    /// The most that this page may hold.
    #[schemars(range(min = 1, max = 500), extend("default" = 100), example = 100)]
    pub limit: i64,
    /// How many there are in all, whatever `offset` and `limit` are.
    #[schemars(range(min = 0), example = 1)]
    pub total: i64,
    /// Entries up to this time are no longer here: they were archived. Left out when none were.
    #[serde(rename = "archivedUntil", skip_serializing_if = "Option::is_none")]
    pub archived_until: Option<Time>,
    #[schemars(with = "Vec<ChangeLogEntry<'static>>", length(max = 500))]
    pub changelogs: Vec<Box<RawValue>>,
    /// Who made these changes, as far as the reader may see it; only with `includeEmployees`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employees: Option<Vec<ChangeAuthor>>,
}

/// An employee who made a change.
#[derive(Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeAuthor {
    #[serde(rename = "_id")]
    id: Id,
    #[schemars(example = "Anna Manager")]
    name: String,
    #[schemars(example = "manager@bakery.example.com")]
    email_address: Option<String>,
}

/// One change. `changes` and `data` are there only where they are asked for, and in a list as far as its bound goes.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeLogEntry<'e> {
    /// The entry.
    #[serde(rename = "_id")]
    #[schemars(example = "00000000000000000000004d")]
    seq: Id,
    /// When it was made.
    when: Time,
    /// Section: the kind of object that was changed.
    #[serde(rename = "where")]
    #[schemars(extend("enum" = sections()), example = MOBILE_CONFIGS)]
    section: &'e str,
    /// What was done.
    #[schemars(extend("enum" = WHAT), example = &"UPDATE")]
    what: &'static str,
    /// The object that was changed.
    #[serde(rename = "id")]
    object: Id,
    /// The customer whose object was changed; null: none.
    customer: Option<Id>,
    /// The change in words.
    #[schemars(example = "Mobile config updated")]
    description: &'e str,
    /// What changed can be shown.
    has_comparison: bool,
    #[serde(flatten)]
    author: Option<Author<'e>>,
    /// What changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<Change>>,
    /// The object before the change, or as it was created; any JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    data: Option<Properties>,
}

/// Left out when the reader may not see who it was.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Author<'e> {
    /// Who made the change; null: the system. Left out when the reader may not see who.
    #[schemars(with = "Nullable<Id>")]
    employee: Option<Id>,
    /// Name of that employee, or `System`.
    #[schemars(example = "Anna Manager", example = &"System")]
    employee_name: &'e str,
}

/// One property that changed.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
struct Change {
    /// Path of the property.
    #[schemars(example = &"title")]
    key: String,
    /// The value before; any JSON.
    #[schemars(with = "Value")]
    old_value: Option<Box<RawValue>>,
    /// The value before, for a human reader.
    #[schemars(example = &"Baker")]
    old_display_value: Option<String>,
    /// The value after; any JSON.
    #[schemars(with = "Value")]
    new_value: Option<Box<RawValue>>,
    /// The value after, for a human reader.
    #[schemars(example = "Head baker")]
    new_display_value: Option<String>,
}

/// The properties of a recorded object.
pub type Properties = BTreeMap<String, Box<RawValue>>;

/// An object on both sides of a change.
pub struct Sides {
    pub before: Option<Properties>,
    pub after: Option<Properties>,
}

/// Renders entries for a reader. Recorded objects are read until their bound is reached.
pub struct Reader<'t> {
    tx: &'t ReadTx<'t>,
    actor: &'t Actor,
    parts: Parts,
    left: usize,
    authors: BTreeMap<Id, ChangeAuthor>,
}

impl<'t> Reader<'t> {
    pub fn new(tx: &'t ReadTx<'t>, actor: &'t Actor, parts: Parts) -> Reader<'t> {
        Reader { tx, actor, parts, left: OBJECTS_MAX_BYTES, authors: BTreeMap::new() }
    }

    /// The employees who made the entries that were rendered; `None` unless they are asked for.
    pub fn into_authors(self) -> Option<Vec<ChangeAuthor>> {
        self.parts.employees.then(|| self.authors.into_values().collect())
    }

    pub fn render(&mut self, entry: &LogEntry) -> Result<Box<RawValue>> {
        let (changes, data) = self.read_objects(entry)?;
        let author = self.author(entry)?;
        let shown = ChangeLogEntry {
            seq: Id::from_number(entry.seq),
            when: entry.at,
            section: &entry.section,
            what: if entry.refused { "OTHER" } else { Action::what(&entry.action) },
            object: entry.object,
            customer: entry.customer,
            description: &entry.description,
            has_comparison: entry.has_before,
            author,
            changes,
            data,
        };
        raw(&shown)
    }

    /// The object before an entry and after it, as far as the reader may see it; `None` once the bound is reached. Of an entry
    /// that changed nothing of the object neither is there.
    pub fn sides(&mut self, entry: &LogEntry) -> Result<Option<Sides>> {
        if self.left == 0 {
            return Ok(None);
        }
        let is_change = entry.has_before || entry.action == "create";
        let before = if entry.has_before { change_log::state_before(self.tx, entry)? } else { None };
        let after = if is_change && !entry.refused { change_log::state_after(self.tx, entry)? } else { None };
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.left = self.left.saturating_sub(length(&before) + length(&after));
        let read = |text: Option<String>| text.map(|text| properties(text, entry, self.actor)).transpose();
        Ok(Some(Sides { before: read(before)?, after: read(after)? }))
    }

    /// The employee who made an entry, or acted as who did, if the reader may see who.
    pub fn shown(&self, id: Id) -> Result<Option<Employee>> {
        let Some(employee) = employees::find(self.tx, id)? else { return Ok(None) };
        let is_shown = is_allowed(self.tx, self.actor, CHANGE_LOG, Owner::to_customer(employee.customer))?;
        Ok(Some(employee).filter(|_| is_shown))
    }

    /// What the object of an entry is called today, as far as the reader may see it.
    pub fn object_name(&self, entry: &LogEntry) -> Result<Option<String>> {
        object_names::find(self.tx, self.actor, &entry.section, entry.object)
    }

    /// What the entry changed, and the object as before the change or as created.
    fn read_objects(&mut self, entry: &LogEntry) -> Result<(Option<Vec<Change>>, Option<Properties>)> {
        let Parts { data, changes, .. } = self.parts;
        if self.left == 0 || !(data || changes) {
            return Ok((None, None));
        }
        let before = if entry.has_before { change_log::state_before(self.tx, entry)? } else { None };
        let has_after = if before.is_some() { changes } else { data };
        let after = if has_after && !entry.refused { change_log::state_after(self.tx, entry)? } else { None };
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.left = self.left.saturating_sub(length(&before) + length(&after));
        let read = |text: Option<String>| text.map(|text| properties(text, entry, self.actor)).transpose();
        let (before, after) = (read(before)?, read(after)?);
        let compared = match (&before, &after) {
            (Some(before), Some(after)) => compare(before, after),
            _ => vec![],
        };
        Ok((changes.then_some(compared), before.or(after).filter(|_| data)))
    }

    /// Who it was, if the reader may see who.
    fn author<'e>(&mut self, entry: &'e LogEntry) -> Result<Option<Author<'e>>> {
        if !self.parts.employees {
            return Ok(None);
        }
        // The system itself, or an operator of the hub.
        let Some(id) = entry.actor else {
            return Ok(Some(Author { employee: None, employee_name: &entry.actor_name }));
        };
        let Some(Employee { name, email_address, .. }) = self.shown(id)? else { return Ok(None) };
        self.authors.insert(id, ChangeAuthor { id, name, email_address });
        Ok(Some(Author { employee: Some(id), employee_name: &entry.actor_name }))
    }
}

fn raw(value: &impl Serialize) -> Result<Box<RawValue>> {
    to_raw_value(value).map_err(|error| Error::Internal(Box::new(error)))
}

/// A recorded object in the API's shape, as far as the reader may see it.
fn properties(text: String, entry: &LogEntry, actor: &Actor) -> Result<Properties> {
    if entry.section == MOBILE_CONFIGS {
        let configs = RawValue::from_string(text).map_err(|error| Error::Internal(Box::new(error)))?;
        let named = [("_id", raw(&entry.object)?), ("customer", raw(&entry.customer)?), ("configs", configs)];
        return Ok(named.map(|(name, value)| (name.to_owned(), value)).into());
    }
    let mut properties: Properties = serde_json::from_str(&text).unwrap_or_default();
    if actor.level < Level::Reseller {
        properties.remove("notes");
    }
    let text_of = |name: &str| properties.get(name).and_then(|value| serde_json::from_str::<String>(value.get()).ok());
    let kind = text_of("kind").and_then(|kind| kind.parse().ok());
    let employee = text_of("employee").and_then(|id| id.parse().ok());
    properties.retain(|name, _| shows(actor, kind, employee, name));
    Ok(properties)
}

fn compare(before: &Properties, after: &Properties) -> Vec<Change> {
    let keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
    let pairs = keys.map(|key| (key, before.get(key), after.get(key)));
    // As text: all objects are written by the same hand, but for configs, where the order is part of what was given.
    pairs
        .filter(|(_, old, new)| old.map(|old| old.get()) != new.map(|new| new.get()))
        .map(|(key, old, new)| Change {
            key: key.clone(),
            old_value: old.cloned(),
            old_display_value: old.map(|old| display(old)),
            new_value: new.cloned(),
            new_display_value: new.map(|new| display(new)),
        })
        .collect()
}

fn display(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned())
}
