//! HTTP as a test speaks it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Request as HttpRequest};

/// Each request has its own connection: an idle one would hold up the server's end.
static AGENT: LazyLock<Agent> = LazyLock::new(|| {
    Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
        .max_idle_connections_per_host(0)
        .build()
        .into()
});

/// Somebody who calls.
#[derive(Clone)]
pub struct Client {
    url: String,
    token: Option<String>,
}

impl Client {
    pub fn new(url: &str, token: Option<&str>) -> Client {
        Client { url: url.into(), token: token.map(str::to_owned) }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().expect("this client is logged in")
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        let request =
            Request { method: method.into(), url: format!("{}{path}", self.url), headers: vec![], body: None };
        match &self.token {
            Some(token) => request.header("authorization", &format!("Bearer {token}")),
            None => request,
        }
    }

    pub fn get(&self, path: &str) -> Response {
        self.request("GET", path).send()
    }

    pub fn post(&self, path: &str, body: Value) -> Response {
        self.request("POST", path).json(body).send()
    }

    /// POST without a body.
    pub fn act(&self, path: &str) -> Response {
        self.request("POST", path).send()
    }

    pub fn delete(&self, path: &str) -> Response {
        self.request("DELETE", path).send()
    }
}

/// One request being put together.
#[derive(Clone)]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn json(self, body: Value) -> Request {
        self.header("content-type", "application/json").bytes(body.to_string())
    }

    pub fn bytes(self, body: impl Into<Vec<u8>>) -> Request {
        Request { body: Some(body.into()), ..self }
    }

    pub fn send(self) -> Response {
        let what = format!("{} {}", self.method, self.url);
        let mut request = HttpRequest::builder().method(self.method.as_str()).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answered = match self.body {
            Some(body) => AGENT.run(request.body(body).unwrap()),
            None => AGENT.run(request.body(()).unwrap()),
        };
        let mut answer = answered.unwrap_or_else(|error| panic!("{what}: no answer: {error}"));
        let body = answer
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_vec()
            .unwrap_or_else(|error| panic!("{what}: half an answer: {error}"));
        Response { what, status: answer.status().as_u16(), headers: answer.headers().clone(), body }
    }
}

#[derive(Debug)]
pub struct Response {
    what: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Response {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self}"))
    }

    /// The body of an answer that must be 200.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self}");
        self.json()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }

    pub fn etag(&self) -> &str {
        self.header("etag").unwrap_or_else(|| panic!("no ETag: {self}"))
    }

    pub fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl std::fmt::Display for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text: String = self.text().chars().take(500).collect();
        write!(f, "{} answered {} {text}", self.what, self.status)
    }
}

/// The platform's error body, with this status and code.
#[track_caller]
pub fn assert_error(response: &Response, status: u16, code: &str) {
    assert_eq!((response.status, code_of(response).as_str()), (status, code), "{response}");
}

/// The code of an answer that must have the shape of an error.
#[track_caller]
pub fn code_of(response: &Response) -> String {
    assert!(response.status >= 400, "no error: {response}");
    let body = response.json();
    assert!(body.as_object().is_some_and(|body| body.len() == 1), "more than an error: {response}");
    let error = body["error"].as_object().unwrap_or_else(|| panic!("no error: {response}"));
    let known = ["message", "code", "status", "path", "check", "inner", "key", "totp"];
    assert!(error.keys().all(|name| known.contains(&name.as_str())), "unknown property: {response}");
    assert_eq!(error["status"], response.status, "{response}");
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{response}");
    let kind = response.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("application/json"), "content type {kind}: {response}");
    error["code"].as_str().unwrap_or_else(|| panic!("no code: {response}")).to_owned()
}

/// Sends bytes as they are and returns all that comes back until the server closes the connection.
pub fn raw(url: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    // A server that closes early has answered already.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
