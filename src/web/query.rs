//! Query arguments.

use std::net::IpAddr;
use std::str::FromStr;

use crate::domain::id::Id;
use crate::domain::text::is_text_within;
use crate::error::{Check, Error, Result};
use crate::store::Window;

/// The longest free text, in characters.
const TEXT_MAX: usize = 200;

/// The arguments of a URL, in order; a name may be given several times.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
    /// Names that stand alone, without `=`.
    bare: Vec<String>,
}

impl Query {
    pub fn parse(text: &str) -> Query {
        let decode = |text: &str| form_urlencoded::parse(text.as_bytes()).into_owned().collect::<Vec<_>>();
        let bare = text.split('&').filter(|part| !part.contains('='));
        Query { pairs: decode(text), bare: bare.flat_map(decode).map(|(name, _)| name).collect() }
    }

    /// The first value given under `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values under `name` or `name[]`, also several in one with commas.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let values = self.pairs.iter().filter(|(known, _)| is_named(known, name));
        values.flat_map(|(_, value)| value.split(',')).map(str::trim).filter(|value| !value.is_empty()).collect()
    }

    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Free text; 422 when it is too long or contains control characters, which no stored text does. SQLite would compare
    /// only what comes before a NUL.
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = self.get(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        if value.chars().count() > TEXT_MAX {
            let message = format!("{name} must be at most {TEXT_MAX} characters");
            return Err(Error::invalid(name, Check::Max, message));
        }
        if !is_text_within(value, 0, TEXT_MAX) {
            return Err(Error::invalid(name, Check::Format, format!("{name} may not hold control characters")));
        }
        Ok(Some(value.to_owned()))
    }

    /// As [`Query::text`]; 422 when it is there and empty.
    pub fn given_text(&self, name: &str) -> Result<Option<String>> {
        match self.get(name) {
            Some("") => Err(Error::invalid(name, Check::Min, format!("{name} may not be empty"))),
            _ => self.text(name),
        }
    }

    /// An id; 422 when it is malformed, or there and empty: that never means all.
    pub fn id(&self, name: &str) -> Result<Option<Id>> {
        self.get(name).map(|value| parse_id(name, value)).transpose()
    }

    /// Ids under a repeated name; `None` when it is not given. 422 when one is malformed, or the list is there and empty.
    pub fn ids(&self, name: &str) -> Result<Option<Vec<Id>>> {
        if !self.pairs.iter().any(|(known, _)| is_named(known, name)) {
            return Ok(None);
        }
        let values = self.all(name);
        if values.is_empty() {
            return Err(Error::invalid(name, Check::Min, format!("{name} must name at least one id")));
        }
        values.into_iter().map(|value| parse_id(name, value)).collect::<Result<_>>().map(Some)
    }

    /// An IP address in the form in which callers' addresses are recorded; 422 when it is malformed.
    pub fn address(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = self.get(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        match value.parse::<IpAddr>() {
            Ok(address) => Ok(Some(address.to_canonical().to_string())),
            Err(_) => Err(Error::invalid(name, Check::Format, format!("{name} must be an IP address"))),
        }
    }

    /// `true` or `1`, `false` or `0`, in any case (`True`). A name that stands alone is true; one with nothing behind its `=`
    /// is 422.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some("") if self.bare.iter().any(|bare| bare == name) => Ok(true),
            Some(_) => Err(Error::invalid(name, Check::Type, format!("{name} must be true or false"))),
        }
    }

    /// `offset` and `limit`; 422 when one is not a number or out of range.
    pub fn window(&self, limit_default: i64, limit_max: i64) -> Result<Window> {
        let offset = self.number("offset", 0, 0, i64::MAX)?;
        let limit = self.number("limit", limit_default, 1, limit_max)?;
        Ok(Window { offset, limit })
    }

    fn number(&self, name: &str, default: i64, min: i64, max: i64) -> Result<i64> {
        let Some(value) = self.get(name) else { return Ok(default) };
        let Ok(number) = i64::from_str(value) else {
            return Err(Error::invalid(name, Check::Type, format!("{name} must be a whole number")));
        };
        if number < min {
            return Err(Error::invalid(name, Check::Min, format!("{name} must be at least {min}")));
        }
        if number > max {
            return Err(Error::invalid(name, Check::Max, format!("{name} must be at most {max}")));
        }
        Ok(number)
    }
}

/// Whether an argument belongs to `name`: a list may be given as `name[]` too.
fn is_named(known: &str, name: &str) -> bool {
    known == name || known.strip_suffix("[]") == Some(name)
}

fn parse_id(name: &str, value: &str) -> Result<Id> {
    value.parse().map_err(|_| Error::invalid(name, Check::Format, format!("{name} must be 24 hex characters")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_and_bracketed_names_are_one_list() {
        assert_eq!(Query::parse("ids=a&ids[]=b&ids=c,d&id=e").all("ids"), ["a", "b", "c", "d"]);
    }

    #[test]
    fn an_id_that_is_there_and_empty_never_means_all() {
        for text in ["id=", "id", "id=%20", "id=x"] {
            assert!(Query::parse(text).id("id").is_err(), "{text}");
        }
        for text in ["ids=", "ids[]=", "ids=,", "ids=&ids=", "ids"] {
            assert!(Query::parse(text).ids("ids").is_err(), "{text}");
        }
        assert_eq!(Query::parse("other=").ids("ids").unwrap(), None);
        assert_eq!(Query::parse("").id("id").unwrap(), None);
    }

    #[test]
    fn arguments_are_decoded_and_need_no_value() {
        let query = Query::parse("a=%C3%A6+b&c&d=%&e=%ff&");
        let pairs: Vec<_> = query.pairs().collect();
        assert_eq!(pairs, [("a", "æ b"), ("c", ""), ("d", "%"), ("e", "\u{fffd}")]);
    }

    #[test]
    fn a_flag_stands_alone_or_says_what_it_is() {
        let flag = |text: &str| Query::parse(text).flag("all").ok();
        for text in ["all", "x=1&all", "all=true", "all=True", "all=1", "%61ll"] {
            assert_eq!(flag(text), Some(true), "{text}");
        }
        for text in ["", "all=false", "all=FALSE", "all=0", "al"] {
            assert_eq!(flag(text), Some(false), "{text}");
        }
        for text in ["all=", "all=2", "all=yes", "all=%20true"] {
            assert_eq!(flag(text), None, "{text}");
        }
    }

    #[test]
    fn a_window_has_bounds() {
        let window = |text| Query::parse(text).window(100, 500).map(|w| (w.offset, w.limit)).ok();
        assert_eq!(window(""), Some((0, 100)));
        assert_eq!(window("offset=7&limit=500"), Some((7, 500)));
        for text in [
            "limit=0",
            "limit=501",
            "limit=-1",
            "limit=x",
            "offset=-1",
            "limit=1e3",
            "limit=",
            "offset=99999999999999999999",
        ] {
            assert_eq!(window(text), None, "{text}");
        }
    }
}
