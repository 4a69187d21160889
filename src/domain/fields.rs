//! Reads the properties of a JSON object into a value and collects every fault with its path.
//!
//! A property that is absent leaves its target alone: the same code serves create (over defaults),
//! partial update (over what is stored) and import. Unknown properties are ignored.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::id::Id;
use super::text::{composed, has_invisible, is_refused};
use crate::error::{Check, Fault, Faults, Result};

/// The longest free text accepted in a property that names no limit of its own, in characters.
pub const TEXT_MAX: usize = 1_000;

/// One JSON object being read, and the faults found so far.
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    prefix: String,
    faults: &'a mut Faults,
}

impl<'a> Fields<'a> {
    /// `path` is the place of the object in its document; empty for the document itself.
    pub fn new(object: &'a Map<String, Value>, path: &str, faults: &'a mut Faults) -> Fields<'a> {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
        Fields { object, prefix, faults }
    }

    /// Reads `value` as an object; anything else is a fault at `path`.
    pub fn of(value: &'a Value, path: &str, faults: &'a mut Faults) -> Option<Fields<'a>> {
        match value.as_object() {
            Some(object) => Some(Fields::new(object, path, faults)),
            None => {
                faults.push(Fault { path: path.into(), check: Check::Type, message: "Must be an object".into() });
                None
            }
        }
    }

    pub fn fault(&mut self, name: &str, check: Check, message: impl Into<String>) {
        self.faults.push(Fault { path: format!("{}{name}", self.prefix), check, message: message.into() });
    }

    /// How many faults have been found so far, in all of the document.
    pub fn fault_count(&self) -> usize {
        self.faults.len()
    }

    /// The place of the object in its document.
    pub fn path(&self) -> &str {
        self.prefix.trim_end_matches('.')
    }

    /// The names that are given.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.object.keys()
    }

    pub fn is_given(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// The given value; `None` when absent.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name)
    }

    /// Notes a fault for each of `names` that is absent or null.
    pub fn require(&mut self, names: &[&str]) {
        for name in names {
            if self.value(name).is_none_or(Value::is_null) {
                self.fault(name, Check::Required, format!("{name} is required"));
            }
        }
    }

    /// Free text that may be cleared with null.
    pub fn text(&mut self, name: &str, target: &mut Option<String>) {
        self.text_within(name, 0, TEXT_MAX, target);
    }

    /// Text of `min` to `max` characters that may be cleared with null.
    pub fn text_within(&mut self, name: &str, min: usize, max: usize, target: &mut Option<String>) {
        match self.value(name) {
            None => {}
            Some(Value::Null) => *target = None,
            Some(_) => {
                let mut text = String::new();
                self.required_text(name, min, max, &mut text);
                *target = Some(text);
            }
        }
    }

    /// Text on one line of `min` to `max` characters that must be there: null is a fault, and so is text that nobody sees.
    pub fn required_text(&mut self, name: &str, min: usize, max: usize, target: &mut String) {
        let mut text = String::new();
        let before = self.fault_count();
        self.required_lines(name, min, max, &mut text);
        if self.fault_count() > before || !self.value(name).is_some_and(Value::is_string) {
            return;
        }
        if has_invisible(&text) {
            let message = format!("{name} must be text on one line, without invisible characters");
            self.fault(name, Check::Format, message);
        } else if min > 0 && text.trim().is_empty() {
            self.fault(name, Check::Min, format!("{name} may not be blank"));
        } else {
            *target = text;
        }
    }

    /// Text of several lines that may be cleared with null.
    pub fn lines(&mut self, name: &str, max: usize, target: &mut Option<String>) {
        match self.value(name) {
            None => {}
            Some(Value::Null) => *target = None,
            Some(_) => {
                let mut text = String::new();
                self.required_lines(name, 0, max, &mut text);
                *target = Some(text);
            }
        }
    }

    /// Text of several lines, `min` to `max` characters, that must be there: null is a fault.
    pub fn required_lines(&mut self, name: &str, min: usize, max: usize, target: &mut String) {
        let Some(value) = self.value(name) else { return };
        let Some(text) = value.as_str() else {
            return self.wrong_type(name, value, "a string");
        };
        let length = text.chars().count();
        if length < min {
            let message = match min {
                1 => format!("{name} may not be empty"),
                _ => format!("{name} must be at least {min} characters"),
            };
            self.fault(name, Check::Min, message);
        } else if length > max {
            self.fault(name, Check::Max, format!("{name} must be at most {max} characters"));
        } else if text.chars().any(is_refused) {
            self.fault(name, Check::Format, format!("{name} may not hold control characters"));
        } else {
            *target = composed(text).into_owned();
        }
    }

    pub fn flag(&mut self, name: &str, target: &mut bool) {
        match self.value(name) {
            None => {}
            Some(Value::Bool(flag)) => *target = *flag,
            Some(value) => self.wrong_type(name, value, "true or false"),
        }
    }

    /// A whole number from 0, or null.
    pub fn count(&mut self, name: &str, target: &mut Option<i64>) {
        match self.value(name) {
            None => {}
            Some(Value::Null) => *target = None,
            Some(value) => match value.as_i64() {
                Some(number) if number >= 0 => *target = Some(number),
                Some(_) => self.fault(name, Check::Min, format!("{name} must be at least 0")),
                None => self.fault(name, Check::Type, format!("{name} must be a whole number")),
            },
        }
    }

    /// A whole number within bounds; null is a fault.
    pub fn number_within(&mut self, name: &str, bounds: RangeInclusive<i64>, target: &mut i64) {
        match self.value(name) {
            None => {}
            Some(Value::Number(number)) => match number.as_i64() {
                Some(number) if bounds.contains(&number) => *target = number,
                number => {
                    let check =
                        if number.is_some_and(|number| number < *bounds.start()) { Check::Min } else { Check::Max };
                    self.fault(name, check, format!("{name} must be from {} to {}", bounds.start(), bounds.end()));
                }
            },
            Some(value) => self.wrong_type(name, value, "a whole number"),
        }
    }

    /// Properties whose types are not known: stored as given; null clears one.
    pub fn as_given(&self, names: &[&str], target: &mut Map<String, Value>) {
        for name in names {
            match self.value(name) {
                None => {}
                Some(Value::Null) => drop(target.shift_remove(*name)),
                Some(value) => drop(target.insert((*name).to_owned(), value.clone())),
            }
        }
    }

    /// One of a closed set of names.
    pub fn choice<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>, allowed: &[&str], target: &mut T) {
        let Some(value) = self.value(name) else { return };
        match value.as_str().map(parse) {
            None => self.wrong_type(name, value, "a string"),
            Some(None) => self.fault(name, Check::Enum, format!("{name} must be one of {}", allowed.join(", "))),
            Some(Some(choice)) => *target = choice,
        }
    }

    /// The id given under `name`; `None` when absent, null or faulty.
    pub fn id(&mut self, name: &str) -> Option<Id> {
        match self.value(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => match text.parse() {
                Ok(id) => Some(id),
                Err(_) => {
                    self.fault(name, Check::Format, format!("{name} must be 24 hex characters"));
                    None
                }
            },
            Some(value) => {
                self.wrong_type(name, value, "a string");
                None
            }
        }
    }

    /// An id that may be cleared with null.
    pub fn optional_id(&mut self, name: &str, target: &mut Option<Id>) {
        if self.value(name).is_some_and(Value::is_null) {
            *target = None;
        } else if let Some(id) = self.id(name) {
            *target = Some(id);
        }
    }

    /// Reads each element of the array under `name` with `read`, until no more faults are wanted; `None` when absent or
    /// no array.
    pub fn each<T>(
        &mut self,
        name: &str,
        mut read: impl FnMut(&Value, &str, &mut Faults) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = self.value(name)?;
        let Some(array) = value.as_array() else {
            self.wrong_type(name, value, "an array");
            return None;
        };
        let path = format!("{}{name}", self.prefix);
        let mut elements = Vec::new();
        for (i, value) in array.iter().enumerate() {
            if self.faults.is_full() {
                break;
            }
            elements.extend(read(value, &format!("{path}[{i}]"), self.faults));
        }
        Some(elements)
    }

    /// The object under `name`, to be read in turn; `None` when absent, null or no object.
    pub fn nested<'b>(&'b mut self, name: &str) -> Option<Fields<'b>> {
        let value = self.value(name).filter(|value| !value.is_null())?;
        Fields::of(value, &format!("{}{name}", self.prefix), self.faults)
    }

    /// Adds faults that were found elsewhere.
    pub fn take_over(&mut self, faults: Faults) {
        self.faults.extend(faults);
    }

    fn wrong_type(&mut self, name: &str, value: &Value, wanted: &str) {
        if value.is_null() {
            // Once is enough: `require` may have said it.
            let path = format!("{}{name}", self.prefix);
            if !self.faults.iter().any(|fault| fault.path == path && fault.check == Check::Required) {
                self.fault(name, Check::Required, format!("{name} is required"));
            }
        } else {
            self.fault(name, Check::Type, format!("{name} must be {wanted}"));
        }
    }
}

/// Reads one id that stands as an array's element.
pub fn element_id(value: &Value, path: &str, faults: &mut Faults) -> Option<Id> {
    let id = value.as_str().and_then(|text| text.parse().ok());
    if id.is_none() {
        let check = if value.is_string() { Check::Format } else { Check::Type };
        faults.push(Fault { path: path.into(), check, message: "Must be 24 hex characters".into() });
    }
    id
}

/// Reads a whole body with `read` and refuses it with the faults found.
pub fn read_body<T>(body: &Map<String, Value>, read: impl FnOnce(&mut Fields) -> T) -> Result<T> {
    let mut faults = Faults::default();
    let value = read(&mut Fields::new(body, "", &mut faults));
    faults.or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use serde_json::json;

    fn faults_of(body: Value, read: impl FnOnce(&mut Fields)) -> Vec<(String, Check)> {
        match read_body(body.as_object().unwrap(), |f| read(f)) {
            Ok(()) => vec![],
            Err(Error::Invalid(faults)) => faults.into_iter().map(|f| (f.path, f.check)).collect(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn every_fault_is_collected_with_its_path() {
        let body = json!({ "name": "", "on": 1, "customer": "12", "list": [{ "zip": 7 }, 8] });
        let faults = faults_of(body, |f| {
            f.require(&["name", "missing"]);
            f.required_text("name", 1, 10, &mut String::new());
            f.flag("on", &mut false);
            f.id("customer");
            f.each("list", |value, path, faults| {
                Fields::of(value, path, faults)?.required_text("zip", 1, 10, &mut String::new());
                Some(())
            });
        });
        let expected = [
            ("missing", Check::Required),
            ("name", Check::Min),
            ("on", Check::Type),
            ("customer", Check::Format),
            ("list[0].zip", Check::Type),
            ("list[1]", Check::Type),
        ];
        assert_eq!(faults, expected.map(|(path, check)| (path.to_owned(), check)));
    }

    #[test]
    fn a_caller_is_told_a_hundred_faults_and_an_import_all() {
        let body = json!({ "list": vec![0; 1_000] });
        let mut looked_at = 0;
        let faults = faults_of(body.clone(), |f| {
            f.each("list", |value, path, faults| {
                looked_at += 1;
                element_id(value, path, faults)
            });
            f.require(&["missing"]);
        });
        assert_eq!((faults.len(), looked_at), (100, 100));
        let mut faults = Faults::of_document();
        Fields::new(body.as_object().unwrap(), "", &mut faults).each("list", element_id);
        assert_eq!(faults.len(), 1_000);
    }

    #[test]
    fn an_absent_property_leaves_its_target_alone_and_null_clears_it() {
        let (mut kept, mut cleared) = (Some("kept".to_owned()), Some("cleared".to_owned()));
        let faults = faults_of(json!({ "cleared": null }), |f| {
            f.text("kept", &mut kept);
            f.text("cleared", &mut cleared);
        });
        assert_eq!((faults, kept, cleared), (vec![], Some("kept".into()), None));
    }

    #[test]
    fn a_required_property_that_is_null_is_one_fault() {
        let faults = faults_of(json!({ "name": null }), |f| {
            f.require(&["name"]);
            f.required_text("name", 1, 10, &mut String::new());
        });
        assert_eq!(faults, [("name".to_owned(), Check::Required)]);
    }

    #[test]
    fn control_characters_are_refused() {
        let faults = faults_of(json!({ "name": "a\u{0}b" }), |f| {
            f.required_text("name", 1, 10, &mut String::new());
        });
        assert_eq!(faults, [("name".to_owned(), Check::Format)]);
    }
}
