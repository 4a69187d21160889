//! What is different between an edge and a hub of other versions, played in transit.

use serde::Deserialize;
use serde_json::value::RawValue;
use telecomx_local::domain::mirror::{Row, RowText};
use telecomx_local::domain::row_text::around_configs;

/// What a config must hold for the hub to find something wrong with its row.
pub const REFUSED: &str = "REFUSED";

/// A field that only a newer program knows.
const NEW_FIELD: &str = r#","future":{"is":"kept"}}"#;

/// How the two sides differ.
#[derive(Clone, Copy, Debug)]
pub struct Skew {
    /// The edges send a field that the hub does not know.
    pub has_new_field: bool,
    /// The hub does not know a table.
    pub is_hub_old: bool,
    /// The hub is of the version that takes each row whole.
    pub takes_whole_rows: bool,
}

impl Skew {
    /// A row's text as the edge sends it.
    pub fn sent(self, v: &str) -> String {
        let v = if self.has_new_field { v[..v.len() - 1].to_owned() + NEW_FIELD } else { v.to_owned() };
        if v.contains(REFUSED) { v.replacen(r#""customer":""#, r#""customer":7,"was":""#, 1) } else { v }
    }

    pub fn send(self, rows: &mut [Row]) {
        for v in rows.iter_mut().filter_map(|row| row.v.as_mut()) {
            let text = self.sent(&v.get());
            *v = match (v.content(), around_configs(&text)) {
                (Some(content), Some((head, _, tail))) => {
                    RowText::Shared { head: head.into(), content: content.clone(), tail: tail.into() }
                }
                _ => RawValue::from_string(text).unwrap().into(),
            };
        }
    }

    /// Whether the hub can read a message at all.
    pub fn can_read(self, text: &str) -> bool {
        #[derive(Deserialize)]
        struct OfWholeRows {
            #[serde(default, rename = "rows")]
            _rows: Vec<Row>,
        }
        !self.takes_whole_rows || serde_json::from_str::<OfWholeRows>(text).is_ok()
    }

    /// A message as the hub reads it.
    pub fn at_hub(self, text: &str) -> String {
        if self.is_hub_old { text.replace(r#""t":"mobile_config""#, r#""t":"x_mobile_config""#) } else { text.into() }
    }

    /// An answer as the edge reads it.
    pub fn at_edge(self, text: &str) -> String {
        text.replace(r#""x_mobile_config/"#, r#""mobile_config/"#)
    }
}

/// What makes a hub, put in the place of the old one, know the table by its name.
pub const UPGRADE: &str = "update quarantine set id = substr(id, 3) where t = 4";
