//! A running server, spoken to over real sockets, stopped by its own process id.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(60);

pub struct Server {
    child: Option<Child>,
    stdout: Option<BufReader<ChildStdout>>,
    pub pid: u32,
    /// `http://127.0.0.1:PORT`
    pub url: String,
    agent: ureq::Agent,
}

/// Status and body of an answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Server {
    /// Starts `command` and waits for its first line, which must be the ready line.
    pub fn start(command: &mut Command, log: File) -> Server {
        Server::try_start(command, log).unwrap_or_else(|| panic!("{command:?} does not start: see its log"))
    }

    /// As [`Server::start`]; `None` when it ends instead.
    pub fn try_start(command: &mut Command, log: File) -> Option<Server> {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let pid = child.id();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (line, stdout) = within(START, move || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            (line, stdout)
        });
        if line.is_empty() {
            child.wait().unwrap();
            return None;
        }
        let url = line.strip_prefix("telecomx-local listening on ").and_then(|rest| rest.strip_suffix('\n'));
        let Some(url) = url.map(str::to_owned) else {
            let _ = child.kill();
            panic!("the first line is {line:?}, and it ended with {:?}", child.wait());
        };
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_idle_connections(0);
        let agent = config.timeout_global(Some(Duration::from_secs(60))).build().new_agent();
        Some(Server { child: Some(child), stdout: Some(stdout), pid, url, agent })
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> &str {
        self.url.split("://").nth(1).unwrap()
    }

    /// What else it prints, up to and with the first line that `is_last`.
    pub fn read_until(&mut self, is_last: impl Fn(&str) -> bool + Send + 'static) -> String {
        let mut stdout = self.stdout.take().unwrap();
        let (text, stdout) = within(START, move || {
            let mut text = String::new();
            loop {
                let before = text.len();
                assert!(stdout.read_line(&mut text).unwrap() > 0, "it ended after {text:?}");
                if is_last(text[before..].trim_end()) {
                    return (text, stdout);
                }
            }
        });
        self.stdout = Some(stdout);
        text
    }

    /// As when whoever reads its standard output goes away.
    pub fn close_stdout(&mut self) {
        self.stdout = None;
    }

    pub fn get(&self, path: &str, token: &str) -> Answer {
        let request = self.agent.get(format!("{}{path}", self.url));
        read(request.header("authorization", format!("Bearer {token}")).call()).unwrap()
    }

    /// What a GET answers with, as it is.
    pub fn text(&self, path: &str, token: &str) -> String {
        let request = self.agent.get(format!("{}{path}", self.url));
        let answer = request.header("authorization", format!("Bearer {token}")).call();
        answer.unwrap().body_mut().read_to_string().unwrap()
    }

    pub fn delete(&self, path: &str, token: &str) -> Answer {
        let request = self.agent.delete(format!("{}{path}", self.url));
        read(request.header("authorization", format!("Bearer {token}")).call()).unwrap()
    }

    pub fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.try_post(path, token, body).unwrap()
    }

    /// Posts `body` as it is, said to be packed as `encoding`.
    pub fn post_packed(&self, path: &str, token: &str, encoding: &str, body: &[u8]) -> Answer {
        let request = self.agent.post(format!("{}{path}", self.url)).header("content-encoding", encoding);
        read(request.header("authorization", format!("Bearer {token}")).send(body)).unwrap()
    }

    /// The most memory that it has used so far, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1_024
    }

    /// How the answer to a GET is packed, by its `Content-Encoding`, for one who accepts these.
    pub fn packing(&self, path: &str, accepted: &str) -> Option<String> {
        let request = self.agent.get(format!("{}{path}", self.url)).header("accept-encoding", accepted);
        let answer = request.call().unwrap();
        answer.headers().get("content-encoding").map(|encoding| encoding.to_str().unwrap().to_owned())
    }

    /// `Err` when the connection broke before a whole answer had come.
    pub fn try_post(&self, path: &str, token: &str, body: &Value) -> Result<Answer, ureq::Error> {
        let request = self.agent.post(format!("{}{path}", self.url));
        read(request.header("authorization", format!("Bearer {token}")).send_json(body))
    }

    /// Posts `body` under a request id of the caller's, which the answer repeats.
    pub fn post_as(&self, request_id: &str, path: &str, token: &str, body: &Value) -> Answer {
        let request = self.agent.post(format!("{}{path}", self.url)).header("x-request-id", request_id);
        read(request.header("authorization", format!("Bearer {token}")).send_json(body)).unwrap()
    }

    /// Sends SIGTERM, and waits for the end.
    pub fn stop(self) -> ExitStatus {
        self.signal("TERM");
        self.ends()
    }

    /// Kills it as a power cut would, without notice.
    pub fn kill(mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Kills it while others still talk to it.
    pub fn signal_kill(&self) {
        self.signal("KILL");
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid.to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end, which must come within ten seconds.
    pub fn ends(mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let pid = self.pid.to_string();
        let (sender, ended) = mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait().unwrap()));
        ended.recv_timeout(Duration::from_secs(10)).unwrap_or_else(|_| {
            let _ = Command::new("kill").args(["-KILL", &pid]).status();
            panic!("the server was still there ten seconds later");
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn read(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer, ureq::Error> {
    let mut response = sent?;
    let text = response.body_mut().with_config().limit(64 << 20).read_to_string()?;
    Ok(Answer { status: response.status().as_u16(), body: serde_json::from_str(&text).unwrap_or(Value::Null) })
}

/// The result of `work`, which must be there in time.
pub fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, done) = mpsc::channel();
    std::thread::spawn(move || sender.send(work()));
    done.recv_timeout(limit).unwrap_or_else(|error| panic!("not done within {limit:?}: {error}"))
}
