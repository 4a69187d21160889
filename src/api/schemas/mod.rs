//! The schemas of what is read and answered. Where a handler serialises a struct, that struct has the schema; here are the
//! bodies, which are checked property by property (`domain::fields`), and responses that no struct describes.
#![allow(dead_code, reason = "only the schemas of these types are used")]

pub mod addresses;
pub mod auth;
pub mod book;
pub mod customers;
pub mod employees;
pub mod errors;
pub mod local;
pub mod mobile_configs;
pub mod outgoing;
pub mod pbx;
pub mod pbx_app;
pub mod realtime;
pub mod sync;

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::domain::id::Id;
use crate::domain::schema::finish;

/// Text without control characters.
pub const PLAIN: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";

/// Refers to the schema of a type, without a value of it.
#[derive(Clone, Copy)]
pub struct SchemaOf {
    name: fn() -> Cow<'static, str>,
    add: fn(&mut SchemaGenerator) -> Schema,
}

impl SchemaOf {
    pub fn new<T: JsonSchema>() -> SchemaOf {
        SchemaOf { name: T::schema_name, add: SchemaGenerator::subschema_for::<T> }
    }

    pub fn name(self) -> Cow<'static, str> {
        (self.name)()
    }
}

/// All schemas of a description. What is read and what is answered differ in what has to be there.
pub struct Schemas {
    bodies: SchemaGenerator,
    responses: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Schemas {
        let settings = || {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = "/components/schemas".into();
            settings
        };
        let mut schemas = Schemas {
            bodies: settings().for_deserialize().into_generator(),
            responses: settings().for_serialize().into_generator(),
        };
        // Parameters refer to it by name.
        schemas.response(SchemaOf::new::<Id>());
        schemas
    }
}

impl Schemas {
    /// Adds a schema, and those it needs; gives the reference to it.
    pub fn body(&mut self, schema: SchemaOf) -> Value {
        (schema.add)(&mut self.bodies).to_value()
    }

    pub fn response(&mut self, schema: SchemaOf) -> Value {
        (schema.add)(&mut self.responses).to_value()
    }

    pub fn into_components(mut self) -> Map<String, Value> {
        let mut all = self.responses.take_definitions(false);
        all.values_mut().for_each(|schema| each_object(schema, without_default));
        let mut bodies = self.bodies.take_definitions(false);
        bodies.values_mut().for_each(|schema| each_object(schema, default_in_words));
        all.extend(bodies);
        all.values_mut().for_each(finish);
        all
    }
}

/// What every page of a list says of itself.
#[derive(JsonSchema)]
pub struct PageHead {
    /// How many were skipped.
    #[schemars(range(min = 0), extend("default" = 0), example = 0)]
    pub offset: i64,
    /// The most that this page may hold.
    #[schemars(range(min = 1, max = 500), extend("default" = 100), example = 100)]
    pub limit: i64,
    /// How many there are in all, whatever `offset` and `limit` are.
    #[schemars(range(min = 0), example = 1)]
    pub total: i64,
}

/// A row that is read back may lack properties, which then have defaults; an answer lacks none. No property is called
/// `default`.
fn without_default(schema: &mut Map<String, Value>) {
    schema.remove("default");
}

/// A property of a body with a default is one that may be left out. Generators of clients require it then, so the description says it.
fn default_in_words(schema: &mut Map<String, Value>) {
    if let Some(default) = schema.shift_remove("default") {
        let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let text = format!("{text} Default: {default}.");
        schema.insert("description".into(), text.trim().into());
    }
}

/// Changes every object of a schema.
fn each_object(schema: &mut Value, change: fn(&mut Map<String, Value>)) {
    match schema {
        Value::Object(object) => {
            change(object);
            object.values_mut().for_each(|value| each_object(value, change));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| each_object(value, change)),
        _ => {}
    }
}

/// In a list these are always there, the others only with `full`.
fn summary(schema: &mut Schema) {
    schema.insert("required".into(), json!(["_id", "name", "state"]));
}
