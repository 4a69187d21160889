//! How the types of the domain describe themselves in `/openapi.json` where that cannot be derived.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::id::Id;
use super::time::Time;

/// Marks a property that may be left out and may also be null; see [`finish`].
const NULLABLE: &str = "x-nullable";

/// The schema of a property whose value may be null. In a description an `Option` alone may only be left out.
pub struct Nullable<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Nullable<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Option::<T>::json_schema(generator);
        schema.insert(NULLABLE.into(), true.into());
        schema
    }
}

impl JsonSchema for Id {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Id of an object: 24 hex characters. Any case is accepted; answers are in lower case.",
            "pattern": "^[0-9a-fA-F]{24}$",
            "minLength": 24,
            "maxLength": 24,
            "examples": ["e00000000000000000000402"],
        })
    }
}

impl JsonSchema for Time {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "examples": ["2025-01-01T00:00:00.000Z"] })
    }
}

/// Finishes what was derived: for schemars an optional property may also be null, while here a property that has no value
/// is left out, unless it is [`Nullable`]. Lines of a description become one.
pub fn finish(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            let required = keywords.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
            if let Some(properties) = keywords.get_mut("properties").and_then(Value::as_object_mut) {
                for (name, property) in properties {
                    if !take_mark(property) && !required.iter().any(|known| known == name) {
                        remove_null(property);
                        take_mark(property);
                    }
                }
            }
            if let Some(Value::String(text)) = keywords.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            if keywords.get("items") == Some(&Value::Bool(true)) {
                // The same, as an object: generators of clients take no other.
                keywords.insert("items".into(), Value::Object(Default::default()));
            }
            keywords.values_mut().for_each(finish);
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(finish),
        _ => {}
    }
}

/// Removes the mark; whether there was one.
fn take_mark(property: &mut Value) -> bool {
    property.as_object_mut().is_some_and(|keywords| keywords.shift_remove(NULLABLE).is_some())
}

fn remove_null(schema: &mut Value) {
    let Some(keywords) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = keywords.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            keywords.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(values)) = keywords.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(schemas)) = keywords.get_mut("anyOf") {
        schemas.retain(|schema| schema.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(only)] = schemas.as_mut_slice() {
            let only = std::mem::take(only);
            keywords.shift_remove("anyOf");
            for (keyword, value) in only {
                keywords.entry(keyword).or_insert(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use schemars::generate::SchemaSettings;
    use serde_json::json;

    use super::*;

    /// A body.
    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "only its schema is wanted")]
    struct Body {
        needed: String,
        /// One line
        /// and another.
        left_out: Option<String>,
        id: Option<Id>,
        cleared: Option<Nullable<String>>,
        unlinked: Option<Nullable<Id>>,
        #[schemars(with = "Nullable<Id>")]
        none: Option<Id>,
    }

    #[test]
    fn what_is_left_out_is_not_null_unless_it_is_nullable() {
        let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
        let mut schema = generator.into_root_schema_for::<Body>().to_value();
        finish(&mut schema);
        assert_eq!(schema["required"], json!(["needed", "none"]));
        let properties = &schema["properties"];
        assert_eq!(properties["left_out"], json!({ "type": "string", "description": "One line and another." }));
        assert_eq!(properties["id"], json!({ "$ref": "#/$defs/Id" }));
        assert_eq!(properties["cleared"], json!({ "type": ["string", "null"] }));
        assert_eq!(properties["unlinked"], properties["none"]);
        assert_eq!(properties["none"], json!({ "anyOf": [{ "$ref": "#/$defs/Id" }, { "type": "null" }] }));
    }
}
