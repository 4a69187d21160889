//! A row's text as a store keeps it: the content of a mobile config stands apart, once for all rows of an origin that have it.
//! Pure: both stores keep texts so.

use crate::domain::audit::{Hash, digest};
use crate::domain::mirror::{RowText, Table};
use crate::domain::row_text::around_configs;

/// The parts of a text: one behind the other, they are the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredText<'r> {
    /// Of a row without a content, the whole text.
    pub head: &'r str,
    pub shared: Option<SharedPart<'r>>,
}

/// The content of a text, and what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedPart<'r> {
    pub digest: Hash,
    pub content: &'r str,
    pub tail: &'r str,
}

impl<'r> StoredText<'r> {
    /// The parts of a row's text, however it was sent: an edge of an older version sends every text whole.
    pub fn of(t: Table, v: &'r RowText) -> StoredText<'r> {
        match v {
            RowText::Whole(whole) => StoredText::of_whole(t, whole.get()),
            RowText::Shared { head, content, tail } => {
                StoredText { head, shared: Some(SharedPart { digest: content.digest, content: content.text(), tail }) }
            }
        }
    }

    /// The parts of a whole text.
    pub fn of_whole(t: Table, whole: &'r str) -> StoredText<'r> {
        let parts = if t == Table::MobileConfig { around_configs(whole) } else { None };
        match parts.filter(|(_, content, _)| content.starts_with('[')) {
            Some((head, content, tail)) => {
                StoredText { head, shared: Some(SharedPart { digest: digest(content.as_bytes()), content, tail }) }
            }
            None => StoredText { head: whole, shared: None },
        }
    }

    pub fn tail(&self) -> Option<&'r str> {
        self.shared.map(|shared| shared.tail)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::value::RawValue;

    use super::*;
    use crate::domain::mirror::Content;

    #[test]
    fn a_config_is_kept_the_same_way_whether_it_was_sent_whole_or_apart() {
        let text = r#"{"_id":"a","customer":"c","configs":[{"type":"X"}],"future":[1]}"#;
        let whole = RowText::Whole(RawValue::from_string(text.into()).unwrap());
        let (head, configs, tail) = around_configs(text).unwrap();
        let content = Arc::new(Content::new(RawValue::from_string(configs.into()).unwrap()));
        let apart = RowText::Shared { head: head.into(), content, tail: tail.into() };
        let stored = StoredText::of(Table::MobileConfig, &whole);
        assert_eq!(stored, StoredText::of(Table::MobileConfig, &apart));
        let SharedPart { content, tail, .. } = stored.shared.unwrap();
        assert_eq!([stored.head, content, tail].concat(), text);
    }

    #[test]
    fn what_is_no_config_or_has_no_list_stays_whole() {
        for (t, text) in [
            (Table::PbxObject, r#"{"_id":"a","configs":[]}"#),
            (Table::MobileConfig, r#"{"_id":"a","configs":{}}"#),
            (Table::MobileConfig, r#"{"_id":"a"}"#),
            (Table::MobileConfig, "torn"),
        ] {
            assert_eq!(StoredText::of_whole(t, text), StoredText { head: text, shared: None });
        }
    }
}
