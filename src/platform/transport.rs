//! One request to the platform, and what came back: over HTTP, or from a double in a test.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use anyhow::Result as AnyResult;
use serde_json::Value;

use crate::error::in_one_line;
use crate::sync::http_agent;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Delete,
}

/// A documented call.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: Method,
    /// With its arguments.
    pub path: String,
    pub body: Option<Value>,
}

impl Request {
    pub fn get(path: impl Into<String>) -> Request {
        Request { method: Method::Get, path: path.into(), body: None }
    }

    pub fn post(path: impl Into<String>, body: Option<Value>) -> Request {
        Request { method: Method::Post, path: path.into(), body }
    }

    pub fn delete(path: impl Into<String>) -> Request {
        Request { method: Method::Delete, path: path.into(), body: None }
    }
}

/// A text as an argument of a URL.
pub fn argument(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The platform's answer; its body is read as it comes.
pub struct Response<'r> {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: Box<dyn Read + 'r>,
}

/// Why there is no answer, in words.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub String);

pub trait Transport: Send {
    /// Makes a request with a token, and begins to read the answer.
    fn open(&mut self, request: &Request, token: Option<&str>) -> Result<Response<'_>, Unreachable>;
}

/// HTTP with verified certificates; redirects are not followed.
pub struct Http {
    agent: ureq::Agent,
    url: String,
}

impl Http {
    /// `ca`: a PEM file with the certificates to trust in the place of the usual ones.
    pub fn new(url: &str, ca: Option<&Path>) -> AnyResult<Http> {
        Ok(Http { agent: http_agent::agent(ca, url)?, url: url.trim_end_matches('/').to_owned() })
    }
}

impl Transport for Http {
    fn open(&mut self, request: &Request, token: Option<&str>) -> Result<Response<'_>, Unreachable> {
        let url = format!("{}{}", self.url, request.path);
        let mut builder = ureq::http::Request::builder().uri(&url).method(match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        });
        if let Some(token) = token {
            builder = builder.header("authorization", format!("Bearer {token}"));
        }
        let body = request.body.as_ref().map(Value::to_string);
        let sent = match body {
            Some(body) => {
                let made = builder.header("content-type", "application/json").body(body);
                made.map_err(|error| Unreachable(error.to_string())).map(|made| self.agent.run(made))
            }
            None => builder.body(()).map_err(|error| Unreachable(error.to_string())).map(|made| self.agent.run(made)),
        };
        let response = sent?.map_err(|error| Unreachable(in_one_line(&error)))?;
        let (parts, body) = response.into_parts();
        let retry_after = parts.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Response {
            status: parts.status.as_u16(),
            retry_after: retry_after.map(Duration::from_secs),
            body: Box::new(body.into_reader()),
        })
    }
}
