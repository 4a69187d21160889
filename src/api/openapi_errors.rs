//! The errors and the response headers of each call, for the description.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::endpoint::Endpoint;

/// Error rows of the documentation's pages, as far as this server answers them, and of what docs/decisions.md adds: page without
/// its `api:`, status, code, message. `tests/api/documented.rs` compares them with real answers.
const ROWS: &str = include_str!("documented_errors.tsv");

/// What every call with a token may answer (api:errors).
const UNAUTHENTICATED: [(&str, &str); 5] = [
    ("expired", "Session has expired, please login"),
    ("credentials_invalid", "Authorization required, please login"),
    ("format_error", "Authorization header format is Authorization: Bearer <token>"),
    ("invalid_token", "Undecipherable"),
    ("invalid_token", "Please login"),
];

/// Code and message of each error that the endpoint is known to answer, by status.
fn rows(endpoint: &Endpoint, is_public: bool) -> BTreeMap<u16, Vec<(&'static str, &'static str)>> {
    let mut found: BTreeMap<u16, Vec<_>> = BTreeMap::new();
    if !is_public {
        found.insert(401, UNAUTHENTICATED.to_vec());
    }
    for line in ROWS.lines() {
        let cells: Vec<&'static str> = line.split('\t').collect();
        let [page, status, code, message] = cells[..] else { continue };
        if endpoint.page.strip_prefix("api:") == Some(page)
            && let Ok(status) = status.parse()
        {
            found.entry(status).or_default().push((code, message));
        }
    }
    found
}

/// The responses of an endpoint that refuse: one for each status, with the codes it comes with, and `default` for what any call may
/// answer. `content` is that of an error.
pub fn refusals(endpoint: &Endpoint, is_public: bool, content: &Value) -> Map<String, Value> {
    let mut refusals = Map::new();
    for (status, rows) in rows(endpoint, is_public) {
        let lines: Vec<String> = rows.iter().map(|(code, message)| format!("- `{code}`: {message}")).collect();
        let mut refusal = json!({ "description": lines.join("\n"), "headers": headers(), "content": content });
        if rows.iter().any(|(code, _)| *code == "too_many_requests") {
            refusal["headers"]["Retry-After"] = retry_after();
        }
        refusals.insert(status.to_string(), refusal);
    }
    let mut other = json!({ "description": "Refused for another reason", "headers": headers(), "content": content });
    other["headers"]["Retry-After"] = retry_after();
    refusals.insert("default".into(), other);
    refusals
}

/// Headers of every answer.
pub fn headers() -> Value {
    json!({ "X-Request-Id": header("The request in the server's log: the caller's own, or a new one") })
}

/// Headers of an answer that is one object, and those of an answer that may have been given before.
pub fn headers_of(is_object: bool, is_repeatable: bool) -> Value {
    let mut headers = headers();
    if is_object {
        headers["ETag"] = header("Version of the object, for If-Match and If-None-Match");
    }
    if is_repeatable {
        headers["Idempotent-Replayed"] = header("`true`: the answer to an earlier request with this Idempotency-Key");
    }
    headers
}

fn header(description: &str) -> Value {
    json!({ "description": description, "schema": { "type": "string" } })
}

fn retry_after() -> Value {
    json!({ "description": "Seconds after which to try again (429, 503)", "schema": { "type": "integer", "minimum": 0 } })
}

#[cfg(test)]
mod tests {
    use super::super::routes::endpoints;
    use super::*;

    #[test]
    fn every_row_is_of_a_page_that_is_served() {
        let pages: Vec<&str> = endpoints().iter().map(|endpoint| endpoint.page).collect();
        for line in ROWS.lines() {
            let cells: Vec<&str> = line.split('\t').collect();
            assert_eq!(cells.len(), 4, "{line}");
            assert!(pages.contains(&format!("api:{}", cells[0]).as_str()), "{line}");
        }
    }

    #[test]
    fn every_page_that_is_served_has_rows() {
        for endpoint in endpoints().iter().filter(|endpoint| !endpoint.page.is_empty()) {
            let page = &endpoint.page["api:".len()..];
            assert!(ROWS.lines().any(|line| line.split('\t').next() == Some(page)), "{page}");
        }
    }
}
