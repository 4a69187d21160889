//! A client of socket.io, as a test speaks it: by polling, or over a websocket.

use std::collections::VecDeque;
use std::net::TcpStream;

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use super::client::{Client, Response};

/// What the server says.
#[derive(Debug, PartialEq)]
pub enum Heard {
    Event(String, Value),
    /// It has ended the connection.
    End,
}

enum Line {
    Polling { path: String, waiting: VecDeque<String> },
    Websocket(Box<WebSocket<TcpStream>>),
}

/// Somebody who listens.
pub struct Listener {
    client: Client,
    line: Line,
}

const POLL: &str = "/socket.io/?EIO=4&transport=polling";

/// The first request of a client that polls.
pub fn opened(client: &Client) -> Response {
    client.get(POLL)
}

impl Listener {
    /// Connected by polling.
    pub fn polling(client: &Client) -> Listener {
        let answer = opened(client);
        assert_eq!(answer.status, 200, "{answer}");
        let told: Value = serde_json::from_str(answer.text().strip_prefix('0').unwrap()).unwrap();
        let path = format!("{POLL}&sid={}", told["sid"].as_str().unwrap());
        Listener { client: client.clone(), line: Line::Polling { path, waiting: VecDeque::new() } }.connected()
    }

    /// Connected by a websocket.
    pub fn websocket(client: &Client) -> Listener {
        let stream = TcpStream::connect(client.url().trim_start_matches("http://")).unwrap();
        let url = format!("{}/socket.io/?EIO=4&transport=websocket", client.url().replace("http", "ws"));
        let (socket, _) = tungstenite::client(url, stream).unwrap();
        let mut listener = Listener { client: client.clone(), line: Line::Websocket(Box::new(socket)) };
        assert!(listener.packet().unwrap().starts_with('0'));
        listener.connected()
    }

    fn connected(mut self) -> Listener {
        self.send("40");
        let answer = self.packet().unwrap();
        assert!(answer.starts_with("40"), "{answer}");
        self
    }

    fn send(&mut self, packet: &str) {
        match &mut self.line {
            Line::Websocket(socket) => socket.send(Message::text(packet)).unwrap(),
            Line::Polling { path, .. } => {
                let sent = self.client.request("POST", path).header("content-type", "text/plain").bytes(packet).send();
                assert_eq!(sent.status, 200, "{sent}");
            }
        }
    }

    /// The next packet that is no question whether the client is there; `None` at the end.
    fn packet(&mut self) -> Option<String> {
        // The first one comes at once, the next after half a minute.
        for _ in 0..3 {
            match self.any_packet() {
                Some(packet) if packet == "2" => self.send("3"),
                other => return other,
            }
        }
        panic!("nothing is heard")
    }

    fn any_packet(&mut self) -> Option<String> {
        match &mut self.line {
            Line::Websocket(socket) => match socket.read() {
                Ok(Message::Text(text)) => Some(text.to_string()),
                Ok(Message::Close(_)) | Err(_) => None,
                other => panic!("{other:?}"),
            },
            Line::Polling { path, waiting } => {
                if waiting.is_empty() {
                    let answer = self.client.get(path);
                    if answer.status != 200 {
                        return None;
                    }
                    waiting.extend(answer.text().split('\u{1e}').map(str::to_owned));
                }
                waiting.pop_front().filter(|packet| !packet.is_empty())
            }
        }
    }

    pub fn emit(&mut self, event: &str, data: Value) {
        self.send(&format!("42{}", json!([event, data])));
    }

    /// What the server says next.
    #[track_caller]
    pub fn next(&mut self) -> Heard {
        match self.packet().as_deref() {
            None | Some("41" | "1") => Heard::End,
            Some(event) => {
                let (name, data) = serde_json::from_str(event.strip_prefix("42").unwrap()).unwrap();
                Heard::Event(name, data)
            }
        }
    }

    /// The next event, which must be of this name.
    #[track_caller]
    pub fn hears(&mut self, name: &str) -> Value {
        match self.next() {
            Heard::Event(heard, data) if heard == name => data,
            other => panic!("{name} expected: {other:?}"),
        }
    }

    /// The next event, which must be an error: of this event of the client, with this status and code.
    #[track_caller]
    pub fn is_refused(&mut self, event: &str, status: u16, code: &str) {
        let refusal = self.hears("error");
        let error = &refusal["error"];
        assert_eq!(
            (&refusal["event"], &error["status"], &error["code"]),
            (&json!(event), &json!(status), &json!(code))
        );
    }

    pub fn authenticate(&mut self, token: &str) {
        self.emit("authenticate", json!({ "token": token }));
        self.hears("authenticated");
    }

    pub fn subscribe(&mut self, subscription: Value) {
        self.emit("subscribe", subscription.clone());
        assert_eq!(self.hears("subscribed"), subscription);
    }

    /// The type of the next event of kind CONFIG.
    #[track_caller]
    pub fn config_event(&mut self) -> String {
        self.hears("CONFIG")["type"].as_str().unwrap().to_owned()
    }
}

/// Somebody who is logged in and has subscribed to the configs of a customer.
pub fn listening(client: &Client, customer: &str) -> Listener {
    let mut listener = Listener::polling(client);
    listener.authenticate(client.token());
    listener.subscribe(json!({ "type": "CONFIG", "customer": customer }));
    listener
}
