//! The text of a mirrored row. Rows of mobile configs may share one content: it is held once, however many rows have it.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::audit::{Hash, digest};
use super::json::is_readable;

/// The value of `configs` in a row whose content the message has in `contents`.
const PLACEHOLDER: &str = "0";

/// A content of mobile configs: the text of `configs`, and its SHA-256.
#[derive(Debug)]
pub struct Content {
    pub digest: Hash,
    text: Box<RawValue>,
    is_sound: OnceLock<bool>,
    is_readable: OnceLock<bool>,
}

impl Content {
    pub fn new(text: Box<RawValue>) -> Content {
        let digest = digest(text.get().as_bytes());
        Content { digest, text, is_sound: OnceLock::from(true), is_readable: OnceLock::new() }
    }

    /// The content with this text, recorded under this digest. `None` unless it is JSON, with no blanks around it.
    pub fn recorded(digest: Hash, text: String) -> Option<Content> {
        let length = text.len();
        let text = RawValue::from_string(text).ok().filter(|raw| raw.get().len() == length)?;
        Some(Content { digest, text, is_sound: OnceLock::new(), is_readable: OnceLock::new() })
    }

    /// Whether the text still has the digest that it was recorded with; found out once, when somebody asks.
    pub fn is_sound(&self) -> bool {
        *self.is_sound.get_or_init(|| digest(self.text().as_bytes()) == self.digest)
    }

    pub fn text(&self) -> &str {
        self.text.get()
    }

    /// The same, as it goes into a message.
    pub fn raw(&self) -> &RawValue {
        &self.text
    }

    /// Whether every reader can parse a row with this content; found out once, however many rows have it.
    pub fn is_readable(&self) -> bool {
        // A row nests it one level deeper.
        *self.is_readable.get_or_init(|| is_readable(&["[", self.text(), "]"].concat()))
    }
}

/// The text of a row.
#[derive(Clone, Debug)]
pub enum RowText {
    Whole(Box<RawValue>),
    /// The three parts, one behind the other, are the text.
    Shared {
        head: Box<str>,
        content: Arc<Content>,
        tail: Box<str>,
    },
}

impl RowText {
    /// The text `v`, in which the value of `configs` is a placeholder for `content`. `None` when it has no `configs`.
    pub fn with_content(v: &RawValue, content: Arc<Content>) -> Option<RowText> {
        let (head, _, tail) = around_configs(v.get())?;
        Some(RowText::Shared { head: head.into(), content, tail: tail.into() })
    }

    /// The text with a placeholder for the content that it shares; `None` when it shares none.
    pub fn with_placeholder(&self) -> Option<String> {
        match self {
            RowText::Whole(_) => None,
            RowText::Shared { head, tail, .. } => Some([head, PLACEHOLDER, tail].concat()),
        }
    }

    /// The whole text.
    pub fn get(&self) -> Cow<'_, str> {
        match self {
            RowText::Whole(v) => v.get().into(),
            RowText::Shared { head, content, tail } => [head, content.text(), tail].concat().into(),
        }
    }

    /// The length of the whole text, in bytes.
    pub fn length(&self) -> usize {
        match self {
            RowText::Whole(v) => v.get().len(),
            RowText::Shared { head, content, tail } => head.len() + content.text().len() + tail.len(),
        }
    }

    /// The content that it shares.
    pub fn content(&self) -> Option<&Arc<Content>> {
        match self {
            RowText::Whole(_) => None,
            RowText::Shared { content, .. } => Some(content),
        }
    }
}

impl From<Box<RawValue>> for RowText {
    fn from(v: Box<RawValue>) -> RowText {
        RowText::Whole(v)
    }
}

/// Whole, whether it shares a content or not: see `sync::protocol::rows` for messages that have contents apart.
impl Serialize for RowText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            RowText::Whole(v) => v.serialize(serializer),
            RowText::Shared { .. } => {
                RawValue::from_string(self.get().into_owned()).map_err(S::Error::custom)?.serialize(serializer)
            }
        }
    }
}

/// The text of an object before the value of its `configs`, that value, and the text behind it. `None` when it has no `configs`.
pub fn around_configs(text: &str) -> Option<(&str, &str, &str)> {
    #[derive(Deserialize)]
    struct Configs<'v> {
        #[serde(borrow)]
        configs: Option<&'v RawValue>,
    }
    let configs = serde_json::from_str::<Configs>(text).ok()?.configs?.get();
    let begin = (configs.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let (head, rest) = text.split_at_checked(begin)?;
    let (configs, tail) = rest.split_at_checked(configs.len())?;
    Some((head, configs, tail))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_parts_of_a_text_are_the_text_wherever_configs_stands() {
        for text in [
            r#"{"_id":"a","customer":"c","configs":[{"type":"X"}]}"#,
            r#"{ "configs" : [ 1 ] , "_id":"a" }"#,
            r#"{"future":{"configs":[2]},"configs":[],"more":"configs"}"#,
        ] {
            let (head, configs, tail) = around_configs(text).unwrap();
            assert!(configs.starts_with('[') && [head, configs, tail].concat() == text, "{text}");
        }
        for text in [r#"{"_id":"a"}"#, r#"{"configs":[1],"configs":[2]}"#, "[]", "7", r#"{"a":{"configs":[]}}"#] {
            assert!(around_configs(text).is_none(), "{text}");
        }
    }

    fn stored(text: &str) -> Option<Content> {
        Content::recorded(digest(text.as_bytes()), text.into())
    }

    #[test]
    fn a_text_that_was_changed_has_its_digest_no_more() {
        assert!(stored("[1]").unwrap().is_sound());
        assert!(!Content::recorded(digest(b"[1]"), "[2]".into()).unwrap().is_sound());
    }

    #[test]
    fn what_is_stored_with_blanks_around_it_or_damaged_is_no_content() {
        assert!(stored("[1, 2]").is_some());
        for text in [" [1]", "[1]\n", "[1", ""] {
            assert!(stored(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_content_is_nested_no_deeper_than_its_rows_may_be() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(stored(&nested(126)).unwrap().is_readable());
        assert!(!stored(&nested(127)).unwrap().is_readable());
        assert!(!stored(r#"["\ud800"]"#).unwrap().is_readable());
    }

    proptest! {
        #[test]
        fn a_text_with_its_content_apart_comes_back_byte_for_byte(
            before in "[a-zæ ]{0,8}", content in "[a-zø ]{0,20}", after in "[a-zå ]{0,8}",
        ) {
            let whole = format!(r#"{{"b":"{before}","configs":["{content}"],"a":"{after}"}}"#);
            let (head, configs, tail) = around_configs(&whole).unwrap();
            let content = Arc::new(stored(configs).unwrap());
            let shared = RowText::Shared { head: head.into(), content: content.clone(), tail: tail.into() };
            prop_assert_eq!(shared.get(), whole.as_str());
            prop_assert_eq!(shared.length(), whole.len());
            let sent = RawValue::from_string(shared.with_placeholder().unwrap()).unwrap();
            let received = RowText::with_content(&sent, content).unwrap();
            prop_assert_eq!(received.get(), whole.as_str());
            prop_assert_eq!(serde_json::to_string(&shared).unwrap(), whole);
        }
    }
}
