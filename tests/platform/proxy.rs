//! A line between a local server and the platform on which everything goes wrong: connections are cut before and after the platform
//! has done what was asked, answers are held up, cut in half, or are somebody else's.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::support::chance::Chance;

/// A request that the platform has carried out.
#[derive(Clone, Debug)]
pub struct Applied {
    pub method: String,
    pub path: String,
    pub body: Value,
    /// What the platform had said of the object, if that was what was read last before.
    pub seen: Option<String>,
}

/// What happens to one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    None,
    Delay,
    /// The platform does not hear of it.
    Cut,
    Status(u16),
    Html,
    /// The platform does it, and the answer is lost.
    CutAnswer,
    HalfAnswer,
    /// As many bytes as were announced: it is the JSON that is not whole.
    HalfJson,
    HtmlAnswer,
    LateStatus(u16),
}
use Fault::{Cut, CutAnswer, Delay, HalfAnswer, HalfJson, Html, HtmlAnswer, LateStatus, Status};

const ALL: [Fault; 13] = [
    Delay,
    Cut,
    CutAnswer,
    HalfAnswer,
    HalfJson,
    Html,
    HtmlAnswer,
    Status(500),
    LateStatus(500),
    Status(429),
    Status(401),
    Status(403),
    Status(409),
];

#[derive(Clone)]
pub struct Proxy {
    pub url: String,
    platform: Arc<AtomicU16>,
    is_bad: Arc<AtomicBool>,
    state: Arc<Mutex<State>>,
}

struct State {
    chance: Chance,
    /// Sessions of which a call has come through: only such a one can expire.
    in_use: HashSet<String>,
    applied: Vec<Applied>,
    /// What was read last: where, and the answer.
    last_read: (String, String),
    done: HashSet<Fault>,
}

impl Proxy {
    pub fn start(seed: u64) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let state = State {
            chance: Chance(seed),
            in_use: HashSet::new(),
            applied: vec![],
            last_read: Default::default(),
            done: HashSet::new(),
        };
        let proxy = Proxy {
            url: format!("http://{}", listener.local_addr().unwrap()),
            platform: Arc::default(),
            is_bad: Arc::default(),
            state: Arc::new(Mutex::new(state)),
        };
        let serving = proxy.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let proxy = serving.clone();
                // What breaks off here is what it is for.
                std::thread::spawn(move || proxy.exchange(&client));
            }
        });
        proxy
    }

    pub fn leads_to(&self, address: &str) {
        let port = address.rsplit(':').next().unwrap().parse().unwrap();
        self.platform.store(port, Ordering::Relaxed);
    }

    pub fn be_bad(&self, is_bad: bool) {
        self.is_bad.store(is_bad, Ordering::Relaxed);
    }

    /// The changes that the platform has answered with 200, in order.
    pub fn applied(&self) -> Vec<Applied> {
        self.state.lock().unwrap().applied.clone()
    }

    /// Faults that have not happened yet.
    pub fn not_done(&self) -> Vec<Fault> {
        let state = self.state.lock().unwrap();
        ALL.into_iter().filter(|fault| !state.done.contains(fault)).collect()
    }

    fn draw(&self, request: &Request) -> Fault {
        let mut state = self.state.lock().unwrap();
        let is_first = request.token.as_ref().is_some_and(|token| !state.in_use.contains(token));
        // Reads are many, and a list counts only when all of it came through.
        let one_in = if request.method == "GET" { 30 } else { 4 };
        if !self.is_bad.load(Ordering::Relaxed) || state.chance.below(one_in) > 0 {
            return Fault::None;
        }
        let fault = ALL[state.chance.below(ALL.len() as u64) as usize];
        let is_login = request.path.starts_with("/auth/");
        match fault {
            // A platform that says no to a login means it: somebody must act.
            Status(401 | 403 | 409 | 429) if is_login => Fault::None,
            Status(401) if is_first => Fault::None,
            // What is refused is refused for good: not too much of it.
            Status(403 | 409) if request.method != "GET" && state.chance.below(3) > 0 => Cut,
            fault => fault,
        }
    }

    fn exchange(&self, mut client: &TcpStream) -> Option<()> {
        let request = Request::read(client)?;
        let fault = self.draw(&request);
        self.state.lock().unwrap().done.insert(fault);
        match fault {
            Cut => return client.shutdown(Shutdown::Both).ok(),
            Status(status) => {
                if let (401, Some(token)) = (status, &request.token) {
                    self.state.lock().unwrap().in_use.remove(token);
                }
                return client.write_all(&refusal(status)).ok();
            }
            Html => return client.write_all(&page(200)).ok(),
            Delay => {
                // Nothing is ever sent here: it is the time that passes.
                let (_open, nothing) = std::sync::mpsc::channel::<()>();
                let _ = nothing.recv_timeout(Duration::from_millis(30));
            }
            _ => {}
        }
        let answer = self.ask(&request)?;
        let sent = match fault {
            CutAnswer => return client.shutdown(Shutdown::Both).ok(),
            HalfAnswer => answer[..answer.len() / 2].to_vec(),
            HalfJson => half_json(&answer),
            HtmlAnswer => page(200),
            LateStatus(status) => page(status),
            _ => answer,
        };
        client.write_all(&sent).ok()
    }

    /// Asks the platform.
    fn ask(&self, request: &Request) -> Option<Vec<u8>> {
        let mut platform = TcpStream::connect(("127.0.0.1", self.platform.load(Ordering::Relaxed))).ok()?;
        platform.write_all(&request.bytes).ok()?;
        let mut answer = vec![];
        platform.read_to_end(&mut answer).ok()?;
        if answer.starts_with(b"HTTP/1.1 200") {
            let mut state = self.state.lock().unwrap();
            if let Some(token) = &request.token {
                state.in_use.insert(token.clone());
            }
            let Request { method, path, body, .. } = request;
            if method == "GET" {
                state.last_read = (path.clone(), String::from_utf8_lossy(&answer).into_owned());
            } else if !path.starts_with("/auth/") {
                let seen = Some(state.last_read.1.clone()).filter(|_| state.last_read.0 == *path);
                state.applied.push(Applied { method: method.clone(), path: path.clone(), body: body.clone(), seen });
            }
        }
        Some(answer)
    }
}

struct Request {
    method: String,
    path: String,
    token: Option<String>,
    body: Value,
    /// All of it, with a word that the connection ends after the answer.
    bytes: Vec<u8>,
}

impl Request {
    fn read(mut client: &TcpStream) -> Option<Request> {
        let (mut bytes, mut buffer) = (vec![], [0; 8_192]);
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            let count = client.read(&mut buffer).ok().filter(|count| *count > 0)?;
            bytes.extend_from_slice(&buffer[..count]);
        };
        let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        let length: usize = header("content-length").map_or(Some(0), |length| length.parse().ok())?;
        while bytes.len() < end + length {
            let count = client.read(&mut buffer).ok().filter(|count| *count > 0)?;
            bytes.extend_from_slice(&buffer[..count]);
        }
        let body = serde_json::from_slice(&bytes[end..]).unwrap_or_default();
        let line = head.lines().next()?.to_owned();
        let mut words = line.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let token = header("authorization");
        let asked = [&bytes[..line.len() + 2], b"connection: close\r\n", &bytes[line.len() + 2..]].concat();
        Some(Request { method, path, token, body, bytes: asked })
    }
}

fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status} Answer\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn page(status: u16) -> Vec<u8> {
    answer(status, "content-type: text/html\r\n", b"<!doctype html><title>Something else</title>")
}

fn refusal(status: u16) -> Vec<u8> {
    let code = if status == 401 { "expired" } else { "refused_on_the_way" };
    let body = format!(r#"{{"error":{{"status":{status},"code":"{code}","message":"No"}}}}"#);
    answer(status, "retry-after: 0\r\n", body.as_bytes())
}

fn half_json(whole: &[u8]) -> Vec<u8> {
    let at = whole.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |end| end + 4);
    let body = &whole[at..];
    answer(200, "content-type: application/json\r\n", &body[..body.len() / 2])
}
