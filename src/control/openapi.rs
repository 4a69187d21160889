//! The description of the controls as OpenAPI 3.1, made from the list of calls, and a page to try them.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use super::calls::JournalQuery;
use super::outbox::OutboxQuery;
use crate::api::endpoint::{Endpoint, of};
use crate::api::openapi_links::parameters;
use crate::api::schemas::errors::Error as ErrorBody;
use crate::api::schemas::{SchemaOf, Schemas};
use crate::api::swagger_ui;
use crate::error::{Error, Result};

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
    let mut given: Vec<Value> = parameters(call.path).map(path_parameter).collect();
    if call.query == QUERY {
        given.extend(query_parameters(schemars::schema_for!(JournalQuery)));
    }
    if call.query == OUTBOX_QUERY {
        given.extend(query_parameters(schemars::schema_for!(OutboxQuery)));
    }
    let mut content = |schema: SchemaOf| json!({ "application/json": { "schema": schemas.response(schema) } });
    let responses = json!({
        "200": { "description": "Done", "content": content(call.response) },
        "default": { "description": "Refused", "content": content(of::<ErrorBody>()) },
    });
    let mut operation = json!({
        "operationId": call.page, "summary": call.summary, "parameters": given, "responses": responses,
    });
    if let Some(body) = call.body {
        let content = json!({ "application/json": { "schema": schemas.body(body.schema) } });
        operation["requestBody"] = json!({ "required": !body.is_optional, "content": content });
    }
    operation
}

/// Of a call that takes the arguments of the journal.
pub const QUERY: &str = "journal";
/// Of the one that takes those of the outbox.
pub const OUTBOX_QUERY: &str = "outbox";

fn path_parameter(name: &str) -> Value {
    let kind = if name == "id" { "integer" } else { "string" };
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": kind } })
}

fn query_parameters(schema: schemars::Schema) -> Vec<Value> {
    let schema = schema.to_value();
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let parameter = |(name, schema): (String, Value)| {
        // Its own schema refers to what is not in this document.
        let schema = if name == "caller" { json!({ "$ref": "#/components/schemas/Id" }) } else { schema };
        json!({ "name": name, "in": "query", "required": false, "schema": schema })
    };
    properties.into_iter().map(parameter).collect()
}
