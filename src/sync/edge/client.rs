//! The HTTP client of an edge for its hub.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Result as AnyResult, ensure};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use super::call_error::CallError;
use super::call_error::{NO_HUB, refused, unanswered};
use super::metrics::Counts;
use super::session::Outgoing;
use crate::domain::text::has_invisible;
use crate::sync::http_agent;
use crate::sync::protocol::compression::{self, GZIP, ZSTD};
use crate::sync::protocol::hash_tree::{DigestReply, DigestRequest};
use crate::sync::protocol::snapshot::Page;
use crate::sync::protocol::wire::{Reply, STAGE_ORDER, StageReply};

/// The longest answer that is read, by the kind of the call, before and after decompression. An answer that says that
/// something was done is short; one with rows or digests holds what the hub may put on one page, and the longest row.
const SHORT_ANSWER_BYTES: usize = 256 << 10;
const REPLY_BYTES: usize = 12 << 20;
const PAGE_ANSWER_BYTES: usize = 24 << 20;

/// A hub's answer to an enrolment.
#[derive(Clone, Debug, Deserialize)]
pub struct Enrolled {
    pub origin: String,
    pub name: String,
    pub token: String,
}

impl Enrolled {
    /// Whether a URL and a header can be made of it, and a line be printed: a stranger may have answered.
    fn has_form(&self) -> bool {
        let is_word = |text: &str, max: usize| {
            (1..=max).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c))
        };
        is_word(&self.origin, 64)
            && is_word(&self.token, 512)
            && self.name.chars().count() <= 200
            && !has_invisible(&self.name)
    }
}

/// The client of one hub, over one connection that it keeps open.
pub struct HubClient {
    http_agent: ureq::Agent,
    url: String,
    counts: Arc<Counts>,
    /// How bodies are compressed: with zstd, until the hub refuses that.
    compression: AtomicU8,
}

impl HubClient {
    /// `ca`: a PEM file with the certificates to trust instead of the system's.
    pub fn new(url: &str, ca: Option<&Path>, counts: Arc<Counts>) -> AnyResult<HubClient> {
        ensure!(
            url.starts_with("https://") || url.starts_with("http://"),
            "{url} is not the URL of a hub: it must begin with https:// or http://"
        );
        let http_agent = http_agent::agent(ca, url)?;
        let url = url.trim_end_matches('/').to_owned();
        Ok(HubClient { http_agent, url, counts, compression: AtomicU8::new(ZSTD) })
    }

    /// Spends a one-time code. With an `attempt` that was made durable before, the same code can be spent again when the
    /// answer was lost. Until it is spent the URL may be of any server, so nothing of its answer but the status goes into an
    /// error.
    pub fn enroll(&self, code: &str, attempt: Option<Uuid>) -> Result<Enrolled, CallError> {
        #[derive(Serialize)]
        struct Enroll<'c> {
            code: &'c str,
            #[serde(skip_serializing_if = "Option::is_none")]
            attempt: Option<Uuid>,
        }
        let answer = self.post("/sync/v1/enroll", None, &Enroll { code, attempt }, SHORT_ANSWER_BYTES);
        match answer.map_err(CallError::of_any_server)? {
            (200, text) => {
                let enrolled: Option<Enrolled> = serde_json::from_str(&text).ok();
                enrolled.filter(Enrolled::has_form).ok_or(CallError::Unreadable(NO_HUB.into()))
            }
            (status, _) => Err(refused(status, "", None).of_any_server()),
        }
    }

    /// Whether the hub does not know this token: the origin was removed, or the hub was restored to a backup from before the
    /// enrolment.
    pub fn is_unknown(&self, origin: &str, token: &str) -> bool {
        matches!(self.check_token(origin, token), Err(CallError::Refused { status: 401, .. }))
    }

    /// Whether the hub knows the origin by this token: a call that changes nothing.
    pub fn check_token(&self, origin: &str, token: &str) -> Result<(), CallError> {
        self.get::<serde_json::Value>(&format!("/sync/v1/origins/{origin}/quarantine"), &[], token).map(drop)
    }

    /// Sends a message. The hub replies with its state to a push, with nothing to a part.
    pub fn send(&self, origin: &str, token: &str, message: &Outgoing) -> Result<Option<Reply>, CallError> {
        match message {
            // Its answer is another one: see `HubClient::staged`.
            Outgoing::AskStage => Ok(None),
            Outgoing::Part(part) => {
                let (status, text) =
                    self.post(&format!("/sync/v1/origins/{origin}/stage"), Some(token), part, SHORT_ANSWER_BYTES)?;
                let answer: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
                if status == 409 && answer["error"]["code"] == STAGE_ORDER {
                    return Err(CallError::StageOrder);
                }
                read::<serde_json::Value>(status, &text)?;
                Ok(None)
            }
            Outgoing::Push(push) => {
                let (status, text) =
                    self.post(&format!("/sync/v1/origins/{origin}/exchange"), Some(token), push, REPLY_BYTES)?;
                // The reply to a rejected push has the state too.
                match serde_json::from_str(&text) {
                    Ok(reply) if matches!(status, 200 | 409) => Ok(Some(reply)),
                    Err(error) if status == 200 => Err(CallError::Unreadable(error.into())),
                    _ => Err(refused(status, &text, None)),
                }
            }
        }
    }

    /// What the hub has of a batch that comes in parts; `None` when it is of a version that cannot say.
    pub fn staged(&self, origin: &str, token: &str) -> Result<Option<StageReply>, CallError> {
        match self.get(&format!("/sync/v1/origins/{origin}/stage"), &[], token) {
            Err(CallError::Refused { status: 404 | 405, .. }) => Ok(None),
            known => known.map(Some),
        }
    }

    /// Asks for digests; gives them, and how many bytes both bodies have before compression.
    pub fn digest(&self, origin: &str, token: &str, request: &DigestRequest) -> Result<(DigestReply, u64), CallError> {
        let (status, text) =
            self.post(&format!("/sync/v1/origins/{origin}/digest"), Some(token), request, PAGE_ANSWER_BYTES)?;
        let sent = serde_json::to_string(request).map_or(0, |text| text.len());
        Ok((read(status, &text)?, (sent + text.len()) as u64))
    }

    /// A page of everything that the hub has of an origin, behind `after`.
    pub fn snapshot(&self, origin: &str, token: &str, after: Option<&str>) -> Result<Page, CallError> {
        let query: Vec<(&str, &str)> = after.iter().map(|after| ("after", *after)).collect();
        self.get(&format!("/sync/v1/origins/{origin}/snapshot"), &query, token)
    }

    /// A POST of JSON to any other path.
    pub fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        token: &str,
        body: &impl Serialize,
    ) -> Result<T, CallError> {
        let (status, text) = self.post(path, Some(token), body, PAGE_ANSWER_BYTES)?;
        read(status, &text)
    }

    /// A GET of any path.
    pub fn get<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        token: &str,
    ) -> Result<T, CallError> {
        let request = self.http_agent.get(format!("{}{path}", self.url)).query_pairs(query.iter().copied());
        let (status, text) = self.read_answer(with_token(request, Some(token)).call(), PAGE_ANSWER_BYTES)?;
        read(status, &text)
    }

    /// A POST whose answer has at most `max_bytes`.
    fn post(
        &self,
        path: &str,
        token: Option<&str>,
        body: &impl Serialize,
        max_bytes: usize,
    ) -> Result<(u16, String), CallError> {
        let compression = self.compression.load(Relaxed);
        let answer = self.post_compressed(path, token, body, compression, max_bytes)?;
        if compression == ZSTD && answer.0 == 415 {
            // The hub, or a proxy before it, does not know zstd.
            self.compression.store(GZIP, Relaxed);
            return self.post_compressed(path, token, body, GZIP, max_bytes);
        }
        Ok(answer)
    }

    fn post_compressed(
        &self,
        path: &str,
        token: Option<&str>,
        body: &impl Serialize,
        compression: u8,
        max_bytes: usize,
    ) -> Result<(u16, String), CallError> {
        let compressed = compression::compress(compression, body).map_err(|error| CallError::Local(error.into()))?;
        self.counts.bytes_out.fetch_add(compressed.len() as u64, Relaxed);
        let request = self
            .http_agent
            .post(format!("{}{path}", self.url))
            .config()
            .timeout_global(Some(http_agent::call_timeout(compressed.len())))
            .build()
            .header("content-type", "application/json")
            .header("content-encoding", compression::encoding(compression));
        self.read_answer(with_token(request, token).send(&compressed[..]), max_bytes)
    }

    fn read_answer(
        &self,
        sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
        max_bytes: usize,
    ) -> Result<(u16, String), CallError> {
        let mut answer = sent.map_err(unanswered)?;
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let retry_after = header("retry-after").and_then(|value| value.parse().ok());
        let encoding = header("content-encoding");
        // What refuses the call is short; 409 to a push is a whole reply.
        let max_bytes = if matches!(status, 200 | 409) { max_bytes } else { max_bytes.min(SHORT_ANSWER_BYTES) };
        let body = answer.body_mut().with_config().limit(max_bytes as u64).read_to_vec();
        let body = body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => too_long(max_bytes),
            other => unanswered(other),
        })?;
        self.counts.bytes_in.fetch_add(body.len() as u64, Relaxed);
        let body =
            compression::decompress(encoding.as_deref(), &body, max_bytes).map_err(|error| match error.kind() {
                std::io::ErrorKind::FileTooLarge => too_long(max_bytes),
                _ => CallError::Unreadable(error.into()),
            })?;
        let text = String::from_utf8(body).map_err(|error| CallError::Unreadable(error.into()))?;
        if matches!(status, 429 | 500..) {
            return Err(refused(status, &text, retry_after.map(Duration::from_secs)));
        }
        Ok((status, text))
    }
}

fn too_long(max_bytes: usize) -> CallError {
    CallError::Unreadable(format!("it is longer than {max_bytes} bytes").into())
}

fn with_token<B>(request: ureq::RequestBuilder<B>, token: Option<&str>) -> ureq::RequestBuilder<B> {
    let request = request.header("accept-encoding", compression::ACCEPTED);
    match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    }
}

fn read<T: for<'de> Deserialize<'de>>(status: u16, text: &str) -> Result<T, CallError> {
    if status != 200 {
        return Err(refused(status, text, None));
    }
    serde_json::from_str(text).map_err(|error| CallError::Unreadable(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_answers_is_no_enrolment() {
        let is_fit = |origin: &str, name: &str, token: &str| {
            Enrolled { origin: origin.into(), name: name.into(), token: token.into() }.has_form()
        };
        assert!(is_fit("66a8fcb39dc840b18794603dc4a5f77f", "Bakery in Aarhus", "0123456789abcdef"));
        for origin in ["", "../../x?y#z", "a/b", "a b", &"a".repeat(65)] {
            assert!(!is_fit(origin, "Bakery", "0123"), "{origin}");
        }
        for token in ["", "b\r\nX-Evil: 1", "a b", &"a".repeat(513)] {
            assert!(!is_fit("a1", "Bakery", token), "{token}");
        }
        for name in ["\u{1b}[2J", "two\nlines", &"n".repeat(201)] {
            assert!(!is_fit("a1", name, "0123"), "{name}");
        }
    }
}
