//! The description of the controls as OpenAPI 3.1, made from the list of calls, and a page to try them.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use super::calls::JournalQuery;
use crate::api::endpoint::{Endpoint, of};
use crate::api::schemas::errors::Error as ErrorBody;
use crate::api::schemas::{SchemaOf, Schemas};
use crate::api::swagger_ui;
use crate::error::{Error, Result};

/// The description of a list of calls.
pub struct Description(fn() -> Vec<Endpoint>);

impl Description {
    pub fn of(calls: fn() -> Vec<Endpoint>) -> Description {
        Description(calls)
    }
}

/// This description.
pub async fn document(description: Data<Description>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(build(&(description.0)()).to_string())
}

/// The page, or one of its files.
pub async fn page(request: HttpRequest) -> Result<HttpResponse> {
    let name = request.match_info().get("file").unwrap_or_default();
    let mut response = swagger_ui::find(name).ok_or_else(|| Error::not_found("file", "The page has no such file"))?;
    let policy = header::HeaderValue::from_static(swagger_ui::POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

pub fn build(calls: &[Endpoint]) -> Value {
    let mut schemas = Schemas::default();
    let mut paths = Map::new();
    for call in calls {
        let path = paths.entry(call.path).or_insert_with(|| json!({}));
        path[call.method.to_lowercase()] = operation(call, &mut schemas);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "telecomx-local: controls for tests",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Reset, snapshots, clock, sessions without a password, faults, the journal of requests, workspaces. \
                Served by `serve --ephemeral --control` alone, to this machine, without a token.",
        },
        "servers": [{ "url": "/" }],
        "security": [],
        "paths": paths,
        "components": { "schemas": schemas.into_components() },
    })
}

fn operation(call: &Endpoint, schemas: &mut Schemas) -> Value {
    let mut parameters: Vec<Value> = path_parameters(call.path);
    if call.query == QUERY {
        parameters.extend(query_parameters(schemas));
    }
    let mut content = |schema: SchemaOf| json!({ "application/json": { "schema": schemas.response(schema) } });
    let responses = json!({
        "200": { "description": "Done", "content": content(call.response) },
        "default": { "description": "Refused", "content": content(of::<ErrorBody>()) },
    });
    let mut operation = json!({
        "operationId": call.page, "summary": call.summary, "parameters": parameters, "responses": responses,
    });
    if let Some(body) = call.body {
        let content = json!({ "application/json": { "schema": schemas.body(body.schema) } });
        operation["requestBody"] = json!({ "required": !body.is_optional, "content": content });
    }
    operation
}

/// Of a call that takes the arguments of the journal.
pub const QUERY: &str = "journal";

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let schema = |name| if name == "id" { json!({ "type": "integer" }) } else { json!({ "type": "string" }) };
    names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": schema(name) })).collect()
}

fn query_parameters(schemas: &mut Schemas) -> Vec<Value> {
    let schema = schemars::schema_for!(JournalQuery).to_value();
    // The schema of an id is among the components.
    schemas.response(of::<crate::domain::id::Id>());
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let parameter = |(name, mut schema): (String, Value)| {
        let of_id = json!({ "$ref": "#/components/schemas/Id" });
        if name == "caller" {
            schema = of_id;
        }
        json!({ "name": name, "in": "query", "required": false, "schema": schema })
    };
    properties.into_iter().map(parameter).collect()
}
