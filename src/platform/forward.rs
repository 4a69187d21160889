//! A caller's request that only the platform can answer: sent there with the caller's own token, and the answer passed on as it
//! comes.

use std::io::Read;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use ureq::http::{self, HeaderMap, Method, Request};

use super::gate::{Limits, PlatformGate, Purpose, Reply};

/// The longest answer that is passed on.
const ANSWER_MAX_BYTES: u64 = 1 << 30;
/// What is read of an answer at a time; an answer that is no longer is passed on in one piece.
const SLICE: usize = 64 << 10;
/// Slices that are read ahead of a caller who takes them slowly.
const AHEAD: usize = 2;
const CONNECT: Duration = Duration::from_secs(3);
/// How long an answer may take to arrive whole.
const WHOLE: Duration = Duration::from_secs(600);

/// Headers of an answer that are passed on. Others could set cookies, or tell a browser to trust somebody.
const PASSED_ON: [http::HeaderName; 8] = [
    http::header::CONTENT_TYPE,
    http::header::CONTENT_DISPOSITION,
    // Nothing is asked to be compressed; what is all the same can be read only with it.
    http::header::CONTENT_ENCODING,
    http::header::ETAG,
    http::header::LAST_MODIFIED,
    http::header::CACHE_CONTROL,
    http::header::RETRY_AFTER,
    http::header::VARY,
];

/// A request to be forwarded.
pub struct Forward {
    pub method: Method,
    /// With the platform's address before it.
    pub url: String,
    /// The caller's token at the platform.
    pub token: String,
    /// Headers of the request that say what its body is, and what is wanted.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// How long the answer may take to begin.
    pub patience: Duration,
}

/// What came of it.
pub enum Outcome {
    Answered(Box<Answer>),
    Unreachable,
    /// The answer cannot be passed on; why, for the caller.
    Unfit(&'static str),
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Of the body, where the platform says so.
    pub length: Option<u64>,
    pub body: Content,
}

pub enum Content {
    Whole(Vec<u8>),
    /// An error: the rest does not come.
    Slices(Receiver<std::io::Result<Vec<u8>>>),
}

/// Forwards a request, and answers `reply` as soon as the answer begins. Stays until its body is passed on, or nobody takes it.
pub fn forward(
    gate: &PlatformGate,
    platform: &str,
    forward: Forward,
    permit: OwnedSemaphorePermit,
    reply: Reply<Outcome>,
) {
    let is_head = forward.method == Method::HEAD;
    let response = match send(gate, forward) {
        Ok(response) => response,
        Err(outcome) => {
            reply.send(outcome);
            return;
        }
    };
    let (parts, body) = response.into_parts();
    let location = match location(&parts, platform) {
        Ok(location) => location,
        Err(why) => {
            reply.send(Outcome::Unfit(why));
            return;
        }
    };
    let length = parts.headers.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > ANSWER_MAX_BYTES) {
        reply.send(Outcome::Unfit("The platform's answer is longer than is passed on"));
        return;
    }
    let mut headers = passed_on(&parts.headers);
    if let Some(location) = location {
        headers.insert(http::header::LOCATION, location);
    }
    let answer = |body| Outcome::Answered(Box::new(Answer { status: parts.status.as_u16(), headers, length, body }));
    let mut reader = body.into_reader();
    if is_head || length.is_some_and(|length| length <= SLICE as u64) {
        let mut whole = Vec::with_capacity(length.filter(|_| !is_head).unwrap_or_default() as usize);
        let is_read = is_head || reader.read_to_end(&mut whole).is_ok();
        drop(reader);
        reply.send(if is_read { answer(Content::Whole(whole)) } else { Outcome::Unreachable });
        return;
    }
    let (sender, slices) = channel(AHEAD);
    if reply.send(answer(Content::Slices(slices))) {
        pass_on(&mut reader, &sender);
    }
    drop(permit);
}

fn send(gate: &PlatformGate, forward: Forward) -> Result<http::Response<ureq::Body>, Outcome> {
    let limits = Limits { connect: CONNECT, head: forward.patience, whole: WHOLE };
    let mut request = Request::builder()
        .method(forward.method.clone())
        .uri(&forward.url)
        .header("authorization", format!("Bearer {}", forward.token));
    for (name, value) in &forward.headers {
        request = request.header(*name, value);
    }
    let malformed = |_| Outcome::Unfit("This request cannot be sent to the platform as it is");
    let sent = match forward.method {
        Method::GET | Method::HEAD | Method::DELETE => {
            gate.open(Purpose::Forward, request.body(()).map_err(malformed)?, limits)
        }
        _ => gate.open(Purpose::Forward, request.body(forward.body).map_err(malformed)?, limits),
    };
    sent.map_err(|why| {
        // Without the URL: its arguments may be secret.
        tracing::warn!(%why, "a request could not be forwarded to the platform");
        Outcome::Unreachable
    })
}

fn passed_on(given: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(PASSED_ON.len());
    for name in PASSED_ON {
        if let Some(value) = given.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers
}

/// Where the platform sends the caller on to, as a path of this server; an error when that is another host.
fn location(parts: &http::response::Parts, platform: &str) -> Result<Option<http::HeaderValue>, &'static str> {
    if !parts.status.is_redirection() || parts.status == http::StatusCode::NOT_MODIFIED {
        return Ok(None);
    }
    let given = parts.headers.get(http::header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = given.strip_prefix(platform).unwrap_or(given);
    // A browser takes `//host` and `/\host` for another host.
    let is_path = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    match http::HeaderValue::from_str(path).ok().filter(|_| is_path) {
        Some(path) => Ok(Some(path)),
        None => Err("The platform sends this call on to another address, which is not followed"),
    }
}

/// Reads a body and hands it on, until its end, an error, or nobody takes it any more.
fn pass_on(reader: &mut impl Read, sender: &Sender<std::io::Result<Vec<u8>>>) {
    let mut left = ANSWER_MAX_BYTES;
    loop {
        let mut slice = vec![0; SLICE];
        let read = match reader.read(&mut slice) {
            Ok(0) => return,
            Ok(length) => {
                slice.truncate(length);
                match left.checked_sub(length as u64) {
                    Some(rest) => {
                        left = rest;
                        Ok(slice)
                    }
                    None => Err(std::io::Error::other("the answer is longer than is passed on")),
                }
            }
            Err(error) => Err(error),
        };
        let is_over = read.is_err();
        if sender.blocking_send(read).is_err() || is_over {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location_of(status: u16, given: &str) -> Result<Option<String>, &'static str> {
        let response = http::Response::builder().status(status).header("location", given).body(()).unwrap();
        let found = location(&response.into_parts().0, "https://api.example.com")?;
        Ok(found.map(|value| value.to_str().unwrap().to_owned()))
    }

    #[test]
    fn only_a_path_of_the_platform_is_passed_on_as_a_location() {
        assert_eq!(location_of(200, "https://evil.example.com/"), Ok(None));
        for (given, path) in [("/dns/1", "/dns/1"), ("https://api.example.com/dns?a=1", "/dns?a=1")] {
            assert_eq!(location_of(302, given), Ok(Some(path.into())));
        }
        for hostile in [
            "https://evil.example.com/",
            "https://api.example.com.evil.example.com/",
            "https://api.example.com@evil.example.com/",
            "//evil.example.com",
            "/\\evil.example.com",
            "https://api.example.com//evil.example.com",
            "javascript:alert(1)",
            "",
        ] {
            assert!(location_of(302, hostile).is_err(), "{hostile}");
        }
    }
}
