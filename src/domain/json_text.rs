//! JSON as it comes from outside: its encoding, and properties that stand twice.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Formatter;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

const BOM: &[u8] = b"\xef\xbb\xbf";
/// So many names of one object are compared one by one; more are hashed.
const NAMES_COMPARED: usize = 16;

/// The text without a byte order mark. RFC 8259, section 8.1, lets a reader ignore one, and has JSON in UTF-8: the error names
/// another encoding.
pub fn in_utf8(text: &[u8]) -> Result<&[u8], &'static str> {
    match text {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err("the text is in UTF-16: save it as UTF-8"),
        // ASCII in UTF-16 without a mark.
        [0, first, ..] | [first, 0, ..] if matches!(first, b'{' | b'[' | b' ' | b'\n' | b'\r' | b'\t') => {
            Err("the text is in UTF-16: save it as UTF-8")
        }
        _ => Ok(text.strip_prefix(BOM).unwrap_or(text)),
    }
}

/// The first property that stands twice in one object of the text; `None` also where the text is not JSON. RFC 8259, section
/// 4, leaves open which of them counts, so readers differ: nobody can mean it.
pub fn doubled(text: &[u8]) -> Option<String> {
    let mut found = None;
    let mut reader = serde_json::Deserializer::from_slice(text);
    let _ = Values { found: &mut found }.deserialize(&mut reader);
    found
}

/// Looks through a value, and notes the first name that an object has twice.
struct Values<'f> {
    found: &'f mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Values<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_> {
    type Value = ();

    fn expecting(&self, out: &mut Formatter) -> std::fmt::Result {
        out.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = Names::default();
        while let Some(name) = map.next_key_seed(Name)? {
            if let Some(twice) = names.add(name) {
                *self.found = Some(twice);
                return Err(A::Error::custom("a property stands twice"));
            }
            map.next_value_seed(Values { found: self.found })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Values { found: self.found })?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The names of one object so far.
#[derive(Default)]
struct Names<'t> {
    few: Vec<Cow<'t, str>>,
    many: HashSet<Cow<'t, str>>,
}

impl<'t> Names<'t> {
    /// Adds a name; returns it when it was there.
    fn add(&mut self, name: Cow<'t, str>) -> Option<String> {
        if self.few.contains(&name) || (!self.many.is_empty() && self.many.contains(&name)) {
            return Some(name.into_owned());
        }
        match self.few.len() < NAMES_COMPARED {
            true => self.few.push(name),
            false => drop(self.many.insert(name)),
        }
        None
    }
}

/// A name, borrowed from the text where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, out: &mut Formatter) -> std::fmt::Result {
        out.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_that_stands_twice_is_found_at_any_depth_and_however_it_is_written() {
        let many: Vec<String> = (0..100).map(|n| format!("\"n{n}\":1")).collect();
        let wide = format!("{{{},\"n50\":2}}", many.join(","));
        for (text, name) in [
            (r#"{"a":1,"a":1}"#, Some("a")),
            (r#"{"a":1,"b":{"c":[{"d":1},{"d":1,"e":2,"d":3}]}}"#, Some("d")),
            (r#"{"a":1,"\u0061":2}"#, Some("a")),
            (r#"{"æ":1.5,"b":-3,"\u00e6":null}"#, Some("æ")),
            (&wide, Some("n50")),
            (r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}"#, None),
            (r#"{"a":1e400,"b":123456789012345678901234567890,"A":true}"#, None),
            (r#"[1,"a","a",null]"#, None),
            ("{\"a\":1,", None),
        ] {
            assert_eq!(doubled(text.as_bytes()).as_deref(), name, "{text}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_left_out_and_utf_16_is_named() {
        assert_eq!(in_utf8(b"\xef\xbb\xbf{}"), Ok(&b"{}"[..]));
        assert_eq!(in_utf8(b"{}"), Ok(&b"{}"[..]));
        assert_eq!(in_utf8(b""), Ok(&b""[..]));
        for text in [&b"\xff\xfe{\0}\0"[..], b"\xfe\xff\0{\0}", b"{\0}\0", b"\0{\0}"] {
            assert!(in_utf8(text).is_err_and(|wrong| wrong.contains("UTF-16")), "{text:?}");
        }
    }
}
