//! Links of the API description: what an answer's ids are good for (OpenAPI 3.1, Link Object).

use serde_json::{Map, Value, json};

use super::endpoint::Endpoint;

/// Responses that contain an id: method and path of the endpoint, the path parameter that accepts the id, and its JSON pointer.
const SOURCES: [(&str, &str, &str, &str); 5] = [
    ("POST", "/customer", "customer", "/_id"),
    ("POST", "/employee", "employee", "/_id"),
    ("POST", "/customer/{customer}/address", "address", "/_id"),
    ("POST", "/pbx/phonebook", "contact", "/_id"),
    ("GET", "/log/changelog/customer/{customer}", "entry", "/changelogs/0/_id"),
];

/// Links to every endpoint whose path the ids of the answer complete; null when there is none.
pub fn links(endpoint: &Endpoint, all: &[Endpoint], operation_id: impl Fn(&Endpoint) -> String) -> Value {
    let source = SOURCES.iter().find(|(method, path, ..)| (*method, *path) == (endpoint.method, endpoint.path));
    let Some((_, _, name, place)) = source else { return Value::Null };
    let given: Vec<&str> = parameters(endpoint.path).collect();
    let mut links = Map::new();
    for target in all {
        let needed: Vec<&str> = parameters(target.path).collect();
        if !needed.contains(name) || needed.iter().any(|other| other != name && !given.contains(other)) {
            continue;
        }
        let values: Map<String, Value> = needed
            .iter()
            .map(|needed| match needed == name {
                true => ((*needed).to_owned(), json!(format!("$response.body#{place}"))),
                false => ((*needed).to_owned(), json!(format!("$request.path.{needed}"))),
            })
            .collect();
        let id = operation_id(target);
        links.insert(id.clone(), json!({ "operationId": id, "parameters": values }));
    }
    Value::Object(links)
}

/// The parameters in a path, in order.
pub fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}
