//! What a mock holds requests against: the list of endpoints, and the description that is made from it.

use serde_json::Value;

use super::not_served::platform_calls;
use super::{openapi, routes};
use crate::web::mock::problems::{Rule, Rules};

/// Every call that this server serves, or the platform is known to have.
pub fn rules() -> Rules {
    let endpoints = routes::endpoints();
    let document = openapi::build(&endpoints);
    // The page of the copy has its path with a slash at the end.
    let schema = |method: &str, path: &str| -> Option<Value> {
        let described = [path.to_owned(), format!("{path}/")].into_iter();
        let operation = described.filter_map(|path| document["paths"].get(&path)?.get(method.to_lowercase())).next()?;
        operation.pointer("/requestBody/content/application~1json/schema").cloned()
    };
    let served = endpoints.iter().map(|endpoint| Rule {
        method: endpoint.method,
        path: endpoint.path,
        page: endpoint.page,
        arguments: endpoint.query.split_whitespace().collect(),
        body: schema(endpoint.method, endpoint.path),
        is_upload: endpoint.body.is_some_and(|body| body.is_upload),
    });
    let served = served.collect();
    Rules { served, not_served: platform_calls().collect(), document }
}
