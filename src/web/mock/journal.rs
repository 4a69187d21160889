//! The last requests with their answers, without secrets, within bounds.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::fault_rule::{Seen, is_path};
use super::problems::Problem;
use crate::domain::id::Id;
use crate::domain::redaction::redacted;
use crate::domain::time::Time;

/// How many requests are kept, and how much of their bodies.
const KEPT_MAX: usize = 1_000;
const KEPT_BYTES: usize = 16 << 20;
/// A longer body of one request is kept as its length alone.
const BODY_MAX: usize = 256 << 10;

/// Properties, arguments and headers that are secrets, in lower case.
const SECRETS: [&str; 10] = [
    "authorization",
    "cookie",
    "set-cookie",
    "token",
    "password",
    "smskey",
    "authenticatortoken",
    "key",
    "totp",
    "passwordhash",
];
const STRUCK: &str = "…";

/// One request and its answer.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its number, from 1.
    pub id: u64,
    pub at: Time,
    pub method: String,
    pub path: String,
    /// Its arguments.
    pub query: Map<String, Value>,
    pub headers: Map<String, Value>,
    /// JSON where it is JSON, else text; null without one.
    pub body: Value,
    pub status: u16,
    pub answer: Value,
    pub ms: f64,
    /// The employee who called.
    pub caller: Option<Id>,
    /// X-Request-Id.
    pub request: String,
    /// The fault that it met.
    pub fault: Option<u64>,
    /// What the documentation does not allow.
    pub problems: Vec<Problem>,
    #[serde(skip)]
    bytes: usize,
}

impl Entry {
    pub fn of(seen: &Seen, problems: &[Problem], at: Time) -> Entry {
        let query = form_urlencoded::parse(seen.query.as_bytes()).into_owned();
        let query = query.map(|(name, value)| struck(name, Value::from(value))).collect();
        let headers = seen.headers.iter().map(|(name, value)| struck(name.clone(), value.as_str().into())).collect();
        Entry {
            id: 0,
            at,
            method: seen.method.clone(),
            path: redacted(&seen.path),
            query,
            headers,
            body: without_secrets(&seen.body),
            status: 0,
            answer: Value::Null,
            ms: 0.0,
            caller: seen.caller,
            request: seen.id.clone(),
            fault: None,
            problems: problems.to_vec(),
            bytes: seen.body.len().min(BODY_MAX) + 1_000,
        }
    }

    pub fn answered(&mut self, status: u16, answer: &[u8]) {
        self.status = status;
        self.answer = without_secrets(answer);
        self.bytes += answer.len().min(BODY_MAX);
    }

    pub fn took(&mut self, time: Duration) {
        self.ms = time.as_micros() as f64 / 1_000.0;
    }

    /// As an entry of an HTTP archive (HAR 1.2).
    fn har(&self, url: &str) -> Value {
        let pairs = |object: &Map<String, Value>| -> Vec<Value> {
            object
                .iter()
                .map(|(name, value)| json!({ "name": name, "value": value.as_str().unwrap_or_default() }))
                .collect()
        };
        let text = |value: &Value| if value.is_null() { String::new() } else { value.to_string() };
        let mut request = json!({
            "method": self.method, "url": format!("{url}{}", self.path), "httpVersion": "HTTP/1.1", "cookies": [],
            "headers": pairs(&self.headers), "queryString": pairs(&self.query), "headersSize": -1, "bodySize": -1
        });
        if !self.body.is_null() {
            request["postData"] = json!({ "mimeType": "application/json", "text": text(&self.body) });
        }
        json!({
            "startedDateTime": self.at, "time": self.ms, "request": request,
            "response": {
                "status": self.status, "statusText": "", "httpVersion": "HTTP/1.1", "cookies": [], "headers": [],
                "content": { "size": text(&self.answer).len(), "mimeType": "application/json", "text": text(&self.answer) },
                "redirectURL": "", "headersSize": -1, "bodySize": -1
            },
            "cache": {}, "timings": { "send": 0, "wait": self.ms, "receive": 0 }
        })
    }
}

fn is_secret(name: &str) -> bool {
    SECRETS.contains(&name.to_ascii_lowercase().as_str())
}

fn struck(name: String, value: Value) -> (String, Value) {
    let value = if is_secret(&name) { STRUCK.into() } else { value };
    (name, value)
}

/// A body without its secrets.
fn without_secrets(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    if body.len() > BODY_MAX {
        return format!("{} bytes", body.len()).into();
    }
    match serde_json::from_slice(body) {
        Ok(value) => strike(value),
        Err(_) => redacted(&String::from_utf8_lossy(body)).into(),
    }
}

fn strike(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let each = |(name, value): (String, Value)| match is_secret(&name) && !value.is_null() {
                true => (name, STRUCK.into()),
                false => (name, strike(value)),
            };
            Value::Object(object.into_iter().map(each).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(strike).collect()),
        other => other,
    }
}

/// Which entries are asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub method: Option<String>,
    pub path: Option<String>,
    pub status: Option<u16>,
    pub caller: Option<Id>,
    pub has_problems: bool,
    /// Only those behind this one.
    pub after: u64,
}

impl Wanted {
    fn fits(&self, entry: &Entry) -> bool {
        entry.id > self.after
            && self.method.as_ref().is_none_or(|method| *method == entry.method)
            && self.path.as_ref().is_none_or(|path| is_path(path, &entry.path))
            && self.status.is_none_or(|status| status == entry.status)
            && self.caller.is_none_or(|caller| entry.caller == Some(caller))
            && (!self.has_problems || !entry.problems.is_empty())
    }
}

#[derive(Default)]
struct Kept {
    entries: VecDeque<Entry>,
    bytes: usize,
    last: u64,
}

#[derive(Default)]
pub struct Journal {
    kept: Mutex<Kept>,
    added: Notify,
}

impl Journal {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request; the oldest make room.
    pub fn add(&self, entry: Entry) {
        {
            let mut kept = self.kept();
            kept.last += 1;
            let entry = Entry { id: kept.last, ..entry };
            kept.bytes += entry.bytes;
            kept.entries.push_back(entry);
            while kept.entries.len() > KEPT_MAX || kept.bytes > KEPT_BYTES {
                let Some(oldest) = kept.entries.pop_front() else { break };
                kept.bytes -= oldest.bytes;
            }
        }
        self.added.notify_waiters();
    }

    pub fn clear(&self) {
        let mut kept = self.kept();
        kept.entries.clear();
        kept.bytes = 0;
    }

    /// How many are wanted, and the newest `limit` of them, oldest first.
    pub fn list(&self, wanted: &Wanted, limit: usize) -> (usize, Vec<Entry>) {
        let kept = self.kept();
        let total = kept.entries.iter().filter(|entry| wanted.fits(entry)).count();
        let skipped = total.saturating_sub(limit);
        (total, kept.entries.iter().filter(|entry| wanted.fits(entry)).skip(skipped).cloned().collect())
    }

    /// The same, once there is one, or when the time is over.
    pub async fn wait_for(&self, wanted: &Wanted, limit: usize, time: Duration) -> (usize, Vec<Entry>) {
        let until = tokio::time::Instant::now() + time;
        loop {
            // Before looking: what is added in between wakes it.
            let added = self.added.notified();
            let found = self.list(wanted, limit);
            if found.0 > 0 || tokio::time::timeout_at(until, added).await.is_err() {
                return found;
            }
        }
    }
}

/// Entries as an HTTP archive.
pub fn archive(entries: &[Entry], url: &str) -> Value {
    let entries: Vec<Value> = entries.iter().map(|entry| entry.har(url)).collect();
    let creator = json!({ "name": "telecomx-local", "version": env!("CARGO_PKG_VERSION") });
    json!({ "log": { "version": "1.2", "creator": creator, "entries": entries } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::web::Bytes;

    fn entry(path: &str, body: &str) -> Entry {
        let seen = Seen {
            method: "POST".into(),
            path: path.into(),
            query: "token=secret&limit=1".into(),
            headers: vec![("authorization".into(), "Bearer secret".into())],
            caller: None,
            id: String::new(),
            body: Bytes::from(body.to_owned()),
        };
        Entry::of(&seen, &[], Time::from_millis(0))
    }

    #[test]
    fn no_secret_is_written_down() {
        let mut entry = entry("/auth/login", r#"{"username":"a","password":"secret","x":[{"Token":"secret"}]}"#);
        entry.answered(200, br#"{"token":"secret","name":"Anna"}"#);
        let text = serde_json::to_string(&entry).unwrap();
        assert!(!text.contains("secret") && text.contains("Anna") && text.contains("\"limit\":\"1\""), "{text}");
    }

    #[test]
    fn the_newest_are_kept_within_bounds() {
        let journal = Journal::default();
        for n in 0..KEPT_MAX + 10 {
            journal.add(entry(&format!("/employee/{n}"), "{}"));
        }
        let (total, newest) = journal.list(&Wanted::default(), 2);
        assert_eq!((total, newest[1].id), (KEPT_MAX, KEPT_MAX as u64 + 10));
        assert_eq!(journal.list(&Wanted { after: newest[0].id, ..Wanted::default() }, 10).0, 1);
        let long = "x".repeat(BODY_MAX);
        for _ in 0..100 {
            journal.add(entry("/employee", &long));
        }
        assert!(journal.kept().bytes <= KEPT_BYTES);
        journal.clear();
        assert_eq!(journal.list(&Wanted::default(), 10).0, 0);
    }
}
