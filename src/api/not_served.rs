//! What is not served: endpoints of the platform that this server does not have, other methods, unknown URLs.

use std::sync::LazyLock;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse};

use crate::web::error::{allowed_methods, no_such_url, not_implemented};

struct PlatformEndpoint {
    method: &'static str,
    segments: Vec<&'static str>,
    page: &'static str,
}

/// Endpoints that the platform is known to have and this server does not.
static PLATFORM: LazyLock<Vec<PlatformEndpoint>> = LazyLock::new(|| {
    let lines = include_str!("platform_endpoints.tsv").lines();
    lines
        .filter_map(|line| {
            let (method, rest) = line.split_once('\t')?;
            let (path, page) = rest.split_once('\t')?;
            Some(PlatformEndpoint { method, segments: path.trim_matches('/').split('/').collect(), page })
        })
        .collect()
});

fn is_match(pattern: &[&str], path: &[&str]) -> bool {
    let fits =
        |(pattern, segment): (&&str, &&str)| pattern.starts_with('{') && !segment.is_empty() || pattern == segment;
    pattern.len() == path.len() && pattern.iter().zip(path).all(fits)
}

/// Paths without parameters that a served pattern would take for an id, such as `/customer/organizationresellers`.
pub fn shadowed_by(served: &[&str]) -> Vec<String> {
    let patterns: Vec<Vec<&str>> = served.iter().map(|path| path.trim_matches('/').split('/').collect()).collect();
    let is_plain = |endpoint: &&PlatformEndpoint| !endpoint.segments.iter().any(|segment| segment.starts_with('{'));
    let is_shadowed =
        |endpoint: &&PlatformEndpoint| patterns.iter().any(|pattern| is_match(pattern, &endpoint.segments));
    let shadowed = PLATFORM.iter().filter(is_plain).filter(is_shadowed);
    shadowed.map(|endpoint| format!("/{}", endpoint.segments.join("/"))).collect()
}

/// The response to a URL that has no handler.
pub async fn respond(request: HttpRequest) -> HttpResponse {
    let path: Vec<&str> = request.path().trim_matches('/').split('/').collect();
    let known: Vec<&PlatformEndpoint> =
        PLATFORM.iter().filter(|endpoint| is_match(&endpoint.segments, &path)).collect();
    if let Some(endpoint) = known.iter().find(|endpoint| endpoint.method == request.method().as_str()) {
        return not_implemented(endpoint.page);
    }
    match known.first() {
        Some(_) if request.method() == Method::OPTIONS => {
            let known: Vec<&str> = known.iter().map(|endpoint| endpoint.method).chain(["OPTIONS"]).collect();
            allowed_methods(&known.join(", "))
        }
        Some(endpoint) => not_implemented(endpoint.page),
        None => no_such_url(),
    }
}

/// Method and path of each of them, for the tests.
pub fn platform_endpoints() -> impl Iterator<Item = (&'static str, String)> {
    PLATFORM.iter().map(|endpoint| (endpoint.method, format!("/{}", endpoint.segments.join("/"))))
}
