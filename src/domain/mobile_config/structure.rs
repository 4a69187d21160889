//! Whether two contents show the same entries in the same order. Names are left out: they follow their objects.

use serde_json::Value;

use super::kind::Kind;
use crate::domain::audit::digest;

/// SHA-256, in hex, of the sections and their entries without the names.
pub fn structure_digest(configs: &str) -> String {
    let mut value: Value = serde_json::from_str(configs).unwrap_or_default();
    for section in value.as_array_mut().into_iter().flatten() {
        if section["type"].as_str().and_then(Kind::parse).is_none() {
            continue;
        }
        for list in ["items", "others"] {
            for entry in section.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(entry) = entry.as_object_mut() {
                    entry.remove("name");
                }
            }
        }
    }
    hex::encode(digest(value.to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_count_and_order_does() {
        let config = |one: &str, other: &str, name: &str| {
            format!(
                r#"[{{"type":"COLLEAGUES","items":[{{"_id":"{one}","name":"{name}"}},{{"_id":"{other}","name":"B"}}],"others":[]}},{{"type":"LATER","name":"x"}}]"#
            )
        };
        assert_eq!(structure_digest(&config("a", "b", "Anna")), structure_digest(&config("a", "b", "Ann")));
        assert_ne!(structure_digest(&config("a", "b", "Anna")), structure_digest(&config("b", "a", "Anna")));
        assert_ne!(structure_digest("[]"), structure_digest(&config("a", "b", "Anna")));
    }
}
