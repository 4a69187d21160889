//! The rules of faults: which requests go wrong, and how.

use std::time::Duration;

use actix_web::web::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::chance;
use crate::domain::id::Id;

/// A request, as rules and the journal see it.
pub struct Seen {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    /// The employee who calls.
    pub caller: Option<Id>,
    pub id: String,
    pub body: Bytes,
}

/// Which requests go wrong, and how. What is left out is any.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultRule {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// One of the server's URLs; `*` at its end stands for the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Id of the employee who calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Id>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderIs>,
    /// This part of them, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// So many of them, then no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    pub then: Then,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderIs {
    pub name: String,
    pub value: String,
}

/// What happens to them: one of these.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Then {
    /// This status with the platform's error body; the request is not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// It is done after a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<DelayMs>,
    /// The connection breaks without an answer: `true` instead of doing it, `"after"` when it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset: Option<Reset>,
    /// It is done, and the answer breaks off in the middle.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncate: bool,
    /// It is done, and the answer is no JSON.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub malformed: bool,
    /// 429 with `Retry-After` of so many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub too_many: Option<u64>,
    /// 401 `expired`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
}

/// How long to wait, in milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, rename_all = "camelCase")]
pub enum DelayMs {
    Fixed(f64),
    Uniform {
        uniform: [f64; 2],
    },
    #[serde(rename_all = "camelCase")]
    LogNormal {
        log_normal: LogNormal,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogNormal {
    pub median: f64,
    pub sigma: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Reset {
    Instead(bool),
    After(After),
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum After {
    After,
}

/// The longest delay.
const DELAY_MAX_MS: f64 = 600_000.0;

impl FaultRule {
    /// What is wrong with it, in one sentence; `is_url` says whether a path without `*` is one of the server's.
    pub fn check(&self, is_url: impl Fn(Option<&str>, &str) -> bool) -> Result<(), String> {
        let then = &self.then;
        let effects = [
            then.status.is_some(),
            then.delay_ms.is_some(),
            then.reset.is_some(),
            then.truncate,
            then.malformed,
            then.too_many.is_some(),
            then.expired,
        ];
        if effects.iter().filter(|is| **is).count() != 1 {
            return Err("then takes one of status, delayMs, reset, truncate, malformed, tooMany and expired".into());
        }
        if then.status.is_some_and(|status| !(400..=599).contains(&status)) {
            return Err("then.status must be from 400 to 599".into());
        }
        if matches!(then.reset, Some(Reset::Instead(false))) {
            return Err("then.reset is true, or \"after\"".into());
        }
        if self.share.is_some_and(|share| !(0.0..=1.0).contains(&share) || share == 0.0) {
            return Err(
                "share is a part of the requests, above 0 and up to 1: as it is the rule can never match".into()
            );
        }
        if self.next == Some(0) {
            return Err("next must be at least 1: as it is the rule can never match".into());
        }
        if let Some(method) = &self.method
            && !["GET", "HEAD", "POST", "DELETE", "PUT", "PATCH"].contains(&method.as_str())
        {
            return Err(format!("{method} is no method that a client uses: the rule can never match"));
        }
        match &self.path {
            Some(path) if !path.starts_with('/') => {
                Err("path must begin with a slash: the rule can never match".into())
            }
            Some(path) if !path.contains('*') && !is_url(self.method.as_deref(), path.trim_end_matches('/')) => {
                Err(format!(
                    "{path} is none of the URLs of this server or the platform{}: the rule can never match",
                    if self.method.is_some() { " for that method" } else { "" }
                ))
            }
            _ => Ok(()),
        }
    }

    /// Whether a request is one of these.
    pub fn fits(&self, seen: &Seen) -> bool {
        let is_header = |wanted: &HeaderIs| {
            seen.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case(&wanted.name) && *value == wanted.value)
        };
        self.method.as_ref().is_none_or(|method| *method == seen.method)
            && self.path.as_ref().is_none_or(|path| is_path(path, &seen.path))
            && self.caller.is_none_or(|caller| seen.caller == Some(caller))
            && self.header.as_ref().is_none_or(is_header)
    }
}

/// Whether a path is `pattern`, which may end in `*`, or have `{name}` for any segment.
pub fn is_path(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        Some((begin, _)) => path.starts_with(begin) || path == begin.trim_end_matches('/'),
        None => fits(pattern, path),
    }
}

/// Whether a path is that of a pattern, in which `{name}` stands for any segment; a slash at the end does not count.
pub fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.trim_matches('/'), path.trim_matches('/'));
    let (mut patterns, mut segments) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), segments.next()) {
            (None, None) => return true,
            (Some(pattern), Some(segment)) if pattern.starts_with('{') && !segment.is_empty() || pattern == segment => {
            }
            _ => return false,
        }
    }
}

impl DelayMs {
    /// One delay.
    pub fn pick(&self, chance: &mut u64) -> Duration {
        let millis = match self {
            DelayMs::Fixed(millis) => *millis,
            DelayMs::Uniform { uniform: [least, most] } => least + (most - least) * chance::fraction(chance),
            DelayMs::LogNormal { log_normal: LogNormal { median, sigma } } => {
                // Box and Muller: a normal number of two uniform ones.
                let (one, other) = (1.0 - chance::fraction(chance), chance::fraction(chance));
                let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos();
                median * (sigma * normal).exp()
            }
        };
        Duration::from_secs_f64(millis.clamp(0.0, DELAY_MAX_MS) / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::is_path;

    #[test]
    fn a_rule_names_a_path_one_with_parameters_or_the_beginning_of_one() {
        for (pattern, path) in [
            ("/employee", "/employee/"),
            ("/pbx/queue/{queue}", "/pbx/queue/a00000000000000000000401"),
            ("/pbx/queue/{queue}/member/", "/pbx/queue/x/member"),
            ("/pbx/*", "/pbx/app/queues"),
        ] {
            assert!(is_path(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [("/pbx/queue/{queue}", "/pbx/queue"), ("/pbx/queue/{queue}", "/pbx/queue/x/member")] {
            assert!(!is_path(pattern, path), "{pattern} {path}");
        }
    }
}
