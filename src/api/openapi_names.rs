//! What calls are named in the description: generated clients have functions of these names.

use super::endpoint::Endpoint;
use super::openapi_links::parameters;

/// As the documentation page is called: `api:pbx:app:mobileconfig:copy` → `mobileconfigCopy`. A page of several calls has the
/// parameter that tells them apart at the end (`changelogListByCustomer`), and `Get` where it has a POST for the same.
pub fn operation_id(endpoint: &Endpoint, all: &[Endpoint]) -> String {
    if endpoint.page.is_empty() {
        return own_operation_id(endpoint);
    }
    let words: Vec<&str> = endpoint.page.split(':').collect();
    let words = words[words.len().saturating_sub(2)..].iter().flat_map(|part| part.split('-'));
    let mut name: String =
        words.enumerate().map(|(n, word)| if n == 0 { word.into() } else { capitalised(word) }).collect();
    let siblings: Vec<&Endpoint> = all.iter().filter(|other| other.page == endpoint.page).collect();
    let last = |endpoint: &Endpoint| parameters(endpoint.path).last();
    if let Some(parameter) = last(endpoint)
        && siblings.iter().any(|other| last(other) != Some(parameter))
    {
        name += &format!("By{}", capitalised(parameter));
    }
    if endpoint.method == "GET" && siblings.iter().any(|other| other.method == "POST") {
        name += "Get";
    }
    name
}

/// Of this server's own: `get /sync/status` → `getSyncStatus`
fn own_operation_id(endpoint: &Endpoint) -> String {
    let words = endpoint.path.split(['/', '.']).filter(|word| !word.is_empty());
    let words = words.map(|word| match word.strip_prefix('{') {
        Some(parameter) => format!("By{}", capitalised(parameter.trim_end_matches('}'))),
        None => capitalised(word),
    });
    endpoint.method.to_lowercase() + &words.collect::<String>()
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}
