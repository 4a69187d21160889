//! Things that go wrong on purpose: rules, and which of them a request meets.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::effects::Effect;
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

    fn fits(&self, seen: &Seen) -> bool {
        let is_header = |wanted: &HeaderIs| {
            seen.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case(&wanted.name) && *value == wanted.value)
        };
        self.method.as_ref().is_none_or(|method| *method == seen.method)
            && self.path.as_ref().is_none_or(|path| is_path(path, &seen.path))
            && self.caller.is_none_or(|caller| seen.caller == Some(caller))
            && self.header.as_ref().is_none_or(is_header)
    }
}

/// Whether a path is `pattern`, which may end in `*`; a slash at the end does not count.
pub fn is_path(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        Some((begin, _)) => path.starts_with(begin) || path == begin.trim_end_matches('/'),
        None => pattern.trim_end_matches('/') == path.trim_end_matches('/'),
    }
}

/// A rule, and how often a request has met it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Fault {
    pub id: u64,
    pub hits: u64,
    #[serde(flatten)]
    pub rule: FaultRule,
}

/// A rule that a request has met, and what it does.
pub struct Hit {
    pub rule: u64,
    pub effect: Effect,
}

#[derive(Default)]
struct State {
    rules: Vec<Fault>,
    last: u64,
    chance: u64,
}

pub struct Faults(Mutex<State>);

impl Faults {
    pub fn new(seed: Option<u64>) -> Faults {
        let faults = Faults(Mutex::default());
        faults.reset(seed);
        faults
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes all rules; chance begins anew.
    pub fn reset(&self, seed: Option<u64>) {
        let chance = seed.unwrap_or_else(|| chance::uuid().as_u64_pair().0);
        *self.state() = State { chance, ..State::default() };
    }

    /// Adds a rule that has been checked; gives its id.
    pub fn add(&self, rule: FaultRule) -> u64 {
        let mut state = self.state();
        state.last += 1;
        let id = state.last;
        state.rules.push(Fault { id, hits: 0, rule });
        id
    }

    pub fn list(&self) -> Vec<Fault> {
        self.state().rules.clone()
    }

    /// Removes one rule, or all; whether there was one.
    pub fn remove(&self, id: Option<u64>) -> bool {
        let mut state = self.state();
        let before = state.rules.len();
        state.rules.retain(|fault| id.is_some_and(|id| fault.id != id));
        before != state.rules.len() || id.is_none()
    }

    /// The first rule that a request meets.
    pub fn hit(&self, seen: &Seen) -> Option<Hit> {
        let mut state = self.state();
        let State { rules, chance, .. } = &mut *state;
        for fault in rules.iter_mut().filter(|fault| fault.rule.fits(seen)) {
            let is_over = fault.rule.next.is_some_and(|next| fault.hits >= next);
            if is_over || fault.rule.share.is_some_and(|share| chance::fraction(chance) >= share) {
                continue;
            }
            fault.hits += 1;
            return Some(Hit { rule: fault.id, effect: effect(&fault.rule.then, chance) });
        }
        None
    }
}

fn effect(then: &Then, chance: &mut u64) -> Effect {
    if let Some(delay) = &then.delay_ms {
        return Effect::Delay(delay.pick(chance));
    }
    match &then.reset {
        Some(Reset::After(_)) => return Effect::Break { after: true },
        Some(Reset::Instead(_)) => return Effect::Break { after: false },
        None => {}
    }
    if then.truncate {
        return Effect::Truncate;
    }
    if then.malformed {
        return Effect::Malform;
    }
    if then.expired {
        return answer(401, "expired", "Session has expired, please login", None);
    }
    if let Some(seconds) = then.too_many {
        return answer(429, "too_many_requests", "Too many requests", Some(seconds));
    }
    let status = then.status.unwrap_or(500);
    let (code, message) = match status {
        400 => ("bad_request", "Request not valid"),
        401 => ("credentials_invalid", "Authorization required, please login"),
        403 => ("access_denied", "Insufficient access level"),
        404 => ("not_found", "Object not found"),
        409 => ("conflict", "A property conflicts with another item"),
        503 => ("busy", "The server is busy, try again"),
        _ => ("internal_error", "Unexpected server error"),
    };
    answer(status, then.code.as_deref().unwrap_or(code), then.message.as_deref().unwrap_or(message), None)
}

fn answer(status: u16, code: &str, message: &str, retry_after: Option<u64>) -> Effect {
    let (code, message) = (code.to_owned(), message.to_owned());
    Effect::Answer(Box::new(move || {
        let body = json!({ "error": { "message": message, "code": code, "status": status } });
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        if let Some(seconds) = retry_after {
            response.insert_header(("Retry-After", seconds.to_string()));
        }
        response.json(body)
    }))
}

impl DelayMs {
    fn pick(&self, chance: &mut u64) -> Duration {
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
    use super::*;

    fn seen(method: &str, path: &str) -> Seen {
        Seen {
            method: method.into(),
            path: path.into(),
            query: String::new(),
            headers: vec![("X-Try".into(), "1".into())],
            caller: None,
            id: String::new(),
            body: Bytes::new(),
        }
    }

    fn rule(value: serde_json::Value) -> FaultRule {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_rule_meets_the_requests_that_it_describes_as_often_as_it_says() {
        let faults = Faults::new(Some(1));
        faults.add(rule(json!({ "method": "POST", "path": "/employee/*", "next": 2, "then": { "status": 503 } })));
        assert!(
            faults.hit(&seen("GET", "/employee/1")).is_none() && faults.hit(&seen("POST", "/customer/1")).is_none()
        );
        let hits = [(); 4].map(|()| faults.hit(&seen("POST", "/employee/1")).is_some());
        assert_eq!((hits, faults.list()[0].hits), ([true, true, false, false], 2));
        faults.add(rule(json!({ "header": { "name": "x-try", "value": "1" }, "then": { "expired": true } })));
        assert!(faults.hit(&seen("GET", "/")).is_some());
    }

    #[test]
    fn chance_repeats_with_its_seed() {
        let play = |seed| {
            let faults = Faults::new(Some(seed));
            faults.add(rule(
                json!({ "share": 0.5, "then": { "delayMs": { "logNormal": { "median": 10, "sigma": 1 } } } }),
            ));
            let delay = |hit: Hit| match hit.effect {
                Effect::Delay(delay) => delay,
                _ => Duration::ZERO,
            };
            (0..50).map(|_| faults.hit(&seen("GET", "/")).map(delay)).collect::<Vec<_>>()
        };
        assert_eq!(play(1), play(1));
        assert_ne!(play(1), play(2));
        let hits = play(1).into_iter().flatten().count();
        assert!((10..40).contains(&hits), "{hits}");
    }

    #[test]
    fn what_can_never_match_is_refused() {
        let wrong = |value| rule(value).check(|_, path| path == "/employee").err();
        assert_eq!(wrong(json!({ "path": "/employee", "then": { "status": 500 } })), None);
        for (value, said) in [
            (json!({ "path": "/employees", "then": { "status": 500 } }), "none of the URLs"),
            (json!({ "path": "employee", "then": { "status": 500 } }), "slash"),
            (json!({ "method": "BREW", "then": { "status": 500 } }), "no method"),
            (json!({ "share": 0, "then": { "status": 500 } }), "share"),
            (json!({ "next": 0, "then": { "status": 500 } }), "next"),
            (json!({ "then": {} }), "then takes one"),
            (json!({ "then": { "status": 500, "expired": true } }), "then takes one"),
            (json!({ "then": { "status": 200 } }), "400 to 599"),
        ] {
            let text = value.to_string();
            assert!(wrong(value).is_some_and(|wrong| wrong.contains(said)), "{text}");
        }
    }
}
