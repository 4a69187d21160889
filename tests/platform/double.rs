//! A platform that follows a script: it answers the documented calls from a small world in memory, and one oddity can be laid
//! over its answers at a time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::double_world::World;
pub use super::double_world::{ACCOUNT, OWN, PASSWORD, USERNAME};

/// A request as it came.
pub struct Ask {
    pub method: String,
    /// Without its arguments.
    pub path: String,
    pub query: String,
    pub token: Option<String>,
    pub body: Value,
}

impl Ask {
    pub fn is_get(&self, path: &str) -> bool {
        self.method == "GET" && self.path == path
    }

    pub fn has(&self, argument: &str) -> bool {
        self.query.split('&').any(|given| given == argument)
    }

    /// An argument.
    pub fn text(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(given, _)| given == name).map(|(_, value)| value.into_owned())
    }

    pub fn number(&self, name: &str) -> Option<usize> {
        self.text(name).and_then(|number| number.parse().ok())
    }

    pub fn changes(&self, path: &str) -> bool {
        self.method != "GET" && self.path == path
    }

    /// The employees of this customer are asked for.
    pub fn lists_employees_of(&self, customer: &str) -> bool {
        self.is_get("/employee") && self.has(&format!("customer={customer}"))
    }

    pub fn lists_configs_of(&self, customer: &str) -> bool {
        self.is_get("/pbx/app/mobileconfig") && self.has(&format!("customer={customer}"))
    }
}

/// How an answer ends.
#[derive(Clone, Copy, PartialEq)]
pub enum End {
    Whole,
    /// The connection is closed after so many bytes of the body.
    Cut(usize),
    /// The body goes on for as long as somebody reads.
    Endless,
}

pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub end: End,
}

impl Reply {
    pub fn json(value: &Value) -> Reply {
        Reply { status: 200, headers: vec![], body: value.to_string().into_bytes(), end: End::Whole }
    }

    pub fn html() -> Reply {
        Reply {
            body: b"<!doctype html><title>Welcome to the guest network</title>".to_vec(),
            ..Reply::json(&json!(null))
        }
    }

    pub fn error(status: u16, code: &str) -> Reply {
        let body = json!({ "error": { "status": status, "code": code, "message": format!("No: {code}") } });
        Reply { status, ..Reply::json(&body) }
    }

    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The answer with its JSON changed.
    pub fn with(self, change: impl FnOnce(&mut Value)) -> Reply {
        let mut value = self.value();
        change(&mut value);
        Reply { body: value.to_string().into_bytes(), ..self }
    }
}

type Oddity = Box<dyn FnMut(&Ask, Reply) -> Reply + Send>;
type StandIn = Box<dyn FnMut(&Ask) -> Option<Reply> + Send>;

#[derive(Clone)]
pub struct Double {
    pub url: String,
    world: Arc<Mutex<World>>,
    oddity: Arc<Mutex<Option<Oddity>>>,
    stand_in: Arc<Mutex<Option<StandIn>>>,
}

impl Double {
    /// A platform with the account's own customer and nothing else.
    pub fn start() -> Double {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let double = Double { url, world: Arc::default(), oddity: Arc::default(), stand_in: Arc::default() };
        double.change(|world| {
            world.level = "RESELLER".into();
            world.add_customer(OWN, "Reseller", None);
            world.add_employee(ACCOUNT, OWN, "Account");
            world.employees.get_mut(ACCOUNT).unwrap()["accessLevel"] = json!("RESELLER");
        });
        let serving = double.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let double = serving.clone();
                std::thread::spawn(move || double.serve(&stream));
            }
        });
        double
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.world.lock().unwrap())
    }

    /// Lays an oddity over every answer from now on, in the place of another.
    pub fn be_odd(&self, oddity: impl FnMut(&Ask, Reply) -> Reply + Send + 'static) {
        *self.oddity.lock().unwrap() = Some(Box::new(oddity));
    }

    /// Somebody answers in its place from now on, and what is asked does not reach it.
    pub fn is_stood_in_for(&self, stand_in: impl FnMut(&Ask) -> Option<Reply> + Send + 'static) {
        *self.stand_in.lock().unwrap() = Some(Box::new(stand_in));
    }

    pub fn be_sound(&self) {
        *self.oddity.lock().unwrap() = None;
        *self.stand_in.lock().unwrap() = None;
    }

    /// All sessions are over.
    pub fn end_sessions(&self) {
        self.change(|world| world.sessions.clear());
    }

    pub fn logins(&self) -> usize {
        self.change(|world| world.logins)
    }

    /// `METHOD path` of everything that was asked since this was last called.
    pub fn asked(&self) -> Vec<String> {
        let asked = self.change(|world| std::mem::take(&mut world.asked));
        asked.into_iter().map(|(method, path, _)| format!("{method} {path}")).collect()
    }

    fn serve(&self, stream: &TcpStream) {
        let Some(ask) = read(stream) else { return };
        if let Some(reply) = self.stand_in.lock().unwrap().as_mut().and_then(|stand_in| stand_in(&ask)) {
            return write(stream, &reply);
        }
        let reply = self.change(|world| world.answer(&ask));
        let reply = match self.oddity.lock().unwrap().as_mut() {
            Some(oddity) => oddity(&ask, reply),
            None => reply,
        };
        write(stream, &reply);
    }
}

fn read(stream: &TcpStream) -> Option<Ask> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut token, mut length) = (None, 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => token = value.strip_prefix("Bearer ").map(str::to_owned),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Some(Ask { method, path: path.to_owned(), query: query.to_owned(), token, body })
}

/// One answer on each connection.
fn write(mut stream: &TcpStream, reply: &Reply) {
    let mut head = format!("HTTP/1.1 {} Answer\r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if reply.end != End::Endless {
        head += &format!("content-length: {}\r\n", reply.body.len());
    }
    let sent = if let End::Cut(length) = reply.end { &reply.body[..length] } else { &reply.body[..] };
    // Who stops reading is not at fault.
    let mut result = stream.write_all((head + "\r\n").as_bytes()).and_then(|()| stream.write_all(sent));
    while reply.end == End::Endless && result.is_ok() {
        result = stream.write_all(&[b' '; 64 << 10]);
    }
}
