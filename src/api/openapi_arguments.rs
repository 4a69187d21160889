//! The arguments of calls, for the description: each name is described once, and again where a call means something else by it.

use serde_json::{Value, json};

use super::openapi_pbx::pbx_parameter;
use super::schemas::PLAIN;
use crate::domain::audit::{WHAT, sections};
use crate::domain::realtime::EVENT_TYPES;

/// An argument as the call at this path takes it.
pub fn argument(path: &str, name: &str) -> Value {
    match (path, name) {
        ("/tokens", "employee" | "customer") => narrowed(name),
        ("/tools/realtime", _) => of_event(name),
        ("/local/sync/history", "since") => of_trail(name),
        ("/local/audit", _) => of_trail(name),
        ("/pbx/phonebook", "limit") => limit(50, 50_000),
        ("/pbx/switch/{name}", "value") => query_parameter("on"),
        (path, _) if path.starts_with("/pbx/app/action/") => action_parameter(name),
        (path, name) => pbx_parameter(path, name).unwrap_or_else(|| query_parameter(name)),
    }
}

/// How many objects a page has where that differs from other lists.
fn limit(default: i64, max: i64) -> Value {
    let mut parameter = query_parameter("limit");
    parameter["schema"]["default"] = json!(default);
    parameter["schema"]["maximum"] = json!(max);
    parameter
}

/// An argument that narrows a list down, where it has another meaning elsewhere.
fn narrowed(name: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Id" });
    json!({ "name": name, "in": "query", "required": false, "description": format!("Only of this {name}"), "schema": schema })
}

/// An argument that narrows the audit trail down.
fn of_trail(name: &str) -> Value {
    let id = || json!({ "$ref": "#/components/schemas/Id" });
    let text = || json!({ "type": "string", "minLength": 1, "maxLength": 200, "pattern": PLAIN });
    let time = || json!({ "type": "string", "anyOf": [{ "format": "date" }, { "format": "date-time" }] });
    let (schema, description) = match name {
        "customer" => (
            json!({ "anyOf": [id(), { "type": "string", "enum": ["SYSTEM"] }] }),
            "Only of this customer; SYSTEM: of none. Default: all that the caller may see",
        ),
        "section" => (json!({ "type": "string", "minLength": 1, "examples": sections() }), "Only this kind of object"),
        "item" => (id(), "Only about this object"),
        "by" => (text(), "Only by this person, or by who acted as somebody: an id, or part of a name"),
        "operation" => (text(), "Only this action, such as update, or the entries of one write, by its id"),
        "since" => (time(), "Only from this time on (ISO 8601)"),
        "until" => (time(), "Only before this time (ISO 8601)"),
        "refused" => (json!({ "type": "boolean" }), "Only what was refused, or only what was accepted; default: both"),
        "brief" => (json!({ "type": "boolean", "default": false }), "Leave out what the objects held"),
        _ => return query_parameter(name),
    };
    json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
}

/// An argument of a broadcast.
fn of_event(name: &str) -> Value {
    let id = json!({ "$ref": "#/components/schemas/Id" });
    let (schema, is_required, description) = match name {
        "eventType" => (json!({ "type": "string", "enum": EVENT_TYPES }), true, "What has happened"),
        "customer" => (id, true, "Whose listeners are told"),
        "employee" => (id, false, "Who caused it"),
        _ => (id, false, "The object that it is about"),
    };
    json!({ "name": name, "in": "query", "required": is_required, "description": description, "schema": schema })
}

/// An argument of an action of the app.
fn action_parameter(name: &str) -> Value {
    let description = match name {
        "device" | "source" => "The extension that it is done with: its id, or its number",
        "queue" => "Queue: its id, or its number; `target` is taken too",
        "destination" => "Number to call, or the id of an extension",
        _ => "Extension, or of a call any number",
    };
    json!({ "name": name, "in": "query", "required": name != "target", "description": description, "schema": { "type": "string" } })
}

/// Every query argument of the product, by name.
fn query_parameter(name: &str) -> Value {
    let id = json!({ "$ref": "#/components/schemas/Id" });
    let ids = json!({ "type": "array", "items": id });
    let (flag, text) = (json!({ "type": "boolean", "default": false }), json!({ "type": "string" }));
    let (schema, description) = match name {
        "offset" => (json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX, "default": 0 }), "How many to skip"),
        "limit" => (json!({ "type": "integer", "minimum": 1, "maximum": 500, "default": 100 }), "How many to answer"),
        "filter" => (json!({ "type": "string", "maxLength": 200, "pattern": PLAIN }), "Free text in the common fields"),
        "full" => (flag, "Complete objects instead of summary ones"),
        "includeDeleted" => (flag, "Deleted ones too"),
        "all" => (flag, "All there are, where the caller may see them"),
        "includeSubresellers" => (flag, "Customers of sub-resellers too"),
        "parentReseller" => (id, "Customers of this reseller (RESELLER_ADMIN and up)"),
        "flexcare" | "iptv" | "iptvprivate" | "iptvproviders" | "voip" => (flag, "Only those with this feature"),
        "resellers" => (flag, "Only resellers"),
        "customerIds" => (ids, "Only these; the name may be repeated"),
        "ids" => (ids, "Only these; the name may be repeated"),
        "customer" => (id, "The customer in question; default: the caller's own"),
        "employee" => (id, "Employee to leave out; default: the caller"),
        "reseller" => (id, "All customers of this reseller; wins over `customer`"),
        "queue" => (id, "Only this queue"),
        "deleteDate" => (json!({ "type": "string", "format": "date" }), "Delete on that day, at most a year ahead"),
        "date" | "since" => (
            json!({ "type": "string", "anyOf": [{ "format": "date" }, { "format": "date-time" }] }),
            "Changes from this time on (ISO 8601)",
        ),
        "remove" => (flag, "Do not answer these changes again"),
        "sortBy" => (json!({ "type": "string", "enum": ["when"] }), "Order of the entries"),
        "orderBy" => (json!({ "type": "string", "enum": ["ASC", "DESC"], "default": "ASC" }), "Oldest or newest first"),
        "what" => (json!({ "type": "string", "enum": WHAT }), "Only this kind of change"),
        "version" => (json!({ "type": "integer", "enum": [1, 2], "default": 1 }), "2 allows the arguments below it"),
        "includeData" => (flag, "The object as created, or as before the change"),
        "includeEmployees" => (flag, "Who made each change"),
        "includeChanges" => (flag, "What each change changed (version 2)"),
        "acceptDeletes" => (flag, "Delete here what is gone at the platform, however much it is"),
        "state" => (
            json!({ "type": "string", "enum": ["waiting", "conflict", "refused", "local"] }),
            "Only those that stand so",
        ),
        "token" => (text, "The token to check"),
        "ip" => (
            json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }, { "maxLength": 0 }] }),
            "Address of the client",
        ),
        "simple" => (flag, "Answer by status alone: 200 or 403"),
        "extend" => (flag, "Also names, language and features"),
        "persist" => (flag, "The token does not expire until logout"),
        "cookie" => (flag, "Also send the token as a cookie"),
        "username" => {
            (json!({ "type": "string", "minLength": 1 }), "E-mail address, or the username of an employee without one")
        }
        "password" => {
            (json!({ "type": "string", "minLength": 1, "maxLength": 1000, "pattern": PLAIN }), "As in the body of POST")
        }
        "method" => (json!({ "type": "string", "enum": ["EMAIL", "SMS"], "default": "EMAIL" }), "How to send the link"),
        "smsKey" | "authenticatorToken" => (text, "As in the body of POST"),
        "on" => {
            return json!({ "name": "value", "in": "query", "required": false, "description": "Sets the switch to this", "schema": { "type": "boolean" } });
        }
        "value" => (json!({ "type": "string", "maxLength": 1000 }), "Sets the variable to this"),
        "deleteExtensions" => (flag, "Delete its extensions too; together with a later deleteDate they stay"),
        "deleteMvnoAccounts" => (flag, "Accepted; of no effect here"),
        "standalone" => (flag, "Also extensions that belong to no employee"),
        "calls" => (text, "Accepted; of no effect here"),
        _ => (text, ""),
    };
    let is_required = ["username", "password"].contains(&name);
    json!({ "name": name, "in": "query", "required": is_required, "description": description, "schema": schema })
}
