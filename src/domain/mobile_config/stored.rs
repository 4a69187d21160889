//! Mobile configs read back as they were stored, without any rule.

use std::borrow::Cow;

use super::kind::Kind;
use super::shape::{ConfigItem, NAME_MAX, Section, TYPE_MAX};
use crate::domain::id::Id;
use crate::domain::text::is_text_within;

/// An entry of a section, with the name that it has there.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedEntry<'t> {
    pub kind: Kind,
    pub id: Id,
    pub name: Cow<'t, str>,
}

/// Every entry of the sections of known types; `None` when the text does not have the documented shape.
pub fn entries(text: &str) -> Option<Vec<NamedEntry<'_>>> {
    let sections: Vec<Section> = serde_json::from_str(text).ok()?;
    let mut entries = Vec::new();
    for section in &sections {
        if !is_text_within(&section.kind, 1, TYPE_MAX) {
            return None;
        }
        let Some(kind) = Kind::parse(&section.kind) else { continue };
        for list in [section.items?, section.others?] {
            let list: Vec<ConfigItem> = serde_json::from_str(list.get()).ok()?;
            for ConfigItem { id, name } in list {
                if !is_text_within(&name, 0, NAME_MAX) {
                    return None;
                }
                entries.push(NamedEntry { kind, id: id.parse().ok()?, name });
            }
        }
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mobile_config::MobileConfig;

    const ANNA: &str = "00000000000000000000000a";
    const BO: &str = "00000000000000000000000b";

    #[test]
    fn a_config_comes_back_from_its_rendering_byte_for_byte() {
        let configs = r#"[{"type":"LATER","n":1.50,"big":12345678901234567890123}]"#.to_owned();
        let config =
            MobileConfig { id: ANNA.parse().unwrap(), customer: BO.parse().unwrap(), configs, content: None, rev: 0 };
        let text = String::from_utf8(config.to_json()).unwrap();
        assert_eq!(MobileConfig::from_json(&text).unwrap(), config);
        assert!(MobileConfig::from_json(r#"{"_id":"00000000000000000000000a","configs":[]}"#).is_err());
    }

    #[test]
    fn the_entries_are_those_of_known_sections_with_their_names() {
        let text = format!(
            r#"[{{"type":"COLLEAGUES","items":[{{"_id":"{ANNA}","name":"Anna"}}],"others":[{{"_id":"{BO}","name":"Bo"}}]}},
            {{"type":"QUEUES","items":[],"others":[{{"_id":"{ANNA}","name":"Anna"}}]}},{{"type":"LATER","items":7}}]"#
        );
        let found = entries(&text).unwrap();
        let names: Vec<_> = found.iter().map(|entry| (entry.kind, entry.name.as_ref())).collect();
        assert_eq!(names, [(Kind::Colleagues, "Anna"), (Kind::Colleagues, "Bo"), (Kind::Queues, "Anna")]);
        for wrong in [
            "{}",
            "[7]",
            r#"[{"type":"QUEUES","items":[]}]"#,
            r#"[{"type":"QUEUES","items":[{"_id":"1","name":""}],"others":[]}]"#,
        ] {
            assert_eq!(entries(wrong), None, "{wrong}");
        }
    }
}
