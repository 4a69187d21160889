//! A platform that answers what the test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::Here;
use crate::api::{Client, demo};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// With its arguments.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What is answered, byte for byte; the connection ends behind it.
type Script = Box<dyn Fn(&Asked) -> Vec<u8> + Send + Sync>;

pub struct Scripted {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    pub fn start(script: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scripted = Scripted { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let (asked, script): (_, Arc<Script>) = (scripted.asked.clone(), Arc::new(Box::new(script)));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (asked, script) = (asked.clone(), script.clone());
                std::thread::spawn(move || serve(stream, &asked, &script));
            }
        });
        scripted
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What was asked of paths that begin so.
    pub fn asked_of(&self, path: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.target.starts_with(path)).collect()
    }
}

fn serve(stream: TcpStream, asked: &Mutex<Vec<Asked>>, script: &Script) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let mut parts = line.split_whitespace().map(str::to_owned);
    let (method, target) = (parts.next().unwrap(), parts.next().unwrap());
    let mut headers = vec![];
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let request = Asked { method, target, headers, body };
    asked.lock().unwrap().push(request.clone());
    let _ = reader.get_mut().write_all(&script(&request));
}

/// JSON with a status.
pub fn answer(status: u16, body: Value) -> Vec<u8> {
    raw_answer(status, "content-type: application/json\r\n", body.to_string().as_bytes())
}

pub fn html(status: u16) -> Vec<u8> {
    raw_answer(status, "content-type: text/html\r\n", b"<html><script>alert(1)</script></html>")
}

/// `headers`: each with its line end.
pub fn raw_answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The platform's token of the viewer.
const TOKEN: &str = "the-platforms-token";

/// A platform where the viewer logs in, that answers everything else by `script`.
pub fn where_viewer_logs_in(script: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |asked| match asked.target.as_str() {
        "/auth/login" => answer(200, json!({ "token": TOKEN, "employee": demo::VIEWER })),
        _ => script(asked),
    })
}

/// The viewer, logged in by what the platform says.
pub fn viewer(here: &Here) -> Client {
    here.log_in("viewer@bakery.example.com")
}
