//! Arguments of the calls about queues, extensions and groups: some have another meaning, or other limits, than elsewhere.

use serde_json::{Value, json};

/// The argument as the call at this path takes it; `None` where it is what it is everywhere.
pub fn pbx_parameter(path: &str, name: &str) -> Option<Value> {
    let id = || json!({ "$ref": "#/components/schemas/Id" });
    let flag = || json!({ "type": "boolean", "default": false });
    let is_list = path == "/pbx/extension" || path == "/pbx/group";
    let (schema, description) = match name {
        "limit" if is_list => {
            (json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 50 }), "How many to answer")
        }
        "full" if is_list => (flag(), "Accepted; the list always has complete objects"),
        "includePhones" => (flag(), "Accepted; of no effect here"),
        "employee" if is_list => (id(), "Only of this employee"),
        "sort" if is_list => {
            let names = ["number", "name", "redirect", "direct", "employee"];
            (json!({ "type": "string", "enum": names, "default": "name" }), "Order of the list")
        }
        "extension" if path == "/pbx/app/queues" => {
            (id(), "For which of the caller's own extensions `member` is asked")
        }
        "extension" => (id(), "The extension that is to join"),
        "number" if !is_list => (
            json!({ "type": "string", "minLength": 1, "maxLength": 50 }),
            "The number that is to join, where it is no extension",
        ),
        "priority" => {
            (json!({ "type": "integer", "minimum": 1, "maximum": 20 }), "The first priorities are called first")
        }
        "permanent" => (flag(), "Only MANAGER and up take the member out; ignored below MANAGER"),
        "expandGoto" => (flag(), "Objects in the place of the ids that calls go on to"),
        "expandExtension" => (flag(), "Objects in the place of the ids of extensions"),
        "members" => (flag(), "Also the members"),
        "callers" => (flag(), "Also the calls that wait"),
        "target" => (id(), "The extension in question"),
        _ => return None,
    };
    let is_required = name == "target";
    Some(json!({ "name": name, "in": "query", "required": is_required, "description": description, "schema": schema }))
}
