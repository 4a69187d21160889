//! What is not served: endpoints of the platform that this server does not have, other methods, unknown URLs. The platform's are
//! passed on to it while the server works with one.

use std::sync::LazyLock;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};

use super::forward;
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
    // Where this server has another method of the path, it answers for all of them.
    let is_served = |endpoint: &PlatformEndpoint| patterns.contains(&endpoint.segments);
    let is_shadowed = |endpoint: &&PlatformEndpoint| {
        !is_served(endpoint) && patterns.iter().any(|pattern| is_match(pattern, &endpoint.segments))
    };
    let shadowed = PLATFORM.iter().filter(is_plain).filter(is_shadowed);
    shadowed.map(|endpoint| format!("/{}", endpoint.segments.join("/"))).collect()
}

/// The response to a URL that has no handler.
pub async fn respond(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let (methods, page) = {
        let path: Vec<&str> = request.path().trim_matches('/').split('/').collect();
        let known = PLATFORM.iter().filter(|endpoint| is_match(&endpoint.segments, &path));
        let known: Vec<&PlatformEndpoint> = known.collect();
        let exact = known.iter().find(|endpoint| endpoint.method == request.method().as_str());
        let Some(endpoint) = exact.or(known.first()) else { return no_such_url() };
        (known.iter().map(|endpoint| endpoint.method).collect::<Vec<_>>(), endpoint.page)
    };
    if request.method() == Method::OPTIONS {
        return allowed_methods(&[&methods[..], &["OPTIONS"]].concat().join(", "));
    }
    forward::respond(request, payload, page, || not_implemented(page)).await
}

/// Method, path and page of each of them.
pub fn platform_calls() -> impl Iterator<Item = (&'static str, String, &'static str)> {
    PLATFORM.iter().map(|endpoint| (endpoint.method, format!("/{}", endpoint.segments.join("/")), endpoint.page))
}

/// Method and path of each of them, for the tests.
pub fn platform_endpoints() -> impl Iterator<Item = (&'static str, String)> {
    platform_calls().map(|(method, path, _)| (method, path))
}
