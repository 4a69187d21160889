//! The rows of a push or a part. A content that several of them share goes once in each message: the rows name it by its digest.
//!
//! A hub of an older version takes a list of rows only, and refuses a message with contents whole (400): it never takes a row
//! without its content.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::domain::audit::Hash;
use crate::domain::mirror::{Bad, Content, Row, SentRow};
use crate::store::feed::MessageSize;

/// The rows of a message.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    rows: Vec<Row>,
    /// The hub takes contents apart.
    has_contents_apart: bool,
}

impl Rows {
    /// `has_contents_apart`: the hub takes each content once, and rows that name it.
    pub fn new(rows: Vec<Row>, has_contents_apart: bool) -> Rows {
        Rows { rows, has_contents_apart }
    }

    /// About how many bytes they take before compression.
    pub fn bytes(&self) -> usize {
        let mut size = MessageSize::new(self.has_contents_apart);
        self.rows.iter().map(|row| size.add(row)).sum()
    }

    /// The contents that go apart: those that several rows share. One whose text is no longer what its digest says goes with
    /// each of its rows.
    fn shared(&self) -> HashMap<Hash, &Content> {
        let mut counted: HashMap<Hash, (&Content, usize)> = HashMap::new();
        for content in self.rows.iter().filter_map(|row| row.v.as_ref()?.content()) {
            counted.entry(content.digest).or_insert((content, 0)).1 += 1;
        }
        let shared = counted.into_iter().filter(|(_, (content, count))| *count > 1 && content.is_sound());
        shared.map(|(digest, (content, _))| (digest, content)).collect()
    }
}

impl From<Vec<Row>> for Rows {
    fn from(rows: Vec<Row>) -> Rows {
        Rows::new(rows, true)
    }
}

impl Deref for Rows {
    type Target = Vec<Row>;

    fn deref(&self) -> &Vec<Row> {
        &self.rows
    }
}

impl DerefMut for Rows {
    fn deref_mut(&mut self) -> &mut Vec<Row> {
        &mut self.rows
    }
}

impl Serialize for Rows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Apart<'r> {
            contents: Contents<'r>,
            rows: Vec<RowToSend<'r>>,
        }
        let shared = if self.has_contents_apart { self.shared() } else { HashMap::new() };
        if shared.is_empty() {
            return self.rows.serialize(serializer);
        }
        let rows = self.rows.iter().map(|row| RowToSend::of(row, &shared)).collect::<serde_json::Result<_>>();
        Apart { contents: Contents(shared), rows: rows.map_err(S::Error::custom)? }.serialize(serializer)
    }
}

struct Contents<'r>(HashMap<Hash, &'r Content>);

impl Serialize for Contents<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(digest, content)| (hex::encode(digest), content.raw())))
    }
}

/// A row in a message that has contents apart.
#[derive(Serialize)]
#[serde(untagged)]
enum RowToSend<'r> {
    Whole(&'r Row),
    Named {
        t: &'static str,
        id: &'r str,
        rev: i64,
        chg: i64,
        v: Box<RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        bad: Option<Bad>,
        content: String,
    },
}

impl RowToSend<'_> {
    fn of<'r>(row: &'r Row, shared: &HashMap<Hash, &Content>) -> serde_json::Result<RowToSend<'r>> {
        let apart = row.v.as_ref().and_then(|v| {
            let digest = v.content().map(|content| content.digest).filter(|digest| shared.contains_key(digest))?;
            Some((v.with_placeholder()?, hex::encode(digest)))
        });
        let Some((v, content)) = apart else { return Ok(RowToSend::Whole(row)) };
        let Row { t, id, rev, chg, bad, .. } = row;
        let v = RawValue::from_string(v)?;
        Ok(RowToSend::Named { t: t.name(), id, rev: *rev, chg: *chg, v, bad: *bad, content })
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rows, D::Error> {
        deserializer.deserialize_any(RowsVisitor)
    }
}

struct RowsVisitor;

impl<'de> Visitor<'de> for RowsVisitor {
    type Value = Rows;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of rows, or contents and the rows that name them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Rows, A::Error> {
        let mut rows = vec![];
        while let Some(row) = list.next_element()? {
            rows.push(row);
        }
        Ok(Rows::from(rows))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut message: A) -> Result<Rows, A::Error> {
        let (mut contents, mut sent): (Option<ReceivedContents>, Option<Vec<SentRow>>) = (None, None);
        while let Some(name) = message.next_key::<String>()? {
            match &*name {
                "contents" if contents.is_none() => contents = Some(message.next_value()?),
                "rows" if sent.is_none() => sent = Some(message.next_value()?),
                "contents" | "rows" => return Err(A::Error::custom(format!("{name} stands twice"))),
                _ => drop(message.next_value::<IgnoredAny>()?),
            }
        }
        let ReceivedContents(contents) = contents.ok_or_else(|| A::Error::missing_field("contents"))?;
        let sent = sent.ok_or_else(|| A::Error::missing_field("rows"))?;
        let find = |digest: &str| contents.get(&parse_digest(digest)?).cloned();
        let rows = sent.into_iter().map(|row| row.into_row(find)).collect::<Result<Vec<_>, _>>();
        rows.map(Rows::from).map_err(A::Error::custom)
    }
}

fn parse_digest(text: &str) -> Option<Hash> {
    hex::decode(text).ok()?.try_into().ok()
}

/// The contents of a message by their digests, which were checked.
struct ReceivedContents(HashMap<Hash, Arc<Content>>);

impl<'de> Deserialize<'de> for ReceivedContents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ReceivedContents, D::Error> {
        struct ContentsVisitor;
        impl<'de> Visitor<'de> for ContentsVisitor {
            type Value = ReceivedContents;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("contents by their digests")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> Result<ReceivedContents, A::Error> {
                let mut contents = HashMap::new();
                while let Some((digest, text)) = given.next_entry::<String, Box<RawValue>>()? {
                    let content = Content::new(text);
                    if parse_digest(&digest) != Some(content.digest) {
                        return Err(A::Error::custom(format!("{digest} is not the SHA-256 of its content")));
                    }
                    match contents.entry(content.digest) {
                        Entry::Vacant(free) => drop(free.insert(Arc::new(content))),
                        Entry::Occupied(_) => {
                            return Err(A::Error::custom(format!("the content {digest} stands twice")));
                        }
                    }
                }
                Ok(ReceivedContents(contents))
            }
        }
        deserializer.deserialize_map(ContentsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::audit::digest;
    use crate::domain::mirror::{RowText, Table};

    fn config(id: &str, content: &Arc<Content>) -> Row {
        let head = format!(r#"{{"_id":"{id}","customer":"c","configs":"#);
        let v = RowText::Shared { head: head.into(), content: content.clone(), tail: r#","future":1}"#.into() };
        Row { t: Table::MobileConfig, id: id.into(), rev: 1, chg: 1, v: Some(v), bad: None }
    }

    fn content(text: &str) -> Arc<Content> {
        Arc::new(Content::new(RawValue::from_string(text.into()).unwrap()))
    }

    fn texts(rows: &Rows) -> Vec<String> {
        rows.iter().map(|row| row.v.as_ref().unwrap().get().into_owned()).collect()
    }

    #[test]
    fn a_content_goes_once_in_a_message_and_every_row_comes_back_byte_for_byte() {
        let (one, other) = (content(r#"[{"type":"X", "n": 1}]"#), content("[]"));
        let rows = Rows::new(vec![config("a", &one), config("b", &one), config("c", &other)], true);
        let text = serde_json::to_string(&rows).unwrap();
        assert_eq!(text.matches(one.text()).count(), 1, "{text}");
        let received: Rows = serde_json::from_str(&text).unwrap();
        assert_eq!(texts(&received), texts(&rows));
        let [a, b] = [0, 1].map(|n| received[n].v.as_ref().unwrap().content().unwrap());
        assert!(Arc::ptr_eq(a, b), "it is held once too");
    }

    #[test]
    fn a_content_of_one_row_alone_and_one_that_was_changed_by_hand_go_with_their_rows() {
        let changed = Arc::new(Content::recorded(digest(b"[1]"), "[2]".into()).unwrap());
        for rows in [vec![config("a", &content("[1]")), config("b", &content("[2]"))], vec![config("a", &changed); 2]] {
            let text = serde_json::to_string(&Rows::new(rows, true)).unwrap();
            assert!(serde_json::from_str::<Vec<Row>>(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn for_a_hub_of_an_older_version_rows_are_a_list_of_whole_texts() {
        let rows = Rows::new(vec![config("a", &content("[1]")), config("b", &content("[1]"))], false);
        let list: Value = serde_json::from_str(&serde_json::to_string(&rows).unwrap()).unwrap();
        assert_eq!(list[1]["v"], json!({ "_id": "b", "customer": "c", "configs": [1], "future": 1 }));
        assert_eq!(
            texts(&serde_json::from_value(list).unwrap())[0],
            r#"{"_id":"a","customer":"c","configs":[1],"future":1}"#
        );
    }

    #[test]
    fn a_hub_of_an_older_version_can_read_nothing_of_a_message_with_contents() {
        let content = content("[1]");
        let rows = Rows::new(vec![config("a", &content), config("b", &content)], true);
        assert!(serde_json::from_str::<Vec<Row>>(&serde_json::to_string(&rows).unwrap()).is_err());
    }

    #[test]
    fn a_message_whose_contents_and_rows_do_not_belong_together_is_refused() {
        let (known, other) = (hex::encode(digest(b"[1]")), hex::encode(digest(b"[2]")));
        let row = |digest: &str| {
            json!({ "t": "mobile_config", "id": "a", "rev": 1, "chg": 1, "content": digest,
            "v": { "_id": "a", "customer": "c", "configs": 0 } })
        };
        let message = |contents: &str, rows: Value| format!(r#"{{"contents":{{{contents}}},"rows":{rows}}}"#);
        let sound = message(&format!(r#""{known}":[1]"#), json!([row(&known)]));
        assert_eq!(texts(&serde_json::from_str(&sound).unwrap()), [r#"{"_id":"a","customer":"c","configs":[1]}"#]);
        let without_configs = json!({ "t": "queue", "id": "a", "rev": 1, "chg": 1, "content": known, "v": {} });
        for (text, why) in [
            (message(&format!(r#""{known}":[1]"#), json!([row(&other)])), "is not in the message"),
            (message(&format!(r#""{known}":[1]"#), json!([row("x")])), "is not in the message"),
            (message(&format!(r#""{known}":[2]"#), json!([])), "is not the SHA-256"),
            (message(r#""x":[2]"#, json!([])), "is not the SHA-256"),
            (message(&format!(r#""{known}":[1],"{known}":[1]"#), json!([])), "stands twice"),
            (message(&format!(r#""{known}":[1]"#), json!([without_configs])), "no configs"),
            (json!([row(&known)]).to_string(), "is not in the message"),
            (r#"{"contents":{}}"#.into(), "rows"),
            (r#"{"rows":[]}"#.into(), "contents"),
            (r#"{"rows":[],"contents":{},"rows":[]}"#.into(), "stands twice"),
            ("7".into(), "a list of rows"),
        ] {
            let error = serde_json::from_str::<Rows>(&text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
