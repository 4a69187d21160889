//! What a mock holds requests against: the list of endpoints, and the description that is made from it.

use serde_json::Value;

use super::not_served::platform_calls;
use super::{openapi, routes};
use crate::web::mock::problems::{Rule, Rules};

/// Every call that this server serves, or the platform is known to have.
pub fn rules() -> Rules {
    let endpoints = routes::endpoints();
    let document = openapi::build(&endpoints);
    let schema = |method: &str, path: &str| -> Option<Value> {
        let described =
            [path.to_owned(), format!("{path}/")].into_iter().find_map(|path| document["paths"].get(&path).cloned());
        let content = described?.get(method.to_lowercase())?.pointer("/requestBody/content")?.clone();
        content.as_object()?.values().next()?.get("schema").cloned()
    };
    let served = endpoints.iter().map(|endpoint| Rule {
        method: endpoint.method,
        path: endpoint.path,
        page: endpoint.page,
        arguments: endpoint.query.split_whitespace().collect(),
        body: schema(endpoint.method, endpoint.path),
    });
    let served = served.collect();
    Rules { served, not_served: platform_calls().collect(), document }
}
