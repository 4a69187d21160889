//! `/openapi.json`, made from the list of endpoints.

use std::sync::OnceLock;

use actix_web::HttpResponse;
use actix_web::web::{self, Bytes};
use serde_json::{Map, Value, json};

use super::endpoint::{Endpoint, of};
use super::openapi_arguments::argument;
use super::openapi_errors::{headers_of, refusals};
use super::openapi_links::{links, parameters};
use super::openapi_names::operation_id;
use super::schemas::errors::Error;
use super::schemas::{SchemaOf, Schemas};
use crate::domain::audit::sections;
use crate::web::console_cookie::NAME;
use crate::web::middleware::may_change;
use crate::web::pace::shared;

const COPY: &str = "api:pbx:app:mobileconfig:copy";

/// The description of a list of endpoints, made when it is first asked for.
pub struct Document {
    endpoints: fn() -> Vec<Endpoint>,
    build: fn(&[Endpoint]) -> Value,
    text: OnceLock<Bytes>,
}

impl Document {
    pub fn of(endpoints: fn() -> Vec<Endpoint>, build: fn(&[Endpoint]) -> Value) -> Document {
        Document { endpoints, build, text: OnceLock::new() }
    }
}

/// This description.
pub async fn document(document: web::Data<Document>) -> HttpResponse {
    let text = document.text.get_or_init(|| (document.build)(&(document.endpoints)()).to_string().into());
    shared(HttpResponse::Ok().content_type("application/json").body(text.clone()))
}

/// The OpenAPI 3.1 document.
pub fn build(endpoints: &[Endpoint]) -> Value {
    let mut schemas = Schemas::default();
    let mut paths = Map::new();
    let mut tags: Vec<Value> = vec![];
    for endpoint in endpoints {
        let named = json!({ "name": tag(endpoint) });
        if !tags.contains(&named) {
            tags.push(named);
        }
        // The platform's page has the copy with a slash at the end; both are served.
        let slash = if endpoint.page == COPY { "/" } else { "" };
        let path = paths.entry(format!("{}{slash}", endpoint.path)).or_insert_with(|| json!({}));
        let id = |endpoint: &Endpoint| operation_id(endpoint, endpoints);
        let mut described = operation(endpoint, id(endpoint), &mut schemas);
        let links = links(endpoint, endpoints, id);
        if !links.is_null() {
            described["responses"]["200"]["links"] = links;
        }
        path[endpoint.method.to_lowercase()] = described;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "telecomx-local",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The TelecomX mobile-config API, served locally. Ids are 24 hex characters in any case; \
                dates are ISO 8601 in UTC. POST creates and updates; an update leaves alone what is not given.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas.into_components(),
            "securitySchemes": {
                // Clients made from this description are to use the header alone: a URL ends in logs.
                "token": { "type": "http", "scheme": "bearer" },
                "console": { "type": "apiKey", "in": "cookie", "name": NAME },
            },
        },
    })
}

/// What is served without a token.
const PUBLIC: [&str; 8] = [
    "/auth/login",
    "/auth/reset",
    "/auth/setpassword",
    "/auth/validateToken",
    "/local/session",
    "/openapi.json",
    "/healthz",
    "/readyz",
];

/// Objects that are answered with their version, in the header `ETag`.
const VERSIONED: [&str; 10] = [
    "Customer",
    "Employee",
    "Address",
    "Addresses",
    "MobileConfig",
    "Contact",
    "Queue",
    "QueueMember",
    "Extension",
    "Group",
];

/// Pages whose calls answer no object with a version, and look at none.
const UNVERSIONED: [&str; 7] = [
    "api:customer:overview",
    "api:customer:callnotify-list",
    "api:employee:get-shortcuts",
    "api:employee:set-shortcuts",
    "api:pbx:switch:get",
    "api:pbx:switch:set",
    "api:pbx:variable:set",
];

fn operation(endpoint: &Endpoint, id: String, schemas: &mut Schemas) -> Value {
    let mut given: Vec<Value> = parameters(endpoint.path).map(|name| path_parameter(endpoint.path, name)).collect();
    given.extend(endpoint.query.split_whitespace().map(|name| argument(endpoint.path, name)));
    let is_public = PUBLIC.contains(&endpoint.path) && !is_by_cookie(endpoint);
    let method = endpoint.method;
    let mut responses = refusals(endpoint, is_public, &content(of::<Error>(), schemas));
    let has_etag = VERSIONED.contains(&&*endpoint.response.name());
    let done = json!({
        "description": "Done",
        "headers": headers_of(has_etag, method == "POST"),
        "content": content(endpoint.response, schemas),
    });
    responses.insert("200".into(), done);
    if method == "POST" {
        given.push(header_parameter(
            "Idempotency-Key",
            "The answer to a repeated request is the first one's, for 24 hours",
            json!({ "type": "string", "minLength": 1, "maxLength": 255 }),
        ));
    }
    let is_object = endpoint.path.contains('{') && !is_of_no_version(endpoint.path) || endpoint.page == COPY;
    if is_object && !endpoint.page.is_empty() && !UNVERSIONED.contains(&endpoint.page) {
        let is_read = method == "GET" && !may_change(endpoint.path);
        let (name, what) = match is_read {
            true => ("If-None-Match", "304 when the object still has this ETag"),
            false => ("If-Match", "412 unless the object has this ETag"),
        };
        given.push(header_parameter(name, what, json!({ "type": "string" })));
        if is_read {
            responses
                .insert("304".into(), json!({ "description": "Not modified", "headers": headers_of(true, false) }));
        }
    }
    let mut operation = json!({
        "operationId": id,
        "tags": [tag(endpoint)],
        "summary": endpoint.summary,
        "description": match endpoint.page {
            "" => "This server's own".to_owned(),
            page => format!("Documentation page `{page}`"),
        },
        "parameters": given,
        "responses": responses,
    });
    if endpoint.query.split_whitespace().any(|name| name == "simple") {
        let empty = json!({ "schema": { "type": "string", "maxLength": 0 } });
        operation["responses"]["200"]["content"]["text/plain"] = empty;
    }
    if let Some(body) = endpoint.body {
        let schema = match needed(endpoint) {
            [] => schemas.body(body.schema),
            needed => json!({ "allOf": [schemas.body(body.schema)], "required": needed }),
        };
        let kind = if body.is_upload { "multipart/form-data" } else { "application/json" };
        operation["requestBody"] = json!({ "required": !body.is_optional, "content": { kind: { "schema": schema } } });
    }
    if is_public {
        operation["security"] = json!([]);
    } else if is_by_cookie(endpoint) {
        operation["security"] = json!([{ "console": [] }]);
    }
    operation
}

/// Calls about the console's session, which is in its cookie.
fn is_by_cookie(endpoint: &Endpoint) -> bool {
    endpoint.path == "/local/session" && endpoint.method != "POST"
}

/// Paths that name an object whose version the call does not look at.
fn is_of_no_version(path: &str) -> bool {
    path.starts_with("/auth") || path == "/pbx/queue/{queue}/member" || path.ends_with("/member/join")
}

/// What a body must have to create something: the schema of its kind serves updates too, which need nothing.
fn needed(endpoint: &Endpoint) -> &'static [&'static str] {
    match (endpoint.method, endpoint.path) {
        ("POST", "/customer") => &["name", "addresses"],
        ("POST", "/customer/{customer}/address") => &["address", "zip"],
        ("POST", "/employee") => &["customer", "accessLevel", "name"],
        _ => &[],
    }
}

/// The first segment of the path; `server` for what the platform does not have.
fn tag(endpoint: &Endpoint) -> &str {
    if endpoint.page.is_empty() { "server" } else { endpoint.path.split('/').nth(1).unwrap_or_default() }
}

fn content(response: SchemaOf, schemas: &mut Schemas) -> Value {
    let kind = match &*response.name() {
        "Metrics" => "text/plain",
        "Png" => "image/png",
        _ => "application/json",
    };
    json!({ kind: { "schema": schemas.response(response) } })
}

fn path_parameter(path: &str, name: &str) -> Value {
    let schema = match name {
        // Its place in a queue.
        "entry" if path.starts_with("/sync/") => json!({ "type": "integer", "minimum": 1 }),
        "token" | "operation" => json!({ "type": "string" }),
        "section" => json!({ "type": "string", "examples": sections() }),
        "name" => json!({ "type": "string", "maxLength": 200, "examples": ["SHARED:night"] }),
        _ => json!({ "$ref": "#/components/schemas/Id" }),
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

fn header_parameter(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema })
}

#[cfg(test)]
mod tests {
    use super::super::routes::endpoints;
    use super::*;

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        let document = build(&endpoints());
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"").skip(1) {
            let target = reference.split('"').next().unwrap();
            assert!(document.pointer(&target[1..]).is_some(), "{target}");
        }
    }

    #[test]
    fn every_endpoint_has_its_own_operation() {
        let all = endpoints();
        let ids: std::collections::HashSet<String> = all.iter().map(|endpoint| operation_id(endpoint, &all)).collect();
        assert_eq!(ids.len(), endpoints().len());
        assert!(ids.contains("mobileconfigGet"), "{ids:?}");
    }
}
