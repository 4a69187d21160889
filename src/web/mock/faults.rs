//! Things that go wrong on purpose: rules, and which of them a request meets.

use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;

use super::effects::Effect;
use super::fault_rule::{FaultRule, Reset, Seen, Then};
use crate::domain::chance;
use crate::error::Error;
use crate::web::error::{on_purpose, text_of, usual_text};

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
    let (status, (code, message), retry_after_s) = match then {
        Then { expired: true, .. } => (UNAUTHENTICATED, text_of(&Error::session_expired()), None),
        Then { too_many: Some(seconds), .. } => (TOO_MANY, usual_text(TOO_MANY), Some(*seconds)),
        _ => {
            let status = then.status.unwrap_or(FAILED);
            let (code, message) = usual_text(status);
            let text = (then.code.clone().unwrap_or(code), then.message.clone().unwrap_or(message));
            (status, text, None)
        }
    };
    Effect::Answer(Box::new(move || on_purpose(status, &code, &message, retry_after_s)))
}

/// What rules that name no status answer with.
const UNAUTHENTICATED: u16 = 401;
const TOO_MANY: u16 = 429;
const FAILED: u16 = 500;

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::web::Bytes;
    use serde_json::json;
    use std::time::Duration;

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
