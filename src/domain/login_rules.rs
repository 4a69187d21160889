//! What a login may look like: passwords, user names, the addresses to log in from (api:auth:setpassword, api:employee:create).

use std::net::IpAddr;

use super::fields::Fields;
use crate::error::Check;

/// Reads `password`: at least 8 characters with upper case, lower case and digits (api:auth:setpassword).
pub fn password(fields: &mut Fields) -> Option<String> {
    let mut password = String::new();
    fields.required_lines("password", 0, 200, &mut password);
    if password.is_empty() && !fields.is_given("password") {
        return None;
    }
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    let complex = has(char::is_uppercase) && has(char::is_lowercase) && has(|c| c.is_ascii_digit());
    if password.chars().count() < 8 || !complex {
        if fields.value("password").is_some_and(serde_json::Value::is_string) {
            fields.fault("password", Check::Format, "Password does not meet the required complexity.");
        }
        return None;
    }
    Some(password)
}

/// The addresses of an `ipRestriction`, as callers' addresses are written; `None` when one of them is not an address.
pub fn ip_list(text: &str) -> Option<Vec<IpAddr>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok().map(|address: IpAddr| address.to_canonical())).collect()
}

/// One `@` with something before it and a host with a dot, or `localhost`, behind it; no blanks.
pub(super) fn is_email_address(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let host_is_fine = host == "localhost"
        || host.contains('.')
            && host.split('.').all(|label| !label.is_empty())
            && host.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.');
    !name.is_empty() && host_is_fine && !text.chars().any(|c| c.is_whitespace() || c == ',' || c == ';')
}
