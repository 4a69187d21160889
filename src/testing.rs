//! A server in the process of a Rust test: on a free port, with data of its own, and gone when dropped.
//!
//! ```
//! use serde_json::json;
//! use telecomx_local::testing::Server;
//!
//! let server = Server::start();
//! let token = server.token("MANAGER");
//! let bearer = format!("Bearer {token}");
//! let copy = json!({ "_id": "e00000000000000000000402", "copyTo": "e00000000000000000000403" });
//! let answer = ureq::post(format!("{}/pbx/app/mobileconfig/", server.url()))
//!     .header("Authorization", &bearer)
//!     .send_json(copy)
//!     .unwrap();
//! assert_eq!(answer.status(), 200);
//!
//! // What goes wrong at the platform once a year goes wrong now.
//! server.fault(json!({ "path": "/employee/*", "next": 1, "then": { "status": 503 } }));
//! let sent = server.requests("?path=/pbx/app/mobileconfig");
//! assert_eq!(sent["requests"][0]["problems"], json!([]));
//! server.reset();
//! ```

use std::sync::mpsc;
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::web::server::block_on;

/// A server with the demo world. Every method panics with what the server said when it cannot do what is asked.
pub struct Server {
    url: String,
    control_url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    agent: ureq::Agent,
}

/// Where a server that has started is.
type Started = Result<(String, String), String>;

impl Server {
    /// With the demo world.
    pub fn start() -> Server {
        Server::with(Config { demo: Some(true), ..Config::default() })
    }

    /// With the demo world; ids, tokens and times repeat, and the clock stands still.
    pub fn with_seed(seed: u64) -> Server {
        Server::with(Config { demo: Some(true), seed: Some(seed), ..Config::default() })
    }

    /// With other settings; the database is one that keeps nothing, and both listeners have free ports.
    pub fn with(config: Config) -> Server {
        let localhost = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let (listen, control) = (Some(localhost), Some(localhost));
        let config = Config { db: None, ephemeral: Some(true), listen, control, ..config };
        let (starts, started) = mpsc::channel::<Started>();
        let (stop, stopping) = oneshot::channel();
        let thread = std::thread::spawn(move || block_on(serve(config, &starts, stopping)));
        let (url, control_url) = match started.recv() {
            Ok(Ok(urls)) => urls,
            Ok(Err(why)) => fail(&format!("the server does not start: {why}")),
            Err(_) => fail("the server ended while it started"),
        };
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        Server { url, control_url, stop: Some(stop), thread: Some(thread), agent }
    }

    /// `http://ADDR:PORT`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the controls are; `docs/control.md` describes them.
    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    /// Back to the beginning.
    pub fn reset(&self) {
        self.control("POST", "reset", None);
    }

    /// Saves the data under a name.
    pub fn save(&self, name: &str) {
        self.control("PUT", &format!("snapshots/{name}"), None);
    }

    /// Back to what was saved under a name.
    pub fn restore(&self, name: &str) {
        self.control("POST", &format!("snapshots/{name}"), None);
    }

    /// A token of the first employee with this access level.
    pub fn token(&self, level: &str) -> String {
        text(&self.control("POST", "tokens", Some(json!({ "level": level })))["token"])
    }

    /// A token of an employee.
    pub fn token_of(&self, employee: &str) -> String {
        text(&self.control("POST", "tokens", Some(json!({ "employee": employee })))["token"])
    }

    /// Adds a fault rule; gives its id.
    pub fn fault(&self, rule: Value) -> u64 {
        self.control("POST", "faults", Some(rule))["id"].as_u64().unwrap_or_default()
    }

    /// Steers the clock: `{ "advanceMs": 900001 }`, and what else the controls take.
    pub fn clock(&self, step: Value) -> Value {
        self.control("POST", "clock", Some(step))
    }

    /// The journal; `query` narrows it, such as `?path=/employee/*&wait=5`.
    pub fn requests(&self, query: &str) -> Value {
        self.control("GET", &format!("requests{query}"), None)
    }

    fn control(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let request = ureq::http::Request::builder().method(method).uri(format!("{}/_ctl/{path}", self.control_url));
        let sent = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json").body(body.to_string());
                request.map(|request| self.agent.run(request))
            }
            None => request.body(()).map(|request| self.agent.run(request)),
        };
        let answer = match sent {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => fail(&format!("{method} {path}: {error}")),
            Err(error) => fail(&format!("{method} {path}: {error}")),
        };
        let (status, mut body) = (answer.status(), answer.into_body());
        let body: Value = body.read_json().unwrap_or_default();
        if status.is_success() { body } else { fail(&format!("{method} {path}: {status}: {body}")) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A test cannot go on.
#[allow(clippy::panic, reason = "in a test it says what is wrong")]
fn fail(why: &str) -> ! {
    panic!("{why}")
}

async fn serve(config: Config, starts: &mpsc::Sender<Started>, stopping: oneshot::Receiver<()>) {
    let app = match App::start(&config, Clock::default()).await {
        Ok(app) => app,
        Err(error) => return drop(starts.send(Err(format!("{error:#}")))),
    };
    let urls = (app.url.clone(), app.control_url().unwrap_or_default().to_owned());
    let _ = starts.send(Ok(urls));
    // Until it is dropped.
    let _ = stopping.await;
    app.stop().await;
}
