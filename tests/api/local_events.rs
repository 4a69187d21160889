//! `/local/events`: what happens, as server-sent events.

use std::time::Duration;

use serde_json::{Value, json};
use telecomx_local::db::{Author, WriteTx};
use telecomx_local::domain::employee::Employee;
use telecomx_local::store::employees;
use telecomx_local::web::server::block_on;

use super::console::{Browser, COOKIE};
use super::support::{TestApp, assert_error, demo};

/// Server-sent events, as a browser receives them.
struct Events(std::io::BufReader<std::net::TcpStream>);

impl Events {
    fn of(browser: &Browser) -> Events {
        let mut events = Events::asked_by(browser);
        assert!(events.line().unwrap().starts_with("HTTP/1.1 200"));
        assert!(events.lines_to("").contains(&"content-type: text/event-stream".to_owned()));
        events
    }

    /// Asks for them, and reads nothing yet.
    fn asked_by(browser: &Browser) -> Events {
        let mut stream = std::net::TcpStream::connect(browser.nobody.url().trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
        let cookie = format!("{COOKIE}={}", browser.cookie);
        let head = format!(
            "GET /local/events HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n"
        );
        std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
        Events(std::io::BufReader::new(stream))
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = std::io::BufRead::read_line(&mut self.0, &mut line).unwrap();
        (length > 0).then(|| line.trim_end().to_owned())
    }

    fn lines_to(&mut self, last: &str) -> Vec<String> {
        std::iter::from_fn(|| self.line()).take_while(|line| line != last).map(|line| line.to_lowercase()).collect()
    }

    /// The next event and its data; `None` at the end.
    fn next(&mut self) -> Option<(String, Value)> {
        loop {
            let line = self.line()?;
            let Some(name) = line.strip_prefix("event: ") else { continue };
            let data = self.line().unwrap();
            return Some((name.to_owned(), serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap()));
        }
    }
}

#[test]
fn a_change_is_told_as_it_happens_until_the_session_ends() {
    let app = TestApp::start();
    let browser = Browser::log_in(&app, "manager@bakery.example.com");
    let mut events = Events::of(&browser);
    app.admin().post(&format!("/employee/{}", demo::WORKSHOPS_PERSONAL), json!({ "title": "Smith" })).ok();
    browser.post("/pbx/app/mobileconfig/", json!({ "_id": demo::MANAGER, "copyTo": demo::EMMA })).ok();
    let copied =
        json!({ "customer": demo::BAKERY, "section": "PbxAppMobileConfigs", "item": demo::EMMA, "operation": "copy" });
    assert_eq!(events.next(), Some(("change".into(), copied)), "and nothing of another customer before it");
    browser.log_out().ok();
    assert_eq!(events.next(), Some(("end".into(), json!({}))));
    assert_eq!(events.next(), None);
    assert_error(&browser.get("/local/events"), 401, "invalid_token");
}

#[test]
fn an_operator_is_told_how_the_mirror_stands_and_only_so_many_listen() {
    let app = TestApp::start_with(|config| config.realtime_connections_per_address = Some(1));
    let browser = Browser::log_in(&app, "admin@platform.example.com");
    let mut events = Events::of(&browser);
    let (name, summary) = events.next().unwrap();
    assert_eq!((&*name, &summary["quarantine"]), ("sync", &json!(0)));
    assert_eq!(browser.get("/local/events").status, 503);
}

/// Changes everybody of the bakery, in one write each time: some 20 kB of events.
fn tell_some(app: &TestApp) {
    let staff = app.db.read(|tx| employees::live_of_customer(tx, demo::BAKERY.parse().unwrap())).unwrap();
    for round in 0..15 {
        let staff = staff.clone();
        let change = move |tx: &mut WriteTx| {
            for old in &staff {
                let new = Employee { title: Some(format!("Round {round}")), ..old.clone() };
                employees::upsert(tx, new, Some(old))?;
            }
            Ok(())
        };
        block_on(app.db.write(Author::system("test"), change)).unwrap();
    }
}

#[test]
fn who_listens_and_reads_nothing_is_cut_off_and_gives_its_place_back() {
    let app = TestApp::start_with(|config| config.realtime_connections_per_address = Some(1));
    let browser = Browser::log_in(&app, "manager@bakery.example.com");
    let unread = Events::of(&browser);
    assert_eq!(browser.get("/local/events").status, 503);
    let is_free = || Events::asked_by(&browser).line().unwrap().starts_with("HTTP/1.1 200");
    let (_open, nothing) = std::sync::mpsc::channel::<()>();
    // The socket buffers take the first messages, on many systems megabytes. After that the server waits for twenty seconds.
    while !is_free() {
        tell_some(&app);
        let _ = nothing.recv_timeout(Duration::from_millis(100));
    }
    drop(unread);
}
